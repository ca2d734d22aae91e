/* Both forms say of every byte at every place what a rule says, and a copy is of the plain bytes
 * alone, whatever the length, and touches no byte beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log_plain.h"

#define LONGEST 80

static bool is_plain(int byte, bool json)
{
    return byte >= ' ' && byte <= '~' && byte != '\\' && (byte != '"' || !json);
}

static void knows_every_byte_at_every_place(void **unused)
{
    char block[LOG_PLAIN_STEP];

    (void)unused;
    for (int json = 0; json < 2; json++)
        for (int byte = 0; byte < 256; byte++) {
            assert_int_equal(log_plain_is((char)byte, json), is_plain(byte, json));
            for (unsigned at = 0; at < LOG_PLAIN_STEP; at++) {
                memset(block, "~ "[at % 2], sizeof block);
                memset(block + at, byte, sizeof block - at);
                unsigned run = is_plain(byte, json) ? LOG_PLAIN_STEP : at;
                assert_int_equal(log_plain_run(block, json), run);
                assert_int_equal(log_plain_run_portable(block, json), run);
            }
        }
}

/* Both sides end where their memory ends, so that the sanitizer sees one byte too many. */
static void check(size_t len, size_t odd)
{
    char *from = malloc(len), *to = malloc(len);

    assert_true(len == 0 || (from != NULL && to != NULL));
    for (size_t i = 0; i < len; i++)
        from[i] = (char)('a' + i % 26);
    if (odd < len)
        from[odd] = '\n';
    size_t plain = log_plain_copy(to, from, len, false);
    assert_int_equal(plain, odd < len ? odd : len);
    assert_true(plain == 0 || memcmp(to, from, plain) == 0);
    free(from);
    free(to);
}

static void copies_what_is_plain(void **unused)
{
    (void)unused;
    for (size_t len = 0; len <= LONGEST; len++)
        for (size_t odd = 0; odd <= len; odd++)
            check(len, odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_every_byte_at_every_place),
        cmocka_unit_test(copies_what_is_plain),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("log_plain", tests, NULL, NULL);
}
