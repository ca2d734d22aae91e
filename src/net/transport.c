/* Plain sockets. MSG_NOSIGNAL: a peer that has gone is an error here, not a signal to the process.
 */
#include "net/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static ssize_t plain_recv(const struct transport *io, int fd, void *to, size_t room)
{
    (void)io;
    ssize_t n;
    do
        n = recv(fd, to, room, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t plain_send(const struct transport *io, int fd, const void *bytes, size_t len)
{
    (void)io;
    ssize_t n;
    do
        n = send(fd, bytes, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

const struct transport transport_plain = {
    .recv = plain_recv,
    .send = plain_send,
    .recv_waits = EPOLLIN,
    .send_waits = EPOLLOUT,
    .open = true,
};

const char *transport_fault(const struct transport *io)
{
    return io->more != NULL ? io->more->why(io) : NULL;
}

const char *transport_why(const struct transport *io)
{
    int error = errno;
    const char *fault = transport_fault(io);
    return fault != NULL ? fault : strerror(error);
}
