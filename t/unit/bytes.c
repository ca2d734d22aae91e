/* Short runs are copied and compared exactly, at every length around those of words, and no byte
 * beside them is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

#define LONGEST 80

static char letters[LONGEST];

static int fill(void **unused)
{
    (void)unused;
    for (int i = 0; i < LONGEST; i++)
        letters[i] = (char)(0x80 + i);
    return 0;
}

/* Both sides end where their memory ends, so that the sanitizer sees one byte too many. */
static void copies_every_length(void **unused)
{
    (void)unused;
    for (size_t n = 0; n <= LONGEST; n++) {
        char *from = malloc(n), *to = malloc(n);
        assert_true(n == 0 || (from != NULL && to != NULL));
        memcpy(from, letters, n);
        bytes_copy(to, from, n);
        assert_true(memcmp(to, letters, n) == 0);
        free(from);
        free(to);
    }
}

static void writes_nothing_beside(void **unused)
{
    char room[LONGEST + 2];

    (void)unused;
    for (size_t n = 0; n <= LONGEST; n++) {
        memset(room, '#', sizeof room);
        bytes_copy(room + 1, letters, n);
        assert_int_equal(room[0], '#');
        assert_int_equal(room[n + 1], '#');
    }
}

static void sees_each_byte_that_differs(void **unused)
{
    (void)unused;
    assert_true(bytes_equal(NULL, NULL, 0));
    for (size_t n = 1; n <= LONGEST; n++) {
        char *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, letters, n);
        assert_true(bytes_equal(copy, letters, n));
        for (size_t i = 0; i < n; i++) {
            copy[i] ^= 1;
            assert_false(bytes_equal(copy, letters, n));
            copy[i] ^= 1;
        }
        free(copy);
    }
}

static void reads_words_alike_everywhere(void **unused)
{
    static const char text[] = "?\x01\x02\x03\x04\x05\x06\x07\xf8";
    char room[10] = {0};

    (void)unused;
    assert_true(bytes_load(text + 1) == UINT64_C(0xf807060504030201));
    bytes_store(room + 1, UINT64_C(0xf807060504030201));
    assert_memory_equal(room + 1, text + 1, 8);
    assert_int_equal(room[0], 0);
    assert_int_equal(room[9], 0);
}

static void folds_up_to_sixteen_bytes(void **unused)
{
    (void)unused;
    assert_true(bytes_fold(NULL, 0) == 0);
    for (size_t n = 1; n <= LONGEST; n++) {
        char *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, letters, n);
        uint64_t was = bytes_fold(copy, n);
        for (size_t i = 0; i < n; i++) {
            copy[i] ^= 1;
            assert_int_equal(bytes_fold(copy, n) != was, i < 8 || i >= n - 8);
            copy[i] ^= 1;
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_every_length),          cmocka_unit_test(writes_nothing_beside),
        cmocka_unit_test(sees_each_byte_that_differs),  cmocka_unit_test(folds_up_to_sixteen_bytes),
        cmocka_unit_test(reads_words_alike_everywhere),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("bytes", tests, fill, NULL);
}
