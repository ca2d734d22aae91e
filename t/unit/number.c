/* Numbers of the wire: each form, each end of each range, print and parse as each other's inverse,
 * and no locale. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "wire/number.h"

static struct herd_text text(const char *string)
{
    return (struct herd_text){string, strlen(string)};
}

/* What no number of any kind here is. */
static const char *const junk[] = {
    "",    " 1",  "1 ",   "1\n",   "a",   "1a",  ".",     ".5",   "1.",   "1..5", "1.5.5",
    "1,5", "1e1", "0x10", "0x1p1", "nan", "inf", "1.5e1", "1.-5", "1.+5", "--1",  "\xb2",
};

static void read_times(void **unused)
{
    static const struct {
        const char *text;
        int64_t ns;
    } times[] = {
        {"0", 0},
        {"0.0", 0},
        {"1520023934.918963997", INT64_C(1520023934918963997)},
        {"1520023934.9", INT64_C(1520023934900000000)},
        {"0.000000001", 1},
        {"0.0000000019", 1},
        {"0.000000000999999999", 0},
        {"0.123456789123456789", 123456789},
        {"0000000000000000000000000000000000000000000000000000000000000012", INT64_C(12000000000)},
        {"9223372035", INT64_C(9223372035000000000)},
        {"9223372035.000000000999999999", INT64_C(9223372035000000000)},
        {"9223372034.999999999", INT64_C(9223372034999999999)},
    };
    int64_t ns;

    (void)unused;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_true(number_time_parse(text(times[i].text), &ns));
        assert_true(ns == times[i].ns);
    }
}

static void refuse_other_times(void **unused)
{
    static const char *const texts[] = {
        "+1",
        "-1",
        "-0",
        "9223372036",
        "9223372035.000000001",
        "9223372035.5",
        "99999999999999999999",
        "18446744073709551617",
        "0.0000000000000000000",
        "00000000000000000000000000000000000000000000000000000000000000012",
    };
    int64_t ns = 77;

    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (number_time_parse(text(texts[i]), &ns))
            fail_msg("taken: %s", texts[i]);
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
        if (number_time_parse(text(junk[i]), &ns))
            fail_msg("taken: %s", junk[i]);
    assert_false(number_time_parse((struct herd_text){"1\0", 2}, &ns));
    assert_true(ns == 77);
}

static void print_times(void **unused)
{
    static const struct {
        const char *text;
        unsigned decimals;
    } times[] = {
        {"0", 0},
        {"0.0", 1},
        {"1520023934", 0},
        {"1520023934.918963997", 9},
        {"1520023934.910", 3},
        {"9223372035", 0},
        {"9223372034.999999999", 9},
        {"5.000000000", 9},
        {"10.5", 1},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char room[NUMBER_TIME_MAX];
        int64_t ns;

        assert_int_equal(number_time_decimals(text(times[i].text)), times[i].decimals);
        assert_true(number_time_parse(text(times[i].text), &ns));
        size_t len = number_time_print(room, ns, times[i].decimals);
        assert_int_equal(len, strlen(times[i].text));
        assert_memory_equal(room, times[i].text, len);
    }
    assert_int_equal(number_time_decimals(text("00")), NUMBER_AS_TEXT);
    assert_int_equal(number_time_decimals(text("01.5")), NUMBER_AS_TEXT);
    assert_int_equal(number_time_decimals(text("1.0000000000")), NUMBER_AS_TEXT);
    assert_int_equal(number_time_decimals(text("1.")), NUMBER_AS_TEXT);
}

static bool parse_held(const char *string, int64_t *ns)
{
    size_t len = strlen(string);
    char *held = malloc(len);

    assert_non_null(held);
    memcpy(held, string, len);
    bool ok = number_time_parse((struct herd_text){held, len}, ns);
    free(held);
    return ok;
}

/* Seconds of each length with fractions of each length, in memory that ends with the text. */
static void invert_times_of_every_length(void **unused)
{
    char string[64], *room;
    int64_t ns;

    (void)unused;
    for (int digits = 1; digits <= 10; digits++)
        for (int decimals = 0; decimals <= 18; decimals++) {
            int len = snprintf(string, sizeof string, "%.*s", digits, "9012345678");
            if (decimals > 0)
                snprintf(string + len, sizeof string - (size_t)len, ".%.*s", decimals,
                         "012345678901234567");
            for (int leading = 0; leading <= 3; leading++) {
                unsigned form = decimals <= 9 && leading == 0 ? (unsigned)decimals : NUMBER_AS_TEXT;
                assert_true(parse_held(string, &ns));
                assert_int_equal(number_time_decimals(text(string)), form);
                if (form != NUMBER_AS_TEXT) {
                    room = malloc(NUMBER_TIME_MAX);
                    assert_int_equal(number_time_print(room, ns, form), strlen(string));
                    assert_memory_equal(room, string, strlen(string));
                    free(room);
                }
                memmove(string + 1, string, strlen(string) + 1);
                string[0] = '0';
            }
        }
}

