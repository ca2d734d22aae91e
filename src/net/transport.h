/* How bytes get to and from a peer: plain, or (later) through TLS. What differs is two functions,
 * and TLS has its session around them. */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stddef.h>
#include <sys/types.h>

struct transport {
    /* Like recv(2) and send(2) on a socket that does not block: -1 and errno, EAGAIN for not now.
     */
    ssize_t (*recv)(const struct transport *io, int fd, void *to, size_t room);
    ssize_t (*send)(const struct transport *io, int fd, const void *bytes, size_t len);
};

/* Bytes as they are, over a connected socket that does not block. */
extern const struct transport transport_plain;

#endif
