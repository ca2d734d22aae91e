/* Linear hashing. With n buckets, an id's bucket is its hash modulo the power of two above n, or,
 * where that bucket is not there yet, modulo half of it. When the buckets are three quarters full
 * one more is added, and takes its share of the one bucket that its ids stood in until then. A full
 * bucket goes on in spare ones, which are few. */
#include "herd/table.h"

#include "wire/masks.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define LOAD 9 /* slots a bucket on the average before the table grows */

void table_init(struct table *table, struct arena *index)
{
    memset(table, 0, sizeof *table);
    segments_init(&table->buckets, index, sizeof(struct table_bucket));
    segments_init(&table->spares, index, sizeof(struct table_bucket));
}

size_t table_bytes(const struct table *table)
{
    return segments_bytes(&table->buckets) + segments_bytes(&table->spares);
}

/* The places of a bucket with this tag, and of empty ones perhaps. Always inline, as table_guess is
 * what ThreadSanitizer passes over, and a call it would not. */
static inline __attribute__((always_inline)) uint32_t match(const struct table_bucket *b,
                                                            uint8_t tag)
{
    return masks_equal((const char *)b, (char)tag) & ((UINT32_C(1) << TABLE_WIDTH) - 1);
}
_Static_assert(offsetof(struct table_bucket, tag) == 0 &&
                   sizeof(struct table_bucket) >= MASKS_STEP && TABLE_WIDTH <= MASKS_STEP,
               "a bucket begins with its tags, and one mask speaks of them all");

static uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 40);
}

/* The smallest 2^k - 1 that is at least n - 1. */
static uint32_t mask_for(uint32_t n)
{
    return n > 1 ? UINT32_MAX >> __builtin_clz(n - 1) : 0;
}

static uint32_t bucket_of(uint64_t hash, uint32_t buckets)
{
    uint32_t mask = mask_for(buckets);
    uint32_t i = (uint32_t)hash & mask;
    return i < buckets ? i : i & (mask >> 1);
}

static struct table_bucket *spare_at(const struct table *table, uint32_t i)
{
    return segments_item(&table->spares, i, sizeof(struct table_bucket));
}

static struct table_bucket *bucket_at(const struct table *table, uint32_t i)
{
    return segments_item(&table->buckets, i, sizeof(struct table_bucket));
}

/* Buckets are never freed and never move, so one that was there once can be looked at for ever. */
static const struct table_bucket *bucket_seen(const struct table *table, uint64_t hash)
{
    uint32_t buckets = segments_count(&table->buckets);
    return buckets > 0 ? bucket_at(table, bucket_of(hash, buckets)) : NULL;
}

void table_fetch(const struct table *table, uint64_t hash)
{
    __builtin_prefetch(bucket_seen(table, hash));
}

/* Another thread may be changing the bucket: whatever is read, it is only a guess. */
__attribute__((no_sanitize("thread"))) uint32_t table_guess(const struct table *table,
                                                            uint64_t hash)
{
    const struct table_bucket *b = bucket_seen(table, hash);
    uint32_t places = b != NULL ? match(b, tag_of(hash)) : 0;
    return places != 0 ? b->slot[__builtin_ctz(places)] : 0;
}

struct table_probe table_probe(const struct table *table, uint64_t hash)
{
    struct table_probe probe = {.table = table, .tag = tag_of(hash)};
    if (table->buckets.count > 0) {
        probe.bucket = bucket_at(table, bucket_of(hash, table->buckets.count));
        probe.places = match(probe.bucket, probe.tag);
    }
    return probe;
}

uint32_t table_next(struct table_probe *probe)
{
    while (probe->bucket != NULL) {
        struct table_bucket *b = probe->bucket;
        while (probe->places != 0) {
            probe->place = __builtin_ctz(probe->places);
            probe->places &= probe->places - 1;
            if (b->slot[probe->place] != 0)
                return b->slot[probe->place];
        }
        if (b->more == 0)
            return 0;
        probe->before = b;
        probe->bucket = spare_at(probe->table, b->more);
        probe->places = match(probe->bucket, probe->tag);
    }
    return 0;
}

