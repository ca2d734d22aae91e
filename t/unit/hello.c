/* HELLO, written and read, and every form of it that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "herd/hello.h"
#include "wire/line.h"
#include <cmocka.h>

#define A "0123456789abcdef0123456789abcdef"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct herd_text text(const char *bytes)
{
    return (struct herd_text){bytes, strlen(bytes)};
}

static bool parses(const char *line, struct hello *hello)
{
    struct herd_error err = {""};
    bool good = hello_parse(hello, text(line), &err);
    assert_int_equal(good, err.text[0] == '\0');
    return good;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char line[HELLO_BYTES_MAX];
    struct hello hello;
    struct neighbour *n = neighbour_create("Hands", true);
    neighbour_begin(n, 1, B, NEIGHBOUR_STRIPES_MAX);
    for (unsigned i = 0; i < NEIGHBOUR_STRIPES_MAX; i++)
        neighbour_mark(n, 1, B, i, UINT64_MAX - i);
    size_t len = hello_print(line, "Goloman", n, A, INT64_C(1520023934918963997), 4, NULL);
    assert_true(len <= HELLO_BYTES_MAX);
    assert_int_equal(line[len - 1], '\n');
    line[len - 1] = '\0';
    assert_true(parses(line, &hello));
    assert_true(text_is(hello.from, "Goloman") && text_is(hello.to, "Hands"));
    assert_true(text_is(hello.epoch, A) && text_is(hello.have, B));
    assert_int_equal(hello.clock_ns, INT64_C(1520023934918963997));
    assert_int_equal(hello.stripes, 4);
    assert_int_equal(hello.have_stripes, NEIGHBOUR_STRIPES_MAX);
    for (unsigned i = 0; i < NEIGHBOUR_STRIPES_MAX; i++)
        assert_true(hello.pos[i] == UINT64_MAX - i);
    neighbour_destroy(n);
}

static void a_place_in_another_feed_is_not_told(void **state)
{
    (void)state;
    char line[HELLO_BYTES_MAX];
    struct hello hello;
    struct neighbour *n = neighbour_create("Hands", true);
    neighbour_begin(n, 1, B, 1);
    size_t len = hello_print(line, "Goloman", n, A, 0, 1, A);
    line[len - 1] = '\0';
    assert_string_equal(line, "HELLO 1 Goloman Hands " A " 0.000000000 1 HAVE -");
    assert_true(parses(line, &hello));
    assert_int_equal(hello.have.len, 0);
    assert_int_equal(hello.have_stripes, 0);
    neighbour_destroy(n);
}

static void white_space_does_not_count(void **state)
{
    (void)state;
    struct hello hello;
    assert_true(parses("\t HELLO  1 a b " A " 1.5\v64 HAVE " B " 1 2 \r", &hello));
    assert_int_equal(hello.stripes, 64);
    assert_int_equal(hello.have_stripes, 2);
}

static void malformed_ones_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "HELLO",
        "HELO 1 a b " A " 1.5 64 HAVE -",
        "hello 1 a b " A " 1.5 64 HAVE -",
        "HELLO 2 a b " A " 1.5 64 HAVE -",
        "HELLO x a b " A " 1.5 64 HAVE -",
        "HELLO 1 a/b c " A " 1.5 64 HAVE -",
        "HELLO 1 a \xff " A " 1.5 64 HAVE -",
        "HELLO 1 a b 0123 1.5 64 HAVE -",
        "HELLO 1 a b 0123456789ABCDEF0123456789ABCDEF 1.5 64 HAVE -",
        "HELLO 1 a b " A "0 1.5 64 HAVE -",
        "HELLO 1 a b " A " -1 64 HAVE -",
        "HELLO 1 a b " A " 1.5 0 HAVE -",
        "HELLO 1 a b " A " 1.5 65 HAVE -",
        "HELLO 1 a b " A " 1.5 64",
        "HELLO 1 a b " A " 1.5 64 HAVE",
        "HELLO 1 a b " A " 1.5 64 HAVE - 1",
        "HELLO 1 a b " A " 1.5 64 HAVE 12 1",
        "HELLO 1 a b " A " 1.5 64 HAVE " B " x",
        "HELLO 1 a b " A " 1.5 64 HAVE " B " -1",
        "HELLO 1 a b " A " 1.5 64 HAVE " B " 18446744073709551616",
        "HELLO 1 a b " A " 1.5 64 HAVE " B
        " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    };
    struct hello hello;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_false(parses(lines[i], &hello));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_place_in_another_feed_is_not_told),
        cmocka_unit_test(white_space_does_not_count),
        cmocka_unit_test(malformed_ones_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("hello", tests, NULL, NULL);
}
