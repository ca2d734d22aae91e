/* A connection does one of four things: it waits for bytes, for its answers to be taken, for a
 * command that is answered later, or (closing) for the client to end its side. While answers are
 * unwritten nothing is read, so that a client that asks and does not read costs one bounded buffer.
 */
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
#define UNREAD_MAX (64 * 1024)              /* bytes kept behind a command that waits */

static void on_event(evutil_socket_t fd, short what, void *arg);
static void on_resume(void *arg);
static void work(struct connection *c, const char *bytes, size_t len);

/* ---- waiting ---- */

static void wait_for(struct connection *c, short what)
{
    if (c->waiting_for == what)
        return;
    if (c->waiting_for != 0)
        event_del(&c->event);
    c->waiting_for = what;
    event_assign(&c->event, c->clients->worker->base, c->fd, (short)(what | EV_PERSIST), on_event,
                 c);
    event_add(&c->event, NULL);
}

static void set_deadline(struct connection *c, struct deadlines *which)
{
    if (which == NULL)
        deadline_clear(&c->deadline);
    else
        deadline_set(&c->deadline, which, clock_now_ns());
}

/* ---- writing ---- */

bool connection_write(struct connection *c)
{
    struct buffer *out = &c->clients->worker->output;
    while (buffer_len(&c->unwritten) == 0 && buffer_len(out) > 0) {
        ssize_t n = c->io->send(c->io, c->fd, buffer_at(out), buffer_len(out));
        if (n < 0 && errno != EAGAIN) {
            buffer_take(out, buffer_len(out));
            return false;
        }
        if (n < 0)
            break;
        buffer_take(out, (size_t)n);
    }
    buffer_add(&c->unwritten, buffer_at(out), buffer_len(out));
    buffer_take(out, buffer_len(out));
    return true;
}

/* The rest of answers that the client did not take at once. False: it is gone. */
static bool write_rest(struct connection *c)
{
    while (buffer_len(&c->unwritten) > 0) {
        ssize_t n = c->io->send(c->io, c->fd, buffer_at(&c->unwritten), buffer_len(&c->unwritten));
        if (n < 0)
            return errno == EAGAIN;
        buffer_take(&c->unwritten, (size_t)n);
    }
    buffer_free(&c->unwritten);
    return true;
}

/* ---- what to do next ---- */

