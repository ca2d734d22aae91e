/* Bytes between a socket and link.c. What is to be sent is asked of the link only when all before
 * it has been taken by the kernel, and the kernel is told to take little, so a neighbour that is
 * slow reads the store as it is then, not a queue of what it was.
 *
 * The hard thing is the wake-up: another thread that announces news posts the peer's one letter.
 * `posted` keeps it from being posted twice, and a peer that closes meanwhile is freed by whoever
 * reads the letter. */
#include "net/peer.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "net/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_BYTES (64 * 1024)            /* asked of the link at a time */
#define ROUNDS       8                      /* so often in one turn */
#define UNSENT_BYTES (128 * 1024)           /* that the kernel takes beyond what is under way */
#define GATHER_NS    (INT64_C(1) * 1000000) /* that news waits for more, while more comes */
#define STUCK_NS     (INT64_C(200) * 1000000)
#define TICK_NS      (INT64_C(10) * 1000000) /* what the clock of timers may lag behind */
#define REFUSED_NS   (INT64_C(1) * 1000000000)
#define REFUSED_MAX  16  /* lines of the log about them in so long, of the whole server */
#define REFUSED_EACH 256 /* by which the number of that second is multiplied */

static struct link_time time_now(void)
{
    return (struct link_time){clock_now_ns(), clock_wall_ns()};
}

/* ---- waking ---- */

static void on_letter(void *arg)
{
    struct peer *peer = arg;
    atomic_store(&peer->posted, false);
    if (peer->closed)
        free(peer);
    else
        worker_put_off(peer->links->worker, &peer->flush);
}

/* On any thread, from store_announce. */
static void on_news(void *arg)
{
    struct peer *peer = arg;
    if (worker_here() == peer->links->worker)
        worker_put_off(peer->links->worker, &peer->flush);
    else if (!atomic_exchange(&peer->posted, true))
        mailbox_post(&peer->links->worker->mailbox, &peer->letter);
}

static void wait_for(struct peer *peer)
{
    uint32_t what = peer->held ? 0 : peer->io->recv_waits;
    if (buffer_len(&peer->unwritten) > 0)
        what |= peer->io->send_waits;
    sockets_wait(&peer->links->worker->sockets, &peer->socket, what);
}

/* A timer that is set for later is moved; one that is set for earlier just finds nothing to do,
 * which is a turn of the loop for nothing: hence the tick. */
static void set_timer(struct peer *peer, int64_t now_ns)
{
    int64_t at_ns = link_deadline_ns(peer->link);
    bool stuck = peer->held || buffer_len(&peer->unwritten) > 0;
    if (stuck && at_ns < now_ns + STUCK_NS)
        at_ns = now_ns + STUCK_NS; /* what is due cannot be done yet */
    if (peer->timer_ns != 0 && peer->timer_ns <= at_ns)
        return;
    int64_t in_us = at_ns > now_ns ? (at_ns + TICK_NS - now_ns) / 1000 : 0;
    peer->timer_ns = at_ns;
    event_add(&peer->timer,
              &(struct timeval){.tv_sec = in_us / 1000000, .tv_usec = in_us % 1000000});
}

/* ---- sending ---- */

/* False: the connection is broken. */
static bool write_rest(struct peer *peer)
{
    while (buffer_len(&peer->unwritten) > 0) {
        ssize_t n = peer->io->send(peer->io, peer->socket.fd, buffer_at(&peer->unwritten),
                                   buffer_len(&peer->unwritten));
        if (n < 0)
            return errno == EAGAIN;
        buffer_take(&peer->unwritten, (size_t)n);
    }
    buffer_free(&peer->unwritten);
    return true;
}

static bool write_some(struct peer *peer, const char *bytes, size_t len)
{
    ssize_t n = peer->io->send(peer->io, peer->socket.fd, bytes, len);
    if (n < 0 && errno != EAGAIN)
        return false;
    size_t done = n < 0 ? 0 : (size_t)n;
    buffer_add(&peer->unwritten, bytes + done, len - done);
    errno = ENOMEM;
    return !peer->unwritten.lost;
}

