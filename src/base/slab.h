/* Slots of many sizes in an arena, named by 32-bit numbers, that can be walked in order. Slots
 * never move by themselves, and the number of one is its place in the arena, so that finding it
 * costs an addition. Slots stand in chunks of one size each; a chunk that is empty can be given
 * back, and then serves slots of any other size. Slabs share a pool of chunks. A slab is not shared
 * between threads by itself: whoever owns it locks. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include "base/segments.h"

#include <stdbool.h>

#define SLAB_STEP        8    /* sizes are multiples of this, and a number counts in it */
#define SLAB_BYTES_MAX   1280 /* of one slot */
#define SLAB_CLASSES     (SLAB_BYTES_MAX / SLAB_STEP)
#define SLAB_ARENA_BYTES ((size_t)SLAB_STEP << 32)
#define SLAB_CHUNKS      8 /* sizes of chunks: 512 bytes and the next powers of two, up to 64 KiB */

/* What chunks are made of: the arena, and those that were given back. Any thread. */
struct slab_pool {
    struct arena *arena;
    pthread_mutex_t lock;
    uint32_t free[SLAB_CHUNKS]; /* a free chunk of each size, which names the next; 0: none */
    size_t count;               /* free chunks */
    size_t joined;              /* how many were left when they were joined last */
};

/* arena: at most SLAB_ARENA_BYTES, for nothing else; it outlives the pool. */
void slab_pool_init(struct slab_pool *pool, struct arena *arena);
void slab_pool_fini(struct slab_pool *pool);

struct slab {
    char *base; /* of the arena: first, as it is all that finding a slot needs */
    struct slab_pool *pool;
    struct segments chunks;          /* what the slots stand in */
    uint32_t vacant;                 /* a number whose chunk was given back, and so on; 0: none */
    uint32_t free[SLAB_CLASSES];     /* a free slot of each size, which names the next; 0: none */
    uint32_t open[SLAB_CLASSES];     /* the chunk that slots of each size are taken from */
    uint8_t chunks_of[SLAB_CLASSES]; /* how many chunks of each size there are, up to 255 */
    bool thrifty;                    /* the owner's wish: no chunk larger than need be */
    size_t bytes;                    /* of its chunks */
    size_t held_bytes;               /* in slots that are held */
    size_t held;                     /* slots that are held */
    size_t slots;                    /* and those that were: a walk sees all of them */
};

/* index: for all but the slots. Both outlive it. */
void slab_init(struct slab *slab, struct slab_pool *pool, struct arena *index);

/* The size of a slot that has room for so many bytes. */
static inline size_t slab_size(size_t bytes)
{
    return (bytes + SLAB_STEP - 1) / SLAB_STEP * SLAB_STEP;
}

/* A slot of slab_size(bytes); 0: there is no memory. What is in it is anything. */
uint32_t slab_alloc(struct slab *slab, size_t bytes);
/* Whether there is one that takes no more memory. */
bool slab_has(const struct slab *slab, size_t bytes);
/* bytes: as with slab_alloc. */
void slab_free(struct slab *slab, uint32_t slot, size_t bytes);

/* The slot's memory. */
static inline void *slab_at(const struct slab *slab, uint32_t slot)
{
    assert(slot != 0);
    return slab->base + (size_t)slot * SLAB_STEP;
}

/* What the slab has of memory. */
size_t slab_bytes(const struct slab *slab);

/* A walk over the slots, held or freed: the owner can tell. It begins all 0. */
struct slab_walk {
    uint32_t chunk, place;
};
/* The next slot in a chunk before chunk end; 0: there is none. slab_end is the end of the chunks
 * there are now. */
uint32_t slab_next(const struct slab *slab, struct slab_walk *walk, uint32_t end);
uint32_t slab_end(const struct slab *slab);

/* Empties chunks whose slots have room elsewhere: held says whether a slot is, and move takes what
 * is in one to another of the same size. Returns the first of the emptied, 0 for none, which
 * slab_give_back is to be given when nobody names one of their slots any more. */
struct slab_mover {
    bool (*held)(void *arg, uint32_t slot);
    void (*move)(void *arg, uint32_t from, uint32_t to);
    void *arg;
};
uint32_t slab_vacate(struct slab *slab, const struct slab_mover *mover);
void slab_give_back(struct slab *slab, uint32_t emptied);

#endif
