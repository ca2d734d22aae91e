/* Searches shared by workers, each step of each worker done by one thread in an order that the test
 * chooses: who joins, leaves and is told, and what crosses what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "core/search.h"
#include "net/worker.h"
#include <cmocka.h>

#define WORKERS 3

/* ---- the workers, played by the test ---- */

static struct worker workers[WORKERS];
static struct worker *here;

struct worker *worker_here(void)
{
    return here;
}

/* Has a worker read its letters. */
static void turn(unsigned worker)
{
    here = &workers[worker];
    mailbox_empty(&here->mailbox);
}

/* ---- the log, and the clock ---- */

static struct {
    unsigned warnings, words; /* of level warn, and info */
    char text[256];           /* the last of them */
} logged;

void __wrap_log_event(enum herd_level level, uint64_t conn, const char *format, ...);
void __wrap_log_event(enum herd_level level, uint64_t conn, const char *format, ...)
{
    va_list args;
    assert_true(conn == 0);
    if (level == HERD_LOG_DEBUG)
        return;
    (level == HERD_LOG_WARN ? &logged.warnings : &logged.words)[0]++;
    va_start(args, format);
    vsnprintf(logged.text, sizeof logged.text, format, args);
    va_end(args);
}

static time_t later_s;

int __wrap_clock_gettime(clockid_t which, struct timespec *time);
int __wrap_clock_gettime(clockid_t which, struct timespec *time)
{
    (void)which;
    *time = (struct timespec){.tv_sec = 1000000 + later_s};
    return 0;
}

/* ---- the provider ---- */

enum { LATER, ANSWERS, FAILS };

static struct {
    int way;
    unsigned asked, cancels;
    struct herd_search *last;
    struct herd_query query;
} seen;

static void answer(struct herd_search *search)
{
    herd_search_answer(search, &(struct herd_answer){.json = {"{}", 2}});
}

static void give_up(struct herd_search *search)
{
    herd_search_fail(search, "UNKNOWN_ERROR", "no");
}

static void on_cancel(void *arg)
{
    (void)arg;
    seen.cancels++;
}

static void on_cancel_fail(void *arg)
{
    seen.cancels++;
    give_up(arg);
}

static void ask(struct herd_search *search, const struct herd_query *query)
{
    seen.asked++;
    seen.last = search;
    seen.query = *query;
    if (seen.way == ANSWERS)
        answer(search);
    else if (seen.way == FAILS)
        give_up(search);
    else
        herd_search_on_cancel(search, on_cancel, NULL);
}

static const struct herd_provider provider = {.name = "played", .search = ask};
static struct chain_link only = {.provider = &provider};
static const struct chain chain = {&only, 1};

/* ---- those who ask ---- */

struct one {
    struct share share; /* first */
    unsigned told;
};

static void told(struct share *share)
{
    assert_true(here == share->worker && share->search == NULL);
    ((struct one *)share)->told++;
    assert_true(share->failed || share->answer != NULL);
    answer_release(share->answer);
    share->answer = NULL;
}

/* One of a worker's asks, all the same question. */
static enum search_step enter(struct one *one, unsigned worker)
{
    const struct question question = {0, 34, -118, 10};
    here = &workers[worker];
    *one = (struct one){.share = {.worker = here, .told = told}};
    enum search_step step = search_enter(&one->share, &question);
    if (step == SEARCH_KEPT)
        answer_release(one->share.answer);
    return step;
}

static bool leave(struct one *one)
{
    here = one->share.worker;
    return search_leave(&one->share);
}

static void open_with(int way, int64_t keep_ns, unsigned failures)
{
    search_close();
    memset(&seen, 0, sizeof seen);
    seen.way = way;
    only.keep_ns = keep_ns;
    only.gate = (struct gate_settings){.failures = failures, .pause_ns = INT64_MAX / 4};
    search_open(&chain, 1 << 20, 20);
}

/* ---- the tests ---- */

static void one_answer_is_everybodys(void **state)
{
    (void)state;
    struct one a, b, c, d;
    open_with(LATER, 0, 0);
    assert_int_equal(enter(&a, 0), SEARCH_ASKED);
    assert_int_equal(enter(&b, 1), SEARCH_JOINED);
    assert_int_equal(enter(&c, 0), SEARCH_JOINED);
    assert_int_equal(enter(&d, 2), SEARCH_JOINED);
    assert_int_equal(seen.asked, 1);
    assert_int_equal(seen.query.bound, 20);
    here = &workers[0];
    answer(seen.last);
    assert_int_equal(a.told + c.told, 2); /* at once on their own thread, */
    assert_int_equal(b.told + d.told, 0); /* and the others on theirs */
    turn(2);
    assert_int_equal(b.told, 0);
    assert_int_equal(d.told, 1);
    turn(1);
    assert_int_equal(b.told, 1);
    assert_int_equal(enter(&a, 1), SEARCH_ASKED); /* over, and nothing is kept */
    here = &workers[1];
    answer(seen.last);
}

