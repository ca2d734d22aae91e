/* A client's connection on a loop that the test turns itself, over a pair of sockets that takes at
 * once what a network would bring in pieces: what happens in the middle of a long pipeline, lines
 * as long as they may be, and the time that an answer has. Nothing waits: time passes by moving a
 * deadline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/connection.h"
#include <cmocka.h>

#define KIB      1024
#define MIB      (1024 * KIB)
#define SECOND   INT64_C(1000000000)
#define ANSWER   1024        /* bytes that BIG answers */
#define AT_ONCE  (256 * KIB) /* bytes of answers after which they are written */
#define LONGEST  (64 * KIB)  /* limits.line */
#define COMMANDS 40000

/* A server's side of its clients, and the first one's socket. */
static struct {
    struct worker_hooks hooks;
    struct worker **workers;
    struct dispatch *dispatch;
    struct clients_service service;
    struct clients clients;
    int client;
} all;

static struct connection *of_deadline(struct deadline *deadline)
{
    return (struct connection *)((char *)deadline - offsetof(struct connection, deadline));
}

static unsigned executed;
static size_t longest;

static enum herd_result run_big(struct herd_request *req)
{
    static char bytes[ANSWER];
    memset(bytes, 'b', sizeof bytes);
    executed++;
    herd_reply(req, (struct herd_text){bytes, sizeof bytes});
    return HERD_OK;
}

static enum herd_result run_other(struct herd_request *req)
{
    size_t len = herd_line(req).len;
    longest = len > longest ? len : longest;
    executed++;
    return HERD_OK;
}

static enum herd_result run_echo(struct herd_request *req)
{
    executed++;
    herd_reply(req, herd_line(req));
    herd_reply(req, (struct herd_text){"\n", 1});
    return HERD_OK;
}

static size_t held, counted; /* when HELD was executed */

static enum herd_result run_held(struct herd_request *req)
{
    (void)req;
    struct deadline *one;
    held = 0;
    counted = atomic_load(&all.service.buffers);
    for (int i = 0; i < DUE_KINDS; i++)
        TAILQ_FOREACH (one, &all.clients.due[i].queue, entry) {
            const struct connection *c = of_deadline(one);
            held += c->backlog != NULL ? c->backlog->unread.room : 0;
        }
    return HERD_OK;
}

static const struct herd_command tell_held = {
    .verb = "HELD", .min_fields = 1, .max_fields = 1, .from = HERD_CLIENT, .run = run_held};
static const struct herd_command echo = {
    .verb = "ECHO", .min_fields = 2, .max_fields = 2, .from = HERD_CLIENT, .run = run_echo};
static const struct herd_command big = {
    .verb = "BIG", .min_fields = 1, .max_fields = 1, .from = HERD_CLIENT, .run = run_big};
static const struct herd_command other = {.verb = "", .from = HERD_CLIENT, .run = run_other};

/* Another client. Returns its socket. */
static int come(void)
{
    struct herd_error err;
    struct address from;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){MIB}, sizeof(int));
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){8 * KIB}, sizeof(int));
    assert_true(address_resolve(&from, "127.0.0.1", 1, &err));
    clients_expect(&all.clients);
    clients_take(&all.clients, pair[1], &from);
    return pair[0];
}

static int set_up(void **state)
{
    (void)state;
    struct herd_error err;
    memset(&all, 0, sizeof all);
    executed = 0;
    longest = 0;
    all.dispatch = dispatch_create();
    assert_true(dispatch_add(all.dispatch, &big, "test", &err));
    assert_true(dispatch_add(all.dispatch, &tell_held, "test", &err));
    assert_true(dispatch_add(all.dispatch, &echo, "test", &err));
    assert_true(dispatch_add(all.dispatch, &other, "test", &err));
    all.workers = workers_create(1, &all.hooks, &err);
    assert_non_null(all.workers);
    all.service = (struct clients_service){.dispatch = all.dispatch,
                                           .server = "Goloman",
                                           .line_bytes = LONGEST,
                                           .unread_bytes = AT_ONCE,
                                           .line_ns = 10 * SECOND,
                                           .answer_ns = 10 * SECOND};
    clients_init(&all.clients, all.workers[0], &all.service);
    all.client = come();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clients_fini(&all.clients);
    workers_destroy(all.workers, 1);
    dispatch_destroy(all.dispatch);
    close(all.client);
    return 0;
}

