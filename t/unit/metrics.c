/* Counters add up over all threads, also those that ended, and can be read while others count. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/metrics.h"

#define THREADS 4
#define COUNTS  20000

static int let_go(void **unused)
{
    (void)unused;
    metrics_fini();
    return 0;
}

static void begin_at_nought(void **unused)
{
    (void)unused;
    for (int i = 0; i < METRIC_COUNT; i++)
        assert_true(metrics_sum((enum metric)i) == 0);
}

static void count_apart(void **unused)
{
    (void)unused;
    metric_add(commands, 1);
    metric_add(commands, 41);
    metric_add(invalid, 7);
    assert_true(metrics_sum(METRIC_commands) == 42);
    assert_true(metrics_sum(METRIC_invalid) == 7);
    assert_true(metrics_sum(METRIC_searches) == 0);
}

static void have_names(void **unused)
{
    (void)unused;
    assert_string_equal(metrics_name(METRIC_commands), "commands");
    assert_string_equal(metrics_name(METRIC_reports_new), "reports_new");
    for (int i = 0; i < METRIC_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(metrics_name((enum metric)i), metrics_name((enum metric)j));
}

static void have_modules_counters_behind_them(void **unused)
{
    (void)unused;
    struct herd_error err = {.text = ""};
    char long_name[66] = "", name[16];
    memset(long_name, 'x', 65);
    const char *bad[] = {"", "A", "a-b", "a b", "a\"", long_name};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(metrics_own(bad[i], &err), -1);
    assert_int_equal(metrics_own("clients", &err), -1);
    assert_int_equal(metrics_own("commands", &err), -1);
    assert_string_equal(err.text, "the counter commands is herd's own");
    for (int i = 0; i < HERD_COUNTERS_MAX; i++) {
        snprintf(name, sizeof name, "own_%d", i);
        assert_int_equal(metrics_own(name, &err), METRIC_COUNT + i);
    }
    assert_int_equal(metrics_own("one_more", &err), -1);
    assert_int_equal(metrics_own("own_7", &err), METRIC_COUNT + 7);
    assert_int_equal(metrics_count(), METRIC_COUNT + HERD_COUNTERS_MAX);
    assert_string_equal(metrics_name(METRIC_COUNT + 63), "own_63");
    metrics_add(METRIC_COUNT + 63, 3);
    assert_true(metrics_sum(METRIC_COUNT + 63) == 3);
    assert_true(metrics_sum(METRIC_COUNT + 62) == 0);
    metrics_seal();
    assert_int_equal(metrics_own("own_7", &err), METRIC_COUNT + 7);
    assert_int_equal(metrics_own("one_more", &err), -1);
    assert_string_equal(err.text, "the counter one_more comes after the start");
}

static void *count(void *unused)
{
    for (int i = 0; i < COUNTS; i++)
        metric_add(wakeups, 2);
    return unused;
}

static void add_up_over_threads(void **unused)
{
    pthread_t threads[THREADS];
    uint64_t before = 0;

    (void)unused;
    metric_add(wakeups, 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = metrics_sum(METRIC_wakeups);
        assert_true(now >= before);
        before = now;
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(metrics_sum(METRIC_wakeups) == 1 + 2 * THREADS * COUNTS);
}

static void begin_anew_after_fini(void **unused)
{
    (void)unused;
    metric_add(commands, 3);
    metrics_fini();
    assert_true(metrics_sum(METRIC_commands) == 0);
    metric_add(commands, 2);
    assert_true(metrics_sum(METRIC_commands) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(begin_at_nought, let_go),
        cmocka_unit_test_teardown(count_apart, let_go),
        cmocka_unit_test(have_names),
        cmocka_unit_test(have_modules_counters_behind_them),
        cmocka_unit_test_teardown(add_up_over_threads, let_go),
        cmocka_unit_test_teardown(begin_anew_after_fini, let_go),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
