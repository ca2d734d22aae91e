/* How often each latency was measured: counts in buckets that grow with the value, so that
 * nanoseconds and minutes fit into some kilobytes and no percentile is off by more than 0.8 %. The
 * form is HdrHistogram's (Gil Tene, http://hdrhistogram.org): each power of two is parted into 128
 * equal buckets. Not shared between threads: each has its own, and they are merged at the end. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS    7  /* of a value that are told apart below its highest */
#define HISTOGRAM_MOST    40 /* bits of the greatest value: 18 minutes in nanoseconds */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_MOST - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

struct histogram {
    uint64_t count;    /* values in all */
    double sum;        /* billions of seconds in nanoseconds do not fit into 64 bits */
    uint64_t min, max; /* exactly; 0 while there is none */
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* Adds a value, or the same value n times. What is too large counts as the largest, but for max. A
 * histogram of zeros is empty. */
void histogram_add(struct histogram *h, uint64_t value);
void histogram_add_many(struct histogram *h, uint64_t value, uint64_t n);

/* The least value that is not told apart from this one. */
uint64_t histogram_least(uint64_t value);

void histogram_merge(struct histogram *to, const struct histogram *from);

/* The least value that at least so many percent (0.01 to 100, two decimals) of the values do not
 * exceed, or up to 0.8 % more, but never above max. 0 where there is none. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

/* 0 where there is none. */
double histogram_mean(const struct histogram *h);

#endif