static void turn(void)
{
    event_base_loop(all.workers[0]->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static bool is_open(void)
{
    return atomic_load(&all.clients.count) > 0;
}

/* Sends it all at once, which the socket must have room for. */
static void send_bytes(const char *bytes, size_t len)
{
    assert_true(send(all.client, bytes, len, 0) == (ssize_t)len);
}

static void send_many(const char *line, unsigned n)
{
    size_t len = strlen(line);
    char *bytes = malloc(n * len);
    assert_non_null(bytes);
    for (unsigned i = 0; i < n; i++)
        memcpy(bytes + i * len, line, len);
    send_bytes(bytes, n * len);
    free(bytes);
}

static size_t take_all(void)
{
    static char bytes[MIB];
    size_t sum = 0;
    ssize_t n;
    while ((n = recv(all.client, bytes, sizeof bytes, 0)) > 0)
        sum += (size_t)n;
    return sum;
}

static struct connection *connection(void)
{
    struct deadline *first = NULL;
    for (int i = 0; i < DUE_KINDS && first == NULL; i++)
        first = TAILQ_FIRST(&all.clients.due[i].queue);
    assert_non_null(first);
    return of_deadline(first);
}

/* The connection's deadline comes nearer by so much, and the deadlines are looked at. */
static void pass(int64_t ns)
{
    connection()->deadline.ends_ns -= ns;
    clients_second(&all.clients);
}

/* The lines behind an answer that nobody takes any more would be kept, more with each read. */
static void a_client_that_has_gone_ends_its_pipeline(void **state)
{
    (void)state;
    send_many("BIG\n", COMMANDS);
    close(all.client);
    for (int i = 0; i < 100 && is_open(); i++)
        turn();
    assert_false(is_open());
    assert_in_range(executed, 1, AT_ONCE / ANSWER + 1);
}

static void one_that_does_not_read_gets_every_answer_in_the_end(void **state)
{
    (void)state;
    send_many("BIG\n", COMMANDS);
    shutdown(all.client, SHUT_WR);
    turn();
    assert_in_range(executed, 1, AT_ONCE / ANSWER + 1);
    size_t sum = 0;
    for (int i = 0; i < 10 * COMMANDS && is_open(); i++) {
        turn();
        sum += take_all();
    }
    sum += take_all();
    assert_false(is_open());
    assert_int_equal(executed, COMMANDS);
    assert_int_equal(sum, (size_t)COMMANDS * ANSWER);
}

/* The longest line but for its LF, and behind that as much as one read can bring. */
static void the_longest_line_may_come_in_parts(void **state)
{
    (void)state;
    char *line = malloc(LONGEST + 1);
    assert_non_null(line);
    memset(line, 'l', LONGEST);
    line[LONGEST] = '\r';
    for (int i = 1; i <= 3; i++) {
        send_bytes(line, LONGEST + 1);
        turn();
        turn();
        assert_int_equal(longest, i > 1 ? LONGEST : 0);
        send_bytes("\n", 1);
        send_many("xyz\n", LONGEST / 2);
        for (int turns = 0; turns < 10; turns++)
            turn();
        assert_int_equal(longest, LONGEST);
        assert_int_equal(executed, i * (1 + LONGEST / 2));
    }
    assert_true(is_open());
    free(line);
}

/* Ten seconds for each portion, however many there are. */
static void each_portion_of_answers_has_its_own_time(void **state)
{
    (void)state;
    send_many("BIG\n", COMMANDS);
    turn();
    for (int portions = 0; portions < 5; portions++) {
        unsigned before = executed;
        while (executed == before) {
            assert_true(take_all() > 0);
            turn();
        }
        pass(7 * SECOND);
        assert_true(is_open());
    }
    pass(4 * SECOND);
    assert_false(is_open());
}

/* Else who takes a byte now and then would hold an answer for ever. */
static void a_part_of_a_portion_buys_no_time(void **state)
{
    (void)state;
    send_many("BIG\n", COMMANDS);
    turn();
    unsigned before = executed;
    for (int i = 0; i < 9; i++) {
        size_t left = buffer_len(&connection()->backlog->unwritten);
        assert_true(take_all() > 0);
        turn();
        assert_in_range(buffer_len(&connection()->backlog->unwritten), 1, left - 1);
        pass(SECOND);
        assert_true(is_open());
    }
    take_all();
    turn();
    assert_int_equal(executed, before);
    pass(2 * SECOND);
    assert_false(is_open());
}

/* ---- a turn of many ---- */

#define MANY (SOCKETS_ROUND + 10)

static struct transport noticing;
static unsigned executed_first, sends; /* commands that were executed before the first send */

static ssize_t notice_send(const struct transport *io, int fd, const void *bytes, size_t len)
{
    executed_first = sends++ == 0 ? executed : executed_first;
    return transport_plain.send(io, fd, bytes, len);
}

/* Each client, the first included, asks what only it asks. */
static void many_ask(int *client, unsigned n)
{
    char line[32];
    client[0] = all.client;
    for (unsigned i = 0; i < n; i++) {
        client[i] = i > 0 ? come() : all.client;
        snprintf(line, sizeof line, "ECHO %u\n", i);
        assert_true(send(client[i], line, strlen(line), 0) > 0);
    }
}

static void assert_answered(int client, unsigned i)
{
    char wanted[32], got[64];
    snprintf(wanted, sizeof wanted, "ECHO %u\n", i);
    ssize_t n = recv(client, got, sizeof got, 0);
    assert_int_equal(n, strlen(wanted));
    assert_memory_equal(got, wanted, (size_t)n);
}

static void close_all(const int *client, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        close(client[i]);
}

static void answers_leave_when_all_of_a_turn_are_executed(void **state)
{
    (void)state;
    int client[3];
    many_ask(client, 3);
    noticing = transport_plain;
    noticing.send = notice_send;
    sends = 0;
    for (struct deadline *one = &connection()->deadline; one != NULL; one = TAILQ_NEXT(one, entry))
        of_deadline(one)->io = &noticing;
    turn();
    assert_int_equal(sends, 3);
    assert_int_equal(executed_first, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_answered(client[i], i);
    close_all(client, 3);
}

static void each_of_many_gets_its_own(void **state)
{
    (void)state;
    int client[MANY];
    many_ask(client, MANY);
    turn();
    turn();
    for (unsigned i = 0; i < MANY; i++)
        assert_answered(client[i], i);
    close_all(client, MANY);
}

/* limits.buffers is not overrun by a whole turn's. */
static void what_one_keeps_is_counted_before_the_next_is_told(void **state)
{
    (void)state;
    int client[11];
    char part[30 * KIB];
    memset(part, 'x', sizeof part);
    client[0] = all.client;
    for (unsigned i = 1; i < 11; i++) {
        client[i] = come();
        assert_int_equal(send(client[i], part, sizeof part, 0), sizeof part);
    }
    send_bytes("HELD\n", 5);
    turn();
    assert_true(held >= 10 * sizeof part);
    assert_true(counted >= held);
    close_all(client, 11);
}

/* One is gone before its answer is sent, one takes a part, and one has more than the others may
 * wait for. */
static void what_befalls_one_is_nothing_to_the_others(void **state)
{
    (void)state;
    int client[5];
    many_ask(client, 5);
    close(client[1]);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(send(client[2], "BIG\n", 4, 0), 4);
    for (unsigned i = 0; i < 3 * AT_ONCE / ANSWER; i++)
        assert_int_equal(send(client[3], "BIG\n", 4, 0), 4);
    turn();
    assert_int_equal(atomic_load(&all.clients.count), 4);
    assert_answered(client[0], 0);
    assert_answered(client[4], 4);
    size_t sum[5] = {0};
    char bytes[64 * KIB];
    for (unsigned turns = 0; turns < 1000; turns++) {
        for (unsigned i = 2; i <= 3; i++) {
            ssize_t n = recv(client[i], bytes, sizeof bytes, 0);
            sum[i] += n > 0 ? (size_t)n : 0;
        }
        turn();
    }
    assert_int_equal(sum[2], strlen("ECHO 2\n") + 30 * ANSWER);
    assert_int_equal(sum[3], strlen("ECHO 3\n") + 3 * AT_ONCE);
    for (unsigned i = 2; i < 5; i++)
        close(client[i]);
}

/* ---- an end that waits for room, as TLS's may ---- */

#define RECORD (17 * KIB) /* bytes that it waits with */

static struct transport waiting;

static bool end_later(const struct transport *io)
{
    (void)io;
    waiting.bytes = RECORD;
    return false;
}

static const char *no_fault(const struct transport *io)
{
    (void)io;
    return NULL;
}

static void forget(const struct transport *io)
{
    (void)io;
}

static void end_with_room_for(uint64_t bytes)
{
    static const struct transport_more more = {end_later, no_fault, forget};
    all.service.buffers_max = bytes;
    waiting = transport_plain;
    waiting.more = &more;
    turn();
    connection()->io = &waiting;
    shutdown(all.client, SHUT_WR);
    turn();
}

static void an_end_that_waits_is_counted(void **state)
{
    (void)state;
    end_with_room_for(RECORD);
    assert_true(is_open());
    assert_int_equal(atomic_load(&all.service.buffers), RECORD);
    connection_close(connection());
    assert_int_equal(atomic_load(&all.service.buffers), 0);
}

static void an_end_that_waits_with_too_much_is_cut(void **state)
{
    (void)state;
    end_with_room_for(RECORD - 1);
    assert_false(is_open());
    assert_int_equal(atomic_load(&all.service.buffers), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_that_has_gone_ends_its_pipeline),
        TEST(one_that_does_not_read_gets_every_answer_in_the_end),
        TEST(the_longest_line_may_come_in_parts),
        TEST(each_portion_of_answers_has_its_own_time),
        TEST(a_part_of_a_portion_buys_no_time),
        TEST(answers_leave_when_all_of_a_turn_are_executed),
        TEST(each_of_many_gets_its_own),
        TEST(what_one_keeps_is_counted_before_the_next_is_told),
        TEST(what_befalls_one_is_nothing_to_the_others),
        TEST(an_end_that_waits_is_counted),
        TEST(an_end_that_waits_with_too_much_is_cut),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
