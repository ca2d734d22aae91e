/* Both forms of each mask say of every byte at every place what a table says, and read no byte
 * beside the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/masks.h"

static bool is_white(int byte)
{
    return byte != 0 && strchr(" \t\r\n\f\v", byte) != NULL;
}

static bool is_digit(int byte)
{
    return byte != 0 && strchr("0123456789", byte) != NULL;
}

static void know_every_byte(void **unused)
{
    unsigned whites = 0, digits = 0;

    (void)unused;
    for (int byte = 0; byte < 256; byte++) {
        assert_int_equal(masks_is_white((char)byte), is_white(byte));
        assert_int_equal(masks_is_digit((char)byte), is_digit(byte));
        whites += masks_is_white((char)byte);
        digits += masks_is_digit((char)byte);
    }
    assert_int_equal(whites, 6);
    assert_int_equal(digits, 10);
}

static void check(const char *block)
{
    uint32_t white = 0, newline = 0, digit = 0;

    for (size_t i = 0; i < MASKS_STEP; i++) {
        white |= (uint32_t)is_white((unsigned char)block[i]) << i;
        newline |= (uint32_t)(block[i] == '\n') << i;
        digit |= (uint32_t)is_digit((unsigned char)block[i]) << i;
    }
    assert_int_equal(masks_ends(block).white, white);
    assert_int_equal(masks_ends(block).newline, newline);
    assert_int_equal(masks_ends_portable(block).white, white);
    assert_int_equal(masks_ends_portable(block).newline, newline);
    assert_int_equal(masks_digit(block), digit);
    assert_int_equal(masks_digit_portable(block), digit);
    for (size_t of = 0; of < MASKS_STEP; of++) {
        uint32_t equal = 0;
        for (size_t i = 0; i < MASKS_STEP; i++)
            equal |= (uint32_t)(block[i] == block[of]) << i;
        assert_int_equal(masks_equal(block, block[of]), equal);
        assert_int_equal(masks_equal_portable(block, block[of]), equal);
    }
}

/* Every byte at every place, between neighbours that would show a carry. */
static void find_every_byte_at_every_place(void **unused)
{
    static const char around[] = "\0 \xff\t\n09x\x80";
    char *block = malloc(MASKS_STEP);

    (void)unused;
    assert_non_null(block);
    for (size_t a = 0; a < sizeof around - 1; a++)
        for (size_t i = 0; i < MASKS_STEP; i++) {
            memset(block, around[a], MASKS_STEP);
            for (int byte = 0; byte < 256; byte++) {
                block[i] = (char)byte;
                check(block);
            }
        }
    free(block);
}

static void find_many_at_once(void **unused)
{
    char block[MASKS_STEP];
    uint64_t x = 88172645463325252; /* xorshift64 */

    (void)unused;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof block; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            block[i] = (char)((x >> 32) % (round % 2 ? 256 : 64));
        }
        check(block);
    }
}

static void speak_of_a_whole_text(void **unused)
{
    (void)unused;
    for (size_t len = 0; len <= MASKS_MAX; len++) {
        char *text = malloc(len);
        assert_true(len == 0 || text != NULL);
        memset(text, '5', len);
        assert_true(masks_others(text, len) == 0);
        for (size_t i = 0; i < len; i++) {
            text[i] = '.';
            assert_true(masks_others(text, len) == UINT64_C(1) << i);
            text[i] = '5';
        }
        memset(text, '/', len);
        assert_true(masks_others(text, len) == (len < 64 ? (UINT64_C(1) << len) - 1 : UINT64_MAX));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(know_every_byte),
        cmocka_unit_test(find_every_byte_at_every_place),
        cmocka_unit_test(find_many_at_once),
        cmocka_unit_test(speak_of_a_whole_text),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("masks", tests, NULL, NULL);
}
