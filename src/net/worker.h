/* A worker: a thread with an event loop of its own. A turn of the loop is: the events, then what
 * they have put off, once. So what many events ask for (a link to be flushed, say) is done one
 * time.
 *
 * Everything here is the worker's own thread's business but worker_mailbox. */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "base/buffer.h"
#include "base/clock.h"
#include "net/mailbox.h"
#include "net/sockets.h"

#include <sys/queue.h>

#define WORKER_INPUT_BYTES  (128 * 1024) /* of the buffer that everything is read into */
#define WORKER_OUTPUT_BYTES (512 * 1024) /* of the one for answers, at first */

/* Work put off to the end of the turn. Part of a struct that outlives it, or cancels it. */
TAILQ_HEAD(errands, errand);
struct errand {
    TAILQ_ENTRY(errand) entry;
    void (*run)(void *arg);
    void *arg;
    struct errands *waiting; /* the list that it stands in; NULL: none */
};

/* What a worker does for the floors above, besides its events. */
struct worker_hooks {
    void (*start)(struct worker_hooks *hooks,
                  unsigned index); /* on the thread, before the first turn */
    void (*turn)(
        struct worker_hooks *hooks,
        unsigned index); /* after the events of a turn, and after its errands; NULL: nothing */
    void (*second)(struct worker_hooks *hooks, unsigned index); /* each second; NULL: no timer */
    void (*stop)(struct worker_hooks *hooks,
                 unsigned index); /* on the thread, after the last turn */
};

struct worker {
    unsigned index;
    pthread_t thread;
    struct event_base *base;
    struct mailbox mailbox;
    struct event mail, second;
    struct sockets sockets;
    unsigned short_turns; /* in a row */
    struct errands errands;
    struct worker_hooks *hooks;
    bool ending, running;
    char *input;          /* WORKER_INPUT_BYTES, free for whoever handles an event */
    struct buffer output; /* answers, sent before the turn is over; what is behind them is free,
                             likewise. Made at the start, so that ordinary ones need no memory */
};

/* Creates n workers, without threads yet: listeners and events may be put on their loops until
 * workers_run. hooks outlives them. NULL: err says why. Main thread, like the next three. */
struct worker **workers_create(unsigned n, struct worker_hooks *hooks, struct herd_error *err);
void workers_destroy(struct worker **workers, unsigned n);

/* Starts the threads (false: err says why, and none runs); ends them, waits for them, and reads
 * what came too late for them. */
bool workers_run(struct worker **workers, unsigned n, struct herd_error *err);
void workers_stop(struct worker **workers, unsigned n);

/* Reads the letters that were sent to workers that do not run, until there are none. */
void workers_settle(struct worker **workers, unsigned n);

/* The worker whose thread this is; NULL elsewhere. */
struct worker *worker_here(void);

void worker_put_off(struct worker *worker, struct errand *errand);
void worker_cancel(struct errand *errand);

/* Does what is put off, as each turn does at its end. */
void worker_run_errands(struct worker *worker);

/* Runs a function on another worker's thread, at once if it is this one. */
void worker_tell(struct worker *worker, void (*run)(void *arg), void *arg);

#endif
