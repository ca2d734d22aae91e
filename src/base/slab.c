/* Chunks of slots of one size. A chunk's slots are taken one by one, so that its memory is not
 * touched before it is of use. The first chunks of a size are small and the later ones larger,
 * because most herds are small and have 64 slabs. Which slots of a chunk are held nobody keeps
 * count of: it would cost each slot that is freed a search for its chunk. So to empty chunks all
 * slots are walked over, which is for when memory is short. */
#include "base/slab.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_FIRST 8
#define CHUNK_LEAST  512
#define UNIT         (CHUNK_LEAST / SLAB_STEP) /* chunks begin at multiples of it */
#define JOIN_FROM    64 /* chunks that came to be free since they were joined, and a quarter more */
#define CHUNK_MOST   ((uint32_t)CHUNK_LEAST << (SLAB_CHUNKS - 1))

struct chunk {
    uint32_t first; /* slot; of a vacant number: the next vacant one */
    uint32_t bytes;
    uint32_t emptied; /* the next one that is */
    uint16_t slot_bytes;
    uint16_t places; /* 0: vacant */
    uint16_t taken;  /* places that were given once */
    uint16_t held;   /* of those, when they were last counted */
    bool leaving;
};
_Static_assert(CHUNK_MOST / SLAB_STEP <= UINT16_MAX, "places are counted in 16 bits");

/* ---- the pool ---- */

void slab_pool_init(struct slab_pool *pool, struct arena *arena)
{
    memset(pool, 0, sizeof *pool);
    pool->arena = arena;
    pthread_mutex_init(&pool->lock, NULL);
}

void slab_pool_fini(struct slab_pool *pool)
{
    pthread_mutex_destroy(&pool->lock);
}

/* The place in pool->free of chunks of so many bytes. */
static unsigned size_of(uint32_t bytes)
{
    return (unsigned)__builtin_ctz(bytes / CHUNK_LEAST);
}

static void *memory_of(const struct slab_pool *pool, uint32_t first)
{
    return pool->arena->base + (size_t)first * SLAB_STEP;
}

static void give(struct slab_pool *pool, uint32_t first, unsigned size)
{
    memcpy(memory_of(pool, first), &pool->free[size], sizeof first);
    pool->free[size] = first;
    pool->count++;
}

static uint32_t take(struct slab_pool *pool, unsigned size)
{
    uint32_t first = pool->free[size];
    if (first == 0)
        return 0;
    memcpy(&pool->free[size], memory_of(pool, first), sizeof first);
    pool->count--;
    return first;
}

/* A stretch of free memory, in as few chunks as will do. */
static void give_stretch(struct slab_pool *pool, size_t unit, size_t units)
{
    while (units > 0) {
        unsigned size = SLAB_CHUNKS - 1;
        while ((size_t)1 << size > units)
            size--;
        give(pool, (uint32_t)(unit * UNIT), size);
        unit += (size_t)1 << size;
        units -= (size_t)1 << size;
    }
}

/* Joins free chunks that lie side by side, by a map of where one begins, and of what size: small
 * ones would else become ever more, and longer slots have no room in them. */
static void join(struct slab_pool *pool)
{
    size_t units = arena_taken(pool->arena) / CHUNK_LEAST;
    uint8_t *begins = memory_try_zeroed(units);
    uint32_t first;
    if (begins == NULL)
        return;
    for (unsigned size = 0; size < SLAB_CHUNKS; size++)
        while ((first = take(pool, size)) != 0)
            begins[first / UNIT] = (uint8_t)(size + 1);
    for (size_t unit = 0, end; unit<units; unit = end> unit ? end : unit + 1) {
        for (end = unit; end < units && begins[end] != 0;)
            end += (size_t)1 << (begins[end] - 1);
        give_stretch(pool, unit, end - unit);
    }
    free(begins);
    pool->joined = pool->count;
}

/* One that was given back, of this size, or the smallest larger one, whose rest stays; or else the
 * largest smaller one. 0: none of at least so many bytes. */
static uint32_t take_back(struct slab_pool *pool, uint32_t least, uint32_t *bytes)
{
    unsigned want = size_of(*bytes), size = want;
    while (size < SLAB_CHUNKS && pool->free[size] == 0)
        size++;
    if (size == SLAB_CHUNKS)
        for (size = want; size > 0 && pool->free[size] == 0;)
            size--;
    uint32_t first = (uint32_t)CHUNK_LEAST << size >= least ? take(pool, size) : 0;
    if (first == 0)
        return 0;
    for (; size > want; size--)
        give(pool, first + (UNIT << (size - 1)), size - 1);
    *bytes = (uint32_t)CHUNK_LEAST << size;
    return first;
}

