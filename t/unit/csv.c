/* CSV taken apart, a record at a time: what RFC 4180 has, what it does not, and bytes that come bit
 * by bit. */
#include "places/csv.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct csv_record record;

/* A copy without a byte behind it, so that a sanitizer sees each that is read too many. */
static enum csv_result parse(const char *bytes, size_t len, bool all, struct herd_error *err)
{
    char *copy = malloc(len);
    enum csv_result result;

    memcpy(copy, bytes, len);
    err->text[0] = '\0';
    result = csv_parse(&record, (struct herd_text){copy, len}, all, err);
    free(copy);
    return result;
}

/* The fields of the record, with | between them. */
static const char *fields(void)
{
    static char joined[4096];
    char *to = joined;

    for (size_t i = 0; i < record.count; i++) {
        struct herd_text field = csv_field(&record, i);

        if (i > 0)
            *to++ = '|';
        memcpy(to, field.bytes, field.len);
        to += field.len;
    }
    *to = '\0';
    return joined;
}

static void takes_records_apart(void **unused)
{
    static const struct {
        const char *text, *fields;
        size_t len;
    } cases[] = {
        {"a,b,c\nd", "a|b|c", 6},
        {"a,b,c\r\nd", "a|b|c", 7},
        {"a", "a", 1},
        {"a\r", "a", 2},
        {"\n", "", 1},
        {"\r\n", "", 2},
        {",\n", "|", 2},
        {",,", "||", 2},
        {"\"a\",\"\",b\n", "a||b", 9},
        {"\"a,\"\"b\"\"\r\nc\",d\n", "a,\"b\"\r\nc|d", 15},
        {"\"\"\"\"", "\"", 4},
        {" a , b ", " a | b ", 7},
        {"a\rb,c", "a\rb|c", 5},
        {"\"x\"\r\ny", "x", 5},
    };
    struct herd_error err;

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), true, &err), CSV_RECORD);
        assert_string_equal(fields(), cases[i].fields);
        assert_int_equal(record.len, cases[i].len);
    }
}

static void refuses_and_goes_on_behind_the_line(void **unused)
{
    static const struct {
        const char *text, *why;
        size_t len;
    } cases[] = {
        {"a\"b,c\nd", "within", 6},        {"\"a\"b,c\nd", "closing", 7},
        {"\"a,b\nc,d\n", "not closed", 5}, {"x,\"y\" ,z\nd", "closing", 9},
        {"\"", "not closed", 1},           {"a,\"b\"\rc\nd", "closing", 8},
    };
    struct herd_error err;
    char *many = malloc(2 * CSV_FIELDS_MAX);

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), true, &err), CSV_BAD);
        assert_non_null(strstr(err.text, cases[i].why));
        assert_int_equal(record.len, cases[i].len);
    }
    memset(many, ',', 2 * CSV_FIELDS_MAX);
    assert_int_equal(parse(many, CSV_FIELDS_MAX - 1, true, &err), CSV_RECORD);
    assert_int_equal(record.count, CSV_FIELDS_MAX);
    assert_int_equal(parse(many, CSV_FIELDS_MAX, true, &err), CSV_BAD);
    free(many);
}

/* However a record is cut, it asks for more, and then is the same. */
static void waits_for_the_rest(void **unused)
{
    static const char text[] = "\"a \"\"q\"\"\r\n\",b\0c,\"\"\r\nnext";
    size_t whole = sizeof(text) - 1 - 4;
    struct herd_error err;

    (void)unused;
    for (size_t len = 1; len < whole; len++)
        assert_int_equal(parse(text, len, false, &err), CSV_MORE);
    assert_int_equal(parse(text, whole, false, &err), CSV_RECORD);
    assert_int_equal(record.len, whole);
    assert_int_equal(record.count, 3);
    assert_int_equal(csv_field(&record, 1).len, 3);
}

/* Anything at all: it goes on, and stays within its bytes. */
static void any_bytes(void **unused)
{
    static const char alphabet[] = "\",\n\r a\0\xFF";
    struct herd_error err;
    char bytes[40];

    (void)unused;
    for (int round = 0; round < 200000; round++) {
        size_t len = 1 + random_next() % sizeof(bytes);
        bool all = random_next() % 2;
        enum csv_result result;

        for (size_t i = 0; i < len; i++)
            bytes[i] = alphabet[random_next() % (sizeof(alphabet) - 1)];
        result = parse(bytes, len, all, &err);
        assert_true(result != CSV_MORE || !all);
        if (result == CSV_MORE)
            continue;
        assert_in_range(record.len, 1, len);
        assert_true(all || bytes[record.len - 1] == '\n' || record.len == len);
    }
}

static int free_record(void **unused)
{
    (void)unused;
    free(record.text.bytes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_records_apart),
        cmocka_unit_test(refuses_and_goes_on_behind_the_line),
        cmocka_unit_test(waits_for_the_rest),
        cmocka_unit_test(any_bytes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, free_record);
}
