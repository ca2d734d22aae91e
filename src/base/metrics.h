/* Counters. Each thread counts in a block of its own, so that counting shares no cache line; a
 * reader adds the blocks up. The names of herd's own stand once, in metrics.def; modules add theirs
 * behind them before the other threads begin. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <herd/module.h>

#include <assert.h>
#include <stdatomic.h>

enum metric {
#define METRIC(name, help) METRIC_##name,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* Adds a module's counter, whose name is copied; a name that was added before is the same counter.
 * Returns its number, METRIC_COUNT or above, or -1, and err says why: no name of [a-z0-9_], one of
 * metrics.def, HERD_COUNTERS_MAX are there, or it is too late. Main thread, while no other runs;
 * any, once the names are sealed. */
int metrics_own(const char *name, struct herd_error *err);

/* From here on no name is added. Before the workers begin. */
void metrics_seal(void);

/* How many there are now: numbers are 0 to this less 1. */
int metrics_count(void);

/* A thread's counters. The thread alone writes them, with plain loads and stores that are atomic
 * only so that a reader never sees half a number. */
struct metrics_block {
    _Atomic uint64_t count[METRIC_COUNT + HERD_COUNTERS_MAX];
};
extern _Thread_local struct metrics_block *metrics_here; /* NULL: it has not counted yet */
void metrics_join(void);                                 /* gives it one */

/* Counts on the calling thread. */
#define metric_add(name, n) metrics_add(METRIC_##name, (n))
static inline void metrics_add(int which, uint64_t n)
{
    assert(which >= 0 && which < METRIC_COUNT + HERD_COUNTERS_MAX);
    if (metrics_here == NULL)
        metrics_join();

    /* Not fetch_add, whose locked instruction would buy nothing: nobody else writes here. */
    _Atomic uint64_t *count = &metrics_here->count[which];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* The sum over all threads, also those that ended. Any thread. */
uint64_t metrics_sum(int which);

/* The counter's name. */
const char *metrics_name(int which);

/* Frees every block. Only when no other thread counts any more. */
void metrics_fini(void);

#endif
