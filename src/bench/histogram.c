/* Counts by size. A value's bucket is its highest eight bits and how far they were shifted, which
 * takes an instruction to count leading zeros and no table. Values below 256 have a bucket each. */
#include "bench/histogram.h"

#include <assert.h>
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

static unsigned shift_of_bucket(size_t index)
{
    return index < 2 * HALF ? 0 : (unsigned)(index >> HISTOGRAM_BITS) - 1;
}

/* The least value that belongs into the bucket. */
static uint64_t least_of(size_t index)
{
    unsigned shift = shift_of_bucket(index);
    return (index - ((uint64_t)shift << HISTOGRAM_BITS)) << shift;
}

/* The greatest. */
static uint64_t most_of(size_t index)
{
    return least_of(index) + (UINT64_C(1) << shift_of_bucket(index)) - 1;
}

uint64_t histogram_least(uint64_t value)
{
    return least_of(bucket_of(value));
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
    h->sum += (double)value * (double)n;
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
    assert(h != NULL && percent >= 0.01 && percent <= 100);
    if (h->count == 0)
        return 0;
    /* In whole numbers: 99.9 / 100 as a double is a little more than that, and a rank too high. */
    uint64_t share = (uint64_t)(percent * 100 + 0.5);
    uint64_t wanted = (h->count * share + 9999) / 10000, seen = 0;
    size_t i = 0;
    while (seen + h->bucket[i] < wanted && i < HISTOGRAM_BUCKETS - 1)
        seen += h->bucket[i++];
    uint64_t most = most_of(i);
    return most > h->max || i == HISTOGRAM_BUCKETS - 1 ? h->max : most;
}

double histogram_mean(const struct histogram *h)
{
    assert(h != NULL);
    return h->count > 0 ? h->sum / (double)h->count : 0;
}