static bool has_input(const struct connection *c)
{
    int bytes = 0;
    return ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* A socket that is closed with unread input would reset the connection, and the last answer with
 * it. */
static void linger(struct connection *c)
{
    buffer_free(&c->unread);
    if (c->eof || shutdown(c->fd, SHUT_WR) != 0) {
        connection_close(c);
        return;
    }
    c->lingering = true;
    wait_for(c, EV_READ);
    set_deadline(c, &c->clients->linger);
}

static void wait_for_input(struct connection *c, bool worked)
{
    bool part = buffer_len(&c->unread) > 0;
    wait_for(c, EV_READ);
    if (!part)
        buffer_free(&c->unread);
    if (!part && (worked || c->deadline.in != &c->clients->idle))
        set_deadline(c, &c->clients->idle);
    else if (part && (c->fresh_line || c->deadline.in != &c->clients->line))
        set_deadline(c, &c->clients->line);
}

/* While a command waits: reading goes on, to see a client that leaves, until the client's side has
 * ended or there is enough; then only a change is waited for (the edge), which is a reset. */
static void wait_for_later(struct connection *c)
{
    bool enough = c->eof || buffer_len(&c->unread) >= UNREAD_MAX;
    wait_for(c, enough ? EV_READ | EV_ET : EV_READ);
    set_deadline(c, NULL);
}

static void settle(struct connection *c, bool worked)
{
    if (buffer_len(&c->unwritten) > 0) {
        wait_for(c, EV_WRITE);
        if (c->deadline.in != &c->clients->answer)
            set_deadline(c, &c->clients->answer);
    } else if (c->later != NULL) {
        wait_for_later(c);
    } else if (c->closing ||
               (c->clients->ending && (buffer_len(&c->unread) == 0 || c->fresh_line))) {
        linger(c);
    } else if (c->eof) {
        connection_close(c);
    } else {
        wait_for_input(c, worked);
    }
}

/* bytes: all that is not yet executed, in the worker's buffer. */
static void work(struct connection *c, const char *bytes, size_t len)
{
    uint64_t before = c->commands;
    c->clients->clock_ns = clock_wall_ns();
    size_t done = commands_execute(c, bytes, len);
    buffer_take(&c->unread, buffer_len(&c->unread));
    buffer_add(&c->unread, bytes + done, len - done);
    c->fresh_line = done > 0;
    if (!c->gone && connection_write(c))
        settle(c, c->commands > before);
    else
        connection_close(c);
}

/* ---- reading ---- */

static void read_more(struct connection *c)
{
    struct worker *worker = c->clients->worker;
    size_t kept = buffer_len(&c->unread);
    size_t room = WORKER_INPUT_BYTES - kept;
    assert(kept < WORKER_INPUT_BYTES);
    if (kept > 0)
        memcpy(worker->input, buffer_at(&c->unread), kept);
    ssize_t n = c->io->recv(c->io, c->fd, worker->input + kept, room < READ_MAX ? room : READ_MAX);
    if (n < 0) {
        if (errno != EAGAIN)
            connection_close(c);
        return;
    }
    c->eof = n == 0;
    if (c->later == NULL) {
        work(c, worker->input, kept + (size_t)n);
        return;
    }
    buffer_add(&c->unread, worker->input + kept, (size_t)n);
    settle(c, false);
}

/* After the last command: what still comes is of no use, but must be read. */
static void read_away(struct connection *c)
{
    ssize_t n = c->io->recv(c->io, c->fd, c->clients->worker->input, WORKER_INPUT_BYTES);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        connection_close(c);
}

/* An edge on a connection that is not read: a reset, or nothing that matters. */
static void look_for_reset(struct connection *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
        connection_close(c);
}

/* Goes on with the lines that waited. */
static void go_on(struct connection *c)
{
    char *input = c->clients->worker->input;
    size_t kept = buffer_len(&c->unread);
    set_deadline(c, NULL); /* each portion of answers has its own */
    if (kept > 0)
        memcpy(input, buffer_at(&c->unread), kept);
    work(c, input, kept);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct connection *c = arg;
    if (c->lingering)
        read_away(c);
    else if (c->waiting_for == EV_WRITE && !write_rest(c))
        connection_close(c);
    else if (c->waiting_for == EV_WRITE && buffer_len(&c->unwritten) == 0 && c->later == NULL)
        go_on(c);
    else if (c->waiting_for == EV_WRITE)
        settle(c, false);
    else if (c->waiting_for & EV_ET)
        look_for_reset(c);
    else
        read_more(c);
}

static void on_resume(void *arg)
{
    struct connection *c = arg;
    assert(c->later != NULL && c->later->done);
    commands_finish_later(c);
    if (!connection_write(c))
        connection_close(c);
    else if (buffer_len(&c->unwritten) > 0)
        settle(c, true);
    else
        go_on(c);
}

/* ---- life ---- */

void connection_open(struct clients *clients, int fd, const struct address *from)
{
    struct connection *c = memory_zeroed(1, sizeof *c);
    c->clients = clients;
    c->from = *from;
    c->number = atomic_fetch_add_explicit(&clients->service->numbered, 1, memory_order_relaxed) + 1;
    c->resume.run = on_resume;
    c->resume.arg = c;
    c->io = &transport_plain;
    c->fd = fd;
    TAILQ_INSERT_TAIL(&clients->all, c, entry);
    char text[ADDRESS_TEXT_MAX];
    address_print(from, text);
    log_event(HERD_LOG_INFO, c->number, "New connection from %s", text);
    wait_for_input(c, true);
}

void connection_close(struct connection *c)
{
    struct clients *clients = c->clients;
    char text[ADDRESS_TEXT_MAX];
    address_print(&c->from, text);
    log_event(HERD_LOG_INFO, c->number, "Dropped connection from %s", text);
    if (c->waiting_for != 0)
        event_del(&c->event);
    worker_cancel(&c->resume);
    if (c->later != NULL)
        later_free(c->later, true);
    deadline_clear(&c->deadline);
    buffer_free(&c->unread);
    buffer_free(&c->unwritten);
    close(c->fd);
    TAILQ_REMOVE(&clients->all, c, entry);
    free(c);
    clients_left(clients);
}

/* After a pause of this process the deadlines come before the bytes that wait are read. What was
 * read may leave the deadline as it is, and then the next look finds nothing to read. */
void connection_overdue(struct connection *c)
{
    char byte;
    bool reads = c->waiting_for == EV_READ && !c->lingering;
    if (reads && recv(c->fd, &byte, 1, MSG_PEEK) > 0) {
        read_more(c);
        return;
    }
    metric_add(timeouts, !c->lingering);
    connection_close(c);
}

void connection_end(struct connection *c, bool now)
{
    if (now && c->later != NULL) {
        worker_cancel(&c->resume);
        later_free(c->later, true);
        c->later = NULL;
    }
    if (now)
        c->closing = true;
    if (buffer_len(&c->unwritten) > 0)
        return;
    bool done = now || c->lingering || (c->later == NULL && buffer_len(&c->unread) == 0);
    if (done && !c->lingering && has_input(c))
        linger(c);
    else if (done)
        connection_close(c);
}
