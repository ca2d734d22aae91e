/* One connection of the load: what it has asked and what is answered. It belongs to the thread that
 * drives it. */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include "base/buffer.h"
#include "bench/histogram.h"
#include "bench/work.h"

/* A request that waits for its answer. */
struct conn_slot {
    int64_t from_ns; /* when it was sent, or, with a rate, due */
    unsigned char kind;
};

struct conn {
    int fd; /* -1: it is lost */
    unsigned depth;
    unsigned first, in_flight; /* slots: a ring of depth */
    struct conn_slot *slots;
    uint64_t left; /* requests that it may still build */
    struct work_source source;
    struct buffer out; /* what the socket did not take */
    struct buffer in;  /* an answer without its end */
    bool queued;       /* a driver's: it stands among those with room */
    bool writing;      /* a driver's: it waits to be writable */
};

/* What a thread counts in one phase. */
struct tally {
    struct histogram latency_ns;
    uint64_t answers;          /* good ones and bad ones */
    uint64_t invalid;          /* the bad ones */
    uint64_t dropped;          /* connections that the server closed */
    uint64_t lost;             /* requests that were not answered */
    uint64_t unsent;           /* requests that were due and could not be sent before the end */
    int64_t first_ns, last_ns; /* when it began, and the last answer */
};

void tally_merge(struct tally *to, const struct tally *from);

/* The connection takes the socket. */
void conn_init(struct conn *conn, int fd, unsigned depth);
void conn_free(struct conn *conn);

/* How many more requests it may have on its way. */
unsigned conn_room(const struct conn *conn);

/* Builds one request at to, and notes that it waits for its answer. Returns where it ends. */
char *conn_build(struct conn *conn, const struct work *work, int64_t from_ns, char *to);

/* Writes these bytes behind those that wait. False: the connection is lost. */
bool conn_write(struct conn *conn, const char *bytes, size_t len);

/* Reads once, with the help of a large buffer, and takes the answers there are. now_ns returns the
 * time, and says in which moment the answers were there. False: the connection is lost. */
bool conn_read(struct conn *conn, const struct work *work, char *room, size_t room_len,
               struct tally *tally, int64_t *now_ns);

/* Closes it and counts what it has lost. */
void conn_lose(struct conn *conn, struct tally *tally);

#endif
