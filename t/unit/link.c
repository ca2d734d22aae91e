/* Two links face to face: HELLO and who is refused, what is sent and what is not sent again, MARK,
 * PING, silence, and lines that are no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "herd/hello.h"
#include "herd/link.h"
#include "herd/stripe.h"
#include "reports.h"
#include <cmocka.h>

#define MS INT64_C(1000000)
#define A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

extern const struct herd_module herd_module_at;

/* One server with one neighbour, and its end of the link. */
struct side {
    struct link_host host;
    struct neighbour *neighbour;
    struct link *link;
    int woken;
    char out[65536]; /* what it wrote last */
    size_t out_len;
};

static struct side a, b;
static struct dispatch *dispatch;
static int64_t now_ns;

static struct link_time at_time(void)
{
    return (struct link_time){now_ns, INT64_C(1520000000) * SECOND_NS + now_ns};
}

static void count_wake(void *arg)
{
    ++*(int *)arg;
}

static void set_side(struct side *side, const char *name, const char *epoch, const char *other,
                     bool dials)
{
    memset(side, 0, sizeof *side);
    side->neighbour = neighbour_create(other, dials);
    side->host = (struct link_host){.store = new_store(4),
                                    .dispatch = dispatch,
                                    .server = name,
                                    .neighbours = &side->neighbour,
                                    .neighbour_count = 1};
    link_set_epoch(&side->host, epoch);
}

static void clear_side(struct side *side)
{
    if (side->link != NULL)
        link_close(side->link);
    side->link = NULL;
    neighbour_destroy(side->neighbour);
    store_destroy(side->host.store);
}

static void open_side(struct side *side)
{
    side->link = link_open(&side->host, neighbour_dialled(side->neighbour) ? side->neighbour : NULL,
                           at_time(), count_wake, &side->woken);
}

static void set_up(void)
{
    struct herd_error err;
    now_ns = SECOND_NS;
    dispatch = dispatch_create();
    assert_true(dispatch_add(dispatch, &herd_module_at.commands[0], "at", &err));
    set_side(&a, "A", A, "B", true);
    set_side(&b, "B", B, "A", false);
    open_side(&a);
    open_side(&b);
}

static void tear_down(void)
{
    clear_side(&a);
    clear_side(&b);
    dispatch_destroy(dispatch);
}

static size_t write_out(struct side *side)
{
    side->out_len = link_output(side->link, side->out, sizeof side->out - 1, at_time());
    side->out[side->out_len] = '\0';
    return side->out_len;
}

static void hear(struct side *side, const char *bytes)
{
    size_t len = strlen(bytes);
    assert_int_equal(link_input(side->link, bytes, len, at_time()), len);
}

/* Lets both say all they have; returns how many updates that was. */
static int talk(void)
{
    int updates = 0;
    for (size_t n = 1; n > 0;) {
        n = write_out(&a) + write_out(&b);
        for (const char *at = a.out; (at = strstr(at, "AT ")) != NULL; at++)
            updates++;
        for (const char *at = b.out; (at = strstr(at, "AT ")) != NULL; at++)
            updates++;
        hear(&b, a.out);
        hear(&a, b.out);
    }
    return updates;
}

/* The connection breaks, and there is a new one. */
static void reconnect(void)
{
    link_close(a.link);
    link_close(b.link);
    open_side(&a);
    open_side(&b);
}

static void they_say_hello_and_all_they_have(void **state)
{
    (void)state;
    set_up();
    put(a.host.store, "x", 1, 0);
    put(b.host.store, "y", 2, 0);
    put(b.host.store, "x", 3, 0);
    assert_int_equal(write_out(&b), 0); /* the dialler speaks first */
    talk();
    assert_int_equal(link_state(a.link), LINK_UP);
    assert_int_equal(link_state(b.link), LINK_UP);
    assert_int_equal(link_replaced(b.link), 0);
    assert_ptr_equal(link_neighbour(b.link), b.neighbour);
    assert_int_equal(held_s(a.host.store, "x"), 3);
    assert_int_equal(held_s(b.host.store, "x"), 3);
    assert_int_equal(held_s(a.host.store, "y"), 2);
    assert_false(link_pending(a.link));
    put(a.host.store, "z", 1, 0);
    assert_true(link_pending(a.link) && a.woken > 0);
    assert_int_equal(talk(), 1); /* and no echo */
    assert_int_equal(held_s(b.host.store, "z"), 1);
    tear_down();
}

