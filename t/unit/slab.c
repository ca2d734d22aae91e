/* Slots of all sizes: none is given twice, all are walked, and what is freed is given again; and
 * the arena that they lie in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"
#include <cmocka.h>

static struct arena records, rest;
static struct slab_pool pool;
static struct slab *moved_in;

static struct slab open_slab(void)
{
    struct slab slab;
    arena_init(&records, (size_t)1 << 30);
    arena_init(&rest, (size_t)1 << 30);
    slab_pool_init(&pool, &records);
    slab_init(&slab, &pool, &rest);
    return slab;
}

static void close_arenas(void)
{
    slab_pool_fini(&pool);
    arena_fini(&records);
    arena_fini(&rest);
}

static void a_slot_has_the_room_asked_for(void **state)
{
    (void)state;
    struct slab slab = open_slab();
    uint32_t slots[SLAB_BYTES_MAX + 1];
    for (size_t bytes = 1; bytes <= SLAB_BYTES_MAX; bytes++) {
        slots[bytes] = slab_alloc(&slab, bytes);
        assert_int_not_equal(slots[bytes], 0);
        assert_true(slab_size(bytes) >= bytes && slab_size(bytes) < bytes + SLAB_STEP);
        assert_int_equal((uintptr_t)slab_at(&slab, slots[bytes]) % SLAB_STEP, 0);
        memset(slab_at(&slab, slots[bytes]), (int)bytes, slab_size(bytes));
    }
    for (size_t bytes = 1; bytes <= SLAB_BYTES_MAX; bytes++)
        for (size_t i = 0; i < slab_size(bytes); i++)
            assert_int_equal(((unsigned char *)slab_at(&slab, slots[bytes]))[i], bytes & 0xff);
    assert_int_equal(slab.held, SLAB_BYTES_MAX);
    close_arenas();
}

static void no_slot_is_given_twice(void **state)
{
    (void)state;
    enum { N = 30000 };
    static uint32_t slots[N];
    struct slab slab = open_slab();
    for (uint32_t i = 0; i < N; i++) {
        slots[i] = slab_alloc(&slab, 16 + i % 5 * 16);
        memcpy(slab_at(&slab, slots[i]), &i, sizeof i);
    }
    for (uint32_t i = 0; i < N; i++)
        assert_memory_equal(slab_at(&slab, slots[i]), &i, sizeof i);
    close_arenas();
}

/* Two slabs that share an arena, as stripes do. */
static void slabs_share_an_arena(void **state)
{
    (void)state;
    struct slab one = open_slab(), other;
    slab_init(&other, &pool, &rest);
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t a = slab_alloc(&one, 72), b = slab_alloc(&other, 72);
        assert_true(a > b ? a - b >= 9 : b - a >= 9);
        memcpy(slab_at(&one, a), &i, sizeof i);
        memcpy(slab_at(&other, b), &a, sizeof a);
        assert_memory_equal(slab_at(&one, a), &i, sizeof i);
    }
    close_arenas();
}

