/* Lines that are read ahead: which, how many, what is looked up, and that nothing behind a line
 * that is too long or not whole is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "herd/ahead.h"
#include "reports.h"
#include <cmocka.h>

#define LINE_MAX_BYTES 40

static enum herd_result run(struct herd_request *req)
{
    (void)req;
    return HERD_OK;
}

static const struct herd_command tell = {
    .verb = "TELL", .min_fields = 3, .max_fields = 3, .from = HERD_CLIENT, .run = run, .client = 2};
static const struct herd_command stop = {.verb = "STOP", .from = HERD_CLIENT, .run = run};

static struct {
    struct dispatch *dispatch;
    struct store *store;
    struct ahead ahead;
} all;

static int set_up(void **state)
{
    (void)state;
    struct herd_error err;
    struct store_config config = {.key = {1, 2}, .stripes = 4};
    all.dispatch = dispatch_create();
    assert_true(dispatch_add(all.dispatch, &tell, "test", &err));
    assert_true(dispatch_add(all.dispatch, &stop, "test", &err));
    all.store = store_create(&config);
    put(all.store, "known", 1, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dispatch_destroy(all.dispatch);
    store_destroy(all.store);
    return 0;
}

static unsigned look(const char *bytes)
{
    ahead_read(&all.ahead, all.dispatch, HERD_CLIENT, all.store, LINE_MAX_BYTES, bytes,
               strlen(bytes));
    return all.ahead.count;
}

static void whole_lines_only(void **state)
{
    (void)state;
    assert_int_equal(look(""), 0);
    assert_int_equal(look("STOP"), 0);
    assert_int_equal(look("STOP\nSTOP\r\nST"), 2);
    assert_int_equal(all.ahead.lines[0].bytes, 5);
    assert_int_equal(all.ahead.lines[1].bytes, 6);
    assert_int_equal(all.ahead.lines[1].line.text.len, 4);
    assert_int_equal(look("\n \t\nSTOP\n"), 3);
    assert_int_equal(all.ahead.lines[0].line.count, 0);
    assert_null(all.ahead.lines[0].command);
    assert_ptr_equal(all.ahead.lines[2].command, &stop);
}

static void a_client_that_is_named_is_looked_up(void **state)
{
    (void)state;
    assert_int_equal(look("TELL x known\nTELL x nobody\nTELL known\ntell x known\nSTOP x\n"), 5);
    const struct ahead_line *lines = all.ahead.lines;
    assert_ptr_equal(lines[0].command, &tell);
    assert_true(text_is(lines[0].client, "known"));
    assert_true(lines[0].hash == store_hash(all.store, lines[0].client));
    assert_true(text_is(lines[1].client, "nobody"));
    assert_true(lines[1].hash != lines[0].hash);
    for (int i = 2; i < 5; i++)
        assert_int_equal(lines[i].client.len, 0);
    assert_null(lines[2].command); /* a field too few */
    assert_null(lines[3].command);
}

static void a_line_that_is_too_long_ends_it(void **state)
{
    (void)state;
    char bytes[200] = "STOP\n";
    memset(bytes + 5, 'x', LINE_MAX_BYTES);
    strcpy(bytes + 5 + LINE_MAX_BYTES, "\r\nSTOP\n");
    assert_int_equal(look(bytes), 3);
    memset(bytes + 5, 'x', LINE_MAX_BYTES + 1);
    strcpy(bytes + 6 + LINE_MAX_BYTES, "\r\nSTOP\n");
    assert_int_equal(look(bytes), 1);
    assert_int_equal(look(bytes + 5), 0);
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    char bytes[6 * AHEAD_LINES + 40] = "";
    for (int i = 0; i < AHEAD_LINES + 3; i++)
        strcat(bytes, "STOP\n");
    assert_int_equal(look(bytes), AHEAD_LINES);
    assert_int_equal(look(bytes + 5 * AHEAD_LINES), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_lines_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_is_named_is_looked_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_is_too_long_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_than_there_is_room_for, set_up, tear_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