static void answers_before_search_returns(void **state)
{
    (void)state;
    struct one a;
    open_with(ANSWERS, 0, 0);
    assert_int_equal(enter(&a, 0), SEARCH_ASKED);
    assert_int_equal(a.told, 1);
    open_with(FAILS, 0, 0);
    assert_int_equal(enter(&a, 0), SEARCH_ASKED);
    assert_int_equal(a.told, 1);
    assert_true(a.share.failed);
}

static void the_last_one_cancels(void **state)
{
    (void)state;
    struct one a, b;
    open_with(LATER, 0, 1);
    enter(&a, 0);
    enter(&b, 1);
    assert_true(leave(&b));
    turn(0);
    assert_int_equal(seen.cancels, 0);
    assert_true(leave(&a));
    assert_int_equal(seen.cancels, 1);
    struct herd_search *gone = seen.last;
    assert_int_equal(enter(&b, 1), SEARCH_ASKED); /* too late to join */
    here = &workers[0];
    give_up(gone);
    assert_int_equal(b.told, 0);
    here = &workers[1];
    answer(seen.last);
    assert_int_equal(b.told, 1);
    enter(&a, 0);
    leave(&a);
    give_up(seen.last);
    assert_int_equal(enter(&a, 0), SEARCH_ASKED); /* nobody's failure: the breaker is closed */
    answer(seen.last);
}

static void the_last_one_elsewhere_cancels_by_letter(void **state)
{
    (void)state;
    struct one a, b;
    open_with(LATER, 0, 0);
    enter(&a, 0);
    enter(&b, 1);
    assert_true(leave(&a) && leave(&b));
    assert_int_equal(seen.cancels, 0);
    turn(0);
    assert_int_equal(seen.cancels, 1);
    give_up(seen.last);
}

static void who_comes_before_the_letter_is_read_keeps_it_going(void **state)
{
    (void)state;
    struct one a, b, c;
    open_with(LATER, 0, 0);
    enter(&a, 0);
    enter(&b, 1);
    assert_true(leave(&a) && leave(&b));
    assert_int_equal(enter(&c, 2), SEARCH_JOINED);
    turn(0);
    assert_int_equal(seen.cancels, 0);
    answer(seen.last);
    turn(2);
    assert_int_equal(c.told, 1);
    assert_false(c.share.failed);
}

/* One letter for several who were the last, and one who is of the search's own thread. */
static void several_may_be_the_last(void **state)
{
    (void)state;
    struct one a, b;
    open_with(LATER, 0, 0);
    enter(&a, 0);
    enter(&b, 1);
    leave(&a), leave(&b);
    enter(&b, 1), leave(&b);
    enter(&b, 2), leave(&b);
    enter(&a, 0), leave(&a);
    assert_int_equal(seen.asked, 1);
    assert_int_equal(seen.cancels, 1);
    struct herd_search *gone = seen.last;
    enter(&a, 0);
    turn(0); /* the letter of the first one */
    assert_int_equal(seen.cancels, 1);
    give_up(gone);
    answer(seen.last);
    assert_int_equal(a.told, 1);
}

static void the_answer_crosses_the_letter(void **state)
{
    (void)state;
    struct one a, b;
    open_with(LATER, INT64_MAX / 4, 0);
    enter(&a, 0);
    enter(&b, 1);
    leave(&a), leave(&b);
    here = &workers[0];
    answer(seen.last);
    turn(0); /* it is freed here */
    assert_int_equal(seen.cancels, 0);
    assert_int_equal(enter(&a, 0), SEARCH_KEPT); /* and was not in vain */
}

static void the_answer_crosses_the_leaver(void **state)
{
    (void)state;
    struct one a, b;
    open_with(LATER, 0, 0);
    enter(&a, 0);
    enter(&b, 1);
    here = &workers[0];
    answer(seen.last);
    assert_false(leave(&b));
    assert_int_equal(b.told, 0);
    turn(1);
    assert_int_equal(b.told, 1);
}

static void a_provider_that_asks_too_late_is_told_at_once(void **state)
{
    (void)state;
    struct one a;
    open_with(LATER, 0, 0);
    enter(&a, 0);
    herd_search_on_cancel(seen.last, NULL, NULL);
    leave(&a);
    assert_int_equal(seen.cancels, 0);
    herd_search_on_cancel(seen.last, on_cancel_fail, seen.last); /* and may answer in that */
    assert_int_equal(seen.cancels, 1);
}