static void marks_lag_by_a_tenth_of_a_second(void **state)
{
    (void)state;
    set_up();
    talk();
    now_ns += 200 * MS;
    talk();
    put(a.host.store, "x", 1, 0);
    write_out(&a);
    assert_non_null(strstr(a.out, "AT Here +0.000000000 x +1-2 1 A\n"));
    assert_null(strstr(a.out, "MARK"));
    assert_true(link_deadline_ns(a.link) == now_ns + LINK_MARK_NS);
    hear(&b, a.out);
    now_ns += LINK_MARK_NS;
    write_out(&a);
    assert_ptr_equal(strstr(a.out, "MARK "), a.out);
    tear_down();
}

/* Takes the MARKs of what the side wrote last into pos. */
static void take_marks(const struct side *side, uint64_t *pos)
{
    for (const char *at = side->out; (at = strstr(at, "MARK ")) != NULL; at++) {
        unsigned stripe;
        unsigned long long to;
        assert_int_equal(sscanf(at, "MARK %u %llu\n", &stripe, &to), 2);
        assert_in_range(stripe, 0, 3);
        assert_true(to >= pos[stripe]);
        pos[stripe] = to;
    }
}

/* Whether all that the side has is marked when nothing has been said for some time. */
static bool all_marked_in_the_end(struct side *side, uint64_t *pos)
{
    bool all = true;
    for (int i = 0; i < 3; i++) {
        now_ns += LINK_MARK_NS;
        while (write_out(side) > 0)
            take_marks(side, pos);
    }
    for (unsigned i = 0; i < 4; i++)
        all &= pos[i] == stripe_tail(store_stripe(side->host.store, i));
    return all;
}

static void tell_some(struct side *side, char first)
{
    for (char client = first; client < first + 13; client++) {
        char line[64];
        sprintf(line, "AT Here +0.000000000 %c +1-2 5 A\n", client);
        hear(side, line);
        assert_int_equal(held_s(side->host.store, (char[]){client, '\0'}), 5);
    }
}

static void what_is_told_wakes_nobody_and_is_marked(void **state)
{
    (void)state;
    uint64_t pos[4] = {0};
    set_up();
    talk();
    now_ns += LINK_MARK_NS;
    talk();
    b.woken = 0;
    tell_some(&b, 'a');
    assert_true(b.woken == 0 && !link_pending(b.link));
    assert_true(link_deadline_ns(b.link) == now_ns + LINK_MARK_NS);
    assert_int_equal(write_out(&b), 0);
    put(b.host.store, "a", 6, 0); /* what somebody else changes is sent at once */
    assert_true(b.woken == 1 && link_pending(b.link));
    write_out(&b);
    assert_ptr_equal(strstr(b.out, "AT Here +0.000000000 a +1-2 6 B\n"), b.out);
    assert_null(strstr(b.out + 1, "AT "));
    now_ns += LINK_MARK_NS;
    write_out(&b);
    assert_null(strstr(b.out, "AT "));
    take_marks(&b, pos);
    for (unsigned i = 0; i < 4; i++)
        assert_true(pos[i] == stripe_tail(store_stripe(b.host.store, i)));
    tear_down();
}

