/* A connection does one of five things: it waits for bytes, for its answers to be taken, for a
 * command that is answered later, for tokens of its address, or (closing) for the client to end its
 * side. While answers are
 * unwritten nothing is read, so that a client that asks and does not read costs one bounded buffer.
 * One for whose bytes memory is out is closed: the others go on. */
#include "net/connection.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "net/commands.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define READ_MAX   (WORKER_INPUT_BYTES / 2) /* bytes of one read */
#define READ_SLOW  4096                     /* where the lines may have to wait for tokens */
#define UNREAD_MAX (64 * 1024)              /* bytes kept behind a command that waits */
#define SMALL      1024                     /* bytes that one may have whatever the others have */

static void work(struct connection *c, const char *bytes, size_t len);

/* ---- the backlog ---- */

struct backlog *connection_backlog(struct connection *c)
{
    if (c->backlog == NULL)
        c->backlog = memory_zeroed(1, sizeof *c->backlog);
    return c->backlog;
}

/* Counts what the connection takes now beyond what every one does. False: that is more than
 * limits.buffers leaves for it. */
static bool count_buffers(struct connection *c)
{
    struct clients_service *service = c->clients->service;
    const struct backlog *backlog = c->backlog;
    size_t bytes = c->io->bytes;
    if (backlog != NULL)
        bytes += sizeof *backlog + backlog->unread.room + backlog->unwritten.room;
    if (bytes == c->counted)
        return true;
    bool more = bytes > c->counted;
    uint64_t sum = bytes - c->counted;
    sum += atomic_fetch_add_explicit(&service->buffers, sum, memory_order_relaxed);
    c->counted = bytes;
    return !more || bytes <= SMALL || service->buffers_max == 0 || sum <= service->buffers_max;
}

static void free_backlog(struct connection *c)
{
    if (c->backlog == NULL)
        return;
    buffer_free(&c->backlog->unread);
    buffer_free(&c->backlog->unwritten);
    free(c->backlog);
    c->backlog = NULL;
    (void)count_buffers(c);
}

static size_t unread_len(const struct connection *c)
{
    return c->backlog != NULL ? buffer_len(&c->backlog->unread) : 0;
}

/* False: memory is out. */
static bool keep_unread(struct connection *c, const char *bytes, size_t len)
{
    if (len > 0)
        buffer_add(&connection_backlog(c)->unread, bytes, len);
    return len == 0 || !c->backlog->unread.lost;
}

/* Moves what is unread into the worker's buffer. Returns its length. */
static size_t take_unread(struct connection *c)
{
    size_t len = unread_len(c);
    if (len == 0)
        return 0;
    memcpy(c->clients->worker->input, buffer_at(&c->backlog->unread), len);
    if (c->backlog->unread.room > READ_SLOW) /* what is left of it will be little */
        buffer_free(&c->backlog->unread);
    else
        buffer_take(&c->backlog->unread, len);
    return len;
}

static void cancel_later(struct connection *c)
{
    struct later *later = connection_later(c);
    if (later == NULL)
        return;
    worker_cancel(&later->resume);
    later_free(later, true);
    c->backlog->later = NULL;
}

/* ---- waiting ---- */

static void wait_for(struct connection *c, uint32_t what)
{
    sockets_wait(&c->clients->worker->sockets, &c->socket, what);
}

static bool is_due(const struct connection *c, enum due what)
{
    return c->deadline.in == &c->clients->due[what];
}

static void set_deadline(struct connection *c, enum due what)
{
    int64_t now_ns = clock_tick_ns();
    c->overdue = false;
    if (what == DUE_COMMAND)
        c->idle_from_ns = now_ns;
    deadline_set(&c->deadline, &c->clients->due[what], now_ns);
}

static bool is_idle_over(const struct connection *c)
{
    int64_t idle_ns = c->clients->service->idle_ns;
    return idle_ns > 0 && clock_tick_ns() >= c->idle_from_ns + idle_ns + DEADLINE_GRAIN_NS;
}

/* ---- what to do next ---- */

