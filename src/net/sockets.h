/* The sockets of a worker: its clients' and its neighbours'. libevent's struct and table cost 170
 * bytes for each socket and a fifth of a microsecond for each event, so they stand in an epoll set
 * of their own, which libevent sees as one descriptor. On the worker's thread. */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define SOCKETS_ROUND 64 /* sockets of one turn of the loop */

/* Part of a struct that outlives it. */
struct socket {
    int fd;
    uint32_t waits_for; /* EPOLLIN and EPOLLOUT; 0: only an end or a reset of both ways */
    /* what: of these, or EPOLLHUP and EPOLLERR. It may remove any socket, and free it. */
    void (*ready)(struct socket *socket, uint32_t what);
};

struct sockets {
    int fd;
    struct event event;
    int next, count; /* of found: those that are still to be told */
    uint32_t told;   /* in this turn of the loop */
    /* Behind the last of those found; may remove sockets. The owner sets it. NULL: nothing. */
    void (*told_all)(void *arg);
    void *arg;
    struct epoll_event found[SOCKETS_ROUND];
};

/* False: no descriptor, errno says why. */
bool sockets_open(struct sockets *sockets, struct event_base *base);
void sockets_close(struct sockets *sockets);

/* Tells those sockets that have what they wait for, without waiting; the loop does the same. */
void sockets_poll(struct sockets *sockets);

/* Waits for what socket->waits_for says, until sockets_wait changes that or the socket is removed.
 * False: the system takes no more, errno says why. */
bool sockets_add(struct sockets *sockets, struct socket *socket);
void sockets_wait(struct sockets *sockets, struct socket *socket, uint32_t what);

/* To be called before its descriptor is closed, which is the caller's to do next. */
void sockets_remove(struct sockets *sockets, struct socket *socket);

#endif
