/* Slots of many sizes, named by 32-bit numbers, that can be walked in order. Each chunk holds slots
 * of one size; a slot knows whether it is held. Slots never move. Not shared between threads by
 * itself: whoever owns it locks. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include "base/segments.h"

#define SLAB_STEP      16   /* sizes are multiples of this */
#define SLAB_BYTES_MAX 1280 /* of one slot */
#define SLAB_CLASSES   (SLAB_BYTES_MAX / SLAB_STEP)

struct slab_chunk;

struct slab {
    struct segments
        chunks; /* of struct slab_chunk *; chunk 0 is never used, so that no slot is 0 */
    uint32_t free[SLAB_CLASSES];     /* a free slot of each size, which names the next; 0: none */
    uint8_t chunks_of[SLAB_CLASSES]; /* how many chunks of each size there are, up to 255 */
    size_t held_bytes;               /* in slots that are held */
    size_t held;                     /* slots that are held */
};

void slab_init(struct slab *slab);
void slab_fini(struct slab *slab);

/* A slot of at least so many bytes, not cleared. */
uint32_t slab_alloc(struct slab *slab, size_t bytes);
void slab_free(struct slab *slab, uint32_t slot);

/* The slot's memory, and how many bytes it has. */
void *slab_at(const struct slab *slab, uint32_t slot);
size_t slab_room(const struct slab *slab, uint32_t slot);

/* The first held slot behind this one (0: from the beginning) in a chunk before chunk end; 0: there
 * is none. slab_end is the end of the chunks there are now. */
uint32_t slab_next(const struct slab *slab, uint32_t slot, uint32_t end);
uint32_t slab_end(const struct slab *slab);

#endif
