/* Slots of many sizes in an arena, named by 32-bit numbers, that can be walked in order. Slots
 * never move, and the number of one is its place in the arena, so that finding it costs an
 * addition. Several slabs may share an arena. Not shared between threads by itself: whoever owns it
 * locks. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include "base/segments.h"

#define SLAB_STEP        8    /* sizes are multiples of this, and a number counts in it */
#define SLAB_BYTES_MAX   1280 /* of one slot */
#define SLAB_CLASSES     (SLAB_BYTES_MAX / SLAB_STEP)
#define SLAB_ARENA_BYTES ((size_t)SLAB_STEP << 32)

struct slab {
    struct arena *arena;
    struct segments chunks;          /* what the slots stand in */
    uint32_t free[SLAB_CLASSES];     /* a free slot of each size, which names the next; 0: none */
    uint32_t open[SLAB_CLASSES];     /* the chunk that slots of each size are taken from */
    uint8_t chunks_of[SLAB_CLASSES]; /* how many chunks of each size there are, up to 255 */
    size_t held_bytes;               /* in slots that are held */
    size_t held;                     /* slots that are held */
    size_t slots;                    /* and those that were: a walk sees all of them */
};

/* records: for the slots, at most SLAB_ARENA_BYTES; index: for the rest. Both outlive it. */
void slab_init(struct slab *slab, struct arena *records, struct arena *index);

/* The size of a slot that has room for so many bytes. */
static inline size_t slab_size(size_t bytes)
{
    return (bytes + SLAB_STEP - 1) / SLAB_STEP * SLAB_STEP;
}

/* A slot of slab_size(bytes), never 0. The first time it is cleared, and later as it was left, but
 * for its first 4 bytes. */
uint32_t slab_alloc(struct slab *slab, size_t bytes);
/* bytes: as with slab_alloc. */
void slab_free(struct slab *slab, uint32_t slot, size_t bytes);

/* The slot's memory. */
static inline void *slab_at(const struct slab *slab, uint32_t slot)
{
    assert(slot != 0);
    return slab->arena->base + (size_t)slot * SLAB_STEP;
}

/* A walk over the slots, held or freed: the owner can tell. It begins all 0. */
struct slab_walk {
    uint32_t chunk, place;
};
/* The next slot in a chunk before chunk end; 0: there is none. slab_end is the end of the chunks
 * there are now. */
uint32_t slab_next(const struct slab *slab, struct slab_walk *walk, uint32_t end);
uint32_t slab_end(const struct slab *slab);

#endif
