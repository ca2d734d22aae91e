/* One direction of a connection: a bounded run of bytes that takes time to pass. What the writer
 * has written and the reader not yet read counts against the bound, as the sockets' buffers at both
 * ends would. */
#ifndef SIM_PIPE_H
#define SIM_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIPE_CHUNKS 64
#define PIPE_NEVER  INT64_MAX

struct pipe {
    char *bytes; /* a ring */
    size_t room, from, len;
    struct pipe_chunk {
        int64_t at_ns; /* when it arrives */
        size_t len;
    } chunk[PIPE_CHUNKS]; /* a ring */
    unsigned chunk_from, chunk_count;
    int64_t busy_ns; /* until then the line is taken by what was written before */
    int64_t latency_ns, bytes_per_s;
    int64_t end_ns; /* when the reader sees the end; PIPE_NEVER */
    bool dead;      /* nothing arrives any more */
};

void pipe_init(struct pipe *pipe, size_t room, int64_t latency_ns, int64_t bytes_per_s);
void pipe_free(struct pipe *pipe);

size_t pipe_room(const struct pipe *pipe);
/* Writes bytes, for which there is room; returns when they arrive. */
int64_t pipe_write(struct pipe *pipe, const char *bytes, size_t len, int64_t now_ns);
/* Reads what has arrived, at most so much; returns how much. */
size_t pipe_read(struct pipe *pipe, char *to, size_t most, int64_t now_ns);
/* When the next bytes arrive or the end is seen; PIPE_NEVER. */
int64_t pipe_next_ns(const struct pipe *pipe);
/* Whether the reader has read all there will be. */
bool pipe_ended(const struct pipe *pipe, int64_t now_ns);

/* What is under way arrives so much later. */
void pipe_delay(struct pipe *pipe, int64_t ns);
/* What is under way is lost. */
void pipe_drop(struct pipe *pipe);
/* The writer closes: the end comes behind what is under way. Returns when. */
int64_t pipe_end(struct pipe *pipe, int64_t now_ns);

#endif
