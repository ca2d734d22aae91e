/* One event, one line, whatever its bytes; levels, messages, where the lines go, and opening the
 * file again, also under way. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log_files.h"

#define STAMP_LEN 27 /* 2026-11-22T22:19:24.123456Z */
#define THREADS   4
#define EVENTS    2000

static void writes_time_level_and_connection(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_INFO, true);
    log_event(HERD_LOG_INFO, 7, "Location updated for %s", "kiwi.cs.ucla.edu");
    herd_log(HERD_LOG_INFO, "Serving on %s:%d", "127.0.0.1", 11645);
    log_event(HERD_LOG_INFO, UINT64_MAX, "x");
    log_flush();

    const char *text = content(path);
    const char *form = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd')
            assert_in_range(text[i], '0', '9');
        else
            assert_int_equal(text[i], form[i]);
    const char *first = " info #7 Location updated for kiwi.cs.ucla.edu\n";
    assert_memory_equal(text + STAMP_LEN, first, strlen(first));
    assert_int_equal(count(text, "Z info - Serving on 127.0.0.1:11645\n"), 1);
    assert_int_equal(count(text, "Z info #18446744073709551615 x\n"), 1);
    assert_int_equal(count(text, "\n"), 3);
}

static void writes_levels_asked_for(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_WARN, true);
    log_event(HERD_LOG_DEBUG, 0, "unwanted");
    log_event(HERD_LOG_INFO, 0, "unwanted");
    assert_false(log_messages());
    log_message(1, "Message received:", (struct herd_text){"unwanted", 8});
    log_flush();
    assert_string_equal(content(path), "");
    log_event(HERD_LOG_WARN, 0, "of a warning");
    log_event(HERD_LOG_ERROR, 3, "of an error");
    log_status("{\"a\":\"\\\\\"}");
    log_flush();
    const char *text = content(path);
    assert_int_equal(count(text, "Z warn - of a warning\n"), 1);
    assert_int_equal(count(text, "Z error #3 of an error\n"), 1);
    assert_int_equal(count(text, "Z info - {\"a\":\"\\\\\\\\\"}\n"), 1);
    assert_int_equal(count(text, "\n"), 3);
}

static void escapes_what_clients_send(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_INFO, true);
    assert_true(log_messages());
    log_message(1,
                "Message received:", (struct herd_text){"a\0b\n\r\x1b[31m\x7f\x80\xff\\ '~", 17});
    log_subject(3, "Location updated for", (struct herd_text){"a\0\"'", 4});
    log_event(HERD_LOG_INFO, 2, "told: %s", "two\nlines\\");
    log_quote(HERD_LOG_WARN, 4, (struct herd_text){"a\0\xff'", 4}, "Server %s said:", "A\n");
    log_flush();
    const char *text = content(path);
    assert_int_equal(
        count(text, " #1 Message received: 'a\\x00b\\x0a\\x0d\\x1b[31m\\x7f\\x80\\xff\\\\ '~'\n"),
        1);
    assert_int_equal(count(text, " #2 told: two\\x0alines\\\\\n"), 1);
    assert_int_equal(count(text, " #3 Location updated for a\\x00\"'\n"), 1);
    assert_int_equal(count(text, " warn #4 Server A\\x0a said: 'a\\x00\\xff''\n"), 1);
    assert_int_equal(count(text, "\n"), 4);
}

static void keeps_messages_to_itself_unless_asked(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_DEBUG, false);
    assert_false(log_messages());
    log_message(1, "Message received:", (struct herd_text){"secret", 6});
    log_event(HERD_LOG_DEBUG, 0, "shown");
    log_flush();
    assert_int_equal(count(content(path), "secret"), 0);
    assert_int_equal(count(content(path), "Z debug - shown\n"), 1);
}

static void cuts_long_texts(void **unused)
{
    static char text[8193];
    struct herd_text whole = {text, 8192}, longer = {text, 8193};

    (void)unused;
    open_log(HERD_LOG_INFO, true);
    memset(text, 1, sizeof text);
    log_message(0, "Response sent:", whole);
    log_message(0, "Response sent:", longer);
    memset(text, 'e', sizeof text);
    log_event(HERD_LOG_INFO, 0, "%.*s", 8193, text);
    log_flush();

    const char *all = content(path);
    assert_int_equal(count(all, "\\x01"), 2 * 8192);
    assert_int_equal(count(all, "\\x01'\n"), 1);
    assert_int_equal(count(all, "\\x01...'\n"), 1);
    assert_int_equal(count(all, "eeee"), 8192 / 4);
    assert_int_equal(count(all, "e...\n"), 1);
}

static void cuts_long_quotes(void **unused)
{
    (void)unused;
    char long_text[LOG_QUOTE_MAX + 1], words[9000], line[LOG_QUOTE_MAX + 16];
    memset(long_text, 'y', sizeof long_text);
    memset(words, 'x', sizeof words);
    words[sizeof words - 1] = '\0';
    open_log(HERD_LOG_WARN, true);
    log_quote(HERD_LOG_INFO, 0, (struct herd_text){"unwanted", 8}, "unwanted");
    log_quote(HERD_LOG_WARN, 0, (struct herd_text){NULL, 0}, "nothing:");
    log_quote(HERD_LOG_WARN, 0, (struct herd_text){long_text, sizeof long_text}, "%s", words);
    log_flush();
    const char *text = content(path);
    assert_int_equal(count(text, "unwanted"), 0);
    assert_int_equal(count(text, " nothing: ''\n"), 1);
    snprintf(line, sizeof line, "xx '%.*s'\n", LOG_QUOTE_MAX, long_text);
    assert_int_equal(count(text, line), 1);
}