void table_replace(struct table_probe *probe, uint32_t slot)
{
    assert(slot != 0 && probe->bucket->slot[probe->place] != 0);
    probe->bucket->slot[probe->place] = slot;
}

static void give_spare(struct table *table, struct table_bucket *before)
{
    uint32_t i = before->more;
    struct table_bucket *spare = spare_at(table, i);
    assert(spare->more == 0);
    before->more = 0;
    memset(spare, 0, sizeof *spare);
    spare->more = table->spare_free;
    table->spare_free = i;
}

/* 0: there is no memory. */
static uint32_t take_spare(struct table *table)
{
    uint32_t i = table->spare_free;
    if (table->spares.count == 0 && segments_add(&table->spares) == SEGMENTS_NONE)
        return 0;
    if (i == 0) {
        i = segments_add(&table->spares);
        return i != SEGMENTS_NONE ? i : 0;
    }
    table->spare_free = spare_at(table, i)->more;
    spare_at(table, i)->more = 0;
    return i;
}

static int bucket_used(const struct table_bucket *b)
{
    int n = 0;
    while (n < TABLE_WIDTH && b->slot[n] != 0)
        n++;
    return n;
}

/* The hole is filled with the last slot of the chain, so that holes are only at its end, and a
 * spare bucket is never empty. */
void table_remove(struct table *table, struct table_probe *probe)
{
    assert(probe->bucket->slot[probe->place] != 0);
    struct table_bucket *last = probe->bucket, *before = probe->before;
    while (last->more != 0) {
        before = last;
        last = spare_at(table, last->more);
    }
    int used = bucket_used(last);
    assert(used > 0);
    probe->bucket->slot[probe->place] = last->slot[used - 1];
    probe->bucket->tag[probe->place] = last->tag[used - 1];
    last->slot[used - 1] = 0;
    table->count--;
    if (used == 1 && before != NULL)
        give_spare(table, before);
}

/* False: there is no memory for a spare bucket. */
static bool put(struct table *table, uint64_t hash, uint32_t slot)
{
    struct table_bucket *b = bucket_at(table, bucket_of(hash, table->buckets.count));
    int used;
    while ((used = bucket_used(b)) == TABLE_WIDTH) {
        if (b->more == 0 && (b->more = take_spare(table)) == 0)
            return false;
        b = spare_at(table, b->more);
    }
    b->slot[used] = slot;
    b->tag[used] = tag_of(hash);
    return true;
}

/* Has the records of a chain fetched before their ids are asked for, one by one. */
static void fetch_records(const struct table_bucket *b, const struct table_hashes *held)
{
    for (int i = 0; i < TABLE_WIDTH && b->slot[i] != 0; i++)
        held->soon(held->arg, b->slot[i]);
}

/* Adds a bucket and shares the slots of the one that stood for it out between both. Without memory
 * the table stays as it is, and its chains grow longer. Whatever the shares, the spare buckets that
 * are given back on the way are enough for them. */
static void split(struct table *table, const struct table_hashes *held)
{
    uint32_t added = segments_add(&table->buckets);
    if (added == SEGMENTS_NONE)
        return;
    uint32_t from = added & (mask_for(added + 1) >> 1);
    struct table_bucket *chain = bucket_at(table, from);
    struct table_bucket old = *chain;
    memset(chain, 0, sizeof *chain);
    for (;;) {
        fetch_records(&old, held);
        for (int i = 0; i < TABLE_WIDTH && old.slot[i] != 0; i++) {
            bool stands = put(table, held->hash_of(held->arg, old.slot[i]), old.slot[i]);
            assert(stands);
            (void)stands;
        }
        if (old.more == 0)
            break;
        struct table_bucket holder = {.more = old.more};
        old = *spare_at(table, holder.more);
        spare_at(table, holder.more)->more = 0;
        give_spare(table, &holder);
    }
}

bool table_add(struct table *table, uint64_t hash, uint32_t slot, const struct table_hashes *held)
{
    assert(slot != 0);
    if (table->count >= (uint64_t)table->buckets.count * LOAD && table->buckets.count > 0)
        split(table, held);
    if (table->buckets.count == 0 && segments_add(&table->buckets) == SEGMENTS_NONE)
        return false;
    if (!put(table, hash, slot))
        return false;
    table->count++;
    return true;
}
