/* Plain sockets. MSG_NOSIGNAL: a peer that has gone is an error here, not a signal to the process.
 */
#include "net/transport.h"

#include <errno.h>
#include <sys/socket.h>

static ssize_t plain_recv(struct transport *io, void *to, size_t room)
{
    ssize_t n;
    do
        n = recv(io->fd, to, room, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t plain_send(struct transport *io, const void *bytes, size_t len)
{
    ssize_t n;
    do
        n = send(io->fd, bytes, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

void transport_plain(struct transport *io, int fd)
{
    io->fd = fd;
    io->recv = plain_recv;
    io->send = plain_send;
}