static void appends_to_what_is_there(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_INFO, true);
    log_event(HERD_LOG_INFO, 0, "one");
    log_close();
    open_log(HERD_LOG_INFO, true);
    log_event(HERD_LOG_INFO, 0, "two");
    log_close();
    assert_int_equal(count(content(path), " - one\n"), 1);
    assert_int_equal(count(content(path), " - two\n"), 1);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0644, 0);
}

static void says_why_it_cannot_open(void **unused)
{
    struct log_config config = {.file = "/nonexistent/log", .level = HERD_LOG_INFO};
    struct herd_error err = {""};

    (void)unused;
    assert_false(log_open(&config, &err));
    assert_int_equal(count(err.text, "/nonexistent/log"), 1);
    assert_int_equal(count(err.text, strerror(ENOENT)), 1);
}

static void opens_again_by_name(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_INFO, true);
    log_event(HERD_LOG_INFO, 0, "before");
    assert_int_equal(rename(path, other), 0);
    log_reopen();
    log_event(HERD_LOG_INFO, 0, "after");
    log_flush();
    assert_int_equal(count(content(path), "before"), 0);
    assert_int_equal(count(content(path), "after"), 1);
    assert_int_equal(count(content(other), "before"), 1);
    assert_int_equal(count(content(other), "after"), 0);
}

static void keeps_the_old_file_if_it_cannot(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_INFO, true);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    log_reopen();
    log_event(HERD_LOG_ERROR, 0, "still here");
    log_flush();
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(count(content(other), " warn - "), 1);
    assert_int_equal(count(content(other), strerror(EISDIR)), 1);
    assert_int_equal(count(content(other), "still here\n"), 1);
}

static void *write_events(void *arg)
{
    int number = *(const int *)arg;

    for (int i = 0; i < EVENTS; i++) {
        log_event(i % 500 == 0 ? HERD_LOG_WARN : HERD_LOG_INFO, (uint64_t)number, "event %d", i);
        if (i % 64 == 0)
            log_flush();
    }
    /* What is left is log_close's to write. */
    return NULL;
}

static void loses_nothing_while_it_is_opened_again(void **unused)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];

    (void)unused;
    open_log(HERD_LOG_INFO, true);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i + 1;
        assert_int_equal(pthread_create(&threads[i], NULL, write_events, &numbers[i]), 0);
    }
    assert_int_equal(rename(path, other), 0);
    for (int i = 0; i < 50; i++)
        log_reopen();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    log_close();

    size_t events = count(content(path), " event ");
    assert_int_equal(count(held, "\n"), events);
    if (access(other, F_OK) == 0) {
        size_t before = count(content(other), " event ");
        assert_int_equal(count(held, "\n"), before);
        events += before;
    }
    assert_int_equal(events, THREADS * EVENTS);
}

static void speak_unopened(void)
{
    log_event(HERD_LOG_INFO, 0, "unwanted");
    log_message(0, "Message received:", (struct herd_text){"unwanted", 8});
    log_event(HERD_LOG_WARN, 0, "a \n warning");
    herd_log(HERD_LOG_ERROR, "an %s", "error");
    log_flush();
    log_reopen();
}

static void tells_stderr_while_closed(void **unused)
{
    (void)unused;
    assert_string_equal(catch_stderr(speak_unopened),
                        "herd: warn: a \\x0a warning\nherd: error: an error\n");
}

static void speak_to_stderr(void)
{
    struct log_config config = {.file = "-", .level = HERD_LOG_INFO, .messages = true};
    struct herd_error err;

    assert_true(log_open(&config, &err));
    log_event(HERD_LOG_INFO, 1, "told");
    log_reopen();
    log_event(HERD_LOG_INFO, 1, "told");
    log_close();
}

static void takes_a_dash_for_stderr(void **unused)
{
    (void)unused;
    assert_int_equal(count(catch_stderr(speak_to_stderr), "Z info #1 told\n"), 2);
    assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(writes_time_level_and_connection, clean),
        cmocka_unit_test_teardown(writes_levels_asked_for, clean),
        cmocka_unit_test_teardown(escapes_what_clients_send, clean),
        cmocka_unit_test_teardown(keeps_messages_to_itself_unless_asked, clean),
        cmocka_unit_test_teardown(cuts_long_texts, clean),
        cmocka_unit_test_teardown(cuts_long_quotes, clean),
        cmocka_unit_test_teardown(appends_to_what_is_there, clean),
        cmocka_unit_test_teardown(says_why_it_cannot_open, clean),
        cmocka_unit_test_teardown(opens_again_by_name, clean),
        cmocka_unit_test_teardown(keeps_the_old_file_if_it_cannot, clean),
        cmocka_unit_test_teardown(loses_nothing_while_it_is_opened_again, clean),
        cmocka_unit_test_teardown(tells_stderr_while_closed, clean),
        cmocka_unit_test_teardown(takes_a_dash_for_stderr, clean),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("log", tests, make_folder, remove_folder);
}