/* A byte that is no digit is seen wherever it stands. */
static void refuse_junk_at_every_place(void **unused)
{
    static const char bytes[] = "/:;\xb0\x00p.+- ";
    int64_t ns = 77;

    (void)unused;
    for (size_t len = 2; len <= 20; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t i = 0; i < sizeof bytes - 1; i++) {
                char *held = malloc(len);
                assert_non_null(held);
                memset(held, '1', len);
                if (len > 10)
                    held[10] = '.';
                held[at] = bytes[i];
                bool good = bytes[i] == '.' && at > 0 && at < len - 1 && (at == 10 || len <= 10);
                if (good == number_time_parse((struct herd_text){held, len}, &ns))
                    ns = 77;
                else
                    fail_msg("%.*s", (int)len, held);
                free(held);
            }
}

/* The same of a difference, whose second to last places alone a digit may have. */
static void refuse_junk_in_differences(void **unused)
{
    static const char bytes[] = "/:;\xb0\x00p.+- ";
    int64_t ns = 77;

    (void)unused;
    for (size_t at = 0; at < 12; at++)
        for (size_t i = 0; i < sizeof bytes - 1; i++) {
            char *held = malloc(12);
            assert_non_null(held);
            memcpy(held, "+1.111111111", 12);
            held[at] = bytes[i];
            bool good = (at == 0 && (bytes[i] == '+' || bytes[i] == '-')) ||
                        (at == 2 && bytes[i] == '.');
            if (good != number_diff_parse((struct herd_text){held, 12}, &ns))
                fail_msg("%.12s", held);
            free(held);
        }
}

static void invert_differences(void **unused)
{
    static const struct {
        const char *text;
        int64_t ns;
    } ends[] = {
        {"+0.000000000", 0},
        {"-0.000000001", -1},
        {"+0.263873386", 263873386},
        {"-10.000000000", INT64_C(-10000000000)},
        {"+9223372036.854775807", INT64_MAX},
        {"-9223372036.854775807", -INT64_MAX},
        {"-9223372036.854775808", INT64_MIN},
    };
    char room[NUMBER_DIFF_MAX];
    int64_t ns;

    (void)unused;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        assert_true(number_diff_parse(text(ends[i].text), &ns));
        assert_true(ns == ends[i].ns);
        assert_int_equal(number_diff_print(room, ends[i].ns), strlen(ends[i].text));
        assert_memory_equal(room, ends[i].text, strlen(ends[i].text));
    }
    for (int i = 0; i < 20000; i++) {
        int64_t wanted = (int64_t)random_next() >> (i % 64);
        size_t len = number_diff_print(room, wanted);
        assert_true(number_diff_parse((struct herd_text){room, len}, &ns));
        assert_true(ns == wanted);
    }
}

static void refuse_other_differences(void **unused)
{
    static const char *const texts[] = {
        "0.000000000",
        "-0.000000000",
        "+0",
        "+0.0",
        "+0.00000000",
        "+0.0000000000",
        "+00.000000000",
        "+01.000000000",
        "+.000000000",
        "++0.000000000",
        "+-1.000000000",
        "+",
        "-",
        "+1.00000000a",
        "+9223372036.854775808",
        "-9223372036.854775809",
        "+9223372037.000000000",
        "+99999999999.000000000",
        "+0,000000000",
        "+0.000000000 ",
        " +0.000000000",
    };
    int64_t ns = 77;

    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (number_diff_parse(text(texts[i]), &ns))
            fail_msg("taken: %s", texts[i]);
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
        if (number_diff_parse(text(junk[i]), &ns))
            fail_msg("taken: %s", junk[i]);
    assert_true(ns == 77);
}

static void read_decimals_as_strtod(void **unused)
{
    static const char *const texts[] = {
        "0",
        "0.0",
        "50",
        "49.999999999999999999999",
        "10.5",
        "0.1",
        "123456789012345",
        "0.3",
        "9007199254740993",
        "1.7976931348623157",
        "000000000000000000000000000000.5",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "179769313486231570814527423731704356798070567525844996598917476803157260780",
    };
    double value;

    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_true(number_decimal_parse(text(texts[i]), &value));
        assert_true(value == strtod(texts[i], NULL));
    }
    for (int i = 0; i < 20000; i++) {
        char room[64];
        uint64_t x = random_next();
        int len = snprintf(room, sizeof room, "%.*f", (int)(x % 20), (double)(x >> (x % 64)) / 1e6);
        assert_true(number_decimal_parse((struct herd_text){room, (size_t)len}, &value));
        assert_true(value == strtod(room, NULL));
    }
    value = 77;
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
        if (number_decimal_parse(text(junk[i]), &value))
            fail_msg("taken: %s", junk[i]);
    assert_false(number_decimal_parse(text("+1"), &value));
    assert_false(number_decimal_parse(text("-1"), &value));
    assert_false(number_decimal_parse((struct herd_text){"1\0", 2}, &value));
    assert_true(value == 77);
}

