/* Counts by size. A value's bucket is its highest eight bits and how far they were shifted, which
 * takes an instruction to count leading zeros and no table. Values below 256 have a bucket each. */
#include "bench/histogram.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define HALF   (UINT64_C(1) << HISTOGRAM_BITS)
#define BEYOND (UINT64_C(1) << HISTOGRAM_MOST)

static unsigned shift_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return bits > HISTOGRAM_BITS + 1 ? bits - (HISTOGRAM_BITS + 1) : 0;
}

static size_t bucket_of(uint64_t value)
{
    if (value >= BEYOND)
        value = BEYOND - 1;
    unsigned shift = shift_of(value);
    size_t index = ((size_t)shift << HISTOGRAM_BITS) + (size_t)(value >> shift);
    assert(index < HISTOGRAM_BUCKETS);
    return index;
}

/* The greatest value that belongs into the bucket. */
static uint64_t most_of(size_t index)
{
    if (index < 2 * HALF)
        return index;
    unsigned shift = (unsigned)(index >> HISTOGRAM_BITS) - 1;
    uint64_t high = (index & (HALF - 1)) + HALF;
    return ((high + 1) << shift) - 1;
}

void histogram_add_many(struct histogram *h, uint64_t value, uint64_t n)
{
    assert(h != NULL);
    if (n == 0)
        return;
    if (h->count == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count += n;
    h->sum += value * n;
    h->bucket[bucket_of(value)] += n;
}

void histogram_add(struct histogram *h, uint64_t value)
{
    histogram_add_many(h, value, 1);
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    assert(to != NULL && from != NULL && to != from);
    if (from->count == 0)
        return;
    if (to->count == 0 || from->min < to->min)
        to->min = from->min;
    if (from->max > to->max)
        to->max = from->max;
    to->count += from->count;
    to->sum += from->sum;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->bucket[i] += from->bucket[i];
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    assert(h != NULL && percent > 0 && percent <= 100);
    if (h->count == 0)
        return 0;
    uint64_t wanted = (uint64_t)ceil(percent / 100 * (double)h->count), seen = 0;
    size_t i = 0;
    while (seen + h->bucket[i] < wanted && i < HISTOGRAM_BUCKETS - 1)
        seen += h->bucket[i++];
    uint64_t most = most_of(i);
    return most > h->max || i == HISTOGRAM_BUCKETS - 1 ? h->max : most;
}

double histogram_mean(const struct histogram *h)
{
    assert(h != NULL);
    return h->count > 0 ? (double)h->sum / (double)h->count : 0;
}
