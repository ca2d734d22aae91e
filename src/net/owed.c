/* Writing to clients: at the end of a turn, in the midst of one that has many answers, and what
 * they did not take at once. */
#include "net/owed.h"

#include "net/connection.h"

#include <assert.h>
#include <errno.h>

#define OWED_MAX (32 * 1024) /* bytes: few enough to be in the cache when they are sent */
#define KEPT_MAX 1024        /* bytes of unfinished lines that need not be counted at once */

void owed_put_off(struct connection *c, bool worked, bool kept)
{
    struct clients *clients = c->clients;
    struct owed *owed = &clients->owed;
    size_t bytes = buffer_len(&clients->worker->output) - owed->bytes;
    assert(owed->count < SOCKETS_ROUND && !clients->worker->output.lost);
    owed->to[owed->count++] = (struct owed_one){c, bytes, worked, kept};
    owed->bytes += bytes;
    bool keeps = c->backlog != NULL && c->backlog->unread.room > KEPT_MAX;
    if (keeps || owed->bytes >= OWED_MAX || owed->count == SOCKETS_ROUND)
        owed_send(clients);
}

/* The first bytes of the worker's output. What is not taken is kept. False: the client is gone, or
 * memory is. */
static bool write_first(struct connection *c, size_t len)
{
    struct buffer *out = &c->clients->worker->output;
    while (!connection_has_unwritten(c) && len > 0) {
        ssize_t n = c->io->send(c->io, c->socket.fd, buffer_at(out), len);
        if (n < 0 && errno != EAGAIN) {
            buffer_take(out, len);
            return false;
        }
        if (n < 0)
            break;
        buffer_take(out, (size_t)n);
        len -= (size_t)n;
    }
    if (len == 0)
        return true;
    buffer_add(&connection_backlog(c)->unwritten, buffer_at(out), len);
    buffer_take(out, len);
    return !c->backlog->unwritten.lost;
}

void owed_send(struct clients *clients)
{
    struct owed *owed = &clients->owed;
    unsigned count = owed->count;
    owed->count = 0;
    owed->bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct owed_one *one = &owed->to[i];
        if (write_first(one->connection, one->bytes) && one->kept)
            connection_settle(one->connection, one->worked);
        else
            connection_close(one->connection);
    }
}

bool connection_write(struct connection *c)
{
    struct buffer *out = &c->clients->worker->output;
    owed_send(c->clients);
    if (!out->lost)
        return write_first(c, buffer_len(out));
    buffer_take(out, buffer_len(out));
    out->lost = false;
    return false;
}

bool connection_write_rest(struct connection *c)
{
    struct buffer *rest = &c->backlog->unwritten;
    while (buffer_len(rest) > 0) {
        ssize_t n = c->io->send(c->io, c->socket.fd, buffer_at(rest), buffer_len(rest));
        if (n < 0)
            return errno == EAGAIN;
        buffer_take(rest, (size_t)n);
    }
    buffer_free(rest);
    return true;
}
