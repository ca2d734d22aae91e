/* How bytes get to and from the other side: as they are, or through TLS (tls.h). What differs is
 * two functions, and what TLS has around them: it may have to wait for room before it can read, and
 * for bytes before it can write. On the connection's worker. */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRANSPORT_ROOM_MIN 16384 /* that recv wants: what it has taken in it can always give */

struct transport {
    /* Like recv(2) and send(2) on a socket that does not block: -1 and errno, EAGAIN for not now.
     * What recv does not return is still in the socket, so that waiting for that is enough. */
    ssize_t (*recv)(const struct transport *io, int fd, void *to, size_t room);
    ssize_t (*send)(const struct transport *io, int fd, const void *bytes, size_t len);

    /* TLS's; NULL: there is none of it. To be asked by the functions below. */
    const struct transport_more *more;
    const char *name;    /* that the other side has proved to have; NULL: none */
    uint32_t recv_waits; /* what to wait for before the next recv: EPOLLIN, or EPOLLOUT */
    uint32_t send_waits; /* and before the next send: EPOLLOUT, or EPOLLIN */
    size_t bytes;        /* of memory that it takes beyond what every open one takes */
    bool open;           /* bytes can come and go: the handshake is over */
};

struct transport_more {
    bool (*end)(const struct transport *io);
    const char *(*why)(const struct transport *io);
    void (*close)(const struct transport *io);
};

/* Bytes as they are, over a connected socket that does not block. */
extern const struct transport transport_plain;

/* Says that nothing more will be sent; the socket is still the caller's to shut. False: not now,
 * when there is room. */
static inline bool transport_end(const struct transport *io)
{
    return io->more == NULL || io->more->end(io);
}

/* Why recv or send has failed; errno is as they have left it. Until transport_close. */
const char *transport_why(const struct transport *io);

/* What is wrong with TLS, or that the handshake was never finished; NULL: nothing, or there is no
 * TLS. */
const char *transport_fault(const struct transport *io);

/* Frees it, before the socket is closed. */
static inline void transport_close(const struct transport *io)
{
    if (io->more != NULL)
        io->more->close(io);
}

#endif
