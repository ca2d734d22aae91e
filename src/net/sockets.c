/* The hard thing is a socket that is removed while its event is found and not yet told: it is taken
 * out of what was found, which is seldom and a short walk. */
#include "net/sockets.h"

#include <assert.h>
#include <unistd.h>

void sockets_poll(struct sockets *sockets)
{
    sockets->count = epoll_wait(sockets->fd, sockets->found, SOCKETS_ROUND, 0);
    for (sockets->next = 0; sockets->next < sockets->count;) {
        const struct epoll_event *found = &sockets->found[sockets->next++];
        struct socket *socket = found->data.ptr;
        if (socket == NULL)
            continue;
        sockets->told++;
        socket->ready(socket, found->events);
    }
    sockets->next = sockets->count = 0;
    if (sockets->told_all != NULL)
        sockets->told_all(sockets->arg);
}

static void on_some(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    sockets_poll(arg);
}

bool sockets_open(struct sockets *sockets, struct event_base *base)
{
    sockets->fd = epoll_create1(EPOLL_CLOEXEC);
    if (sockets->fd < 0)
        return false;
    sockets->next = sockets->count = 0;
    sockets->told = 0;
    sockets->told_all = NULL;
    event_assign(&sockets->event, base, sockets->fd, EV_READ | EV_PERSIST, on_some, sockets);
    if (event_add(&sockets->event, NULL) == 0)
        return true;
    close(sockets->fd);
    return false;
}

void sockets_close(struct sockets *sockets)
{
    event_del(&sockets->event);
    close(sockets->fd);
}

static int control(struct sockets *sockets, int how, struct socket *socket)
{
    struct epoll_event event = {.events = socket->waits_for, .data.ptr = socket};
    return epoll_ctl(sockets->fd, how, socket->fd, &event);
}

bool sockets_add(struct sockets *sockets, struct socket *socket)
{
    assert(socket->ready != NULL);
    return control(sockets, EPOLL_CTL_ADD, socket) == 0;
}

void sockets_wait(struct sockets *sockets, struct socket *socket, uint32_t what)
{
    if (socket->waits_for == what)
        return;
    socket->waits_for = what;
    int error = control(sockets, EPOLL_CTL_MOD, socket);
    assert(error == 0); /* a change takes no memory */
    (void)error;
}

/* Closing would take it out of the set too, but not while a child that a module has just forked
 * holds it open. */
void sockets_remove(struct sockets *sockets, struct socket *socket)
{
    (void)epoll_ctl(sockets->fd, EPOLL_CTL_DEL, socket->fd, NULL); /* it may not be in */
    for (int i = sockets->next; i < sockets->count; i++)
        if (sockets->found[i].data.ptr == socket)
            sockets->found[i].data.ptr = NULL;
}