/* MARKs at the end of another stripe's sweep, and those that had no room when they were due. */
static void what_is_told_is_marked_whatever_is_marked_before(void **state)
{
    (void)state;
    char client[HERD_CLIENT_MAX + 1];
    uint64_t pos[4] = {0};
    memset(client, 'c', sizeof client - 1);
    client[sizeof client - 1] = '\0';
    set_up();
    for (client[0] = 'a'; client[0] <= 'z'; client[0]++)
        put(b.host.store, client, 1, 0);
    write_out(&a);
    hear(&b, a.out);
    for (int swept = 0; swept < 2;) {
        b.out_len = link_output(b.link, b.out, LINK_ROOM_MIN, at_time());
        b.out[b.out_len] = '\0';
        swept += strstr(b.out, "MARK ") != NULL;
        take_marks(&b, pos);
    }
    assert_true(link_pending(b.link));
    tell_some(&b, 'a');
    while (write_out(&b) > 0)
        take_marks(&b, pos);
    assert_true(all_marked_in_the_end(&b, pos));
    tell_some(&b, 'A');
    now_ns += LINK_MARK_NS;
    assert_int_equal(link_output(b.link, b.out, 8, at_time()), 0);
    tell_some(&b, 'N');
    assert_true(all_marked_in_the_end(&b, pos));
    tear_down();
}

static void what_was_marked_is_not_sent_again(void **state)
{
    (void)state;
    set_up();
    for (int i = 0; i < 50; i++) {
        char client[16];
        sprintf(client, "%d", i);
        put(a.host.store, client, 1, 0);
    }
    assert_int_equal(talk(), 50);
    now_ns += LINK_MARK_NS;
    talk();
    reconnect();
    put(a.host.store, "x", 1, 0);
    assert_int_equal(talk(), 1);
    tear_down();
}

static void who_comes_back_empty_has_everything_again(void **state)
{
    (void)state;
    set_up();
    put(a.host.store, "x", 1, 0);
    put(b.host.store, "y", 1, 0);
    talk();
    now_ns += LINK_MARK_NS;
    talk();
    link_close(a.link);
    clear_side(&(struct side){.neighbour = b.neighbour, .host = b.host, .link = b.link});
    set_side(&b, "B", "cccccccccccccccccccccccccccccccc", "A", false);
    open_side(&a);
    open_side(&b);
    assert_int_equal(talk(), 2);
    assert_int_equal(held_s(b.host.store, "y"), 1); /* its own, from the neighbour */
    assert_int_equal(held_s(b.host.store, "x"), 1);
    tear_down();
}

static void a_newer_session_replaces_the_older(void **state)
{
    (void)state;
    set_up();
    talk();
    struct link *old = b.link;
    link_close(a.link);
    open_side(&a);
    open_side(&b);
    talk();
    assert_int_equal(link_replaced(b.link), link_session(old));
    /* What the old one still brings is taken, but its marks are not. */
    struct link *present = b.link;
    b.link = old;
    hear(&b, "AT Here +0.000000000 x +1-2 5 A\nMARK 0 1000\n");
    assert_int_equal(held_s(b.host.store, "x"), 5);
    char have[NEIGHBOUR_HAVE_MAX];
    size_t n = neighbour_have(b.neighbour, A, have);
    assert_null(memmem(have, n, "1000", 4));
    link_close(old);
    b.link = present;
    assert_int_equal(neighbour_session(b.neighbour), link_session(present));
    tear_down();
}

static void refuses(const char *hello, const char *why)
{
    set_up();
    hear(&b, hello);
    assert_int_equal(link_state(b.link), LINK_ENDED);
    assert_non_null(strstr(link_reason(b.link), why));
    assert_int_equal(write_out(&b), 0);
    assert_false(link_pending(b.link));
    tear_down();
}

static void a_session_has_a_bit_until_it_ends(void **state)
{
    (void)state;
    set_up();
    a.host.bits = 5;
    assert_int_equal(talk(), 0);
    assert_int_equal(a.host.bits, 7);
    link_close(a.link);
    assert_int_equal(a.host.bits, 5);
    a.host.bits = ~RECORD_LINKS; /* all are given: its number serves */
    link_close(b.link);
    open_side(&a);
    open_side(&b);
    put(a.host.store, "x", 1, 0);
    put(b.host.store, "y", 1, 0);
    assert_int_equal(talk(), 2);
    link_close(a.link);
    assert_int_equal(a.host.bits, ~RECORD_LINKS);
    open_side(&a);
    tear_down();
}

