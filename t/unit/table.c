/* The hash table holds what was added and no more, whatever the order of adding and removing:
 * buckets that overflow into spare ones, and buckets that split while they do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "herd/table.h"

#define SLOTS 20000

static uint64_t hashes[SLOTS + 1];
static struct arena memory;

static uint64_t hash_of(void *arg, uint32_t slot)
{
    (void)arg;
    return hashes[slot];
}

static void fetch(void *arg, uint32_t slot)
{
    (void)arg;
    assert_in_range(slot, 1, SLOTS);
}

static struct table open_table(void)
{
    struct table table;
    arena_init(&memory, (size_t)1 << 30);
    table_init(&table, &memory);
    return table;
}

static uint64_t scatter(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* How often a look-up for the hash finds the slot. */
static int finds(const struct table *table, uint64_t hash, uint32_t slot)
{
    struct table_probe probe = table_probe(table, hash);
    int n = 0;
    for (uint32_t found; (found = table_next(&probe)) != 0;)
        n += found == slot;
    return n;
}

static void add(struct table *table, uint32_t slot, uint64_t hash)
{
    hashes[slot] = hash;
    static const struct table_hashes held = {hash_of, fetch, NULL};
    table_add(table, hash, slot, &held);
}

static void take_out(struct table *table, uint32_t slot)
{
    struct table_probe probe = table_probe(table, hashes[slot]);
    uint32_t found;
    while ((found = table_next(&probe)) != slot)
        assert_int_not_equal(found, 0);
    table_remove(table, &probe);
}

static void an_empty_table_has_nothing(void **state)
{
    (void)state;
    struct table table = open_table();
    assert_int_equal(finds(&table, 42, 1), 0);
    table_fetch(&table, 42);
    assert_int_equal(table_guess(&table, 42), 0);
    arena_fini(&memory);
}

static void what_is_added_is_found_once(void **state)
{
    (void)state;
    struct table table = open_table();
    for (uint32_t slot = 1; slot <= SLOTS; slot++) {
        add(&table, slot, scatter(slot));
        assert_int_equal(finds(&table, scatter(slot), slot), 1);
    }
    unsigned guessed = 0;
    for (uint32_t slot = 1; slot <= SLOTS; slot++) {
        assert_int_equal(finds(&table, scatter(slot), slot), 1);
        table_fetch(&table, scatter(slot));
        guessed += table_guess(&table, scatter(slot)) == slot;
    }
    assert_true(guessed > SLOTS / 10 * 9);
    assert_int_equal(table.count, SLOTS);
    assert_true(table_bytes(&table) < SLOTS / 9 * 64 * 4);
    arena_fini(&memory);
}

static void a_slot_can_be_replaced(void **state)
{
    (void)state;
    struct table table = open_table();
    add(&table, 1, 7);
    struct table_probe probe = table_probe(&table, 7);
    assert_int_equal(table_next(&probe), 1);
    hashes[2] = 7;
    table_replace(&probe, 2);
    assert_int_equal(finds(&table, 7, 1), 0);
    assert_int_equal(finds(&table, 7, 2), 1);
    arena_fini(&memory);
}

/* Forty slots of one hash fill a bucket and several spare ones. */
static void fill_one_bucket(struct table *table)
{
    for (uint32_t slot = 1; slot <= 40; slot++)
        add(table, slot, 5);
}

static void spare_buckets_empty_from_the_front(void **state)
{
    (void)state;
    struct table table = open_table();
    fill_one_bucket(&table);
    for (uint32_t slot = 1; slot <= 40; slot++) {
        take_out(&table, slot);
        for (uint32_t other = slot + 1; other <= 40; other++)
            assert_int_equal(finds(&table, 5, other), 1);
        assert_int_equal(finds(&table, 5, slot), 0);
    }
    assert_int_equal(table.count, 0);
    arena_fini(&memory);
}

static void spare_buckets_empty_from_the_back(void **state)
{
    (void)state;
    struct table table = open_table();
    fill_one_bucket(&table);
    for (uint32_t slot = 40; slot >= 1; slot--) {
        take_out(&table, slot);
        for (uint32_t other = 1; other < slot; other++)
            assert_int_equal(finds(&table, 5, other), 1);
    }
    assert_int_equal(table.count, 0);
    size_t bytes = table_bytes(&table);
    for (int round = 0; round < 100; round++) {
        fill_one_bucket(&table);
        for (uint32_t slot = 40; slot >= 1; slot--)
            take_out(&table, slot);
    }
    assert_true(table_bytes(&table) <= bytes * 2); /* spare ones are used again */
    arena_fini(&memory);
}

/* Few hashes, so that chains are long; adding and removing in random order while the table grows.
 */
static void churn(unsigned kinds)
{
    static unsigned char in[SLOTS + 1];
    struct table table = open_table();
    uint64_t random = kinds;
    uint32_t count = 0;
    memset(in, 0, sizeof in);
    for (int step = 0; step < 60000; step++) {
        uint64_t r = scatter(random += UINT64_C(0x9e3779b97f4a7c15));
        uint32_t slot = 1 + (uint32_t)(r % 2000);
        if (in[slot])
            take_out(&table, slot), count--;
        else
            add(&table, slot, scatter(r >> 32 & (kinds - 1))), count++;
        in[slot] = !in[slot];
        assert_int_equal(table.count, count);
    }
    for (uint32_t slot = 1; slot <= 2000; slot++)
        assert_int_equal(finds(&table, hashes[slot], slot), in[slot]);
    arena_fini(&memory);
}

static void any_order_of_adding_and_removing(void **state)
{
    (void)state;
    churn(64);
    churn(1024);
    churn(1u << 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_nothing),
        cmocka_unit_test(what_is_added_is_found_once),
        cmocka_unit_test(a_slot_can_be_replaced),
        cmocka_unit_test(spare_buckets_empty_from_the_front),
        cmocka_unit_test(spare_buckets_empty_from_the_back),
        cmocka_unit_test(any_order_of_adding_and_removing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
