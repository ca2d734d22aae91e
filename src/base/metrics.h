/* Counters. Each thread counts in a block of its own, so that counting shares no cache line; a
 * reader adds the blocks up. The names stand once, in metrics.def. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum metric {
#define METRIC(name, help) METRIC_##name,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* Counts on the calling thread. */
#define metric_add(name, n) metrics_add(METRIC_##name, (n))
void metrics_add(enum metric which, uint64_t n);

/* The sum over all threads, also those that ended. Any thread. */
uint64_t metrics_sum(enum metric which);

/* The counter's name. */
const char *metrics_name(enum metric which);

/* Frees every block. Only when no other thread counts any more. */
void metrics_fini(void);

#endif
