/* Names are numbered once, from 1, and there are 65535 of them at the most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "herd/names.h"

static struct herd_text print(char *room, int i)
{
    return (struct herd_text){room, (size_t)sprintf(room, "server-%d", i)};
}

static void the_same_name_has_the_same_number(void **state)
{
    (void)state;
    struct names *names = names_create();
    uint16_t a = names_number(names, (struct herd_text){"Goloman", 7});
    uint16_t b = names_number(names, (struct herd_text){"Hands", 5});
    assert_int_not_equal(a, 0);
    assert_int_not_equal(a, b);
    assert_int_equal(names_number(names, (struct herd_text){"Golomanic", 7}), a);
    assert_int_not_equal(names_number(names, (struct herd_text){"Golo", 4}), a);
    assert_int_equal(names_text(names, b).len, 5);
    assert_memory_equal(names_text(names, b).bytes, "Hands", 5);
    names_destroy(names);
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    struct names *names = names_create();
    char room[HERD_NAME_MAX + 1];
    for (int i = 1; i <= NAMES_MAX; i++)
        assert_int_equal(names_number(names, print(room, i)), i);
    assert_int_equal(names_number(names, print(room, 0)), 0);
    assert_int_equal(names_number(names, print(room, NAMES_MAX)), NAMES_MAX);
    for (int i = 1; i <= NAMES_MAX; i++) {
        struct herd_text text = print(room, i);
        assert_int_equal(names_text(names, (uint16_t)i).len, text.len);
        assert_memory_equal(names_text(names, (uint16_t)i).bytes, text.bytes, text.len);
    }
    names_destroy(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_name_has_the_same_number),
        cmocka_unit_test(there_is_an_end_to_them),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
