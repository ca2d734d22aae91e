/* One connection of the witness to a server: what it has asked, and what is answered, in order. It
 * connects by itself, again and again. */
#ifndef TORTURE_CONN_H
#define TORTURE_CONN_H

#include "base/buffer.h"
#include "report.h"

#define DEPTH 64 /* questions under way */

/* What waits for its answer: a report, or a question. */
struct slot {
    uint32_t id, index; /* index: the asker's own */
    bool question;
    struct report report;
    unsigned char len;
    char rest[ID_LEN + 1 + REPORT_TEXT_MAX]; /* the line without its verb */
};

struct conn {
    size_t server;
    const struct sockaddr_in *to;
    int fd; /* -1: none */
    bool connecting, writing;
    bool ready;       /* the owner's: what came is to be written */
    int64_t retry_ns; /* when to connect again */
    unsigned first, waiting;
    struct slot slots[DEPTH];
    struct buffer in, out;
};

/* How conn_read and conn_lose tell of each: line is empty for what will not be answered. */
struct conn_listener {
    void (*answered)(void *arg, struct conn *conn, const struct slot *slot, struct herd_text line);
    void *arg;
};

/* Begins to connect. The socket is the conn's; on_event tells it what epoll says. False: failed. */
bool conn_open(struct conn *conn, int epoll);

/* What has become of it; false: it is lost. */
bool conn_event(struct conn *conn, uint32_t events, int epoll,
                const struct conn_listener *listener);

/* Closes it; all that waits is not answered. */
void conn_lose(struct conn *conn, const struct conn_listener *listener);

static inline bool conn_usable(const struct conn *conn)
{
    return conn->fd >= 0 && !conn->connecting;
}

static inline unsigned conn_room(const struct conn *conn)
{
    return conn_usable(conn) ? DEPTH - conn->waiting : 0;
}

/* Add to what is to be written: there has to be room. */
void conn_report(struct conn *conn, uint32_t id, const struct report *report);
void conn_ask(struct conn *conn, uint32_t id, uint32_t index);

/* Writes what is there. False: the connection is broken. */
bool conn_flush(struct conn *conn, int epoll);

void conn_free(struct conn *conn);

#endif
