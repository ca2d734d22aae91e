/* Requests out, answers in. All that came with one read counts as having come at that moment. The
 * reads of all connections go into one large buffer; only an answer whose end has not come yet is
 * kept with its connection. */
#include "bench/conn.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void tally_merge(struct tally *to, const struct tally *from)
{
    assert(to && from);
    histogram_merge(&to->latency_ns, &from->latency_ns);
    to->answers += from->answers;
    to->invalid += from->invalid;
    to->dropped += from->dropped;
    to->lost += from->lost;
    to->unsent += from->unsent;
    if (to->first_ns == 0 || from->first_ns < to->first_ns)
        to->first_ns = from->first_ns;
    if (from->last_ns > to->last_ns)
        to->last_ns = from->last_ns;
}

void conn_init(struct conn *conn, int fd, unsigned depth)
{
    assert(conn && fd >= 0 && depth > 0);
    memset(conn, 0, sizeof *conn);
    conn->fd = fd;
    conn->depth = depth;
    conn->slots = memory_zeroed(depth, sizeof *conn->slots);
}

void conn_free(struct conn *conn)
{
    assert(conn);
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
    free(conn->slots);
    conn->slots = NULL;
    buffer_free(&conn->in);
    buffer_free(&conn->out);
}

unsigned conn_room(const struct conn *conn)
{
    unsigned room = conn->depth - conn->in_flight;
    return room < conn->left ? room : (unsigned)conn->left;
}

char *conn_build(struct conn *conn, const struct work *work, int64_t from_ns, char *to)
{
    assert(conn_room(conn) > 0);
    unsigned at = conn->first + conn->in_flight;
    struct conn_slot *slot = &conn->slots[at < conn->depth ? at : at - conn->depth];
    slot->from_ns = from_ns;
    conn->in_flight++;
    conn->left--;
    return to + work->build(&conn->source, to, &slot->kind);
}

/* Returns how many bytes the socket took, -1 for an error. */
static ssize_t write_some(struct conn *conn, const char *bytes, size_t len)
{
    ssize_t n = send(conn->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static bool write_rest(struct conn *conn)
{
    ssize_t n = write_some(conn, buffer_at(&conn->out), buffer_len(&conn->out));
    if (n > 0)
        buffer_take(&conn->out, (size_t)n);
    return n >= 0;
}

bool conn_write(struct conn *conn, const char *bytes, size_t len)
{
    assert(conn->fd >= 0 && (bytes || len == 0));
    ssize_t n = 0;
    if (buffer_len(&conn->out) > 0) {
        buffer_add(&conn->out, bytes, len);
        return write_rest(conn);
    }
    if (len > 0)
        n = write_some(conn, bytes, len);
    if (n >= 0)
        buffer_add(&conn->out, bytes + n, len - (size_t)n);
    return n >= 0;
}

static void take_answer(struct conn *conn, bool good, int64_t now_ns, struct tally *tally)
{
    int64_t from_ns = conn->slots[conn->first].from_ns;
    histogram_add(&tally->latency_ns, now_ns > from_ns ? (uint64_t)(now_ns - from_ns) : 0);
    tally->answers++;
    tally->invalid += !good;
    conn->first = conn->first + 1 == conn->depth ? 0 : conn->first + 1;
    conn->in_flight--;
}

/* Returns how many bytes belong to whole answers. */
static size_t take_answers(struct conn *conn, const struct work *work, const char *bytes,
                           size_t len, int64_t now_ns, struct tally *tally)
{
    size_t done = 0;
    while (conn->in_flight > 0 && done < len) {
        bool good = false;
        size_t n = work->scan(conn->slots[conn->first].kind, bytes + done, len - done, &good);
        if (n == 0)
            break;
        assert(n <= len - done);
        take_answer(conn, good, now_ns, tally);
        done += n;
    }
    return done;
}

bool conn_read(struct conn *conn, const struct work *work, char *room, size_t room_len,
               struct tally *tally, int64_t *now_ns)
{
    assert(conn->fd >= 0 && now_ns);
    size_t old = buffer_len(&conn->in);
    assert(old < room_len);
    if (old > 0)
        memcpy(room, buffer_at(&conn->in), old);
    ssize_t n = recv(conn->fd, room + old, room_len - old, MSG_DONTWAIT);
    *now_ns = clock_now_ns();
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    size_t len = old + (size_t)n;
    size_t done = take_answers(conn, work, room, len, *now_ns, tally);
    if (done > 0)
        tally->last_ns = *now_ns;
    buffer_take(&conn->in, old);
    if (done == 0 && len == room_len)
        return false; /* an answer without an end */
    if (conn->in_flight == 0 && done < len)
        return false; /* an answer that nobody asked for */
    buffer_add(&conn->in, room + done, len - done);
    return true;
}

void conn_lose(struct conn *conn, struct tally *tally)
{
    assert(conn->fd >= 0);
    close(conn->fd);
    conn->fd = -1;
    tally->dropped++;
    tally->lost += conn->in_flight;
    conn->in_flight = 0;
    conn->left = 0;
}
