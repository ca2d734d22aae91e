/* Deadlines of connections. All that wait for the same thing wait equally long, so each kind is a
 * queue in the order of its ends, and once a second the heads are looked at: no timer a connection.
 * Never early, and late by up to that second and the grain: one that is set again within the grain,
 * as a busy connection does all the time, keeps its end and its place in the queue. */
#ifndef NET_DEADLINE_H
#define NET_DEADLINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define DEADLINE_GRAIN_NS (INT64_C(250) * 1000000)

struct deadline {
    TAILQ_ENTRY(deadline) entry;
    int64_t ends_ns;
    struct deadlines *in; /* the queue that it stands in; NULL: none */
};

struct deadlines {
    TAILQ_HEAD(deadline_queue, deadline) queue;
    int64_t after_ns; /* 0: never */
};

static inline void deadlines_init(struct deadlines *all, int64_t after_ns)
{
    TAILQ_INIT(&all->queue);
    all->after_ns = after_ns;
}

static inline void deadline_clear(struct deadline *one)
{
    if (one->in != NULL)
        TAILQ_REMOVE(&one->in->queue, one, entry);
    one->in = NULL;
}

/* Leaves the queue that it was in, if any, and joins this one from now on. */
static inline void deadline_set(struct deadline *one, struct deadlines *all, int64_t now_ns)
{
    int64_t ends_ns = now_ns + all->after_ns;
    if (one->in == all && one->ends_ns >= ends_ns)
        return;
    deadline_clear(one);
    one->in = all;
    one->ends_ns = ends_ns + DEADLINE_GRAIN_NS;
    TAILQ_INSERT_TAIL(&all->queue, one, entry);
}

/* One whose end has come, or NULL; it still stands in the queue. */
static inline struct deadline *deadline_due(const struct deadlines *all, int64_t now_ns)
{
    struct deadline *one = TAILQ_FIRST(&all->queue);
    return one != NULL && all->after_ns > 0 && one->ends_ns <= now_ns ? one : NULL;
}

#endif