/* Sends until there is nothing to send, the kernel takes no more, or others should have their turn.
 * False: broken. */
static bool send_all(struct peer *peer, struct link_time time)
{
    if (!write_rest(peer))
        return false;
    for (int i = 0; i < ROUNDS && buffer_len(&peer->unwritten) == 0; i++) {
        char *room = buffer_reserve(&peer->links->worker->output, OUTPUT_BYTES);
        log_moment_begin();
        size_t n = link_output(peer->link, room, OUTPUT_BYTES, time);
        log_moment_end();
        if (n == 0)
            break;
        if (!write_some(peer, room, n))
            return false;
    }
    return true;
}

static void shut(struct peer *peer)
{
    peer->shut = true;
    transport_end(peer->io);
    if (shutdown(peer->socket.fd, SHUT_WR) != 0)
        peer_close(peer, "the server stops");
}

/* A server that is busy has news in each turn, and a write for each costs more than all else that
 * is done for it; and what one neighbour tells, others often tell in the same breath, who need not
 * be told then. So news that comes with other events, or just after other news, waits for that of
 * the next turns, for a moment, as long as each of them has events. What comes alone is sent at
 * once. */
static bool may_wait(struct peer *peer, int64_t now_ns)
{
    uint32_t told = peer->links->worker->sockets.told;
    if (peer->flushed_ns == 0 || peer->links->ending_ns != 0)
        return false;
    if (peer->news_ns != 0)
        return told > 0 && now_ns - peer->news_ns < GATHER_NS;
    peer->news_ns = now_ns;
    return told > 1 || (told > 0 && now_ns - peer->flushed_ns < GATHER_NS);
}

static void flush(void *arg)
{
    struct peer *peer = arg;
    struct link_time time = {.now_ns = clock_now_ns()};
    if (peer->shut)
        return;
    if (may_wait(peer, time.now_ns)) {
        worker_put_off(peer->links->worker, &peer->flush);
        return;
    }
    time.clock_ns = clock_wall_ns();
    if (!send_all(peer, time)) {
        peer_close(peer, transport_why(peer->io));
        return;
    }
    wait_for(peer);
    set_timer(peer, time.now_ns);
    bool pending = link_pending(peer->link);
    bool stopped = buffer_len(&peer->unwritten) > 0;
    peer->news_ns = 0;
    peer->flushed_ns = pending || stopped ? 0 : time.now_ns;
    if (stopped)
        return;
    if (pending)
        worker_put_off(peer->links->worker, &peer->flush);
    else if (peer->links->ending_ns != 0)
        shut(peer);
}

/* ---- receiving ---- */

struct drop {
    struct links *links;
    uint32_t session;
};

static void drop_session(void *arg)
{
    struct drop *drop = arg;
    links_drop(drop->links, drop->session, "a newer session replaces it");
    free(drop);
}

/* The older session may be any worker's. */
static void drop_replaced(struct peer *peer)
{
    const struct links_service *service = peer->links->service;
    uint32_t session = link_replaced(peer->link);
    if (session == 0)
        return;
    for (unsigned i = 0; i < service->worker_count; i++) {
        struct drop *drop = memory_alloc(sizeof *drop);
        *drop = (struct drop){&service->links[i], session};
        worker_tell(service->workers[i], drop_session, drop);
    }
}

static void become_proved(struct peer *peer)
{
    struct links *links = peer->links;
    peer->proved = true;
    TAILQ_REMOVE(&links->unproved, peer, entry);
    links->unproved_count -= peer->dial == NULL;
    TAILQ_INSERT_TAIL(&links->proved, peer, entry);
    log_event(HERD_LOG_INFO, 0, "Connected to server %s",
              neighbour_name(link_neighbour(peer->link)));
    drop_replaced(peer);
}

