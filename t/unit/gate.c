/* The gate of a provider with a made-up clock: its rate, its day, its breaker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "core/gate.h"

#include <cmocka.h>

#define S   INT64_C(1000000000)
#define MS  INT64_C(1000000)
#define DAY (86400 * S)

static struct gate gate;
static int64_t now_ns, wall_ns;

static void make(double rate, unsigned per_day, unsigned failures, int64_t pause_ns)
{
    const struct gate_settings settings = {rate, per_day, failures, pause_ns};
    gate_init(&gate, &settings);
    now_ns = 5 * S;
    wall_ns = 20000 * DAY + DAY / 2;
}

static void pass_time(int64_t ns)
{
    now_ns += ns;
    wall_ns += ns;
}

static enum gate_word ask(void)
{
    return gate_ask(&gate, now_ns, wall_ns).word;
}

/* How many of so many pass. */
static unsigned ask_often(unsigned times)
{
    unsigned passed = 0;
    for (unsigned i = 0; i < times; i++)
        passed += ask() == GATE_PASS;
    return passed;
}

static enum gate_change end(enum gate_end how)
{
    return gate_end(&gate, GATE_PASS, how, now_ns);
}

static void lets_all_through_without_limits(void **state)
{
    (void)state;
    make(0, 0, 0, 0);
    assert_int_equal(ask_often(100000), 100000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(end(GATE_FAILED), GATE_SAME);
    assert_int_equal(ask(), GATE_PASS);
}

static void keeps_a_rate(void **state)
{
    (void)state;
    make(10, 0, 0, 0);
    assert_int_equal(ask_often(30), 10); /* a second's worth at once */
    pass_time(99 * MS);
    assert_int_equal(ask(), GATE_RATE);
    pass_time(2 * MS);
    assert_int_equal(ask_often(3), 1);
    pass_time(1000 * S);
    assert_int_equal(ask_often(30), 10);
    unsigned passed = 0;
    for (int i = 0; i < 60 * 100; i++) {
        pass_time(10 * MS);
        passed += ask() == GATE_PASS;
    }
    assert_in_range(passed, 599, 600);
}

static void lets_one_through_at_a_rate_below_one(void **state)
{
    (void)state;
    make(0.5, 0, 0, 0);
    assert_int_equal(ask_often(5), 1);
    pass_time(1999 * MS);
    assert_int_equal(ask_often(5), 0);
    pass_time(2 * MS);
    assert_int_equal(ask_often(5), 1);
    pass_time(3600 * S);
    assert_int_equal(ask_often(5), 1);
}

static void says_once_that_the_rate_is_used_up(void **state)
{
    (void)state;
    make(2, 0, 0, 0);
    assert_int_equal(ask_often(2), 2);
    assert_true(gate_ask(&gate, now_ns, wall_ns).news);
    for (int i = 0; i < 100; i++) { /* never full again */
        pass_time(400 * MS);
        assert_false(gate_ask(&gate, now_ns, wall_ns).news);
    }
    pass_time(1 * S);
    assert_int_equal(ask_often(2), 2);
    assert_true(gate_ask(&gate, now_ns, wall_ns).news);
}

static void keeps_to_a_day(void **state)
{
    (void)state;
    make(0, 3, 0, 0);
    assert_int_equal(ask_often(3), 3);
    struct gate_said said = gate_ask(&gate, now_ns, wall_ns);
    assert_int_equal(said.word, GATE_DAY);
    assert_true(said.news);
    pass_time(DAY / 2 - 1);
    said = gate_ask(&gate, now_ns, wall_ns);
    assert_int_equal(said.word, GATE_DAY);
    assert_false(said.news);
    pass_time(1);
    assert_int_equal(ask_often(5), 3);
    wall_ns -= 1000 * DAY; /* the clock was set right */
    assert_int_equal(ask_often(5), 3);
}

/* What the day refuses costs no token, and what the rate refuses is not counted for the day. */
static void counts_what_passes_only(void **state)
{
    (void)state;
    make(1, 2, 0, 0);
    assert_int_equal(ask_often(9), 1);
    pass_time(1 * S);
    assert_int_equal(ask_often(9), 1);
    pass_time(1 * S);
    assert_int_equal(ask(), GATE_DAY);
    wall_ns += DAY;
    assert_int_equal(ask(), GATE_PASS);
}

/* As if it had never asked: neither the budget knows nor the breaker. */
static void gives_back_what_was_not_asked(void **state)
{
    (void)state;
    make(2, 3, 2, 10 * S);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask_often(2), 2);
        assert_int_equal(end(GATE_UNASKED), GATE_SAME);
        assert_int_equal(end(GATE_UNASKED), GATE_SAME);
    }
    assert_int_equal(end(GATE_UNASKED), GATE_SAME); /* never more than there is at the most */
    assert_int_equal(ask_often(9), 2);
    pass_time(10 * S);
    assert_int_equal(ask_often(9), 1);
    make(0, 0, 2, 10 * S);
    assert_int_equal(end(GATE_FAILED), GATE_SAME);
    assert_int_equal(end(GATE_UNASKED), GATE_SAME);
    assert_int_equal(end(GATE_FAILED), GATE_OPENED); /* no answer came in between */
    pass_time(10 * S);
    assert_int_equal(ask(), GATE_TRY);
    assert_int_equal(gate_end(&gate, GATE_TRY, GATE_UNASKED, now_ns), GATE_SAME);
    assert_int_equal(ask(), GATE_TRY); /* somebody else */
}

