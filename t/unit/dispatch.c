/* The way of a line to its command: by verb, side and number of fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "herd/dispatch.h"
#include "herd/request.h"
#include <cmocka.h>

static const char *ran;
static enum herd_result answer;
static struct buffer out;

static enum herd_result run_client(struct herd_request *req)
{
    ran = "client";
    herd_reply(req, (struct herd_text){"client ", 7});
    return answer;
}

static enum herd_result run_peer(struct herd_request *req)
{
    ran = "peer";
    herd_reply(req, (struct herd_text){"peer ", 5});
    return answer;
}

static enum herd_result run_other(struct herd_request *req)
{
    ran = "other";
    herd_reply(req, (struct herd_text){"other ", 6});
    return HERD_OK;
}

static const struct herd_command of_client = {"GO", 2, 3, HERD_CLIENT, run_client, "where", 0};
static const struct herd_command of_peer = {"GO", 2, 0, HERD_PEER, run_peer, "where", 0};
static const struct herd_command of_other = {"", 0, 0, HERD_CLIENT, run_other, "", 0};

static struct dispatch *table_of(bool with_other)
{
    struct herd_error err;
    struct dispatch *dispatch = dispatch_create();
    assert_true(dispatch_add(dispatch, &of_client, "one", &err));
    assert_true(dispatch_add(dispatch, &of_peer, "two", &err));
    if (with_other)
        assert_true(dispatch_add(dispatch, &of_other, "three", &err));
    return dispatch;
}

static void release(struct dispatch *dispatch)
{
    dispatch_destroy(dispatch);
    buffer_free(&out);
}

static enum herd_result say(const struct dispatch *dispatch, enum herd_from from, const char *line)
{
    struct line parted;
    line_parse(&parted, line, strlen(line));
    struct herd_request request = {
        .line = &parted, .out = &out, .neighbour = from == HERD_PEER ? "B" : NULL};
    ran = "nobody";
    return dispatch_run(dispatch, dispatch_find(dispatch, from, &parted), &request);
}

static void each_side_has_its_own_verbs(void **state)
{
    (void)state;
    struct dispatch *dispatch = table_of(true);
    answer = HERD_OK;
    assert_int_equal(say(dispatch, HERD_CLIENT, "GO 1"), HERD_OK);
    assert_string_equal(ran, "client");
    assert_int_equal(say(dispatch, HERD_PEER, "GO 1"), HERD_OK);
    assert_string_equal(ran, "peer");
    release(dispatch);
}

static void fields_are_counted(void **state)
{
    (void)state;
    struct dispatch *dispatch = table_of(true);
    answer = HERD_OK;
    say(dispatch, HERD_CLIENT, "GO");
    assert_string_equal(ran, "other");
    say(dispatch, HERD_CLIENT, "GO 1 2");
    assert_string_equal(ran, "client");
    say(dispatch, HERD_CLIENT, "GO 1 2 3");
    assert_string_equal(ran, "other");
    say(dispatch, HERD_PEER, "GO 1 2 3 4 5 6 7 8 9 10");
    assert_string_equal(ran, "peer");
    assert_int_equal(say(dispatch, HERD_PEER, "GO"), HERD_INVALID);
    assert_string_equal(ran, "nobody");
    release(dispatch);
}

static void what_is_invalid_goes_to_the_command_that_takes_it(void **state)
{
    (void)state;
    struct dispatch *dispatch = table_of(true);
    answer = HERD_INVALID;
    assert_int_equal(say(dispatch, HERD_CLIENT, "GO 1"), HERD_OK);
    assert_string_equal(ran, "other");
    assert_int_equal(say(dispatch, HERD_CLIENT, "go 1"), HERD_OK);
    assert_string_equal(ran, "other");
    assert_int_equal(say(dispatch, HERD_PEER, "GO 1"), HERD_INVALID);
    assert_string_equal(ran, "peer");
    assert_int_equal(say(dispatch, HERD_PEER, "STOP 1"), HERD_INVALID);
    release(dispatch);
}

/* The answers before it stay. */
static void what_an_invalid_command_replied_is_taken_back(void **state)
{
    (void)state;
    struct dispatch *dispatch = table_of(true);
    answer = HERD_OK;
    say(dispatch, HERD_CLIENT, "GO 1");
    answer = HERD_INVALID;
    say(dispatch, HERD_CLIENT, "GO 1");
    answer = HERD_END; /* which is not a client's to have */
    say(dispatch, HERD_CLIENT, "GO 1");
    answer = HERD_INVALID;
    say(dispatch, HERD_PEER, "GO 1");
    answer = HERD_OK;
    say(dispatch, HERD_PEER, "GO 1");
    assert_int_equal(buffer_len(&out), strlen("client other other peer "));
    assert_memory_equal(buffer_at(&out), "client other other peer ", buffer_len(&out));
    release(dispatch);
}

static void nobody_need_take_what_is_invalid(void **state)
{
    (void)state;
    struct dispatch *dispatch = table_of(false);
    assert_int_equal(say(dispatch, HERD_CLIENT, "STOP"), HERD_INVALID);
    release(dispatch);
}

static void a_verb_is_taken_once(void **state)
{
    (void)state;
    static const struct herd_command again = {"GO", 1, 1, HERD_PEER, run_peer, "", 0};
    struct dispatch *dispatch = table_of(true);
    struct herd_error err;
    assert_false(dispatch_add(dispatch, &again, "four", &err));
    assert_non_null(strstr(err.text, "four"));
    assert_non_null(strstr(err.text, "two"));
    assert_non_null(strstr(err.text, "GO"));
    release(dispatch);
}

static void what_links_say_is_no_command(void **state)
{
    (void)state;
    static const char *const verbs[] = {"HELLO", "MARK", "PING", "PONG"};
    struct dispatch *dispatch = table_of(true);
    for (size_t i = 0; i < 4; i++) {
        const struct herd_command peers = {.verb = verbs[i], .from = HERD_PEER, .run = run_peer};
        const struct herd_command clients = {.verb = verbs[i], .run = run_client};
        char expected[64];
        struct herd_error err;
        snprintf(expected, sizeof expected, "module x: the verb \"%s\" is herd's own", verbs[i]);
        assert_false(dispatch_add(dispatch, &peers, "x", &err));
        assert_string_equal(err.text, expected);
        assert_true(dispatch_add(dispatch, &clients, "x", &err));
    }
    release(dispatch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_side_has_its_own_verbs),
        cmocka_unit_test(fields_are_counted),
        cmocka_unit_test(what_is_invalid_goes_to_the_command_that_takes_it),
        cmocka_unit_test(what_an_invalid_command_replied_is_taken_back),
        cmocka_unit_test(nobody_need_take_what_is_invalid),
        cmocka_unit_test(a_verb_is_taken_once),
        cmocka_unit_test(what_links_say_is_no_command),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
