/* Ids that were chosen to collide cost what other ids cost: 65,536 that have one FNV-1a hash of 32
 * bits, and as many that have one djb2 hash of any width, beside random ones of the same length.
 * What is compared is not time but what takes it: the buckets that look-ups visit, the records that
 * they compare, the longest chain of buckets, the fullest stripe. The same count of tables that use
 * those hashes, with fewer ids, shows that it would tell.
 *
 * Collisions are true ones, of Joux' kind ("Multicollisions in iterated hash functions", 2004): two
 * blocks that take the hash from one state to one other; then two more from there. Sixteen such
 * pairs make 2^16 ids. For djb2 "Ez" and "FY" are such a pair from any state; for FNV-1a a pair is
 * searched for from each state, which a birthday brings within some 2^17 blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "random.h"
#include "reports.h"
#include <cmocka.h>

#define PAIRS   16
#define COUNT   (1u << PAIRS)
#define FEWER   4096 /* of them, where the time grows with the square */
#define BLOCK   8    /* bytes */
#define ID      (PAIRS * BLOCK)
#define STRIPES 64

/* ---- ids ---- */

struct ids {
    char bytes[COUNT][ID];
    size_t len;
};

static struct ids fnv_ids, djb2_ids, random_ids;

static uint32_t fnv1a_from(uint32_t state, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        state = (state ^ (unsigned char)bytes[i]) * 16777619u;
    return state;
}

static uint64_t fnv1a(struct herd_text id)
{
    return fnv1a_from(2166136261u, id.bytes, id.len);
}

static uint64_t djb2(struct herd_text id)
{
    uint64_t hash = 5381;
    for (size_t i = 0; i < id.len; i++)
        hash = hash * 33 + (unsigned char)id.bytes[i];
    return hash;
}

static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

static uint64_t keyed(struct herd_text id)
{
    return siphash13(key, id.bytes, id.len);
}

/* Block number n, of printable bytes. Blocks that differ in little would not collide. */
static void write_block(char *to, uint64_t n)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._";
    n *= UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < BLOCK; i++, n /= 64)
        to[i] = digits[n % 64];
}

/* Two blocks that FNV-1a takes from that state to one other. Returns that. */
static uint32_t find_pair(uint32_t state, char pair[2][BLOCK])
{
    static uint32_t seen[1u << 20], after[1u << 20];
    memset(seen, 0, sizeof seen);
    for (uint32_t n = 1;; n++) {
        write_block(pair[1], n);
        uint32_t next = fnv1a_from(state, pair[1], BLOCK);
        uint32_t at = (next ^ next >> 12) & ((1u << 20) - 1);
        while (seen[at] != 0 && after[at] != next)
            at = (at + 1) & ((1u << 20) - 1);
        if (seen[at] != 0) {
            write_block(pair[0], seen[at]);
            return next;
        }
        assert_true(n < 1u << 19);
        seen[at] = n;
        after[at] = next;
    }
}

/* Id number n takes of each pair the block that a bit of n says. */
static void fill(struct ids *ids, char pairs[PAIRS][2][BLOCK], size_t block)
{
    ids->len = PAIRS * block;
    for (uint32_t n = 0; n < COUNT; n++)
        for (int i = 0; i < PAIRS; i++)
            memcpy(ids->bytes[n] + (size_t)i * block, pairs[i][n >> i & 1], block);
}

static int make_ids(void **state)
{
    static char pairs[PAIRS][2][BLOCK];
    uint32_t at = 2166136261u;
    (void)state;
    for (int i = 0; i < PAIRS; i++)
        at = find_pair(at, pairs[i]);
    fill(&fnv_ids, pairs, BLOCK);
    for (int i = 0; i < PAIRS; i++)
        memcpy(pairs[i][0], "Ez", 2), memcpy(pairs[i][1], "FY", 2);
    fill(&djb2_ids, pairs, 2);
    for (uint32_t n = 0; n < COUNT; n++)
        for (int i = 0; i < PAIRS; i++)
            write_block(random_ids.bytes[n] + i * BLOCK, random_next());
    return 0;
}

static struct herd_text id_of(const struct ids *ids, uint32_t n)
{
    return (struct herd_text){ids->bytes[n], ids->len};
}

static void they_collide(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < COUNT; n++) {
        assert_true(fnv1a(id_of(&fnv_ids, n)) == fnv1a(id_of(&fnv_ids, 0)));
        assert_true(djb2(id_of(&djb2_ids, n)) == djb2(id_of(&djb2_ids, 0)));
        assert_memory_not_equal(fnv_ids.bytes[n], fnv_ids.bytes[n - 1], fnv_ids.len);
        assert_memory_not_equal(djb2_ids.bytes[n], djb2_ids.bytes[n - 1], djb2_ids.len);
    }
}

/* ---- what they cost ---- */

struct cost {
    uint64_t buckets, records; /* of a look-up for each id */
    unsigned longest;          /* chain */
    unsigned fullest;          /* stripe */
};

