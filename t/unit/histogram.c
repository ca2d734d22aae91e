/* Histograms of latencies: each value comes back within 0.8 %, percentiles count as they should,
 * and two merged are the same as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/histogram.h"
#include "random.h"

#define RANDOM_VALUES 20000

static void nothing(void **unused)
{
    struct histogram h = {0};

    (void)unused;
    assert_int_equal(histogram_percentile(&h, 50), 0);
    assert_true(histogram_mean(&h) == 0);
    histogram_add_many(&h, 7, 0);
    assert_int_equal(h.count, 0);
}

/* What a single value, with a larger one above it, is reported as. */
static uint64_t reported(uint64_t value)
{
    struct histogram h = {0};

    histogram_add(&h, value);
    histogram_add(&h, UINT64_C(1) << 39);
    return histogram_percentile(&h, 50);
}

static void every_size(void **unused)
{
    (void)unused;
    for (uint64_t value = 0; value < 256; value++)
        assert_int_equal(reported(value), value);
    for (unsigned bit = 8; bit < 39; bit++) {
        for (int i = -2; i <= 2; i++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)i, told = reported(value);
            assert_true(told >= value);
            assert_true((double)(told - value) <= (double)value * 0.008);
        }
    }
}

static void too_large(void **unused)
{
    struct histogram h = {0};

    (void)unused;
    histogram_add(&h, UINT64_C(1) << 50);
    histogram_add(&h, UINT64_C(1) << 40);
    assert_int_equal(h.max, UINT64_C(1) << 50);
    assert_int_equal(h.min, UINT64_C(1) << 40);
    assert_int_equal(histogram_percentile(&h, 100), UINT64_C(1) << 50);
}

static void percentiles(void **unused)
{
    struct histogram h = {0};

    (void)unused;
    for (uint64_t value = 1; value <= 100; value++)
        histogram_add(&h, value);
    assert_int_equal(histogram_percentile(&h, 0.1), 1);
    assert_int_equal(histogram_percentile(&h, 1), 1);
    assert_int_equal(histogram_percentile(&h, 50), 50);
    assert_int_equal(histogram_percentile(&h, 99), 99);
    assert_int_equal(histogram_percentile(&h, 99.9), 100);
    assert_int_equal(histogram_percentile(&h, 100), 100);
    assert_true(histogram_mean(&h) == 50.5);
    histogram_add_many(&h, 200, 900);
    assert_int_equal(histogram_percentile(&h, 10), 100);
    assert_int_equal(histogram_percentile(&h, 10.1), 200);
    assert_int_equal(h.count, 1000);
}

/* A rank that no double hits: one of a thousand is above 99.9 %, and no two. */
static void exact_ranks(void **unused)
{
    struct histogram h = {0};

    (void)unused;
    histogram_add_many(&h, 5, 999);
    histogram_add(&h, 200);
    assert_int_equal(histogram_percentile(&h, 99.9), 5);
    assert_int_equal(histogram_percentile(&h, 99.91), 200);
    histogram_add_many(&h, 5, 8991);
    histogram_add_many(&h, 200, 9);
    assert_int_equal(histogram_percentile(&h, 99.9), 5);
    assert_int_equal(histogram_percentile(&h, 99.91), 200);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Beside the sorted values themselves. */
static void random_values(void **unused)
{
    static uint64_t values[RANDOM_VALUES];
    static const double wanted[] = {0.01, 1, 25, 50, 90, 95, 99, 99.9, 99.99, 100};
    struct histogram h = {0};

    (void)unused;
    for (size_t i = 0; i < RANDOM_VALUES; i++) {
        values[i] = random_next() >> (24 + random_next() % 40);
        histogram_add(&h, values[i]);
    }
    qsort(values, RANDOM_VALUES, sizeof *values, compare);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        uint64_t exact = values[(size_t)(wanted[i] / 100 * RANDOM_VALUES + 0.999999) - 1];
        uint64_t told = histogram_percentile(&h, wanted[i]);
        assert_true(told >= exact);
        assert_true((double)(told - exact) <= (double)exact * 0.008);
    }
    assert_int_equal(h.min, values[0]);
    assert_int_equal(h.max, values[RANDOM_VALUES - 1]);
}

static void merged(void **unused)
{
    struct histogram parts[3] = {0}, all = {0}, sum = {0};

    (void)unused;
    for (size_t i = 0; i < RANDOM_VALUES; i++) {
        uint64_t value = 5 + (random_next() >> 30);
        histogram_add(&parts[i % 2], value); /* the third stays empty */
        histogram_add(&all, value);
    }
    for (size_t i = 0; i < 3; i++)
        histogram_merge(&sum, &parts[i]);
    assert_memory_equal(&sum, &all, sizeof all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),     cmocka_unit_test(every_size),
        cmocka_unit_test(too_large),   cmocka_unit_test(percentiles),
        cmocka_unit_test(exact_ranks), cmocka_unit_test(random_values),
        cmocka_unit_test(merged),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
