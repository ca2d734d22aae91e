/* Sessions of TLS over a pair of sockets, both ends here, by a pre-shared key: what the loop is
 * told to wait for is enough. Each recv is called only when the socket has bytes (or room, where it
 * asks for that), as epoll would have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/crypto.h"
#include "net/tls_state.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BULK (1024 * 1024)
#define ROOM (64 * 1024)

static char folder[] = "/tmp/herd-tls-XXXXXX";
static char psk_file[64];
static struct tls *tls[2]; /* a dials b */
static const struct transport *io[2];
static int fd[2];
static char room[ROOM];

static void write_keys(const char *text)
{
    FILE *out = fopen(psk_file, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(psk_file, 0600), 0);
}

static struct tls *of(const char *self, const char *other, bool dialled)
{
    struct tls_neighbour neighbour = {other, dialled};
    struct tls_links links = {
        .self = self, .neighbours = &neighbour, .count = 1, .psk_file = psk_file};
    const char *setting;
    struct herd_error err;
    struct tls *made = tls_for_links(&links, &setting, &err);
    assert_non_null(made);
    return made;
}

static bool is_ready(int i, uint32_t what)
{
    short events = what == EPOLLIN ? POLLIN : POLLOUT;
    struct pollfd one = {.fd = fd[i], .events = events};
    return poll(&one, 1, 0) == 1;
}

/* What the loop would do for one side: nothing, unless that is ready which it waits for. -2: it is
 * not; else what recv returns. */
static ssize_t turn(int i)
{
    if (!is_ready(i, io[i]->recv_waits))
        return -2;
    ssize_t n = io[i]->recv(io[i], fd[i], room, sizeof room);
    assert_true(n >= 0 || errno == EAGAIN);
    return n;
}

static void send_all(int i, const char *bytes, size_t len)
{
    assert_int_equal(io[i]->send(io[i], fd[i], bytes, len), len);
}

static int open_both(void **unused)
{
    (void)unused;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    tls[0] = of("a", "b", true);
    tls[1] = of("b", "a", false);
    io[0] = tls_connect(tls[0], fd[0], "b");
    io[1] = tls_accept(tls[1], fd[1]);
    return 0;
}

static int set_up(void **unused)
{
    open_both(unused);
    assert_true(io[0]->send(io[0], fd[0], "hello", 5) < 0 && errno == EAGAIN);
    assert_int_equal(io[0]->send_waits, EPOLLIN);
    while (!io[0]->open || !io[1]->open) {
        turn(1);
        turn(0);
    }
    send_all(0, "hello", 5);
    assert_int_equal(turn(1), 5);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        transport_close(io[i]);
        close(fd[i]);
        tls_free(tls[i]);
    }
    return 0;
}

static SSL *ssl_of(int i)
{
    return ((const struct tls_session *)io[i])->ssl;
}

static void each_knows_the_other(void **unused)
{
    (void)unused;
    assert_string_equal(io[0]->name, "b");
    assert_string_equal(io[1]->name, "a");
    assert_null(transport_fault(io[0]));
}

/* One side would do with the key alone and has no group in common with the other, so that there is
 * nothing else. It fails where the other agrees to that. */
static void secrets_are_fresh(int willing)
{
    SSL_set_options(ssl_of(willing), SSL_OP_ALLOW_NO_DHE_KEX);
    assert_int_equal(SSL_set1_groups_list(ssl_of(willing), "X25519"), 1);
    assert_int_equal(SSL_set1_groups_list(ssl_of(!willing), "P-256"), 1);
    assert_true(io[0]->send(io[0], fd[0], "hello", 5) < 0 && errno == EAGAIN);
    assert_true(is_ready(1, EPOLLIN));
    assert_true(io[1]->recv(io[1], fd[1], room, sizeof room) < 0 && errno == EPROTO);
    assert_string_equal(transport_why(io[1]), "TLS: no suitable key share");
    assert_true(is_ready(0, EPOLLIN));
    assert_true(io[0]->recv(io[0], fd[0], room, sizeof room) < 0 && errno == EPROTO);
    assert_false(io[0]->open || io[1]->open);
}

static void no_dialler_comes_in_with_a_key_alone(void **unused)
{
    (void)unused;
    secrets_are_fresh(0);
}

static void a_dialler_does_not_offer_a_key_alone(void **unused)
{
    (void)unused;
    secrets_are_fresh(1);
}

