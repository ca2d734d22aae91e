/* Accepting, in bursts, and never in a spin: where descriptors or memory are out the socket is left
 * alone for a tenth of a second, and those who connect wait in its backlog. */
#include "net/listener.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG  1024
#define BURST    64 /* connections taken before other events have their turn */
#define PAUSE_US 100000

/* What the kernel takes of answers beyond what is under way; else megabytes for each who does not
 * read. Connections have it from the listening socket. */
#define UNSENT_BYTES (64 * 1024)

struct listener {
    struct event event, resume;
    int fd;
    listener_take *take;
    bool (*may)(void *arg);
    void *arg;
};

static void pause_taking(struct listener *listener)
{
    metric_add(accept_pauses, 1);
    event_del(&listener->event);
    event_add(&listener->resume, &(struct timeval){.tv_usec = PAUSE_US});
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct listener *listener = arg;
    if (event_add(&listener->event, NULL) != 0) /* not even the kernel has memory for that */
        pause_taking(listener);
}

/* Errors of the connection that came, not of the listener: the next one may be well. */
static bool is_passing(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct listener *listener = arg;
    for (int i = 0; i < BURST; i++) {
        if (listener->may != NULL && !listener->may(listener->arg)) {
            pause_taking(listener);
            return;
        }
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        int taken = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (taken >= 0) {
            struct address from;
            address_read(&from, (const struct sockaddr *)&peer);
            setsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            listener->take(listener->arg, taken, &from);
        } else if (!is_passing(errno)) {
            if (errno != EAGAIN)
                pause_taking(listener);
            return;
        }
    }
}

static int open_socket(const struct address *address, struct herd_error *err)
{
    char text[ADDRESS_TEXT_MAX];
    struct sockaddr_storage local;
    socklen_t len = address_write(address, &local);
    address_print(address, text);
    int fd = socket(local.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        herd_fail(err, "%s: %s", text, strerror(errno));
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_BYTES}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&local, len) != 0 || listen(fd, BACKLOG) != 0) {
        herd_fail(err, "cannot listen on %s: %s", text, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

struct listener *listener_open(struct worker *worker, const struct address *address,
                               listener_take *take, bool (*may)(void *), void *arg,
                               struct herd_error *err)
{
    int fd = open_socket(address, err);
    if (fd < 0)
        return NULL;
    struct listener *listener = memory_zeroed(1, sizeof *listener);
    listener->fd = fd;
    listener->take = take;
    listener->may = may;
    listener->arg = arg;
    event_assign(&listener->event, worker->base, fd, EV_READ | EV_PERSIST, on_connection, listener);
    event_assign(&listener->resume, worker->base, -1, 0, on_resume, listener);
    if (event_add(&listener->event, NULL) != 0) {
        herd_fail(err, "epoll: %s", strerror(errno));
        listener_stop(listener);
        listener_destroy(listener);
        return NULL;
    }
    return listener;
}

void listener_stop(struct listener *listener)
{
    if (listener->fd < 0)
        return;
    event_del(&listener->event);
    event_del(&listener->resume);
    close(listener->fd);
    listener->fd = -1;
}

void listener_destroy(struct listener *listener)
{
    assert(listener->fd < 0);
    free(listener);
}
