/* Lines end with LF or CRLF, and their fields are parted by WIRE.md's six bytes of white space and
 * no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/line.h"

#define TEXT(literal)                                                                              \
    (struct herd_text)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static void same(struct herd_text got, struct herd_text wanted)
{
    assert_int_equal(got.len, wanted.len);
    if (wanted.len > 0)
        assert_memory_equal(got.bytes, wanted.bytes, wanted.len);
}

static char *held;

/* Parses a copy that ends where its memory ends, so that the sanitizer sees one read too many. */
static struct line parse(struct herd_text text)
{
    struct line line;

    free(held);
    held = malloc(text.len);
    assert_true(held != NULL || text.len == 0);
    memcpy(held, text.bytes, text.len);
    line_parse(&line, held, text.len);
    return line;
}

static int let_go(void **unused)
{
    (void)unused;
    free(held);
    held = NULL;
    return 0;
}

static void finds_the_first_line(void **unused)
{
    (void)unused;
    assert_int_equal(line_length("", 0), 0);
    assert_int_equal(line_length(NULL, 0), 0);
    assert_int_equal(line_length("abc", 3), 0);
    assert_int_equal(line_length("abc\r", 4), 0);
    assert_int_equal(line_length("\n", 1), 1);
    assert_int_equal(line_length("abc\n", 4), 4);
    assert_int_equal(line_length("abc\r\ndef\n", 9), 5);
    assert_int_equal(line_length("a\0b\nc", 5), 4);
    assert_int_equal(line_length("abc\n", 3), 0);
}

static void takes_the_line_end_off(void **unused)
{
    (void)unused;
    same(parse(TEXT("abc\n")).text, TEXT("abc"));
    same(parse(TEXT("abc\r\n")).text, TEXT("abc"));
    same(parse(TEXT("abc\r\r\n")).text, TEXT("abc\r"));
    same(parse(TEXT(" abc \t\n")).text, TEXT(" abc \t"));
    same(parse(TEXT("abc")).text, TEXT("abc"));
    same(parse(TEXT("abc\r")).text, TEXT("abc\r"));
    same(parse(TEXT("\n")).text, TEXT(""));
    same(parse(TEXT("\r\n")).text, TEXT(""));
    same(parse(TEXT("\r")).text, TEXT("\r"));
}

static void parts_fields_at_each_white_space(void **unused)
{
    static const char white[] = " \t\r\f\v\n";
    char text[] = "ab?cd";

    (void)unused;
    for (size_t i = 0; i < sizeof white - 1; i++) {
        struct line line;
        text[2] = white[i];
        line_parse(&line, text, 5);
        assert_int_equal(line.count, 2);
        same(line_field(&line, 0), TEXT("ab"));
        same(line_field(&line, 1), TEXT("cd"));
    }
}

static void takes_every_other_byte_into_a_field(void **unused)
{
    char text[] = "ab?cd";
    unsigned others = 0;

    (void)unused;
    for (int byte = 0; byte < 256; byte++) {
        if (byte != 0 && strchr(" \t\r\n\f\v", byte) != NULL)
            continue;
        struct line line;
        text[2] = (char)byte;
        line_parse(&line, text, 5);
        assert_int_equal(line.count, 1);
        same(line_field(&line, 0), (struct herd_text){text, 5});
        others++;
    }
    assert_int_equal(others, 250);
}

static void counts_no_outer_white_space(void **unused)
{
    (void)unused;
    struct line line = parse(TEXT(" \t\v IAMAT \f\r kiwi \t \r\n"));
    assert_int_equal(line.count, 2);
    same(line_field(&line, 0), TEXT("IAMAT"));
    same(line_field(&line, 1), TEXT("kiwi"));
    same(line_field(&line, 2), TEXT(""));

    /* No LF: the CR is no line end, yet parts fields like any white space. */
    line = parse(TEXT("a b\r"));
    assert_int_equal(line.count, 2);
    same(line_field(&line, 1), TEXT("b"));
}

static void finds_no_field_in_a_blank_line(void **unused)
{
    (void)unused;
    assert_int_equal(parse(TEXT("")).count, 0);
    assert_int_equal(parse(TEXT("\n")).count, 0);
    assert_int_equal(parse(TEXT("\r\n")).count, 0);
    assert_int_equal(parse(TEXT(" \t\v\f\r \r\n")).count, 0);
    struct line line = parse(TEXT(" \n"));
    same(line_field(&line, 0), TEXT(""));
}

static void keeps_seven_fields_and_the_last(void **unused)
{
    (void)unused;
    struct line line = parse(TEXT("0 1 2 3 4 5 6\n"));
    assert_int_equal(line.count, 7);
    same(line_field(&line, 6), TEXT("6"));
    same(line_field(&line, 7), TEXT(""));

    line = parse(TEXT("0 1 2 3 4 5 6 7\n"));
    assert_int_equal(line.count, 8);
    same(line_field(&line, 6), TEXT("6"));
    same(line_field(&line, 7), TEXT("7"));
    same(line_field(&line, 8), TEXT(""));

    line = parse(TEXT("0 1 2 3 4 5 6 7 8 nine\n"));
    assert_int_equal(line.count, 10);
    same(line_field(&line, 0), TEXT("0"));
    same(line_field(&line, 6), TEXT("6"));
    same(line_field(&line, 7), TEXT(""));
    same(line_field(&line, 8), TEXT(""));
    same(line_field(&line, 9), TEXT("nine"));
    same(line_field(&line, 10), TEXT(""));
}

