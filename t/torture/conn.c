/* Sockets that never block, in the owner's epoll set. The hard thing is to say of each request
 * exactly once what became of it: whoever closes a connection tells of all that waited. */
#include "conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)

static bool watch(struct conn *conn, int epoll, int how, bool writing)
{
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = conn};
    conn->writing = writing;
    return epoll_ctl(epoll, how, conn->fd, &event) == 0;
}

bool conn_open(struct conn *conn, int epoll)
{
    assert(conn->fd < 0 && conn->waiting == 0);
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        return false;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    conn->connecting = true;
    if (connect(conn->fd, (const struct sockaddr *)conn->to, sizeof *conn->to) == 0 ||
        errno == EINPROGRESS)
        return watch(conn, epoll, EPOLL_CTL_ADD, true);
    return false;
}

void conn_lose(struct conn *conn, const struct conn_listener *listener)
{
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
    conn->connecting = conn->writing = false;
    buffer_take(&conn->in, buffer_len(&conn->in));
    buffer_take(&conn->out, buffer_len(&conn->out));
    while (conn->waiting > 0) {
        const struct slot *slot = &conn->slots[conn->first];
        conn->first = (conn->first + 1) % DEPTH;
        conn->waiting--;
        listener->answered(listener->arg, conn, slot, (struct herd_text){NULL, 0});
    }
}

void conn_free(struct conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    buffer_free(&conn->in);
    buffer_free(&conn->out);
}

/* ---- asking ---- */

static struct slot *push(struct conn *conn, uint32_t id)
{
    assert(conn_room(conn) > 0);
    struct slot *slot = &conn->slots[(conn->first + conn->waiting) % DEPTH];
    conn->waiting++;
    slot->id = id;
    return slot;
}

void conn_report(struct conn *conn, uint32_t id, const struct report *report)
{
    struct slot *slot = push(conn, id);
    slot->question = false;
    slot->report = *report;
    int n = snprintf(slot->rest, sizeof slot->rest, "t%07u ", id);
    assert(n == ID_LEN + 1);
    slot->len = (unsigned char)((size_t)n + report_print(report, slot->rest + n));
    buffer_add(&conn->out, "IAMAT ", 6);
    buffer_add(&conn->out, slot->rest, slot->len);
    buffer_add(&conn->out, "\n", 1);
}

void conn_ask(struct conn *conn, uint32_t id, uint32_t index)
{
    struct slot *slot = push(conn, id);
    char line[40];
    slot->question = true;
    slot->index = index;
    int n = snprintf(line, sizeof line, "WHATSAT t%07u 0 0\n", id);
    buffer_add(&conn->out, line, (size_t)n);
}

bool conn_flush(struct conn *conn, int epoll)
{
    while (buffer_len(&conn->out) > 0) {
        ssize_t n = send(conn->fd, buffer_at(&conn->out), buffer_len(&conn->out), MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0)
            break;
        buffer_take(&conn->out, (size_t)n);
    }
    bool rest = buffer_len(&conn->out) > 0;
    return rest == conn->writing || watch(conn, epoll, EPOLL_CTL_MOD, rest);
}

/* ---- hearing ---- */

/* The length of the answer that these bytes begin with; 0: its end has not come. line: its first
 * line. */
static size_t scan(const struct slot *slot, const char *bytes, size_t len, struct herd_text *line)
{
    const char *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
    if (end == NULL)
        return 0;
    *line = (struct herd_text){bytes, (size_t)(end - bytes)};
    if (slot->question && len >= 3 && memcmp(bytes, "AT ", 3) == 0) {
        end = memmem(end, len - line->len, "\n\n", 2);
        return end != NULL ? (size_t)(end + 2 - bytes) : 0;
    }
    return line->len + 1;
}

static bool take_answers(struct conn *conn, const struct conn_listener *listener)
{
    while (buffer_len(&conn->in) > 0) {
        const struct slot *slot = &conn->slots[conn->first];
        struct herd_text line;
        if (conn->waiting == 0)
            return false; /* it says what nobody asked for */
        size_t n = scan(slot, buffer_at(&conn->in), buffer_len(&conn->in), &line);
        if (n == 0)
            return true;
        conn->first = (conn->first + 1) % DEPTH;
        conn->waiting--;
        listener->answered(listener->arg, conn, slot, line);
        buffer_take(&conn->in, n);
    }
    return true;
}

static bool read_some(struct conn *conn, const struct conn_listener *listener)
{
    char *room = buffer_reserve(&conn->in, READ_BYTES);
    ssize_t n = recv(conn->fd, room, READ_BYTES, 0);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    buffer_grew(&conn->in, (size_t)n);
    return take_answers(conn, listener);
}

bool conn_event(struct conn *conn, uint32_t events, int epoll, const struct conn_listener *listener)
{
    if (conn->connecting) {
        int error = 0;
        socklen_t len = sizeof error;
        getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0)
            return false;
        conn->connecting = (events & EPOLLOUT) == 0;
        return conn->connecting || watch(conn, epoll, EPOLL_CTL_MOD, false);
    }
    if ((events & EPOLLOUT) && !conn_flush(conn, epoll))
        return false;
    return !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || read_some(conn, listener);
}