/* *bytes: what is wanted, and then what it has. Place 0 is never used, so that 0 can say none:
 * there is no memory. */
static uint32_t take_chunk(struct slab_pool *pool, uint32_t least, uint32_t *bytes)
{
    pthread_mutex_lock(&pool->lock);
    uint32_t first = take_back(pool, least, bytes);
    if (first == 0 && pool->count > pool->joined + pool->joined / 4 + JOIN_FROM) {
        join(pool);
        first = take_back(pool, least, bytes);
    }
    pthread_mutex_unlock(&pool->lock);
    if (first != 0)
        return first;
    char *slots = arena_take(pool->arena, *bytes, SLAB_STEP);
    if (slots == pool->arena->base)
        slots = arena_take(pool->arena, *bytes, SLAB_STEP);
    assert(slots == NULL || (size_t)(slots - pool->arena->base) + *bytes <= SLAB_ARENA_BYTES);
    if (slots == NULL)
        return 0;
    return (uint32_t)((size_t)(slots - pool->arena->base) / SLAB_STEP);
}

/* ---- slots ---- */

void slab_init(struct slab *slab, struct slab_pool *pool, struct arena *index)
{
    memset(slab, 0, sizeof *slab);
    slab->base = pool->arena->base;
    slab->pool = pool;
    segments_init(&slab->chunks, index, sizeof(struct chunk));
}

