/* Slots of all sizes: none is given twice, all are walked in order, and what is freed is given
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"
#include <cmocka.h>

static void a_slot_has_the_room_asked_for(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab);
    for (size_t bytes = 1; bytes <= SLAB_BYTES_MAX; bytes++) {
        uint32_t slot = slab_alloc(&slab, bytes);
        assert_int_not_equal(slot, 0);
        assert_true(slab_room(&slab, slot) >= bytes && slab_room(&slab, slot) < bytes + SLAB_STEP);
        assert_int_equal((uintptr_t)slab_at(&slab, slot) % SLAB_STEP, 0);
        memset(slab_at(&slab, slot), 0xa5, slab_room(&slab, slot));
    }
    assert_int_equal(slab.held, SLAB_BYTES_MAX);
    slab_fini(&slab);
}

static void no_slot_is_given_twice(void **state)
{
    (void)state;
    enum { N = 30000 };
    static uint32_t slots[N];
    struct slab slab;
    slab_init(&slab);
    for (uint32_t i = 0; i < N; i++) {
        slots[i] = slab_alloc(&slab, 16 + i % 5 * 16);
        memcpy(slab_at(&slab, slots[i]), &i, sizeof i);
    }
    for (uint32_t i = 0; i < N; i++)
        assert_memory_equal(slab_at(&slab, slots[i]), &i, sizeof i);
    slab_fini(&slab);
}

static void what_is_freed_is_given_again(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab);
    uint32_t slot = slab_alloc(&slab, 100);
    size_t held_bytes = slab.held_bytes;
    slab_free(&slab, slot);
    assert_int_equal(slab.held, 0);
    assert_int_equal(slab.held_bytes, 0);
    assert_int_equal(slab_alloc(&slab, 99), slot);
    assert_int_equal(slab.held_bytes, held_bytes);
    uint32_t end = slab_end(&slab);
    for (int i = 0; i < 100000; i++) {
        slab_free(&slab, slot);
        slot = slab_alloc(&slab, 100);
    }
    assert_int_equal(slab_end(&slab), end);
    slab_fini(&slab);
}

static void a_walk_finds_each_held_slot_once_in_order(void **state)
{
    (void)state;
    enum { N = 5000 };
    static uint32_t slots[N];
    struct slab slab;
    slab_init(&slab);
    assert_int_equal(slab_next(&slab, 0, slab_end(&slab)), 0);
    for (int i = 0; i < N; i++)
        slots[i] = slab_alloc(&slab, 1 + (size_t)i * 7919 % SLAB_BYTES_MAX);
    for (int i = 0; i < N; i += 3)
        slab_free(&slab, slots[i]);
    size_t found = 0;
    uint32_t before = 0;
    for (uint32_t slot = 0; (slot = slab_next(&slab, slot, slab_end(&slab))) != 0; found++) {
        assert_true(slot > before);
        before = slot;
    }
    assert_int_equal(found, slab.held);
    assert_int_equal(found, N - (N + 2) / 3);
    slab_fini(&slab);
}

/* A sweep does not see what stands in chunks that came after it began. */
static void a_walk_ends_where_it_is_told(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab);
    uint32_t first = slab_alloc(&slab, 16);
    uint32_t end = slab_end(&slab);
    slab_alloc(&slab, 64);
    assert_int_equal(slab_next(&slab, 0, end), first);
    assert_int_equal(slab_next(&slab, first, end), 0);
    assert_int_not_equal(slab_next(&slab, first, slab_end(&slab)), 0);
    slab_fini(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_has_the_room_asked_for),
        cmocka_unit_test(no_slot_is_given_twice),
        cmocka_unit_test(what_is_freed_is_given_again),
        cmocka_unit_test(a_walk_finds_each_held_slot_once_in_order),
        cmocka_unit_test(a_walk_ends_where_it_is_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
