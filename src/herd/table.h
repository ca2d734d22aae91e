/* The hash table of a stripe: from an id's hash to the slot of its record. Buckets of one cache
 * line, with a byte of each hash beside the slots, so that a look-up touches the bucket and, most
 * of the time, one record.
 *
 * Linear hashing (Litwin, "Linear hashing: a new tool for file and table addressing", 1980): it
 * grows a bucket at a time, so no update ever waits for a rehash of everything. Whoever owns it
 * locks. */
#ifndef HERD_TABLE_H
#define HERD_TABLE_H

#include "base/segments.h"

#include <stdint.h>

#define TABLE_WIDTH 12 /* slots a bucket */

struct table_bucket {
    uint8_t tag[TABLE_WIDTH];
    uint32_t more;              /* the spare bucket that goes on where this one is full; 0: none */
    uint32_t slot[TABLE_WIDTH]; /* 0: empty; the empty ones are the last */
};
_Static_assert(sizeof(struct table_bucket) == 64, "a bucket is a cache line");

struct table {
    struct segments buckets;
    struct segments spares; /* spare 0 is never used */
    uint32_t spare_free;    /* names the next in `more` */
    uint32_t count;         /* slots held */
};

/* A look-up: the slots that may be the one, one after the other. */
struct table_probe {
    const struct table *table;
    struct table_bucket *bucket;
    struct table_bucket *before; /* whose spare bucket it is; NULL: it is none */
    uint8_t tag;
    int place;       /* in the bucket, of the one given last */
    uint32_t places; /* to look at next, as bits */
};

/* index: its memory, which outlives it. */
void table_init(struct table *table, struct arena *index);

/* For a look-up that will come soon, by a thread that holds no lock: has the bucket fetched from
 * memory; and once that is there, names a slot that may be the one, or any other number: only good
 * to fetch its record too. */
void table_fetch(const struct table *table, uint64_t hash);
uint32_t table_guess(const struct table *table, uint64_t hash);

struct table_probe table_probe(const struct table *table, uint64_t hash);
/* The next slot whose tag is the hash's, or 0. */
uint32_t table_next(struct table_probe *probe);
/* Puts another slot in place of the one that table_next gave last. */
void table_replace(struct table_probe *probe, uint32_t slot);
/* Takes the one that table_next gave last out. The probe is spent. */
void table_remove(struct table *table, struct table_probe *probe);

/* Adds a slot that is not there yet. False: there is no memory for it. hash_of gives the hash of
 * the id in a slot, for those that must move; soon is called with each of them before. */
struct table_hashes {
    uint64_t (*hash_of)(void *arg, uint32_t slot);
    void (*soon)(void *arg, uint32_t slot);
    void *arg;
};
bool table_add(struct table *table, uint64_t hash, uint32_t slot, const struct table_hashes *held);

/* What it takes of the arena. */
size_t table_bytes(const struct table *table);

#endif
