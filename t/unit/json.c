/* What json_check takes and refuses, and that slices are the text's own bytes. */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct herd_text text_of(const char *text)
{
    return (struct herd_text){text, strlen(text)};
}

static void assert_text(struct herd_text text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.len);
}

/* A copy without a NUL behind it, so that a sanitizer sees each byte read too many. */
static bool check(const char *bytes, size_t len, struct herd_error *err)
{
    char *copy = malloc(len + !len);
    bool good;

    memcpy(copy, bytes, len);
    err->text[0] = '\0';
    good = json_check((struct herd_text){copy, len}, err);
    free(copy);
    return good;
}

static void takes_json(void **unused)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "null",
        " true ",
        "\r\n\t{\"a\" : [1, -0, 0.5, 1e9, 1E+9, 1.25e-3, 10]}\n",
        "\"\"",
        "\"\\u00e9\\ud83d\\ude00 \\\" \\\\ \\/ \\n\"",
        "\"h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF\"",
        "123456789012345678901234567890",
        "\"a\tb\nc\"",
        "\xEF\xBB\xBF{}",
        "\"\x7F\"",
        "1e999",
    };
    struct herd_error err;

    (void)unused;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!check(good[i], strlen(good[i]), &err))
            fail_msg("%s: %s", good[i], err.text);
    }
}

static void refuse_all(const char *const *bad, size_t count)
{
    struct herd_error err;

    for (size_t i = 0; i < count; i++) {
        if (check(bad[i], strlen(bad[i]), &err))
            fail_msg("taken: %s", bad[i]);
        assert_true(strlen(err.text) > 0);
    }
}

/* clang-format off */
static void refuses_what_is_none(void **unused)
{
    static const char *const bad[] = {
        "", " ", "\xEF\xBB\xBF", "{", "[", "[1", "[1,", "\"", "\"\\", "\"\\\"", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}", "[1,]", "[,1]", "{1:2}", "{} {}", "{}x", "nul", "True", "'a'", "// a\n{}", "[1 2]",
        "]", "}", "[}", "\xEF\xBB\xBF\xEF\xBB\xBF{}", "[\xEF\xBB\xBF 1]", "NaN", "[Infinity]", "\"\\x\"",
        "\"\\u12g4\"", "\"\\u12\"", "\"\\u123", "\"\\u", "\"\\ud800\"", "\"\\udc00\\ud800\"",
    };

    (void)unused;
    refuse_all(bad, sizeof(bad) / sizeof(bad[0]));
}

static void refuses_odd_numbers(void **unused)
{
    static const char *const bad[] = {
        "01", "[-01]", "[1.]", "[.5]", "[+1]", "[-]", "[1e]", "[1e+]", "[1-2]", "[1.2.3]", "[0x10]", "[00]",
    };

    (void)unused;
    refuse_all(bad, sizeof(bad) / sizeof(bad[0]));
}
/* clang-format on */

static void refuses_bad_bytes(void **unused)
{
    static const char *const bad[] = {
        "\"\x01\"",
        "\"\x1F\"",
        "\"\x0B\"",
        "\"\x0C\"",
        "[\x0B]",
        "[\x0C]",
        "[\x01 1]",
        "\"\x80\"",
        "\"\xBF\"",
        "\"\xC0\x80\"",
        "\"\xC1\xBF\"",
        "\"\xC3\"",
        "\"\xC3(\"",
        "\"\xE0\x80\x80\"",
        "\"\xE0\x9F\xBF\"",
        "\"\xED\xA0\x80\"",
        "\"\xED\xBF\xBF\"",
        "\"\xE2\x82\"",
        "\"\xF0\x80\x80\x80\"",
        "\"\xF0\x8F\xBF\xBF\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\xF5\x80\x80\x80\"",
        "\"\xFF\"",
        "\"\xFE\"",
        "\"\xE2\x82",
        "\"\xF0\x9F\x98",
    };
    struct herd_error err;

    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (check(bad[i], strlen(bad[i]), &err))
            fail_msg("taken: number %zu", i);
    }
    assert_false(check("[1]\0", 4, &err));
    assert_false(check("\"\0\"", 3, &err));
    assert_false(check("\0", 1, &err));
}

