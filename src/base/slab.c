/* Chunks of slots of one size. A chunk's slots are taken one by one, so that its memory is not
 * touched before it is of use. The first chunks of a size are small and the later ones larger,
 * because most herds are small and have 64 slabs. */
#include "base/slab.h"

#include <string.h>

#define PLACES_FIRST 8
#define CHUNK_BYTES  (64 * 1024)

struct chunk {
    uint32_t first; /* slot */
    uint16_t slot_bytes;
    uint16_t places;
    uint16_t taken; /* places that were given once */
};
_Static_assert(CHUNK_BYTES / SLAB_STEP <= UINT16_MAX, "places are counted in 16 bits");

void slab_init(struct slab *slab, struct arena *records, struct arena *index)
{
    memset(slab, 0, sizeof *slab);
    slab->arena = records;
    segments_init(&slab->chunks, index, sizeof(struct chunk));
}

static struct chunk *chunk_at(const struct slab *slab, uint32_t number)
{
    return segments_at(&slab->chunks, number);
}

static unsigned class_of(size_t bytes)
{
    assert(bytes > 0 && bytes <= SLAB_BYTES_MAX);
    return (unsigned)((bytes - 1) / SLAB_STEP);
}

static uint16_t places_of(size_t slot_bytes, unsigned chunks_before)
{
    size_t most = CHUNK_BYTES / slot_bytes;
    size_t places = (size_t)PLACES_FIRST << (chunks_before < 10 ? chunks_before : 10);
    return (uint16_t)(places < most ? places : most);
}

/* Chunk 0 and slot 0 are never used, so that 0 can say none. */
static void add_chunk(struct slab *slab, unsigned size_class)
{
    if (slab->chunks.count == 0)
        segments_add(&slab->chunks);
    uint32_t number = segments_add(&slab->chunks);
    struct chunk *chunk = chunk_at(slab, number);
    chunk->slot_bytes = (uint16_t)((size_class + 1) * SLAB_STEP);
    chunk->places = places_of(chunk->slot_bytes, slab->chunks_of[size_class]);
    size_t bytes = (size_t)chunk->places * chunk->slot_bytes;
    char *slots = arena_take(slab->arena, bytes, SLAB_STEP);
    if (slots == slab->arena->base)
        slots = arena_take(slab->arena, bytes, SLAB_STEP);
    assert((size_t)(slots - slab->arena->base) + bytes <= SLAB_ARENA_BYTES);
    chunk->first = (uint32_t)((size_t)(slots - slab->arena->base) / SLAB_STEP);
    slab->open[size_class] = number;
    if (slab->chunks_of[size_class] < UINT8_MAX)
        slab->chunks_of[size_class]++;
}

static uint32_t slot_of(const struct chunk *chunk, uint32_t place)
{
    return chunk->first + place * (chunk->slot_bytes / SLAB_STEP);
}

static uint32_t take_fresh(struct slab *slab, unsigned size_class)
{
    uint32_t number = slab->open[size_class];
    if (number == 0 || chunk_at(slab, number)->taken == chunk_at(slab, number)->places)
        add_chunk(slab, size_class);
    struct chunk *chunk = chunk_at(slab, slab->open[size_class]);
    slab->slots++;
    return slot_of(chunk, chunk->taken++);
}

uint32_t slab_alloc(struct slab *slab, size_t bytes)
{
    unsigned size_class = class_of(bytes);
    uint32_t slot = slab->free[size_class];
    if (slot != 0)
        memcpy(&slab->free[size_class], slab_at(slab, slot), sizeof slot);
    else
        slot = take_fresh(slab, size_class);
    slab->held_bytes += slab_size(bytes);
    slab->held++;
    return slot;
}

void slab_free(struct slab *slab, uint32_t slot, size_t bytes)
{
    unsigned size_class = class_of(bytes);
    memcpy(slab_at(slab, slot), &slab->free[size_class], sizeof slot);
    slab->free[size_class] = slot;
    assert(slab->held > 0 && slab->held_bytes >= slab_size(bytes));
    slab->held_bytes -= slab_size(bytes);
    slab->held--;
}

uint32_t slab_next(const struct slab *slab, struct slab_walk *walk, uint32_t end)
{
    if (walk->chunk == 0)
        walk->chunk = 1;
    for (; walk->chunk < end; walk->chunk++, walk->place = 0) {
        const struct chunk *chunk = chunk_at(slab, walk->chunk);
        if (walk->place < chunk->taken)
            return slot_of(chunk, walk->place++);
    }
    return 0;
}

uint32_t slab_end(const struct slab *slab)
{
    return slab->chunks.count;
}
