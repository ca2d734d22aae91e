/* A buffer gives back the bytes that were added, in order, whatever is taken in between, and its
 * memory stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

static void begins_empty(void **unused)
{
    struct buffer b = {0};

    (void)unused;
    assert_int_equal(buffer_len(&b), 0);
    buffer_add(&b, NULL, 0);
    buffer_take(&b, 0);
    assert_int_equal(buffer_len(&b), 0);
    assert_null(b.bytes);
    buffer_free(&b);
}

static void holds_what_was_added(void **unused)
{
    struct buffer b = {0};

    (void)unused;
    buffer_add(&b, "hello ", 6);
    buffer_add(&b, "world", 5);
    assert_int_equal(buffer_len(&b), 11);
    assert_memory_equal(buffer_at(&b), "hello world", 11);
    buffer_take(&b, 6);
    assert_int_equal(buffer_len(&b), 5);
    assert_memory_equal(buffer_at(&b), "world", 5);
    buffer_take(&b, 5);
    assert_int_equal(buffer_len(&b), 0);
    /* The allocation stays, from its beginning. */
    assert_non_null(b.bytes);
    assert_int_equal(b.to, 0);
    buffer_free(&b);
    assert_null(b.bytes);
    assert_int_equal(buffer_len(&b), 0);
}

static void lets_the_caller_write(void **unused)
{
    struct buffer b = {0};

    (void)unused;
    buffer_add(&b, "ab", 2);
    memset(buffer_reserve(&b, 5000), 'x', 5000);
    assert_int_equal(buffer_len(&b), 2);
    buffer_grew(&b, 3);
    assert_int_equal(buffer_len(&b), 5);
    assert_memory_equal(buffer_at(&b), "abxxx", 5);
    buffer_free(&b);
}

static void keeps_order_under_any_mixture(void **unused)
{
    struct buffer b = {0};
    uint32_t added = 0, taken = 0;
    uint64_t x = 88172645463325252; /* xorshift64 */

    (void)unused;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        for (uint64_t n = x % 97; n > 0; n--, added++)
            buffer_add(&b, &added, sizeof added);
        size_t held = buffer_len(&b) / sizeof added;
        for (uint64_t n = (x >> 32) % 103; n > 0 && held > 0; n--, held--, taken++) {
            uint32_t first;
            memcpy(&first, buffer_at(&b), sizeof first);
            assert_int_equal(first, taken);
            buffer_take(&b, sizeof first);
        }
    }
    assert_int_equal(buffer_len(&b) / sizeof added, added - taken);
    buffer_free(&b);
}

/* A reader that never quite catches up: room must follow what is held, not what went through. */
static void does_not_grow_with_what_went_through(void **unused)
{
    struct buffer b = {0};
    char block[1000] = {0};

    (void)unused;
    buffer_add(&b, block, sizeof block);
    for (int i = 0; i < 100000; i++) {
        buffer_add(&b, block, sizeof block);
        buffer_take(&b, sizeof block);
    }
    assert_int_equal(buffer_len(&b), sizeof block);
    assert_true(b.room <= 8192);
    buffer_free(&b);
}

/* Nearly full, a byte in and a byte out: the moving must be paid for by the bytes that went
 * through. */
static void moves_little_when_nearly_full(void **unused)
{
    struct buffer b = {0};
    char block[60000] = {0};
    size_t through = 200000, moved = 0;

    (void)unused;
    buffer_add(&b, block, sizeof block);
    for (size_t i = 0; i < through; i++) {
        buffer_take(&b, 1);
        size_t from = b.from;
        buffer_add(&b, "x", 1);
        if (b.from != from)
            moved += buffer_len(&b);
    }
    assert_true(moved > 0);
    assert_true(moved <= 5 * through);
    assert_true(b.room <= 4 * sizeof block + 4096);
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_empty),
        cmocka_unit_test(holds_what_was_added),
        cmocka_unit_test(lets_the_caller_write),
        cmocka_unit_test(keeps_order_under_any_mixture),
        cmocka_unit_test(does_not_grow_with_what_went_through),
        cmocka_unit_test(moves_little_when_nearly_full),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
