/* The place in a neighbour's feed: only the present session moves it, never back, and only in the
 * feed that it is in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "herd/neighbour.h"
#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void is_have(struct neighbour *neighbour, const char *epoch, const char *wanted)
{
    char have[NEIGHBOUR_HAVE_MAX];
    size_t n = neighbour_have(neighbour, epoch, have);
    assert_int_equal(n, strlen(wanted));
    assert_memory_equal(have, wanted, n);
}

static void there_is_no_place_before_a_session(void **state)
{
    (void)state;
    struct neighbour *n = neighbour_create("Hands", true);
    assert_true(neighbour_dialled(n));
    assert_string_equal(neighbour_name(n), "Hands");
    assert_int_equal(neighbour_session(n), 0);
    is_have(n, NULL, "HAVE -");
    is_have(n, A, "HAVE -");
    neighbour_destroy(n);
}

static void marks_move_the_place_forward_only(void **state)
{
    (void)state;
    struct neighbour *n = neighbour_create("Hands", true);
    assert_int_equal(neighbour_begin(n, 1, A, 2), 0);
    neighbour_mark(n, 1, A, 1, 7);
    neighbour_mark(n, 1, A, 1, 5);
    neighbour_mark(n, 1, A, 2, 9); /* it has no such stripe */
    is_have(n, A, "HAVE " A " 0 7");
    is_have(n, NULL, "HAVE " A " 0 7");
    is_have(n, B, "HAVE -");
    neighbour_destroy(n);
}

static void the_place_outlives_the_session(void **state)
{
    (void)state;
    struct neighbour *n = neighbour_create("Hands", true);
    neighbour_begin(n, 1, A, 1);
    neighbour_mark(n, 1, A, 0, UINT64_MAX);
    assert_true(neighbour_end(n, 1));
    assert_false(neighbour_end(n, 1));
    neighbour_mark(n, 1, A, 0, 3);
    is_have(n, A, "HAVE " A " 18446744073709551615");
    assert_int_equal(neighbour_begin(n, 2, A, 1), 0);
    is_have(n, A, "HAVE " A " 18446744073709551615");
    neighbour_destroy(n);
}

static void a_replaced_session_moves_nothing(void **state)
{
    (void)state;
    struct neighbour *n = neighbour_create("Hands", true);
    neighbour_begin(n, 1, A, 1);
    assert_int_equal(neighbour_begin(n, 2, A, 1), 1);
    neighbour_mark(n, 1, A, 0, 3);
    is_have(n, A, "HAVE -");
    assert_false(neighbour_end(n, 1));
    assert_int_equal(neighbour_session(n), 2);
    neighbour_destroy(n);
}

static void another_incarnation_begins_at_nothing(void **state)
{
    (void)state;
    struct neighbour *n = neighbour_create("Hands", true);
    neighbour_begin(n, 1, A, 1);
    neighbour_mark(n, 1, A, 0, 3);
    neighbour_begin(n, 2, B, 1);
    neighbour_mark(n, 2, A, 0, 4); /* of the other feed */
    is_have(n, B, "HAVE -");
    is_have(n, A, "HAVE -");
    neighbour_begin(n, 3, B, 2); /* another number of stripes: another feed */
    is_have(n, B, "HAVE -");
    neighbour_mark(n, 3, B, 1, 5);
    is_have(n, B, "HAVE " B " 0 5");
    neighbour_destroy(n);
}

static void a_place_can_be_forgotten(void **state)
{
    (void)state;
    struct neighbour *n = neighbour_create("Hands", true);
    neighbour_begin(n, 1, A, 1);
    neighbour_mark(n, 1, A, 0, 3);
    neighbour_forget(n);
    is_have(n, NULL, "HAVE -");
    neighbour_mark(n, 1, A, 0, 4); /* the session began before */
    is_have(n, NULL, "HAVE -");
    neighbour_begin(n, 2, A, 1);
    is_have(n, A, "HAVE -");
    neighbour_mark(n, 2, A, 0, 2);
    is_have(n, A, "HAVE " A " 2");
    neighbour_destroy(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_place_before_a_session),
        cmocka_unit_test(marks_move_the_place_forward_only),
        cmocka_unit_test(the_place_outlives_the_session),
        cmocka_unit_test(a_replaced_session_moves_nothing),
        cmocka_unit_test(another_incarnation_begins_at_nothing),
        cmocka_unit_test(a_place_can_be_forgotten),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