static void take_input(struct peer *peer, const char *bytes, size_t len)
{
    if (!peer->proved)
        link_prove(peer->link, peer->io->name);
    struct link_time time = time_now();
    log_moment_begin();
    size_t done = link_input(peer->link, bytes, len, time);
    log_moment_end();
    buffer_take(&peer->unread, buffer_len(&peer->unread));
    buffer_add(&peer->unread, bytes + done, len - done);
    if (len == done)
        buffer_free(&peer->unread);
    if (!peer->proved && link_is_proved(peer->link))
        become_proved(peer); /* though it may have ended in the same breath */
    if (link_state(peer->link) == LINK_ENDED)
        peer_close(peer, link_reason(peer->link));
    else if (peer->unread.lost)
        peer_close(peer, "out of memory");
    else if (link_pending(peer->link))
        worker_put_off(peer->links->worker, &peer->flush);
    else
        set_timer(peer, time.now_ns);
}

/* Returns whether there was anything to read; the peer may be closed then. */
static bool read_more(struct peer *peer)
{
    if (peer->proved && store_full(peer->links->service->host.store)) {
        metric_add(links_held, !peer->held);
        peer->held = true;
        wait_for(peer);
        return false;
    }
    char *input = peer->links->worker->input;
    size_t kept = buffer_len(&peer->unread);
    if (kept > 0)
        memcpy(input, buffer_at(&peer->unread), kept);
    ssize_t n = peer->io->recv(peer->io, peer->socket.fd, input + kept, WORKER_INPUT_BYTES / 2);
    if (n < 0 && errno == EAGAIN) {
        wait_for(peer);
        return false;
    }
    if (n > 0)
        take_input(peer, input, kept + (size_t)n);
    else
        peer_close(peer, n == 0 ? "it has closed it" : transport_why(peer->io));
    return true;
}

/* One that is not read ends too, by a reset, or when the neighbour has read what there was. */
static void on_ready(struct socket *socket, uint32_t what)
{
    struct peer *peer = (struct peer *)socket;
    bool ended = what & (EPOLLHUP | EPOLLERR);
    bool sends = buffer_len(&peer->unwritten) > 0 && what & peer->io->send_waits;
    if (sends || what & EPOLLOUT)
        worker_put_off(peer->links->worker, &peer->flush);
    if (!peer->held && (ended || what & peer->io->recv_waits))
        read_more(peer);
    else if (ended)
        peer_close(peer, "it has closed it");
}

static const char *why_silent(const struct peer *peer)
{
    if (peer->proved)
        return "it is silent";
    return peer->io->open ? "no HELLO in time" : "no TLS handshake in time";
}

/* Silence is judged only after a read that found nothing: after a pause of this process the timer
 * fires before the bytes that wait are read. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct peer *peer = arg;
    peer->timer_ns = 0;
    worker_put_off(peer->links->worker, &peer->flush); /* which sets it again */
    if (!peer->held && link_silent(peer->link, time_now())) {
        if (read_more(peer))
            return;
        if (!peer->held) {
            peer_close(peer, why_silent(peer));
            return;
        }
    }
}

/* ---- life ---- */

/* The oldest of those that have not proved themselves makes room. */
static void limit_unproved(struct links *links)
{
    unsigned max = links->service->unproved_max / links->service->worker_count;
    struct peer *peer, *next;
    for (peer = TAILQ_FIRST(&links->unproved);
         peer != NULL && links->unproved_count > (max > 0 ? max : 1); peer = next) {
        next = TAILQ_NEXT(peer, entry);
        if (peer->dial != NULL)
            continue;
        metric_add(links_unproved, 1);
        peer_close(peer, "too many have not said HELLO");
    }
}

static const struct transport *open_transport(const struct links *links, int fd,
                                              const struct dial *dial)
{
    struct tls *tls = links->service->tls;
    if (tls == NULL)
        return &transport_plain;
    return dial != NULL ? tls_connect(tls, fd, neighbour_name(dial->neighbour))
                        : tls_accept(tls, fd);
}