static bool has_input(const struct connection *c)
{
    int bytes = 0;
    return ioctl(c->socket.fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* From here on nobody asks what the bytes mean. */
static void end_transport(struct connection *c)
{
    const char *fault = transport_fault(c->io);
    if (fault != NULL) {
        char text[ADDRESS_TEXT_MAX];
        address_print(&c->from, text);
        metric_add(tls_failed, 1);
        log_event(HERD_LOG_INFO, c->number, "Broken connection from %s: %s", text, fault);
    }
    transport_close(c->io);
    c->io = &transport_plain;
    (void)count_buffers(c);
}

static void close_full(struct connection *c)
{
    metric_add(buffers_full, 1);
    connection_close(c);
}

/* A socket that is closed with unread input would reset the connection, and the last answer with
 * it. */
static void linger(struct connection *c)
{
    bool ended = transport_end(c->io);
    free_backlog(c);
    if (!ended && !count_buffers(c)) { /* what waits with the end takes memory */
        close_full(c);
        return;
    }
    if (ended)
        end_transport(c);
    if (ended && (c->eof || shutdown(c->socket.fd, SHUT_WR) != 0)) {
        connection_close(c);
        return;
    }
    c->lingering = true;
    wait_for(c, ended ? EPOLLIN : EPOLLOUT);
    if (!is_due(c, DUE_LINGER))
        set_deadline(c, DUE_LINGER);
}

/* Its time is over, for what it is due to do. */
static void close_late(struct connection *c)
{
    metric_add(timeouts, !c->lingering);
    metric_add(timeouts_line, is_due(c, DUE_LINE));
    metric_add(timeouts_answer, is_due(c, DUE_ANSWER));
    metric_add(timeouts_idle, is_due(c, DUE_COMMAND) || is_due(c, DUE_RENEWED));
    connection_close(c);
}

/* An unfinished line has a time of its own, but only a command makes the idle time begin anew:
 * else blanks and line ends in turn would put it off for ever. */
static void wait_for_input(struct connection *c, bool worked)
{
    bool part = unread_len(c) > 0, was_part = is_due(c, DUE_LINE);
    wait_for(c, c->io->recv_waits);
    if (!part)
        free_backlog(c);
    if (worked || !(was_part || is_due(c, DUE_COMMAND) || is_due(c, DUE_RENEWED))) {
        set_deadline(c, DUE_COMMAND);
    } else if (was_part && c->fresh_line && is_idle_over(c)) {
        set_deadline(c, DUE_RENEWED);
        close_late(c);
        return;
    }
    if (part && (c->fresh_line || !is_due(c, DUE_LINE)))
        set_deadline(c, DUE_LINE);
    else if (!part && is_due(c, DUE_LINE))
        set_deadline(c, DUE_RENEWED);
}

/* While a command waits: reading goes on, to see a client that leaves, until the client's side has
 * ended or there is enough; then only a reset is waited for. */
static void wait_for_later(struct connection *c)
{
    bool enough = c->eof || unread_len(c) >= UNREAD_MAX;
    wait_for(c, enough ? 0 : c->io->recv_waits);
    set_deadline(c, DUE_NEVER);
}

/* Until its answers are taken. */
static void wait_for_room(struct connection *c)
{
    wait_for(c, c->io->send_waits);
    if (is_due(c, DUE_ANSWER))
        return;
    metric_add(clients_held, 1);
    set_deadline(c, DUE_ANSWER);
}

/* Until its address has tokens. */
static void wait_for_token(struct connection *c)
{
    wait_for(c, 0);
    if (is_due(c, DUE_TOKEN))
        return;
    metric_add(clients_slowed, 1);
    set_deadline(c, DUE_TOKEN);
}

void connection_settle(struct connection *c, bool worked)
{
    if (!count_buffers(c)) {
        close_full(c);
    } else if (connection_has_unwritten(c)) {
        wait_for_room(c);
    } else if (connection_later(c) != NULL) {
        wait_for_later(c);
    } else if (c->slowed) {
        wait_for_token(c);
    } else if (c->closing || (c->clients->ending && (unread_len(c) == 0 || c->fresh_line))) {
        linger(c);
    } else if (c->eof) {
        linger(c);
    } else {
        wait_for_input(c, worked);
    }
}

/* bytes: all that is not yet executed, in the worker's buffer. What is left to do for the
 * connection is done when its answers are sent, at the end of the turn. */
static void work(struct connection *c, const char *bytes, size_t len)
{
    uint32_t before = c->commands;
    c->clients->clock_ns = clock_wall_ns();
    size_t done = commands_execute(c, bytes, len);
    bool kept = keep_unread(c, bytes + done, len - done);
    c->fresh_line = done > 0;
    if (c->gone || (c->clients->worker->output.lost && !connection_write(c)))
        connection_close(c);
    else
        owed_put_off(c, c->commands != before, kept);
}

/* ---- reading ---- */

/* Nothing came that is for us: it may be TLS's handshake that goes on, or is over now. */
static void read_later(struct connection *c)
{
    if (!count_buffers(c)) {
        close_full(c);
        return;
    }
    wait_for(c, c->io->recv_waits);
    if (c->io->open && is_due(c, DUE_HANDSHAKE))
        set_deadline(c, DUE_COMMAND);
}

/* A client that has made a mistake in TLS is to hear of it. */
static void break_off(struct connection *c)
{
    if (transport_fault(c->io) == NULL) {
        connection_close(c);
        return;
    }
    cancel_later(c);
    linger(c);
}

static void read_more(struct connection *c)
{
    struct worker *worker = c->clients->worker;
    size_t kept = unread_len(c);
    size_t room = WORKER_INPUT_BYTES - kept;
    size_t slow = c->io->more == NULL ? READ_SLOW : TRANSPORT_ROOM_MIN;
    size_t most = c->clients->service->rate ? slow : READ_MAX;
    assert(kept < WORKER_INPUT_BYTES);
    char *to = worker->input + kept;
    ssize_t n = c->io->recv(c->io, c->socket.fd, to, room < most ? room : most);
    if (n < 0) {
        if (errno == EAGAIN)
            read_later(c);
        else
            break_off(c);
        return;
    }
    c->eof = n == 0;
    if (connection_later(c) == NULL) {
        take_unread(c);
        work(c, worker->input, kept + (size_t)n);
        return;
    }
    if (keep_unread(c, to, (size_t)n))
        connection_settle(c, false);
    else
        connection_close(c);
}

/* After the last command: what still comes is of no use, but must be read. */
static void read_away(struct connection *c)
{
    ssize_t n = c->io->recv(c->io, c->socket.fd, c->clients->worker->input, WORKER_INPUT_BYTES);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        connection_close(c);
}

/* Goes on with the lines that waited. */
static void go_on(struct connection *c)
{
    set_deadline(c, DUE_NEVER); /* each portion of answers has its own */
    size_t len = take_unread(c);
    work(c, c->clients->worker->input, len);
}

static void on_ready(struct socket *socket, uint32_t what)
{
    (void)what; /* of one that waits for one thing alone */
    struct connection *c = (struct connection *)socket;
    bool writes = connection_has_unwritten(c);
    if (c->lingering && c->io == &transport_plain)
        read_away(c);
    else if (c->lingering)
        linger(c);
    else if (!writes && socket->waits_for != 0)
        read_more(c);
    else if (!writes || !connection_write_rest(c)) /* the client is gone */
        connection_close(c);
    else if (!connection_has_unwritten(c) && connection_later(c) == NULL)
        go_on(c);
    else
        connection_settle(c, false);
}

void connection_go_on(struct connection *c)
{
    struct clients *clients = c->clients;
    assert(c->slowed && connection_later(c) == NULL && !connection_has_unwritten(c));
    go_on(c);
    owed_send(clients);
}

void connection_resume(void *arg)
{
    struct connection *c = arg;
    struct clients *clients = c->clients;
    assert(connection_later(c) != NULL && connection_later(c)->done);
    commands_finish_later(c);
    if (!connection_write(c))
        connection_close(c);
    else if (connection_has_unwritten(c))
        connection_settle(c, true);
    else
        go_on(c);
    owed_send(clients);
}

/* ---- life ---- */

void connection_open(struct clients *clients, int fd, const struct address *from,
                     const struct transport *io, struct addresses_entry *address)
{
    struct connection *c = io != NULL ? memory_try_zeroed(sizeof *c) : NULL;
    if (c == NULL) {
        if (io != NULL)
            transport_close(io);
        addresses_leave(clients->service->addresses, address);
        close(fd);
        clients_left(clients);
        return;
    }
    c->socket = (struct socket){.fd = fd, .waits_for = EPOLLIN, .ready = on_ready};
    c->clients = clients;
    c->from = *from;
    c->address = address;
    c->number = atomic_fetch_add_explicit(&clients->service->numbered, 1, memory_order_relaxed) + 1;
    c->io = io;
    char text[ADDRESS_TEXT_MAX];
    address_print(from, text);
    log_event(HERD_LOG_INFO, c->number, "New connection from %s", text);
    set_deadline(c, io->open ? DUE_COMMAND : DUE_HANDSHAKE);
    if (!sockets_add(&clients->worker->sockets, &c->socket))
        connection_close(c);
}

void connection_close(struct connection *c)
{
    struct clients *clients = c->clients;
    char text[ADDRESS_TEXT_MAX];
    end_transport(c);
    address_print(&c->from, text);
    log_event(HERD_LOG_INFO, c->number, "Dropped connection from %s", text);
    cancel_later(c);
    free_backlog(c);
    assert(c->counted == 0);
    deadline_clear(&c->deadline);
    addresses_leave(clients->service->addresses, c->address);
    sockets_remove(&clients->worker->sockets, &c->socket);
    close(c->socket.fd);
    free(c);
    clients_left(clients);
}

/* After a pause of this process the deadlines come before the bytes that wait are read. What was
 * read may leave the deadline as it is, and then that was all: there is no end of blank lines that
 * one may send. */
void connection_overdue(struct connection *c)
{
    char byte;
    struct clients *clients = c->clients;
    if (is_due(c, DUE_RENEWED) && !is_idle_over(c)) {
        set_deadline(c, DUE_RENEWED);
        return;
    }
    bool waits = c->socket.waits_for == EPOLLIN && !connection_has_unwritten(c);
    bool reads = waits && !c->lingering && !c->overdue;
    if (reads && recv(c->socket.fd, &byte, 1, MSG_PEEK) > 0) {
        c->overdue = true;
        read_more(c);
        owed_send(clients);
        return;
    }
    close_late(c);
}

void connection_end(struct connection *c, bool now)
{
    if (now) {
        cancel_later(c);
        c->closing = true;
    }
    if (connection_has_unwritten(c))
        return;
    bool done = now || c->lingering || (connection_later(c) == NULL && unread_len(c) == 0);
    if (done && !c->lingering && has_input(c))
        linger(c);
    else if (done)
        connection_close(c);
}
