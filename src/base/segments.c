/* Segments of doubling size. The first two have 8 items each, so that item i stands in the segment
 * that its highest bit names. Aligned to cache lines, because the buckets of the hash tables live
 * in one. */
#include "base/segments.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

void segments_init(struct segments *s, uint32_t item_bytes)
{
    assert(item_bytes > 0);
    memset(s, 0, sizeof *s);
    s->item_bytes = item_bytes;
}

void segments_fini(struct segments *s)
{
    for (unsigned k = 0; k < SEGMENTS_MAX; k++)
        free(s->segment[k]);
    memset(s, 0, sizeof *s);
}

static void add_segment(struct segments *s, unsigned k)
{
    size_t items = k ? ((size_t)1 << (SEGMENTS_FIRST_BITS - 1)) << k : 1u << SEGMENTS_FIRST_BITS;
    size_t bytes = (items * s->item_bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    s->segment[k] = memory_aligned(CACHE_LINE, bytes);
    memset(s->segment[k], 0, bytes);
    s->bytes += bytes;
}

uint32_t segments_add(struct segments *s)
{
    assert(s->item_bytes > 0 && s->count < UINT32_MAX);
    unsigned k = segments_which(s->count);
    if (s->segment[k] == NULL)
        add_segment(s, k);
    return s->count++;
}
