/* Segments of doubling size. The first two have 8 items each, so that item i stands in the segment
 * that its highest bit names. Aligned to cache lines, because the buckets of the hash tables live
 * in one. */
#include "base/segments.h"

#include "base/memory.h"

#include <string.h>

void segments_init(struct segments *s, struct arena *arena, uint32_t item_bytes)
{
    assert(item_bytes > 0);
    memset(s, 0, sizeof *s);
    s->arena = arena;
    s->item_bytes = item_bytes;
}

static bool add_segment(struct segments *s, unsigned k)
{
    size_t items = k ? ((size_t)1 << (SEGMENTS_FIRST_BITS - 1)) << k : 1u << SEGMENTS_FIRST_BITS;
    s->segment[k] = arena_take(s->arena, items * s->item_bytes, MEMORY_LINE);
    return s->segment[k] != NULL;
}

uint32_t segments_add(struct segments *s)
{
    assert(s->item_bytes > 0 && s->count < UINT32_MAX);
    uint32_t i = s->count;
    unsigned k = segments_which(i);
    if (s->segment[k] == NULL && !add_segment(s, k))
        return SEGMENTS_NONE;
    __atomic_store_n(&s->count, i + 1, __ATOMIC_RELEASE);
    return i;
}

size_t segments_bytes(const struct segments *s)
{
    if (s->count == 0)
        return 0;
    unsigned k = segments_which(s->count - 1);
    return (((size_t)1 << SEGMENTS_FIRST_BITS) << k) * s->item_bytes;
}
