/* The AT message is written byte for byte as WIRE.md has it, and fits its bound; names of servers
 * are checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/at.h"

static struct herd_text text(const char *string)
{
    return (struct herd_text){string, strlen(string)};
}

static void prints(struct herd_report report, const char *wanted)
{
    size_t len = strlen(wanted);
    char *room = malloc(len);

    assert_non_null(room);
    assert_int_equal(at_print(room, &report), len);
    assert_memory_equal(room, wanted, len);
    free(room);
}

static void prints_the_message(void **unused)
{
    struct herd_report report = {
        .server = text("Goloman"),
        .client = text("kiwi.cs.ucla.edu"),
        .location = text("+34.068930-118.445127"),
        .time = text("1520023934.918963997"),
        .time_ns = INT64_C(1520023934918963997),
        .diff_ns = 263873386,
    };

    (void)unused;
    prints(report,
           "AT Goloman +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997");
    report.diff_ns = -1;
    prints(report,
           "AT Goloman -0.000000001 kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997");
    report.diff_ns = 0;
    report.time = text("00001520023934");
    prints(report, "AT Goloman +0.000000000 kiwi.cs.ucla.edu +34.068930-118.445127 00001520023934");
}

static void keeps_every_byte_of_a_client(void **unused)
{
    struct herd_report report = {
        .server = text("a"),
        .client = {"k\0\xff'\\", 5},
        .location = text("+0+0"),
        .time = text("0"),
        .diff_ns = 1000000000,
    };
    static const char wanted[] = "AT a +1.000000000 k\0\xff'\\ +0+0 0";
    char room[64];

    (void)unused;
    assert_int_equal(at_print(room, &report), sizeof wanted - 1);
    assert_memory_equal(room, wanted, sizeof wanted - 1);
}

static void fits_its_bound(void **unused)
{
    static char name[HERD_NAME_MAX], client[HERD_CLIENT_MAX], other[HERD_LOCATION_MAX];
    struct herd_report report = {
        .server = {name, sizeof name},
        .client = {client, sizeof client},
        .location = {other, sizeof other},
        .time = {other, sizeof other},
        .diff_ns = INT64_MIN,
    };
    char *room = malloc(HERD_AT_MAX);

    (void)unused;
    memset(name, 'n', sizeof name);
    memset(client, 'c', sizeof client);
    memset(other, '1', sizeof other);
    assert_non_null(room);
    /* One byte is left for the LF. */
    assert_int_equal(at_print(room, &report), HERD_AT_MAX - 1);
    free(room);
}

static void knows_names(void **unused)
{
    char name[HERD_NAME_MAX + 1];
    unsigned bytes = 0;

    (void)unused;
    assert_true(at_name_valid(text("Goloman")));
    assert_true(at_name_valid(text("a")));
    assert_true(at_name_valid(text("0.a_B-9")));
    assert_false(at_name_valid(text("")));
    assert_false(at_name_valid(text("a b")));
    assert_false(at_name_valid(text("a/b")));
    assert_false(at_name_valid((struct herd_text){"a\0b", 3}));
    memset(name, 'n', sizeof name);
    assert_true(at_name_valid((struct herd_text){name, HERD_NAME_MAX}));
    assert_false(at_name_valid((struct herd_text){name, HERD_NAME_MAX + 1}));
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bytes += at_name_valid((struct herd_text){&c, 1});
    }
    assert_int_equal(bytes, 26 + 26 + 10 + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_the_message),
        cmocka_unit_test(keeps_every_byte_of_a_client),
        cmocka_unit_test(fits_its_bound),
        cmocka_unit_test(knows_names),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("at", tests, NULL, NULL);
}
