/* The side of the public door that needs a worker: timers, work put off, telling other workers,
 * records without a request, and cursors. Its own worker's thread, but for herd_worker_tell. */
#ifndef NET_DOOR_H
#define NET_DOOR_H

#include "base/memory.h"
#include "herd/request.h"
#include "net/worker.h"

#include <stdalign.h>

/* One a server; read-only once the workers run. */
struct door_service {
    struct store *store;
    const char *server; /* its name */
    int64_t max_ahead_ns;
};

/* What modules have on one worker. */
struct herd_worker {
    alignas(MEMORY_LINE) struct worker *worker; /* apart from the next one's */
    struct door_service *service;
    uint64_t news;   /* stripes changed in this turn; the owner announces and clears them */
    unsigned timers; /* that there are */
    unsigned cursors;
    unsigned put_off;
    bool reading; /* a cursor is read: a lock of the store is held */
};

/* To be called before the worker runs. The struct lives until all workers are destroyed. */
void door_init(struct herd_worker *here, struct worker *worker, struct door_service *service);

/* Around the modules' hooks, on the worker's thread: open, worker_start, ..., settle, worker_stop,
 * close. door_settle does what is still put off or in the mailbox; door_close sees that nothing is
 * left. */
void door_open(struct herd_worker *here);
void door_settle(struct herd_worker *here);
void door_close(struct herd_worker *here);

#endif