/* A look-up as the store does it: until the slot is found. */
static void look_up(const struct table *table, uint64_t hash, uint32_t slot, struct cost *cost)
{
    struct table_probe probe = table_probe(table, hash);
    uint32_t found;
    do {
        found = table_next(&probe);
        cost->records++;
    } while (found != slot && found != 0);
    assert_int_equal(found, slot);
}

static unsigned chain_buckets(const struct table *table, const struct table_bucket *bucket,
                              struct cost *cost)
{
    unsigned n = 0;
    for (;; bucket = segments_at(&table->spares, bucket->more)) {
        n++;
        for (int i = 0; i < TABLE_WIDTH; i++)
            cost->buckets += bucket->slot[i] != 0 ? n : 0;
        if (bucket->more == 0)
            return n;
    }
}

static void add_chains(const struct table *table, struct cost *cost)
{
    for (uint32_t i = 0; i < table->buckets.count; i++) {
        unsigned n = chain_buckets(table, segments_at(&table->buckets, i), cost);
        cost->longest = n > cost->longest ? n : cost->longest;
    }
    cost->fullest = table->count > cost->fullest ? table->count : cost->fullest;
}

static uint64_t hashes[COUNT + 1];

static uint64_t hash_of(void *arg, uint32_t slot)
{
    (void)arg;
    return hashes[slot];
}

static void nothing(void *arg, uint32_t slot)
{
    (void)arg, (void)slot;
}

/* In one table, by that hash. */
static struct cost cost_by(uint64_t (*hash)(struct herd_text), const struct ids *ids,
                           uint32_t count)
{
    static const struct table_hashes held = {hash_of, nothing, NULL};
    struct arena memory;
    struct table table;
    struct cost cost = {0};
    arena_init(&memory, (size_t)1 << 30);
    table_init(&table, &memory);
    for (uint32_t n = 0; n < count; n++) {
        hashes[n + 1] = hash(id_of(ids, n));
        table_add(&table, hashes[n + 1], n + 1, &held);
    }
    for (uint32_t n = 0; n < count; n++)
        look_up(&table, hashes[n + 1], n + 1, &cost);
    add_chains(&table, &cost);
    arena_fini(&memory);
    return cost;
}

/* In a server's store, which hashes as it likes. */
static struct cost cost_stored(const struct ids *ids)
{
    struct store *store = new_store(STRIPES);
    struct report_room room;
    struct cost cost = {0};
    uint64_t news = 0;
    for (uint32_t n = 0; n < COUNT; n++) {
        struct herd_report report = report_of(&room, "", 1);
        report.client = id_of(ids, n);
        enum herd_put put = store_put(store, store_hash(store, report.client), &report, 0, 0,
                                      &news);
        assert_int_equal(put, HERD_PUT_NEW);
    }
    for (unsigned i = 0; i < STRIPES; i++)
        add_chains(&store_stripe(store, i)->table, &cost);
    store_destroy(store);
    return cost;
}

static void assert_alike(struct cost cost, struct cost other)
{
    assert_true(cost.buckets * 100 <= other.buckets * 105);
    assert_true(cost.records * 100 <= other.records * 105);
    assert_in_range(cost.longest, 1, other.longest + 2);
    assert_in_range(cost.fullest, 1, other.fullest * 11 / 10);
}

static void they_cost_what_others_cost(void **state)
{
    (void)state;
    random_ids.len = fnv_ids.len;
    struct cost ordinary = cost_by(keyed, &random_ids, COUNT);
    struct cost stored = cost_stored(&random_ids);
    assert_alike(cost_by(keyed, &fnv_ids, COUNT), ordinary);
    assert_alike(cost_stored(&fnv_ids), stored);
    random_ids.len = djb2_ids.len;
    assert_alike(cost_by(keyed, &djb2_ids, COUNT), cost_by(keyed, &random_ids, COUNT));
    assert_alike(cost_stored(&djb2_ids), cost_stored(&random_ids));
    assert_in_range(stored.longest, 1, 8);
    assert_in_range(stored.fullest, COUNT / STRIPES, COUNT / STRIPES * 5 / 4);
}

/* With the hashes that they were made for, each look-up goes through half of all. */
static void these_counts_would_tell(void **state)
{
    (void)state;
    struct cost ordinary = cost_by(keyed, &random_ids, FEWER);
    struct cost costs[] = {cost_by(fnv1a, &fnv_ids, FEWER), cost_by(djb2, &djb2_ids, FEWER)};
    for (int i = 0; i < 2; i++) {
        assert_true(costs[i].records > ordinary.records * FEWER / 4);
        assert_true(costs[i].buckets > ordinary.buckets * (FEWER / TABLE_WIDTH) / 4);
        assert_true(costs[i].longest >= FEWER / TABLE_WIDTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_collide),
        cmocka_unit_test(they_cost_what_others_cost),
        cmocka_unit_test(these_counts_would_tell),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("flood_hash", tests, make_ids, NULL);
}
