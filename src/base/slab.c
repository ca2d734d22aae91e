/* Chunks of slots. A slot's number is its chunk's and its place in the chunk; the chunk has a bit a
 * slot that says whether it is held, so that a walk passes 64 free ones at a glance. The first
 * chunks of a size are small and the later ones larger, because most herds are small and have 64
 * slabs. */
#include "base/slab.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define PLACE_BITS   12 /* of a slot's number: its place in the chunk */
#define PLACES_FIRST 8
#define CHUNK_BYTES  (64 * 1024)

struct slab_chunk {
    uint32_t slot_bytes;
    uint32_t places;
    char *slots;
    uint64_t held[]; /* a bit a slot */
};

void slab_init(struct slab *slab)
{
    memset(slab, 0, sizeof *slab);
    segments_init(&slab->chunks, sizeof(struct slab_chunk *));
}

static struct slab_chunk *chunk_at(const struct slab *slab, uint32_t number)
{
    return *(struct slab_chunk **)segments_at(&slab->chunks, number);
}

void slab_fini(struct slab *slab)
{
    for (uint32_t i = 1; i < slab->chunks.count; i++)
        free(chunk_at(slab, i));
    segments_fini(&slab->chunks);
    memset(slab, 0, sizeof *slab);
}

void *slab_at(const struct slab *slab, uint32_t slot)
{
    const struct slab_chunk *chunk = chunk_at(slab, slot >> PLACE_BITS);
    uint32_t place = slot & ((1u << PLACE_BITS) - 1);
    assert(place < chunk->places);
    return chunk->slots + (size_t)place * chunk->slot_bytes;
}

size_t slab_room(const struct slab *slab, uint32_t slot)
{
    return chunk_at(slab, slot >> PLACE_BITS)->slot_bytes;
}

static uint32_t places_of(uint32_t slot_bytes, unsigned chunks_before)
{
    uint32_t most = CHUNK_BYTES / slot_bytes;
    uint32_t places = PLACES_FIRST << (chunks_before < 10 ? chunks_before : 10);
    return places < most ? places : most;
}

static struct slab_chunk *chunk_create(uint32_t slot_bytes, uint32_t places)
{
    assert(places <= 1u << PLACE_BITS);
    size_t head = sizeof(struct slab_chunk) + (places + 63) / 64 * sizeof(uint64_t);
    head = (head + SLAB_STEP - 1) / SLAB_STEP * SLAB_STEP;
    struct slab_chunk *chunk = memory_alloc(head + (size_t)places * slot_bytes);
    memset(chunk, 0, head);
    chunk->slot_bytes = slot_bytes;
    chunk->places = places;
    chunk->slots = (char *)chunk + head;
    return chunk;
}

/* Strings the places of a new chunk together, so that the lowest is taken first. */
static void add_chunk(struct slab *slab, unsigned size_class)
{
    uint32_t slot_bytes = (size_class + 1) * SLAB_STEP;
    uint32_t places = places_of(slot_bytes, slab->chunks_of[size_class]);
    if (slab->chunks.count == 0)
        segments_add(&slab->chunks);
    uint32_t number = segments_add(&slab->chunks);
    assert(number < 1u << (32 - PLACE_BITS));
    *(struct slab_chunk **)segments_at(&slab->chunks, number) = chunk_create(slot_bytes, places);
    if (slab->chunks_of[size_class] < UINT8_MAX)
        slab->chunks_of[size_class]++;
    for (uint32_t place = places; place-- > 0;) {
        uint32_t slot = number << PLACE_BITS | place;
        memcpy(slab_at(slab, slot), &slab->free[size_class], sizeof slot);
        slab->free[size_class] = slot;
    }
}

uint32_t slab_alloc(struct slab *slab, size_t bytes)
{
    assert(bytes > 0 && bytes <= SLAB_BYTES_MAX);
    unsigned size_class = (unsigned)((bytes - 1) / SLAB_STEP);
    if (slab->free[size_class] == 0)
        add_chunk(slab, size_class);
    uint32_t slot = slab->free[size_class];
    memcpy(&slab->free[size_class], slab_at(slab, slot), sizeof slot);
    struct slab_chunk *chunk = chunk_at(slab, slot >> PLACE_BITS);
    uint32_t place = slot & ((1u << PLACE_BITS) - 1);
    chunk->held[place / 64] |= UINT64_C(1) << place % 64;
    slab->held_bytes += chunk->slot_bytes;
    slab->held++;
    return slot;
}

void slab_free(struct slab *slab, uint32_t slot)
{
    struct slab_chunk *chunk = chunk_at(slab, slot >> PLACE_BITS);
    uint32_t place = slot & ((1u << PLACE_BITS) - 1);
    unsigned size_class = chunk->slot_bytes / SLAB_STEP - 1;
    assert(chunk->held[place / 64] >> place % 64 & 1);
    chunk->held[place / 64] &= ~(UINT64_C(1) << place % 64);
    memcpy(slab_at(slab, slot), &slab->free[size_class], sizeof slot);
    slab->free[size_class] = slot;
    slab->held_bytes -= chunk->slot_bytes;
    slab->held--;
}

/* The first held place of the chunk at or behind this one, or chunk->places. */
static uint32_t next_place(const struct slab_chunk *chunk, uint32_t place)
{
    while (place < chunk->places) {
        uint64_t rest = chunk->held[place / 64] >> place % 64;
        if (rest != 0)
            return place + (uint32_t)__builtin_ctzll(rest);
        place = (place / 64 + 1) * 64;
    }
    return chunk->places;
}

uint32_t slab_next(const struct slab *slab, uint32_t slot, uint32_t end)
{
    uint32_t number = slot >> PLACE_BITS;
    uint32_t place = (slot & ((1u << PLACE_BITS) - 1)) + 1;
    if (slot == 0)
        number = 1, place = 0;
    for (; number < end; number++, place = 0) {
        const struct slab_chunk *chunk = chunk_at(slab, number);
        place = next_place(chunk, place);
        if (place < chunk->places)
            return number << PLACE_BITS | place;
    }
    return 0;
}

uint32_t slab_end(const struct slab *slab)
{
    return slab->chunks.count;
}
