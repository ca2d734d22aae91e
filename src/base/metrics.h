/* Counters. Each thread counts in a block of its own, so that counting shares no cache line; a
 * reader adds the blocks up. The names of herd's own stand once, in metrics.def; modules add theirs
 * behind them before the other threads begin. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <herd/module.h>

enum metric {
#define METRIC(name, help) METRIC_##name,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* Adds a module's counter, whose name is copied; a name that was added before is the same counter.
 * Returns its number, METRIC_COUNT or above, or -1, and err says why: no name of [a-z0-9_], one of
 * metrics.def, or HERD_COUNTERS_MAX are there. Main thread, while no other runs. */
int metrics_own(const char *name, struct herd_error *err);

/* How many there are now: numbers are 0 to this less 1. */
int metrics_count(void);

/* Counts on the calling thread. */
#define metric_add(name, n) metrics_add(METRIC_##name, (n))
void metrics_add(int which, uint64_t n);

/* The sum over all threads, also those that ended. Any thread. */
uint64_t metrics_sum(int which);

/* The counter's name. */
const char *metrics_name(int which);

/* Frees every block. Only when no other thread counts any more. */
void metrics_fini(void);

#endif