size_t slab_bytes(const struct slab *slab)
{
    return slab->bytes + segments_bytes(&slab->chunks);
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

static uint32_t bytes_wanted(const struct slab *slab, unsigned size_class)
{
    uint32_t slot_bytes = (size_class + 1) * SLAB_STEP, bytes = CHUNK_LEAST;
    unsigned before = slab->chunks_of[size_class];
    uint32_t places = slab->thrifty ? 1 : (uint32_t)PLACES_FIRST << (before < 10 ? before : 10);
    while (bytes < CHUNK_MOST && bytes < places * slot_bytes)
        bytes *= 2;
    return bytes;
}

/* Chunk 0 is never used, so that 0 can say that there is no memory. */
static uint32_t draw_number(struct slab *slab)
{
    uint32_t number = slab->vacant;
    if (slab->chunks.count == 0 && segments_add(&slab->chunks) == SEGMENTS_NONE)
        return 0;
    if (number == 0) {
        number = segments_add(&slab->chunks);
        return number != SEGMENTS_NONE ? number : 0;
    }
    slab->vacant = chunk_at(slab, number)->first;
    return number;
}

static void put_back(struct slab *slab, uint32_t number)
{
    *chunk_at(slab, number) = (struct chunk){.first = slab->vacant};
    slab->vacant = number;
}

/* False: there is no memory. */
static bool add_chunk(struct slab *slab, unsigned size_class)
{
    uint32_t number = draw_number(slab), slot_bytes = (size_class + 1) * SLAB_STEP;
    uint32_t bytes = bytes_wanted(slab, size_class);
    uint32_t first = number != 0 ? take_chunk(slab->pool, slot_bytes, &bytes) : 0;
    if (first == 0) {
        if (number != 0)
            put_back(slab, number);
        return false;
    }
    *chunk_at(slab, number) = (struct chunk){.first = first,
                                             .bytes = bytes,
                                             .slot_bytes = (uint16_t)slot_bytes,
                                             .places = (uint16_t)(bytes / slot_bytes)};
    slab->bytes += bytes;
    slab->open[size_class] = number;
    if (slab->chunks_of[size_class] < UINT8_MAX)
        slab->chunks_of[size_class]++;
    return true;
}

static uint32_t slot_of(const struct chunk *chunk, uint32_t place)
{
    return chunk->first + place * (chunk->slot_bytes / SLAB_STEP);
}

static bool has_fresh(const struct slab *slab, unsigned size_class)
{
    uint32_t number = slab->open[size_class];
    return number != 0 && chunk_at(slab, number)->taken < chunk_at(slab, number)->places;
}

bool slab_has(const struct slab *slab, size_t bytes)
{
    return slab->free[class_of(bytes)] != 0 || has_fresh(slab, class_of(bytes));
}

static uint32_t take_fresh(struct slab *slab, unsigned size_class)
{
    if (!has_fresh(slab, size_class) && !add_chunk(slab, size_class))
        return 0;
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
    else if ((slot = take_fresh(slab, size_class)) == 0)
        return 0;
    slab->held_bytes += slab_size(bytes);
    slab->held++;
    return slot;
}

static void put_free(struct slab *slab, uint32_t slot, unsigned size_class)
{
    memcpy(slab_at(slab, slot), &slab->free[size_class], sizeof slot);
    slab->free[size_class] = slot;
}

static void count_freed(struct slab *slab, size_t slot_bytes)
{
    assert(slab->held > 0 && slab->held_bytes >= slot_bytes);
    slab->held_bytes -= slot_bytes;
    slab->held--;
}

void slab_free(struct slab *slab, uint32_t slot, size_t bytes)
{
    put_free(slab, slot, class_of(bytes));
    count_freed(slab, slab_size(bytes));
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

/* ---- giving chunks back ---- */

static void count_held(struct slab *slab, const struct slab_mover *mover,
                       uint32_t room[SLAB_CLASSES])
{
    for (uint32_t i = 1; i < slab->chunks.count; i++) {
        struct chunk *chunk = chunk_at(slab, i);
        chunk->held = 0;
        for (uint32_t place = 0; place < chunk->taken; place++)
            chunk->held += mover->held(mover->arg, slot_of(chunk, place));
        if (chunk->places > 0)
            room[class_of(chunk->slot_bytes)] += chunk->places - chunk->held;
    }
}

/* One that is half empty at least, if all that is in it has room in others of its class that
 * stay. room: what is free in those that have not left, less what has to move there. */
static bool may_leave(const struct chunk *chunk, uint32_t *room)
{
    if (2 * chunk->held > chunk->places || *room < chunk->places)
        return false;
    *room -= chunk->places;
    return true;
}

/* Only slots in chunks that stay are free from now on. */
static void list_free(struct slab *slab, const struct slab_mover *mover)
{
    memset(slab->free, 0, sizeof slab->free);
    for (uint32_t i = 1; i < slab->chunks.count; i++) {
        const struct chunk *chunk = chunk_at(slab, i);
        for (uint32_t place = 0; place < chunk->taken && !chunk->leaving; place++)
            if (!mover->held(mover->arg, slot_of(chunk, place)))
                put_free(slab, slot_of(chunk, place), class_of(chunk->slot_bytes));
    }
}

static void move_out(struct slab *slab, const struct slab_mover *mover, const struct chunk *chunk)
{
    for (uint32_t place = 0; place < chunk->taken; place++) {
        uint32_t from = slot_of(chunk, place);
        if (!mover->held(mover->arg, from))
            continue;
        mover->move(mover->arg, from, slab_alloc(slab, chunk->slot_bytes));
        count_freed(slab, chunk->slot_bytes);
    }
}

/* Those of so many bytes that may leave do. Returns the first of the emptied. */
static uint32_t tell_to_leave(struct slab *slab, uint32_t bytes, uint32_t room[SLAB_CLASSES],
                              uint32_t emptied)
{
    for (uint32_t i = 1; i < slab->chunks.count; i++) {
        struct chunk *chunk = chunk_at(slab, i);
        unsigned size_class = chunk->bytes == bytes ? class_of(chunk->slot_bytes) : 0;
        if (chunk->bytes != bytes || !may_leave(chunk, &room[size_class]))
            continue;
        chunk->leaving = true;
        chunk->emptied = emptied;
        emptied = i;
        if (slab->open[size_class] == i)
            slab->open[size_class] = 0;
    }
    return emptied;
}

/* The largest leave first, for the few that live on would else keep one of them for each size. */
uint32_t slab_vacate(struct slab *slab, const struct slab_mover *mover)
{
    uint32_t room[SLAB_CLASSES] = {0}, emptied = 0;
    count_held(slab, mover, room);
    for (uint32_t bytes = CHUNK_MOST; bytes >= CHUNK_LEAST; bytes /= 2)
        emptied = tell_to_leave(slab, bytes, room, emptied);
    if (emptied != 0)
        list_free(slab, mover);
    for (uint32_t i = emptied; i != 0; i = chunk_at(slab, i)->emptied)
        move_out(slab, mover, chunk_at(slab, i));
    return emptied;
}

void slab_give_back(struct slab *slab, uint32_t emptied)
{
    while (emptied != 0) {
        struct chunk *chunk = chunk_at(slab, emptied);
        uint32_t number = emptied;
        unsigned size_class = class_of(chunk->slot_bytes);
        emptied = chunk->emptied;
        pthread_mutex_lock(&slab->pool->lock);
        give(slab->pool, chunk->first, size_of(chunk->bytes));
        pthread_mutex_unlock(&slab->pool->lock);
        slab->bytes -= chunk->bytes;
        slab->slots -= chunk->taken;
        if (slab->chunks_of[size_class] < UINT8_MAX)
            slab->chunks_of[size_class]--;
        *chunk = (struct chunk){.first = slab->vacant};
        slab->vacant = number;
    }
}