static void what_is_freed_is_given_again(void **state)
{
    (void)state;
    struct slab slab = open_slab();
    uint32_t slot = slab_alloc(&slab, 100);
    size_t held_bytes = slab.held_bytes;
    slab_free(&slab, slot, 100);
    assert_int_equal(slab.held, 0);
    assert_int_equal(slab.held_bytes, 0);
    assert_int_equal(slab_alloc(&slab, 99), slot);
    assert_int_equal(slab.held_bytes, held_bytes);
    uint32_t end = slab_end(&slab);
    for (int i = 0; i < 100000; i++) {
        slab_free(&slab, slot, 100);
        slot = slab_alloc(&slab, 100);
    }
    assert_int_equal(slab_end(&slab), end);
    close_arenas();
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Freed ones too. */
static void a_walk_finds_each_slot_once(void **state)
{
    (void)state;
    enum { N = 5000 };
    static uint32_t slots[N], walked[N];
    struct slab slab = open_slab();
    struct slab_walk walk = {0};
    assert_int_equal(slab_next(&slab, &walk, slab_end(&slab)), 0);
    for (int i = 0; i < N; i++)
        slots[i] = slab_alloc(&slab, 1 + (size_t)i * 7919 % SLAB_BYTES_MAX);
    for (int i = 0; i < N; i += 3)
        slab_free(&slab, slots[i], 1 + (size_t)i * 7919 % SLAB_BYTES_MAX);
    size_t found = 0;
    walk = (struct slab_walk){0};
    for (uint32_t slot; (slot = slab_next(&slab, &walk, slab_end(&slab))) != 0; found++)
        walked[found < N ? found : 0] = slot;
    assert_int_equal(found, N);
    qsort(slots, N, sizeof slots[0], compare);
    qsort(walked, N, sizeof walked[0], compare);
    assert_memory_equal(slots, walked, sizeof slots);
    close_arenas();
}

/* A sweep does not see what stands in chunks that came after it began. */
static void a_walk_ends_where_it_is_told(void **state)
{
    (void)state;
    struct slab slab = open_slab();
    struct slab_walk walk = {0};
    uint32_t first = slab_alloc(&slab, 16);
    uint32_t end = slab_end(&slab);
    uint32_t second = slab_alloc(&slab, 64);
    assert_int_equal(slab_next(&slab, &walk, end), first);
    assert_int_equal(slab_next(&slab, &walk, end), 0);
    assert_int_equal(slab_next(&slab, &walk, slab_end(&slab)), second);
    close_arenas();
}

/* ---- chunks that are emptied ---- */

static bool is_named(void *arg, uint32_t slot)
{
    (void)arg;
    return *((unsigned char *)slab_at(moved_in, slot) + 8) == 1;
}

static void name(struct slab *slab, uint32_t slot, bool held)
{
    *((unsigned char *)slab_at(slab, slot) + 8) = held;
}

static void move(void *arg, uint32_t from, uint32_t to)
{
    assert_int_not_equal(to, 0);
    memcpy(slab_at(moved_in, to), slab_at(moved_in, from), 64);
    name(moved_in, from, false);
    ++*(int *)arg;
}

/* Two chunks that are half empty: what is in one has room in the other, and no more is needed. */
static void what_leaves_has_room_in_what_stays(void **state)
{
    (void)state;
    enum { FIRST = 8, SECOND = 16 };
    struct slab slab = open_slab();
    uint32_t slots[FIRST + SECOND];
    int moved = 0;
    const struct slab_mover mover = {is_named, move, &moved};
    moved_in = &slab;
    for (int i = 0; i < FIRST + SECOND; i++)
        name(&slab, slots[i] = slab_alloc(&slab, 64), true);
    assert_int_equal(slab_end(&slab), 3);
    for (int i = 0; i < FIRST + SECOND; i += 2) {
        name(&slab, slots[i], false);
        slab_free(&slab, slots[i], 64);
    }
    records.usable = records.reserved = records.taken; /* and no more is to be had */
    size_t before = slab.bytes;
    slab_give_back(&slab, slab_vacate(&slab, &mover));
    assert_int_equal(moved, FIRST / 2);
    assert_true(slab.bytes < before);
    assert_int_equal(slab.held, (FIRST + SECOND) / 2);
    close_arenas();
}

/* Small chunks that lie side by side serve slots that are larger than each. */
static void small_chunks_are_joined(void **state)
{
    (void)state;
    enum { SMALL = 4000, LARGE = 100 };
    struct slab small = open_slab(), large;
    uint32_t slots[SMALL];
    int moved = 0;
    const struct slab_mover mover = {is_named, move, &moved};
    slab_init(&large, &pool, &rest);
    moved_in = &small;
    small.thrifty = large.thrifty = true;
    for (int i = 0; i < SMALL; i++)
        name(&small, slots[i] = slab_alloc(&small, 64), false);
    for (int i = 0; i < SMALL; i++)
        slab_free(&small, slots[i], 64);
    slab_give_back(&small, slab_vacate(&small, &mover));
    assert_int_equal(small.bytes, 0);
    size_t before = records.taken;
    for (int i = 0; i < LARGE; i++)
        memset(slab_at(&large, slab_alloc(&large, 1200)), 0xa5, 1200);
    assert_int_equal(records.taken, before);
    close_arenas();
}

/* Beyond the steps in which it is made usable. */
static void an_arena_grows_and_is_clear(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    char *before = NULL;
    for (size_t i = 0; i < 100; i++) {
        size_t bytes = 1 + i * 20011;
        char *piece = arena_take(&arena, bytes, 64);
        assert_int_equal((uintptr_t)piece % 64, 0);
        assert_true(before == NULL || piece > before);
        assert_true(piece[0] == 0 && piece[bytes - 1] == 0);
        memset(piece, 0xa5, bytes);
        before = piece + bytes - 1;
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_has_the_room_asked_for),
        cmocka_unit_test(no_slot_is_given_twice),
        cmocka_unit_test(slabs_share_an_arena),
        cmocka_unit_test(what_is_freed_is_given_again),
        cmocka_unit_test(a_walk_finds_each_slot_once),
        cmocka_unit_test(a_walk_ends_where_it_is_told),
        cmocka_unit_test(what_leaves_has_room_in_what_stays),
        cmocka_unit_test(small_chunks_are_joined),
        cmocka_unit_test(an_arena_grows_and_is_clear),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