/* Records of all sizes, one behind the other, and the end behind them. */
static void nothing_is_left_that_the_socket_does_not_show(void **unused)
{
    (void)unused;
    static char bytes[40000];
    size_t sent = 0, got = 0;
    for (size_t len = 1; len < sizeof bytes; len += len / 2 + 1) {
        send_all(0, bytes, len);
        sent += len;
        if (len < 3000)
            continue;
        for (ssize_t n; (n = turn(1)) > 0;)
            got += (size_t)n;
    }
    for (int i = 0; i < 3; i++, sent += 10)
        send_all(0, bytes, 10);
    assert_true(transport_end(io[0]));
    ssize_t n;
    while ((n = turn(1)) > 0)
        got += (size_t)n;
    assert_int_equal(got, sent);
    assert_int_equal(n, 0);
    send_all(1, "answer", 6); /* its own side is not ended yet */
    assert_int_equal(turn(0), 6);
}

/* What the socket does not take is sent from wherever it lies by then. */
static void what_is_not_taken_goes_later(void **unused)
{
    (void)unused;
    char *bytes = malloc(BULK), *heard = malloc(BULK);
    assert_true(bytes && heard);
    for (size_t i = 0; i < BULK; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    size_t sent = 0, got = 0;
    bool stopped = false;
    while (got < BULK) {
        while (sent < BULK && is_ready(0, io[0]->send_waits)) {
            char *moved = malloc(BULK - sent);
            assert_non_null(moved);
            memcpy(moved, bytes + sent, BULK - sent);
            ssize_t n = io[0]->send(io[0], fd[0], moved, BULK - sent);
            free(moved);
            assert_true(n > 0 || errno == EAGAIN);
            stopped = stopped || n < 0;
            sent += n > 0 ? (size_t)n : 0;
        }
        ssize_t n = turn(1);
        assert_true(n >= -1);
        if (n > 0)
            memcpy(heard + got, room, (size_t)n);
        got += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(heard, bytes, BULK);
    free(bytes);
    free(heard);
}

/* Asks for a new key; false: the socket is full. */
static bool ask_for_key(void)
{
    return SSL_key_update(ssl_of(0), SSL_KEY_UPDATE_REQUESTED) == 1 &&
           SSL_do_handshake(ssl_of(0)) == 1;
}

/* Each is a turn of the loop, so that nobody else has to wait; and where they are not read, those
 * that answer them wait for room. */
static void new_keys_hold_nobody_up(void **unused)
{
    (void)unused;
    unsigned asked = 0, turns = 0;
    while (asked < 100 && ask_for_key())
        asked++;
    assert_int_equal(asked, 100);
    for (; turn(1) == -1; turns++)
        ;
    assert_in_range(turns, asked, 2 * asked);
    while (asked < 100000 && io[1]->recv_waits == EPOLLIN) {
        assert_true(ask_for_key());
        asked++;
        turn(1);
    }
    assert_int_equal(io[1]->recv_waits, EPOLLOUT);
    assert_int_equal(turn(1), -2); /* until there is room */
    for (unsigned i = 0; turn(0) == -1 || turn(1) == -1; i++)
        assert_true(i < 100000);
    assert_int_equal(io[1]->recv_waits, EPOLLIN);
    ssize_t n;
    send_all(0, "after", 5);
    while ((n = turn(1)) == -1)
        ;
    assert_int_equal(n, 5);
    send_all(1, "them", 4);
    while ((n = turn(0)) == -1)
        ;
    assert_int_equal(n, 4);
}

/* What the end waits with, where there is no room, is memory as any other. */
static void an_end_that_waits_is_counted(void **unused)
{
    (void)unused;
    assert_int_equal(io[0]->bytes, 0);
    while (write(fd[0], "x", 1) == 1)
        ;
    assert_false(is_ready(0, EPOLLOUT));
    assert_false(transport_end(io[0]));
    assert_true(io[0]->bytes > 0);
}

static void a_cut_is_no_end(void **unused)
{
    (void)unused;
    send_all(0, "half a li", 9);
    shutdown(fd[0], SHUT_WR);
    assert_int_equal(turn(1), 9);
    assert_true(is_ready(1, EPOLLIN));
    assert_int_equal(io[1]->recv(io[1], fd[1], room, sizeof room), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_null(transport_fault(io[1]));
}

static void what_somebody_puts_in_is_an_error(void **unused)
{
    (void)unused;
    static const char record[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    assert_int_equal(write(fd[0], record, sizeof record - 1), sizeof record - 1);
    assert_int_equal(io[1]->recv(io[1], fd[1], room, sizeof room), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(transport_why(io[1]), "TLS: decryption failed or bad record mac");
    assert_int_equal(io[1]->send(io[1], fd[1], "x", 1), -1);
    assert_int_equal(errno, EPROTO);
}

/* ---- the file of keys ---- */

#define KEY  "000102030405060708090a0b0c0d0e0f"
#define LONG KEY KEY KEY KEY

static const char *complaint(const char *text, const char *self)
{
    static struct herd_error err;
    write_keys(text);
    err.text[0] = '\0';
    struct tls_keys *keys = tls_keys_read(psk_file, self, &err);
    assert_true((keys == NULL) == (err.text[0] != '\0'));
    tls_keys_free(keys);
    return keys != NULL ? "" : err.text + strlen(psk_file);
}

static void keys_are_read(void **unused)
{
    (void)unused;
    struct herd_error err;
    write_keys("# comment\n\n \t\na b " KEY "\r\n  c\ta   " LONG "\nb c " KEY "\n c d " KEY);
    struct tls_keys *keys = tls_keys_read(psk_file, "a", &err);
    assert_non_null(keys);
    assert_int_equal(tls_keys_find(keys, "b", "a")->len, 16);
    assert_int_equal(tls_keys_find(keys, "a", "c")->len, 64);
    assert_int_equal(tls_keys_find(keys, "a", "b")->bytes[15], 15);
    assert_null(tls_keys_find(keys, "b", "c"));
    assert_null(tls_keys_find(keys, "a", "a"));
    tls_keys_free(keys);
    keys = tls_keys_read(psk_file, NULL, &err);
    assert_non_null(tls_keys_find(keys, "d", "c"));
    tls_keys_free(keys);
}

static void bad_lines_are_refused_whoever_they_are_for(void **unused)
{
    (void)unused;
    const char *form = ": must be two servers' names and a key";
    const char *hex = ": a key has 32 to 128 hexadecimal digits, an even number of them";
    const struct {
        const char *text, *at, *why;
    } cases[] = {
        {"a b", ":1", form},
        {"\n\nx y " KEY " z\n", ":3", form},
        {"x y 0123\n", ":1", hex},
        {"x y " KEY "0\n", ":1", hex},
        {"x y " LONG "00\n", ":1", hex},
        {"x y 0g0102030405060708090a0b0c0d0e0f\n", ":1", hex},
        {"x/ y " KEY "\n", ":1", ": a server's name has 1 to 64 bytes of [A-Za-z0-9._-]"},
        {"x x " KEY "\n", ":1", ": a server needs no key for itself"},
        {"a b " KEY "\n#\nb a " KEY "\n", ":3", ": this pair has a key already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "%s%s", cases[i].at, cases[i].why);
        assert_string_equal(complaint(cases[i].text, "a"), expected);
    }
    assert_string_equal(complaint("", "a"), "");
    assert_string_equal(complaint("x y " KEY "\ny x " KEY "\n", "a"), "");
}

static int make_folder(void **unused)
{
    (void)unused;
    signal(SIGPIPE, SIG_IGN); /* as herd does */
    if (!mkdtemp(folder))
        return -1;
    snprintf(psk_file, sizeof psk_file, "%s/keys", folder);
    write_keys("b a " KEY KEY "\n");
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    unlink(psk_file);
    return rmdir(folder);
}

#define SESSION(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define HANDSHAKE(name) cmocka_unit_test_setup_teardown(name, open_both, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION(each_knows_the_other),
        HANDSHAKE(no_dialler_comes_in_with_a_key_alone),
        HANDSHAKE(a_dialler_does_not_offer_a_key_alone),
        SESSION(nothing_is_left_that_the_socket_does_not_show),
        SESSION(what_is_not_taken_goes_later),
        SESSION(new_keys_hold_nobody_up),
        SESSION(an_end_that_waits_is_counted),
        SESSION(a_cut_is_no_end),
        SESSION(what_somebody_puts_in_is_an_error),
        cmocka_unit_test(keys_are_read),
        cmocka_unit_test(bad_lines_are_refused_whoever_they_are_for),
    };
    crypto_init();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("tls", tests, make_folder, remove_folder);
}