static void opens_after_failures_in_a_row(void **state)
{
    (void)state;
    make(0, 0, 3, 10 * S);
    assert_int_equal(end(GATE_FAILED), GATE_SAME);
    assert_int_equal(end(GATE_FAILED), GATE_SAME);
    assert_int_equal(end(GATE_ANSWERED), GATE_SAME);
    assert_int_equal(end(GATE_FAILED), GATE_SAME);
    assert_int_equal(end(GATE_UNTOLD), GATE_SAME);
    assert_int_equal(end(GATE_FAILED), GATE_SAME);
    assert_int_equal(ask(), GATE_PASS);
    assert_int_equal(end(GATE_FAILED), GATE_OPENED);
    assert_int_equal(ask(), GATE_OPEN);
    pass_time(10 * S - 1);
    assert_int_equal(ask(), GATE_OPEN);
    assert_int_equal(end(GATE_FAILED), GATE_SAME); /* one that was under way: no longer open */
    pass_time(1);
    assert_int_equal(ask(), GATE_TRY);
}

static void open_it(void)
{
    make(0, 0, 1, 10 * S);
    assert_int_equal(end(GATE_FAILED), GATE_OPENED);
    pass_time(10 * S);
    assert_int_equal(ask(), GATE_TRY);
    assert_int_equal(ask(), GATE_OPEN); /* one */
}

static void closes_if_the_one_is_answered(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(gate_end(&gate, GATE_TRY, GATE_ANSWERED, now_ns), GATE_CLOSED);
    assert_int_equal(ask_often(5), 5);
    open_it();
    assert_int_equal(end(GATE_ANSWERED), GATE_CLOSED); /* another one, from before */
    assert_int_equal(ask_often(5), 5);
    assert_int_equal(gate_end(&gate, GATE_TRY, GATE_FAILED, now_ns), GATE_OPENED);
}

static void stays_open_if_the_one_fails(void **state)
{
    (void)state;
    open_it();
    for (int i = 0; i < 3; i++) {
        pass_time(2 * S);
        assert_int_equal(gate_end(&gate, GATE_TRY, GATE_FAILED, now_ns), GATE_SAME);
        pass_time(10 * S - 1);
        assert_int_equal(ask(), GATE_OPEN);
        pass_time(1);
        assert_int_equal(ask(), GATE_TRY);
    }
}

static void lets_another_try_if_nobody_waited_for_the_one(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(gate_end(&gate, GATE_TRY, GATE_UNTOLD, now_ns), GATE_SAME);
    assert_int_equal(ask(), GATE_TRY);
    assert_int_equal(ask(), GATE_OPEN);
}

/* The one that is let through costs as any other, and is not lost if it cannot be paid. */
static void pays_for_the_one(void **state)
{
    (void)state;
    make(0.001, 0, 1, 10 * S);
    assert_int_equal(ask(), GATE_PASS);
    assert_int_equal(end(GATE_FAILED), GATE_OPENED);
    pass_time(10 * S);
    assert_int_equal(ask(), GATE_RATE);
    pass_time(1000 * S);
    assert_int_equal(ask(), GATE_TRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_all_through_without_limits),
        cmocka_unit_test(keeps_a_rate),
        cmocka_unit_test(lets_one_through_at_a_rate_below_one),
        cmocka_unit_test(says_once_that_the_rate_is_used_up),
        cmocka_unit_test(keeps_to_a_day),
        cmocka_unit_test(counts_what_passes_only),
        cmocka_unit_test(gives_back_what_was_not_asked),
        cmocka_unit_test(opens_after_failures_in_a_row),
        cmocka_unit_test(closes_if_the_one_is_answered),
        cmocka_unit_test(stays_open_if_the_one_fails),
        cmocka_unit_test(lets_another_try_if_nobody_waited_for_the_one),
        cmocka_unit_test(pays_for_the_one),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
