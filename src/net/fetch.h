/* One request to another server, from herd_fetch to its last call: made on the worker that asks,
 * upstream's until it is answered, and then the worker's again, which is told.
 *
 * The hard thing is its end. A worker that takes a request back has a second letter under way to
 * upstream, while upstream's answer may be under way to it; and upstream may have to keep libcurl's
 * handle for a while after the answer. So they count who still holds it, and the last one frees. */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "base/buffer.h"
#include "net/worker.h"

#include <stdatomic.h>

TAILQ_HEAD(fetch_queue, herd_fetching);
struct fetch_list {
    struct fetch_queue queue;
    unsigned count;
};

struct herd_fetching {
    struct herd_fetch asked; /* its texts are copies */
    struct worker *from;
    int64_t ends_ns;
    atomic_uint holders;
    bool cancelled; /* the worker's: upstream has been told */
    /* the upstream thread's: */
    bool taken_back, answered;
    bool begun;      /* its turn has come */
    bool looking_up; /* libcurl asks the resolver, on a thread of its own */
    struct buffer body;
    size_t header_bytes;
    bool too_large;
    TAILQ_ENTRY(herd_fetching) entry;
    struct fetch_list *in; /* the list that it stands in; NULL: none */
    void *easy;            /* libcurl's handle; NULL: it waits for its turn */
    void *headers;         /* libcurl's list of them, which may hold secrets */
    struct event deadline;
    char why[256]; /* libcurl's words */
};

/* The worker's thread. */
struct herd_fetching *fetch_create(const struct herd_fetch *asked);

/* Who lets go of it last frees it. Created, it is held for the answer. */
void fetch_hold(struct herd_fetching *fetch);
void fetch_release(struct herd_fetching *fetch);

/* Takes a piece of the body, or of the headers. False: that is more than was asked for, or
 * than there is memory for. */
bool fetch_take_body(struct herd_fetching *fetch, const char *bytes, size_t len);
bool fetch_take_header(struct herd_fetching *fetch, size_t len);

/* To the end of a list, and out of the one that it stands in. */
void fetch_enter(struct herd_fetching *fetch, struct fetch_list *list);
void fetch_leave(struct herd_fetching *fetch);

/* Has the answer checked on this thread, and the worker told, once. error NULL: it came whole. The
 * fetch is no longer the caller's, unless he holds it. */
void fetch_answer(struct herd_fetching *fetch, const char *error, long status);

#endif