/* The bytes end where their memory ends: nothing looks for a NUL. */
static void read_decimals_of_any_length(void **unused)
{
    size_t len = 4000;
    char *digits = malloc(len);
    double value;

    (void)unused;
    assert_non_null(digits);
    memset(digits, '0', len);
    digits[len - 1] = '7';
    assert_true(number_decimal_parse((struct herd_text){digits, len}, &value));
    assert_true(value == 7);
    digits[0] = '3';
    digits[1] = '.';
    assert_true(number_decimal_parse((struct herd_text){digits, len}, &value));
    assert_true(value == 3);
    /* 10^399 is no double; neither is what 400 nines round to. */
    digits[1] = '0';
    assert_false(number_decimal_parse((struct herd_text){digits, 400}, &value));
    memset(digits, '9', len);
    assert_false(number_decimal_parse((struct herd_text){digits, 400}, &value));
    assert_false(number_decimal_parse((struct herd_text){digits, len}, &value));
    assert_true(number_decimal_parse((struct herd_text){digits, 308}, &value));
    assert_true(value == 1e308);
    free(digits);
}

/* Where the machine has a locale that writes commas (a C library without any has none to be misled
 * by), points are still points; by the fast way and by strtod's. */
static void ask_no_locale(void **unused)
{
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    double value;

    (void)unused;
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++)
        if (setlocale(LC_ALL, commas[i]) != NULL)
            break;
    print_message("# decimal point of the locale: %s\n", localeconv()->decimal_point);
    assert_true(number_decimal_parse(text("0.5"), &value));
    assert_true(value == 0.5);
    assert_true(number_decimal_parse(text("0.50000000000000000000000000000"), &value));
    assert_true(value == 0.5);
    assert_false(number_decimal_parse(text("0,5"), &value));
    setlocale(LC_ALL, "C");
}

static void read_counts(void **unused)
{
    unsigned count = 77;
    uint64_t wide = 77;

    (void)unused;
    assert_false(number_count_parse(text("4294967296"), &count));
    assert_false(number_count_parse(text("18446744073709551617"), &count));
    assert_false(number_count_parse(text("1.0"), &count));
    assert_false(number_count_parse(text("-1"), &count));
    assert_false(number_count_parse(text("+1"), &count));
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
        if (number_count_parse(text(junk[i]), &count) || number_u64_parse(text(junk[i]), &wide))
            fail_msg("taken: %s", junk[i]);
    assert_false(number_u64_parse(text("18446744073709551616"), &wide));
    assert_false(number_u64_parse(text("99999999999999999999"), &wide));
    assert_false(number_u64_parse(text("184467440737095516150"), &wide));
    assert_int_equal(count, 77);
    assert_true(wide == 77);

    assert_true(number_count_parse(text("4294967295"), &count));
    assert_true(count == UINT32_MAX);
    assert_true(number_count_parse(text("00000000000000000000000000000005"), &count));
    assert_int_equal(count, 5);
    assert_true(number_u64_parse(text("18446744073709551615"), &wide));
    assert_true(wide == UINT64_MAX);
}

/* Into memory that ends with the digits. */
static void print_and_check(uint64_t value)
{
    char wanted[21];
    size_t len = (size_t)snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)value);
    char *room = malloc(len);
    uint64_t back;

    assert_non_null(room);
    assert_int_equal(number_u64_print(room, value), len);
    assert_memory_equal(room, wanted, len);
    assert_true(number_u64_parse((struct herd_text){room, len}, &back));
    assert_true(back == value);
    free(room);
}

static void print_u64(void **unused)
{
    char room[21];

    (void)unused;
    assert_int_equal(number_u64_print(room, 0), 1);
    assert_int_equal(room[0], '0');
    assert_int_equal(number_u64_print(room, UINT64_MAX), 20);
    assert_memory_equal(room, "18446744073709551615", 20);
    for (int i = 0; i < 20000; i++)
        print_and_check(random_next() >> (i % 64));
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10)
        for (uint64_t value = power - 1; value <= power + 1; value++)
            print_and_check(value);
}

/* The divisions that digits are printed by are right for every value they are made for: each four
 * digits alone, high and low. */
static void print_every_four_digits(void **unused)
{
    (void)unused;
    for (uint64_t four = 0; four < 10000; four++) {
        print_and_check(four);
        print_and_check(four * 10000 + 9999 - four);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_times),
        cmocka_unit_test(refuse_other_times),
        cmocka_unit_test(print_times),
        cmocka_unit_test(invert_times_of_every_length),
        cmocka_unit_test(refuse_junk_at_every_place),
        cmocka_unit_test(refuse_junk_in_differences),
        cmocka_unit_test(invert_differences),
        cmocka_unit_test(refuse_other_differences),
        cmocka_unit_test(read_decimals_as_strtod),
        cmocka_unit_test(read_decimals_of_any_length),
        cmocka_unit_test(ask_no_locale),
        cmocka_unit_test(read_counts),
        cmocka_unit_test(print_u64),
        cmocka_unit_test(print_every_four_digits),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