static void names_the_line_and_the_reason(void **unused)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"{\n\"a\": 01\n}", "line 2: a number that is none"},
        {"[1,\n2,\n\"\xFF\"]", "line 3: bytes that are not UTF-8"},
        {"[\"\x02\"]", "line 1: a control byte"},
        {"{}\n\n{}", "line 3: text after the end"},
        {"[\n1,\n2\n", "it ends too early"},
        {"{\n\"a\": 1,\n\"b\" 2}", "line 3: not JSON from here on"},
        {"[\"a", "a string without its end"},
        {"\n \t", "it is empty"},
    };
    struct herd_error err;

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(check(cases[i].text, strlen(cases[i].text), &err));
        if (!strstr(err.text, cases[i].reason))
            fail_msg("%s: %s, not %s", cases[i].text, err.text, cases[i].reason);
    }
}

/* A nest of the given depth, and what json_check says to it. */
static bool check_nest(size_t depth, const char *open, const char *close)
{
    size_t open_len = strlen(open), close_len = strlen(close),
           len = depth * (open_len + close_len) + 1;
    char *text = malloc(len);
    struct herd_error err;
    bool good;

    for (size_t i = 0; i < depth; i++) {
        memcpy(text + i * open_len, open, open_len);
        memcpy(text + len - (i + 1) * close_len, close, close_len);
    }
    text[depth * open_len] = '1';
    good = json_check((struct herd_text){text, len}, &err);
    if (!good)
        assert_non_null(strstr(err.text, "nested"));
    free(text);
    return good;
}

static void bounds_the_nesting(void **unused)
{
    (void)unused;
    assert_true(check_nest(JSON_DEPTH_MAX, "[", "]"));
    assert_true(check_nest(JSON_DEPTH_MAX, "{\"a\":", "}"));
    assert_false(check_nest(JSON_DEPTH_MAX + 1, "[", "]"));
    assert_false(check_nest(JSON_DEPTH_MAX + 1, "{\"a\":", "}"));
    assert_false(check_nest(3000000, "[", "]"));
    assert_false(check_nest(1000000, "[{\"a\":", "}]"));
}

static void walks_are_not_nests(void **unused)
{
    char text[2 * 3000 + 2];
    struct herd_error err;

    (void)unused;
    memset(text, ' ', sizeof(text));
    for (size_t i = 0; i < 2000; i++)
        memcpy(text + 1 + 3 * i, i < 1999 ? "[]," : "[] ", 3);
    text[0] = '[';
    text[sizeof(text) - 1] = ']';
    assert_true(json_check((struct herd_text){text, sizeof(text)}, &err));
}

static void bounds_a_number(void **unused)
{
    char text[JSON_NUMBER_MAX + 1];
    struct herd_error err;

    (void)unused;
    memset(text, '7', sizeof(text));
    assert_true(check(text, JSON_NUMBER_MAX, &err));
    assert_false(check(text, JSON_NUMBER_MAX + 1, &err));
    assert_non_null(strstr(err.text, "more than 63 bytes"));
}

static void slices_are_the_texts_own_bytes(void **unused)
{
    static const char *const keys[] = {"\"a\"", "\"b\\u0041\"", "\"\"", "\"d\""};
    static const char *const values[] = {"9007199254740993", "\"\\u00e9\\/\"", "[ 1 ,{ } ]",
                                         "1.50e2"};
    struct herd_text object = text_of(
        "{ \"a\" : 9007199254740993 ,\n\"b\\u0041\":\"\\u00e9\\/\", \"\": [ 1 ,{ } ],"
        "\"d\":1.50e2 }");
    struct json_walk walk = json_enter(object);
    struct herd_text key, value;

    (void)unused;
    for (size_t i = 0; i < 4; i++) {
        assert_true(json_next_member(&walk, &key, &value));
        assert_text(key, keys[i]);
        assert_text(value, values[i]);
        assert_true(value.bytes > object.bytes && value.bytes < object.bytes + object.len);
    }
    assert_false(json_next_member(&walk, &key, &value));
}