static void counts_a_line_of_many_fields(void **unused)
{
    char text[8192];

    (void)unused;
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "x ", 2);
    struct line line = parse((struct herd_text){text, sizeof text});
    assert_int_equal(line.count, sizeof text / 2);
    same(line_field(&line, line.count - 1), TEXT("x"));
}

/* What the first form of line_parse did, byte by byte. */
static void part_slowly(struct line *line, const char *bytes, size_t len)
{
    size_t i = 0;

    line->count = 0;
    for (;;) {
        while (i < len && strchr(" \t\r\n\f\v", bytes[i]) != NULL)
            i++;
        if (i == len)
            return;
        size_t from = i;
        while (i < len && strchr(" \t\r\n\f\v", bytes[i]) == NULL)
            i++;
        line->field[line->count < 7 ? line->count : 7] = (struct herd_text){bytes + from, i - from};
        line->count++;
    }
}

static void check_against_bytes(const char *text, size_t len)
{
    struct line wanted, line = parse((struct herd_text){text, len});

    part_slowly(&wanted, text, len);
    assert_int_equal(line.count, wanted.count);
    for (size_t i = 0; i < line.count; i++)
        same(line_field(&line, i), line_field(&wanted, i));
}

/* line_next says what line_length and line_parse say, whatever stands behind the line. */
static void check_next(const char *text, size_t len)
{
    char *bytes = malloc(len);
    struct line line, wanted;

    assert_true(bytes != NULL || len == 0);
    memcpy(bytes, text, len);
    size_t n = line_length(bytes, len);
    assert_int_equal(line_next(&line, bytes, len), n);
    if (n > 0) {
        line_parse(&wanted, bytes, n);
        same(line.text, wanted.text);
        assert_int_equal(line.count, wanted.count);
        for (size_t i = 0; i < line.count; i++)
            same(line_field(&line, i), line_field(&wanted, i));
    }
    free(bytes);
}

static void finds_and_parts_in_one_pass(void **unused)
{
    static const char *const lines[] = {"\n", "\r\n", "\n\n", "a\n", "a", " a \n b", "a\r\nb\r\n"};
    char text[100];

    (void)unused;
    check_next("", 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        check_next(lines[i], strlen(lines[i]));
    for (size_t len = 1; len <= sizeof text; len++)
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < len; i++)
                text[i] = i % 7 == len % 7 ? ' ' : 'x';
            text[at] = '\n';
            check_next(text, len);
            if (at + 9 < len)
                text[at + 9] = '\n';
            if (at > 0)
                text[at - 1] = '\r';
            check_next(text, len);
        }
}

/* Lengths around those of the blocks, with a field that ends at each place. */
static void parts_lines_of_every_length(void **unused)
{
    char text[70];

    (void)unused;
    for (size_t len = 0; len <= sizeof text; len++)
        for (size_t at = 0; at <= len; at++) {
            memset(text, 'x', sizeof text);
            check_against_bytes(text, len);
            if (at < len)
                text[at] = ' ';
            check_against_bytes(text, len);
            memset(text + at, '\t', len - at);
            check_against_bytes(text, len);
            memset(text, ' ', sizeof text);
            text[at < len ? at : 0] = 'x';
            check_against_bytes(text, len);
        }
}

static void parts_any_line_as_byte_by_byte(void **unused)
{
    static const char from[] = "ab \t\r\f\vcdefgh\xa0\x1f!";
    char text[120];
    uint64_t x = 88172645463325252; /* xorshift64 */

    (void)unused;
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)round % sizeof text;
        for (size_t i = 0; i < len; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            text[i] = from[(x >> 32) % (sizeof from - 1)];
        }
        check_against_bytes(text, len);
        if (len > 0 && round % 3 != 0)
            text[x % len] = '\n';
        check_next(text, len);
    }
}

static void compares_texts(void **unused)
{
    (void)unused;
    assert_true(text_equal(TEXT("a\0b"), TEXT("a\0b")));
    assert_false(text_equal(TEXT("a\0b"), TEXT("a\0c")));
    assert_false(text_equal(TEXT("ab"), TEXT("abc")));
    assert_true(text_equal(TEXT(""), (struct herd_text){NULL, 0}));
    assert_true(text_is(TEXT("IAMAT"), "IAMAT"));
    assert_false(text_is(TEXT("iamat"), "IAMAT"));
    assert_false(text_is(TEXT("IAMAT\0"), "IAMAT"));
    assert_false(text_is(TEXT("IAMA"), "IAMAT"));
    assert_true(text_is(TEXT(""), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_first_line),
        cmocka_unit_test(takes_the_line_end_off),
        cmocka_unit_test(parts_fields_at_each_white_space),
        cmocka_unit_test(takes_every_other_byte_into_a_field),
        cmocka_unit_test(counts_no_outer_white_space),
        cmocka_unit_test(finds_no_field_in_a_blank_line),
        cmocka_unit_test(keeps_seven_fields_and_the_last),
        cmocka_unit_test(counts_a_line_of_many_fields),
        cmocka_unit_test(parts_lines_of_every_length),
        cmocka_unit_test(parts_any_line_as_byte_by_byte),
        cmocka_unit_test(finds_and_parts_in_one_pass),
        cmocka_unit_test(compares_texts),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("line", tests, NULL, let_go);
}
