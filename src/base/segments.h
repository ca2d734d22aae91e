/* An array that grows and never moves its items: segments of doubling size, in an arena. So a
 * reader that holds an index needs no lock to turn it into an address once the item is there, and
 * growing copies nothing. Not shared between threads by itself: whoever owns it locks. */
#ifndef BASE_SEGMENTS_H
#define BASE_SEGMENTS_H

#include "base/arena.h"

#include <assert.h>
#include <stdint.h>

#define SEGMENTS_FIRST_BITS 3 /* the first segment has 8 items, the next 8, then 16, 32, ... */
#define SEGMENTS_MAX        (33 - SEGMENTS_FIRST_BITS)

struct segments {
    uint32_t count; /* items there are */
    uint32_t item_bytes;
    struct arena *arena;
    char *segment[SEGMENTS_MAX];
};

/* The arena's memory is freed with the arena. */
void segments_init(struct segments *s, struct arena *arena, uint32_t item_bytes);

/* Adds a cleared item at the end and returns its index; SEGMENTS_NONE: there is no memory. */
#define SEGMENTS_NONE UINT32_MAX
uint32_t segments_add(struct segments *s);

/* What it takes of the arena. */
size_t segments_bytes(const struct segments *s);

/* The count as a thread may see it that holds no lock: the items before it are there. */
static inline uint32_t segments_count(const struct segments *s)
{
    return __atomic_load_n(&s->count, __ATOMIC_ACQUIRE);
}

/* The segment that item i stands in: 0 for the first 8, then one for each doubling. */
static inline unsigned segments_which(uint32_t i)
{
    return i >> SEGMENTS_FIRST_BITS ? 32 - SEGMENTS_FIRST_BITS - (unsigned)__builtin_clz(i) : 0;
}

/* Item i, which must be there. The first form is for who knows the size of an item when it is
 * compiled. */
static inline void *segments_item(const struct segments *s, uint32_t i, size_t item_bytes)
{
    unsigned k = segments_which(i);
    uint32_t first = k ? (1u << (SEGMENTS_FIRST_BITS - 1)) << k : 0;
    assert(s->segment[k] != NULL);
    return s->segment[k] + (i - first) * item_bytes;
}

static inline void *segments_at(const struct segments *s, uint32_t i)
{
    return segments_item(s, i, s->item_bytes);
}

#endif