void peer_open(struct links *links, int fd, struct dial *dial, const struct address *from)
{
    const struct transport *io = open_transport(links, fd, dial);
    if (io == NULL) { /* no memory for TLS */
        close(fd);
        if (dial != NULL)
            dial_ended(dial, 0);
        return;
    }
    struct peer *peer = memory_zeroed(1, sizeof *peer);
    struct links_service *service = links->service;
    struct link_time time = time_now();
    peer->links = links;
    peer->dial = dial;
    peer->from = *from;
    peer->opened_ns = time.now_ns;
    peer->io = io;
    peer->socket = (struct socket){.fd = fd, .waits_for = EPOLLIN, .ready = on_ready};
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_BYTES}, sizeof(int));
    peer->flush = (struct errand){.run = flush, .arg = peer};
    peer->letter = (struct letter){.read = on_letter, .arg = peer};
    event_assign(&peer->timer, links->worker->base, -1, 0, on_timer, peer);
    peer->link = link_open(&service->host, dial != NULL ? dial->neighbour : NULL, time, on_news,
                           peer);
    if (dial != NULL)
        dial->peer = peer;
    TAILQ_INSERT_TAIL(&links->unproved, peer, entry);
    links->unproved_count += dial == NULL;
    links->count++;
    worker_put_off(links->worker, &peer->flush);
    if (!sockets_add(&links->worker->sockets, &peer->socket))
        peer_close(peer, strerror(errno));
    else if (dial == NULL)
        limit_unproved(links);
}

/* Anybody can connect to the peer port, and must not be able to fill the log: so many lines in a
 * second of the clock, whichever workers they come from. */
static bool may_log_refused(struct links_service *service)
{
    uint64_t now = (uint64_t)(clock_now_ns() / REFUSED_NS) * REFUSED_EACH;
    uint64_t said = atomic_load(&service->refused_said);
    uint64_t next;
    do {
        next = (said > now ? said : now) + 1; /* another may be in a newer second already */
        if (next % REFUSED_EACH > REFUSED_MAX)
            return false;
    } while (!atomic_compare_exchange_weak(&service->refused_said, &said, next));
    return true;
}

static void log_refused(const struct peer *peer, const char *why)
{
    struct links_service *service = peer->links->service;
    char from[ADDRESS_TEXT_MAX], more[32] = "";
    metric_add(links_refused, 1);
    if (!may_log_refused(service)) {
        atomic_fetch_add(&service->refused, 1);
        return;
    }
    unsigned before = atomic_exchange(&service->refused, 0);
    address_print(&peer->from, from);
    if (before > 0)
        snprintf(more, sizeof more, " (and %u before it)", before);
    log_event(peer->dial != NULL ? HERD_LOG_INFO : HERD_LOG_WARN, 0, "No link with %s: %s%s", from,
              why, more);
}

static void log_end(const struct peer *peer, const char *why)
{
    if (!peer->proved) {
        log_refused(peer, why);
        return;
    }
    metric_add(links_closed, 1);
    log_event(HERD_LOG_INFO, 0, "Dropped connection to server %s: %s",
              neighbour_name(link_neighbour(peer->link)), why);
}

void peer_close(struct peer *peer, const char *why)
{
    struct links *links = peer->links;
    struct dial *dial = peer->dial;
    int64_t lived_ns = clock_now_ns() - peer->opened_ns;
    log_end(peer, why);
    if (peer->proved)
        TAILQ_REMOVE(&links->proved, peer, entry);
    else
        TAILQ_REMOVE(&links->unproved, peer, entry);
    links->unproved_count -= !peer->proved && dial == NULL;
    links->count--;
    event_del(&peer->timer);
    sockets_remove(&links->worker->sockets, &peer->socket);
    worker_cancel(&peer->flush);
    link_close(peer->link); /* from here on nobody wakes it */
    buffer_free(&peer->unread);
    buffer_free(&peer->unwritten);
    transport_close(peer->io);
    close(peer->socket.fd);
    peer->closed = true;
    if (!atomic_load(&peer->posted))
        free(peer);
    if (dial != NULL)
        dial_ended(dial, lived_ns);
    if (links->ending_ns != 0 && links->count == 0)
        links->gone(links->gone_arg);
}

void peer_end(struct peer *peer)
{
    worker_put_off(peer->links->worker, &peer->flush);
}

void peer_second(struct peer *peer)
{
    if (!peer->held || store_full(peer->links->service->host.store))
        return;
    peer->held = false;
    wait_for(peer);
}
