/* How bytes get to and from a peer: plain, or (later) through TLS. What differs is two functions.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stddef.h>
#include <sys/types.h>

struct transport {
    int fd;
    /* Like recv(2) and send(2) on a socket that does not block: -1 and errno, EAGAIN for not now.
     */
    ssize_t (*recv)(struct transport *io, void *to, size_t room);
    ssize_t (*send)(struct transport *io, const void *bytes, size_t len);
};

/* Bytes as they are, over a connected socket that does not block. */
void transport_plain(struct transport *io, int fd);

#endif
