/* One request to another server, from herd_fetch to its last call: made on the worker that asks,
 * upstream's until it is answered, and then the worker's again, which is told and frees it. */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "base/buffer.h"
#include "net/worker.h"

TAILQ_HEAD(fetch_queue, fetch);
struct fetch_list {
    struct fetch_queue queue;
    unsigned count;
};

struct fetch {
    struct herd_fetch asked; /* its texts are copies */
    struct worker *from;
    int64_t ends_ns;
    struct buffer body;
    size_t header_bytes;
    bool too_large;
    /* upstream.c's, and its thread's: */
    TAILQ_ENTRY(fetch) entry;
    struct fetch_list *in; /* the list that it stands in; NULL: none */
    void *easy;            /* libcurl's handle; NULL: it waits for its turn */
    struct event deadline;
    char why[256]; /* libcurl's words */
};

/* The worker's thread. */
struct fetch *fetch_create(const struct herd_fetch *asked);

/* Takes a piece of the body, or of the headers. False: that is more than was asked for. */
bool fetch_take_body(struct fetch *fetch, const char *bytes, size_t len);
bool fetch_take_header(struct fetch *fetch, size_t len);

/* To the end of a list, and out of the one that it stands in. */
void fetch_enter(struct fetch *fetch, struct fetch_list *list);
void fetch_leave(struct fetch *fetch);

/* Has the answer checked on this thread, and the worker told. error NULL: it came whole. The fetch
 * is no longer the caller's. */
void fetch_answer(struct fetch *fetch, const char *error, long status);

#endif