static void walks_an_array(void **unused)
{
    struct json_walk walk = json_enter(text_of("[ 1,\"]\" , [2,[3]],null ]"));
    struct herd_text value;

    (void)unused;
    assert_true(json_next_element(&walk, &value));
    assert_text(value, "1");
    assert_true(json_next_element(&walk, &value));
    assert_text(value, "\"]\"");
    assert_true(json_next_element(&walk, &value));
    assert_text(value, "[2,[3]]");
    assert_true(json_next_element(&walk, &value));
    assert_text(value, "null");
    assert_false(json_next_element(&walk, &value));
    walk = json_enter(text_of("[ ]"));
    assert_false(json_next_element(&walk, &value));
}

static void a_member_is_found_by_its_name_alone(void **unused)
{
    struct herd_text object = text_of(
        "{\"Results\":1,\"results\":2,\"x\":{\"results\":3},\"r\\u0065sults\":4}");
    struct herd_text value = {0};

    (void)unused;
    assert_int_equal(json_member(object, "results", &value), 2);
    assert_text(value, "4");
    assert_int_equal(json_member(object, "Results", &value), 1);
    assert_text(value, "1");
    assert_int_equal(json_member(object, "result", &value), 0);
    assert_text(value, "1");
}

static void a_string_says_its_text(void **unused)
{
    (void)unused;
    assert_true(json_says(text_of("\"name\""), "name"));
    assert_true(json_says(text_of("\"n\\u0061me\""), "name"));
    assert_true(json_says(text_of("\"\""), ""));
    assert_false(json_says(text_of("\"names\""), "name"));
    assert_false(json_says(text_of("\"nam\""), "name"));
    assert_false(json_says(text_of("\"name\\u0000x\""), "name"));
    assert_false(json_says(text_of("12"), "12"));
}

static void a_string_is_decoded_and_cut(void **unused)
{
    char to[6];

    (void)unused;
    assert_true(json_string(text_of("\"a\\u0062\\n\""), to, sizeof(to)));
    assert_string_equal(to, "ab\n");
    assert_true(json_string(text_of("\"abcdefgh\""), to, sizeof(to)));
    assert_string_equal(to, "abcde");
    assert_true(json_string(text_of("\"abcd\xC3\xA9\""), to, sizeof(to)));
    assert_string_equal(to, "abcd");
    assert_true(json_string(text_of("\"abc\\u00e9z\""), to, sizeof(to)));
    assert_string_equal(to, "abc\xC3\xA9");
    assert_true(json_string(text_of("\"\""), to, sizeof(to)));
    assert_string_equal(to, "");
    assert_false(json_string(text_of("12"), to, sizeof(to)));
}

static void kinds_numbers_and_trimming(void **unused)
{
    double number;

    (void)unused;
    assert_int_equal(json_kind(text_of("{}")), JSON_OBJECT);
    assert_int_equal(json_kind(text_of("[]")), JSON_ARRAY);
    assert_int_equal(json_kind(text_of("\"\"")), JSON_STRING);
    assert_int_equal(json_kind(text_of("-1")), JSON_NUMBER);
    assert_int_equal(json_kind(text_of("true")), JSON_BOOL);
    assert_int_equal(json_kind(text_of("null")), JSON_NULL);
    assert_true(json_number(text_of("-118.4452"), &number));
    assert_true(number == -118.4452);
    assert_true(json_number(text_of("1e999"), &number));
    assert_true(number > 1e308);
    assert_false(json_number(text_of("\"1\""), &number));
    assert_false(json_number(text_of("null"), &number));
    assert_text(json_trim(text_of("\xEF\xBB\xBF \r\n{} \n")), "{}");
    assert_text(json_trim(text_of("[]")), "[]");
    assert_text(json_trim(text_of(" ")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_json),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(refuses_odd_numbers),
        cmocka_unit_test(refuses_bad_bytes),
        cmocka_unit_test(names_the_line_and_the_reason),
        cmocka_unit_test(bounds_the_nesting),
        cmocka_unit_test(walks_are_not_nests),
        cmocka_unit_test(bounds_a_number),
        cmocka_unit_test(slices_are_the_texts_own_bytes),
        cmocka_unit_test(walks_an_array),
        cmocka_unit_test(a_member_is_found_by_its_name_alone),
        cmocka_unit_test(a_string_says_its_text),
        cmocka_unit_test(a_string_is_decoded_and_cut),
        cmocka_unit_test(kinds_numbers_and_trimming),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