static void who_does_not_prove_itself_is_refused(void **state)
{
    (void)state;
    refuses("HELLO 1 C B " A " 1.0 4 HAVE -\n", "no neighbour");
    refuses("HELLO 1 A C " A " 1.0 4 HAVE -\n", "another");
    refuses("AT Here +0.000000000 x +1-2 5 A\n", "HELLO");
    refuses("MARK 0 1\n", "HELLO");
    refuses("\n", "HELLO");
    set_up();
    link_close(a.link);
    a.link = link_open(&a.host, NULL, at_time(), count_wake, &a.woken);
    hear(&a, "HELLO 1 B A " B " 1.0 4 HAVE -\n"); /* which A dials itself */
    assert_int_equal(link_state(a.link), LINK_ENDED);
    tear_down();
}

static void hello_says_what_was_proved(void **state)
{
    (void)state;
    const struct {
        bool proves;
        const char *proved;
        enum link_state then;
    } cases[] = {
        {false, NULL, LINK_UP},   {true, NULL, LINK_ENDED}, {true, "A", LINK_UP},
        {false, "A", LINK_UP},    {true, "B", LINK_ENDED},  {true, "C", LINK_ENDED},
        {false, "C", LINK_ENDED}, {true, "", LINK_ENDED},   {true, "AA", LINK_ENDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_up();
        b.host.proves = cases[i].proves;
        link_prove(b.link, cases[i].proved);
        hear(&b, "HELLO 1 A B " A " 1.0 4 HAVE -\n");
        assert_int_equal(link_state(b.link), cases[i].then);
        assert_int_equal(link_is_proved(b.link), cases[i].then == LINK_UP);
        tear_down();
    }
}

static void bad_lines_are_skipped(void **state)
{
    (void)state;
    set_up();
    talk();
    hear(&b, "\n \t\nFOO\nMARK\nMARK 64 1\nMARK 0 -1\nMARK 0 1 2\nPING\nPONG x\nHELLO\n"
             "AT Here +0.0 x +1-2 5 A\nAT He/re +0.000000000 x +1-2 5 A\n"
             "AT Here +0.000000000 x 1-2 5 A\nAT Here +0.000000000 x +1-2 5s A\nAT Here A\n"
             "AT Here +0.000000000 y +1-2 5 Other Names A\n");
    assert_int_equal(link_state(b.link), LINK_UP);
    assert_int_equal(held_s(b.host.store, "x"), -1);
    assert_int_equal(held_s(b.host.store, "y"), 5);
    hear(&b, "AT Here +0.000000000 x +1-2 5 C\n");
    assert_int_equal(link_state(b.link), LINK_ENDED);
    tear_down();
}

static void lines_have_a_limit(void **state)
{
    (void)state;
    static char line[LINK_LINE_MAX + 2];
    set_up();
    memset(line, 'x', sizeof line - 1);
    assert_int_equal(link_input(b.link, line, HELLO_BYTES_MAX, at_time()), 0);
    assert_int_equal(link_state(b.link), LINK_NEW);
    link_input(b.link, line, HELLO_BYTES_MAX + 1, at_time());
    assert_int_equal(link_state(b.link), LINK_ENDED);
    link_close(b.link);
    open_side(&b);
    talk();
    assert_int_equal(link_input(b.link, line, LINK_LINE_MAX, at_time()), 0);
    assert_int_equal(link_state(b.link), LINK_UP);
    line[LINK_LINE_MAX - 1] = '\n';
    assert_int_equal(link_input(b.link, line, LINK_LINE_MAX, at_time()), LINK_LINE_MAX);
    assert_int_equal(link_state(b.link), LINK_UP);
    line[LINK_LINE_MAX - 1] = 'x';
    assert_int_equal(link_input(b.link, line, LINK_LINE_MAX + 1, at_time()), 0);
    assert_int_equal(link_state(b.link), LINK_ENDED);
    tear_down();
}

static void silence_and_ping(void **state)
{
    (void)state;
    set_up();
    assert_true(link_deadline_ns(b.link) == now_ns + LINK_HELLO_NS);
    assert_false(link_silent(b.link, at_time()));
    talk();
    now_ns += LINK_MARK_NS;
    talk();
    assert_int_equal(write_out(&a), 0);
    now_ns += LINK_PING_NS;
    assert_true(link_deadline_ns(a.link) <= now_ns);
    write_out(&a);
    assert_string_equal(a.out, "PING 1520000002.100000000\n");
    hear(&b, a.out);
    write_out(&b);
    assert_string_equal(b.out, "PONG 1520000002.100000000\n");
    now_ns += LINK_SILENCE_NS - 1;
    assert_false(link_silent(b.link, at_time()));
    now_ns += 1;
    assert_true(link_silent(b.link, at_time()));
    reconnect();
    now_ns += LINK_HELLO_NS;
    assert_true(link_silent(b.link, at_time()));
    tear_down();
}

static void who_asks_and_does_not_read_has_few_answers(void **state)
{
    (void)state;
    set_up();
    talk();
    char *room = malloc(65536);
    for (int i = 0; i < 10000; i++)
        link_input(b.link, "PING 1\n", 7, at_time());
    assert_int_equal(link_state(b.link), LINK_UP);
    size_t n = link_output(b.link, room, 65536, at_time());
    assert_in_range(n, 1024, 1024 + 64);
    free(room);
    tear_down();
}

/* Whatever room there is, what comes out is whole lines in the end, and all of them. */
static void any_room_will_do(void **state)
{
    (void)state;
    char client[HERD_CLIENT_MAX + 1];
    memset(client, 'c', sizeof client - 1);
    client[sizeof client - 1] = '\0';
    set_up();
    put(a.host.store, client, 1, 0);
    put(a.host.store, "y", 2, 0);
    struct link *links[] = {a.link, b.link};
    static char pipe[2][65536];
    size_t len[2] = {0, 0};
    for (size_t turn = 0; turn < 2000; turn++) {
        size_t i = turn % 2, room = turn < 1000 ? 1 + turn % 7 : LINK_ROOM_MIN;
        len[i] += link_output(links[i], pipe[i] + len[i], room, at_time());
        size_t taken = link_input(links[!i], pipe[i], len[i], at_time());
        memmove(pipe[i], pipe[i] + taken, len[i] -= taken);
    }
    assert_int_equal(held_s(b.host.store, client), 1);
    assert_int_equal(held_s(b.host.store, "y"), 2);
    assert_int_equal(len[0] + len[1], 0);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_say_hello_and_all_they_have),
        cmocka_unit_test(marks_lag_by_a_tenth_of_a_second),
        cmocka_unit_test(what_is_told_wakes_nobody_and_is_marked),
        cmocka_unit_test(what_is_told_is_marked_whatever_is_marked_before),
        cmocka_unit_test(what_was_marked_is_not_sent_again),
        cmocka_unit_test(who_comes_back_empty_has_everything_again),
        cmocka_unit_test(a_newer_session_replaces_the_older),
        cmocka_unit_test(a_session_has_a_bit_until_it_ends),
        cmocka_unit_test(who_does_not_prove_itself_is_refused),
        cmocka_unit_test(hello_says_what_was_proved),
        cmocka_unit_test(bad_lines_are_skipped),
        cmocka_unit_test(lines_have_a_limit),
        cmocka_unit_test(silence_and_ping),
        cmocka_unit_test(who_asks_and_does_not_read_has_few_answers),
        cmocka_unit_test(any_room_will_do),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    struct log_config quiet = {.file = "/dev/null", .level = HERD_LOG_ERROR};
    struct herd_error err;
    if (!log_open(&quiet, &err))
        return 1;
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