static void keeps_answers_and_no_failures(void **state)
{
    (void)state;
    struct one a;
    uint64_t count, bytes;
    open_with(FAILS, INT64_MAX / 4, 0);
    assert_int_equal(enter(&a, 0), SEARCH_ASKED);
    assert_int_equal(enter(&a, 0), SEARCH_ASKED);
    seen.way = ANSWERS;
    assert_int_equal(enter(&a, 0), SEARCH_ASKED);
    assert_int_equal(enter(&a, 1), SEARCH_KEPT);
    search_gauge(&count, &bytes);
    assert_int_equal(count, 1);
    assert_in_range(bytes, 100, 1000);
}

static void leaves_a_provider_alone_that_fails(void **state)
{
    (void)state;
    struct one a, b;
    open_with(LATER, 0, 2);
    for (int i = 0; i < 2; i++) { /* a failure is one, however many it is told */
        assert_int_equal(enter(&a, 0), SEARCH_ASKED);
        assert_int_equal(enter(&b, 1), SEARCH_JOINED);
        here = &workers[0];
        give_up(seen.last);
        turn(1);
        assert_int_equal(a.told + b.told, 2);
    }
    assert_int_equal(enter(&a, 0), SEARCH_PAUSED);
    assert_int_equal(seen.asked, 2);
    open_with(LATER, 0, 1);
    for (int i = 0; i < 3; i++) { /* where it was not asked it has not failed */
        assert_int_equal(enter(&a, 0), SEARCH_ASKED);
        herd_search_unasked(seen.last, "too many wait");
        assert_true(a.told == 1 && a.share.failed);
    }
    enter(&a, 0);
    leave(&a);
    herd_search_unasked(seen.last, "nobody reads it");
    open_with(FAILS, 0, 1);
    only.gate.rate = 0;
    assert_int_equal(enter(&a, 2), SEARCH_ASKED);
    assert_int_equal(enter(&a, 2), SEARCH_PAUSED);
}

/* One of these, and what the log has of it since it was looked at. */
static void assert_logged(void (*how)(struct herd_search *), unsigned warnings, unsigned words,
                          const char *text)
{
    struct one a;
    logged.warnings = logged.words = 0;
    assert_int_equal(enter(&a, 0), SEARCH_ASKED);
    how(seen.last);
    assert_int_equal(a.told, 1);
    assert_int_equal(logged.warnings, warnings);
    assert_int_equal(logged.words, words);
    if (text != NULL)
        assert_string_equal(logged.text, text);
}

static void never_asked(struct herd_search *search)
{
    herd_search_unasked(search, "too many wait");
}

static void the_log_says_once_that_it_fails(void **state)
{
    (void)state;
    struct one a;
    open_with(LATER, 0, 0);
    assert_logged(answer, 0, 0, NULL);
    assert_logged(give_up, 1, 0, "played: UNKNOWN_ERROR: no");
    assert_logged(give_up, 0, 0, NULL);
    assert_logged(answer, 0, 0, NULL); /* for so short a while that says nothing */
    later_s = 2;
    assert_logged(never_asked, 0, 0, NULL);
    assert_logged(answer, 0, 0, NULL);
    later_s = 4;
    assert_logged(answer, 0, 1, "played: answers again");
    assert_logged(answer, 0, 0, NULL);
    assert_logged(never_asked, 1, 0, "played: UNKNOWN_ERROR: too many wait");
    later_s = 6;
    assert_logged(answer, 0, 1, "played: answers again");
    enter(&a, 0);
    leave(&a);
    give_up(seen.last); /* for nobody: it has not failed */
    assert_logged(answer, 0, 0, NULL);
    assert_logged(give_up, 1, 0, NULL);
    later_s = 0;
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORKERS; i++)
        if (!mailbox_open(&workers[i].mailbox))
            return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    search_close();
    for (size_t i = 0; i < WORKERS; i++)
        mailbox_close(&workers[i].mailbox);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_answer_is_everybodys),
        cmocka_unit_test(answers_before_search_returns),
        cmocka_unit_test(the_last_one_cancels),
        cmocka_unit_test(the_last_one_elsewhere_cancels_by_letter),
        cmocka_unit_test(who_comes_before_the_letter_is_read_keeps_it_going),
        cmocka_unit_test(several_may_be_the_last),
        cmocka_unit_test(the_answer_crosses_the_letter),
        cmocka_unit_test(the_answer_crosses_the_leaver),
        cmocka_unit_test(a_provider_that_asks_too_late_is_told_at_once),
        cmocka_unit_test(keeps_answers_and_no_failures),
        cmocka_unit_test(leaves_a_provider_alone_that_fails),
        cmocka_unit_test(the_log_says_once_that_it_fails),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
