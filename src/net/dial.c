/* 50 ms, doubled up to half a second, and of each pause a random part, lest a herd that starts at
 * once dials in step. */
#include "net/dial.h"

#include "base/log.h"
#include "net/peer.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define DELAY_FIRST_NS (INT64_C(50) * 1000000)
#define DELAY_MAX_NS   (INT64_C(500) * 1000000)
#define LIVED_NS       (INT64_C(5) * 1000000000) /* a session that lived so long ends the back-off */
#define CONNECT_S      1

static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_connect(evutil_socket_t fd, short what, void *arg);

void dial_init(struct dial *dial, struct links *links, struct neighbour *neighbour,
               const struct address *address)
{
    dial->links = links;
    dial->neighbour = neighbour;
    dial->address = address;
    dial->fd = -1;
    dial->peer = NULL;
    dial->failing = false;
    dial->delay_ns = DELAY_FIRST_NS;
    event_assign(&dial->timer, links->worker->base, -1, 0, on_timer, dial);
}

/* Between half of the delay and all of it. */
static void wait_and_dial(struct dial *dial)
{
    uint32_t chance = 0;
    ssize_t n = getrandom(&chance, sizeof chance, GRND_NONBLOCK);
    (void)n; /* without chance the pause is just shorter */
    int64_t ns = dial->delay_ns / 2 + dial->delay_ns / 2 * (chance >> 16) / 65536;
    dial->delay_ns = dial->delay_ns * 2 < DELAY_MAX_NS ? dial->delay_ns * 2 : DELAY_MAX_NS;
    event_add(&dial->timer, &(struct timeval){.tv_usec = ns / 1000});
}

static void fail(struct dial *dial, const char *why)
{
    log_event(dial->failing ? HERD_LOG_DEBUG : HERD_LOG_INFO, 0, "Cannot connect to server %s: %s",
              neighbour_name(dial->neighbour), why);
    dial->failing = true;
    wait_and_dial(dial);
}

static void connected(struct dial *dial)
{
    int fd = dial->fd;
    dial->fd = -1;
    dial->failing = false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    peer_open(dial->links, fd, dial, dial->address);
}

static void hang_up(struct dial *dial)
{
    if (dial->fd < 0)
        return;
    event_del(&dial->connect);
    close(dial->fd);
    dial->fd = -1;
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
    struct dial *dial = arg;
    int error = ETIMEDOUT;
    socklen_t len = sizeof error;
    if (!(what & EV_TIMEOUT))
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error == 0) {
        event_del(&dial->connect);
        connected(dial);
        return;
    }
    hang_up(dial);
    fail(dial, strerror(error));
}

void dial_start(struct dial *dial)
{
    assert(dial->fd < 0 && dial->peer == NULL);
    struct sockaddr_storage to;
    socklen_t len = address_write(dial->address, &to);
    dial->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0) {
        fail(dial, strerror(errno));
        return;
    }
    event_assign(&dial->connect, dial->links->worker->base, dial->fd, EV_WRITE, on_connect, dial);
    if (connect(dial->fd, (const struct sockaddr *)&to, len) == 0) {
        connected(dial);
    } else if (errno != EINPROGRESS ||
               event_add(&dial->connect, &(struct timeval){.tv_sec = CONNECT_S}) != 0) {
        int error = errno;
        hang_up(dial);
        fail(dial, strerror(error));
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    dial_start(arg);
}

void dial_ended(struct dial *dial, int64_t lived_ns)
{
    dial->peer = NULL;
    if (lived_ns >= LIVED_NS)
        dial->delay_ns = DELAY_FIRST_NS;
    if (dial->links->ending_ns == 0)
        wait_and_dial(dial);
}

void dial_stop(struct dial *dial)
{
    event_del(&dial->timer);
    hang_up(dial);
}
