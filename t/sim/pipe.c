/* A ring of bytes and a ring of the chunks they were written in. */
#include "pipe.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void pipe_init(struct pipe *pipe, size_t room, int64_t latency_ns, int64_t bytes_per_s)
{
    memset(pipe, 0, sizeof *pipe);
    pipe->bytes = memory_alloc(room);
    pipe->room = room;
    pipe->latency_ns = latency_ns;
    pipe->bytes_per_s = bytes_per_s;
    pipe->end_ns = PIPE_NEVER;
}

void pipe_free(struct pipe *pipe)
{
    free(pipe->bytes);
    pipe->bytes = NULL;
}

size_t pipe_room(const struct pipe *pipe)
{
    return pipe->room - pipe->len;
}

static struct pipe_chunk *last_chunk(struct pipe *pipe)
{
    return &pipe->chunk[(pipe->chunk_from + pipe->chunk_count - 1) % PIPE_CHUNKS];
}

static void copy_in(struct pipe *pipe, const char *bytes, size_t len)
{
    size_t at = (pipe->from + pipe->len) % pipe->room;
    size_t first = pipe->room - at < len ? pipe->room - at : len;
    memcpy(pipe->bytes + at, bytes, first);
    memcpy(pipe->bytes, bytes + first, len - first);
    pipe->len += len;
}

int64_t pipe_write(struct pipe *pipe, const char *bytes, size_t len, int64_t now_ns)
{
    assert(len > 0 && len <= pipe_room(pipe));
    if (pipe->busy_ns < now_ns)
        pipe->busy_ns = now_ns;
    pipe->busy_ns += (int64_t)len * 1000000000 / pipe->bytes_per_s;
    int64_t at_ns = pipe->busy_ns + pipe->latency_ns;
    /* What was delayed is not overtaken. */
    if (pipe->chunk_count > 0 && last_chunk(pipe)->at_ns > at_ns)
        at_ns = last_chunk(pipe)->at_ns;
    if (pipe->chunk_count == PIPE_CHUNKS) {
        last_chunk(pipe)->at_ns = at_ns;
        last_chunk(pipe)->len += len;
    } else {
        pipe->chunk_count++;
        *last_chunk(pipe) = (struct pipe_chunk){at_ns, len};
    }
    copy_in(pipe, bytes, len);
    return pipe->dead ? PIPE_NEVER : at_ns;
}

static void copy_out(struct pipe *pipe, char *to, size_t len)
{
    size_t first = pipe->room - pipe->from < len ? pipe->room - pipe->from : len;
    memcpy(to, pipe->bytes + pipe->from, first);
    memcpy(to + first, pipe->bytes, len - first);
    pipe->from = (pipe->from + len) % pipe->room;
    pipe->len -= len;
}

size_t pipe_read(struct pipe *pipe, char *to, size_t most, int64_t now_ns)
{
    size_t done = 0;
    while (!pipe->dead && pipe->chunk_count > 0 && done < most) {
        struct pipe_chunk *chunk = &pipe->chunk[pipe->chunk_from];
        if (chunk->at_ns > now_ns)
            break;
        size_t n = chunk->len < most - done ? chunk->len : most - done;
        copy_out(pipe, to + done, n);
        done += n;
        chunk->len -= n;
        if (chunk->len == 0) {
            pipe->chunk_from = (pipe->chunk_from + 1) % PIPE_CHUNKS;
            pipe->chunk_count--;
        }
    }
    return done;
}

int64_t pipe_next_ns(const struct pipe *pipe)
{
    if (pipe->dead)
        return PIPE_NEVER;
    return pipe->chunk_count > 0 ? pipe->chunk[pipe->chunk_from].at_ns : pipe->end_ns;
}

bool pipe_ended(const struct pipe *pipe, int64_t now_ns)
{
    return !pipe->dead && pipe->chunk_count == 0 && pipe->end_ns <= now_ns;
}

void pipe_delay(struct pipe *pipe, int64_t ns)
{
    for (unsigned i = 0; i < pipe->chunk_count; i++)
        pipe->chunk[(pipe->chunk_from + i) % PIPE_CHUNKS].at_ns += ns;
}

void pipe_drop(struct pipe *pipe)
{
    pipe->chunk_count = 0;
    pipe->len = 0;
}

int64_t pipe_end(struct pipe *pipe, int64_t now_ns)
{
    pipe->end_ns = now_ns + pipe->latency_ns;
    if (pipe->chunk_count > 0 && last_chunk(pipe)->at_ns > pipe->end_ns)
        pipe->end_ns = last_chunk(pipe)->at_ns;
    return pipe->end_ns;
}
