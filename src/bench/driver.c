/* The loop of a thread: epoll, a batch out, answers in. The one hard thing is the rate. Each
 * request has a moment in which it is due, whatever the server does; it is sent then, or as soon as
 * a connection has room again, and its latency counts from when it was due. Else a server that
 * stands still for a second would be asked nothing in that second, and the one slow answer would
 * hide among the many quick ones ("coordinated omission": Gil Tene, How not to measure latency).
 * What was due and never sent counts with the age that it had at the end. */
#include "bench/driver.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define EVENTS   256
#define IN_LEN   (256 * 1024)
#define LOOK_MS  100 /* for hurry */

bool driver_init(struct driver *driver, unsigned index, unsigned of, size_t count,
                 struct herd_error *err)
{
    assert(driver && index < of && count > 0 && err);
    memset(driver, 0, sizeof *driver);
    driver->index = index;
    driver->of = of;
    driver->count = count;
    driver->conns = memory_zeroed(count, sizeof *driver->conns);
    driver->queue = memory_zeroed(count, sizeof *driver->queue);
    driver->in_len = IN_LEN;
    driver->in = memory_alloc(IN_LEN);
    for (size_t i = 0; i < count; i++)
        driver->conns[i].fd = -1;
    driver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    driver->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (driver->epoll_fd < 0 || driver->timer_fd < 0)
        return herd_fail(err, "epoll: %s", strerror(errno));
    /* By edges: nobody need read how often it fired. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    epoll_ctl(driver->epoll_fd, EPOLL_CTL_ADD, driver->timer_fd, &event);
    return true;
}

bool driver_add(struct driver *driver, size_t at, int fd, unsigned depth,
                const struct work_source *source, struct herd_error *err)
{
    assert(at < driver->count && driver->conns[at].fd < 0);
    struct conn *conn = &driver->conns[at];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    conn_init(conn, fd, depth);
    conn->source = *source;
    if (epoll_ctl(driver->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return herd_fail(err, "epoll: %s", strerror(errno));
    driver->alive++;
    return true;
}

void driver_fini(struct driver *driver)
{
    assert(driver);
    for (size_t i = 0; i < driver->count; i++)
        conn_free(&driver->conns[i]);
    if (driver->epoll_fd > 0)
        close(driver->epoll_fd);
    if (driver->timer_fd > 0)
        close(driver->timer_fd);
    free(driver->conns);
    free(driver->queue);
    free(driver->in);
    free(driver->out);
    memset(driver, 0, sizeof *driver);
}

/* ---- sending ---- */

static void lose(struct driver *driver, struct conn *conn)
{
    driver->in_flight -= conn->in_flight;
    driver->alive--;
    conn_lose(conn, &driver->tally);
}

/* Waits to be writable as long as something waits to be written. */
static void watch(struct driver *driver, struct conn *conn)
{
    bool writing = buffer_len(&conn->out) > 0;
    if (writing == conn->writing)
        return;
    struct epoll_event event = {.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = conn};
    epoll_ctl(driver->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    conn->writing = writing;
}

/* When the driver's request of that number is due. The drivers take turns. */
static int64_t due_ns(const struct driver *driver, uint64_t own)
{
    double number = (double)own * driver->of + driver->index;
    return driver->tally.first_ns + (int64_t)(number * 1e9 / driver->phase->rate);
}

static void send_batch(struct driver *driver, struct conn *conn, unsigned n, int64_t now_ns)
{
    char *at = driver->out;
    int64_t wall_ns = now_ns + driver->wall_offset_ns;
    if (conn->source.time_ns < wall_ns)
        conn->source.time_ns = wall_ns;
    for (unsigned i = 0; i < n; i++) {
        int64_t from_ns = now_ns;
        if (driver->phase->rate > 0) {
            from_ns = due_ns(driver, driver->due);
            driver->due++;
        }
        at = conn_build(conn, driver->phase->work, from_ns, at);
    }
    assert((size_t)(at - driver->out) <= driver->out_len);
    driver->left -= n;
    if (driver->in_flight == 0)
        driver->busy_ns = now_ns;
    driver->in_flight += n;
    if (conn_write(conn, driver->out, (size_t)(at - driver->out)))
        watch(driver, conn);
    else
        lose(driver, conn);
}

static unsigned least(uint64_t a, uint64_t b)
{
    return (unsigned)(a < b ? a : b);
}

/* Without a rate: the next batch when the last one is answered. */
static void send_next(struct driver *driver, struct conn *conn, int64_t now_ns)
{
    unsigned n = least(conn_room(conn), driver->left);
    if (conn->in_flight == 0 && n > 0 && !driver->over)
        send_batch(driver, conn, n, now_ns);
}

/* ---- a rate ---- */

static void queue_push(struct driver *driver, struct conn *conn)
{
    if (conn->queued || conn_room(conn) == 0)
        return;
    size_t at = driver->queue_first + driver->queue_len++;
    driver->queue[at < driver->count ? at : at - driver->count] = (size_t)(conn - driver->conns);
    conn->queued = true;
}

static struct conn *queue_pop(struct driver *driver)
{
    struct conn *conn = &driver->conns[driver->queue[driver->queue_first]];
    driver->queue_first = driver->queue_first + 1 == driver->count ? 0 : driver->queue_first + 1;
    driver->queue_len--;
    conn->queued = false;
    return conn;
}

/* How many requests are due and not sent. */
static uint64_t count_due(const struct driver *driver, int64_t now_ns)
{
    int64_t until_ns = now_ns < driver->end_ns ? now_ns + 1 : driver->end_ns;
    double rate = driver->phase->rate;
    double number = (double)(until_ns - driver->tally.first_ns) * rate / 1e9;
    double own = (number - driver->index) / driver->of;
    uint64_t all = own > 0 ? (uint64_t)own + ((double)(uint64_t)own < own) : 0;
    uint64_t due = all > driver->due ? all - driver->due : 0;
    return due < driver->left ? due : driver->left;
}

/* Sends what is due to the connections that have room, evenly. */
static void release(struct driver *driver, int64_t now_ns)
{
    uint64_t due = count_due(driver, now_ns);
    while (due > 0 && driver->queue_len > 0) {
        uint64_t share = (due + driver->queue_len - 1) / driver->queue_len;
        struct conn *conn = queue_pop(driver);
        unsigned n = conn->fd >= 0 ? least(conn_room(conn), share) : 0;
        if (n > 0)
            send_batch(driver, conn, n, now_ns);
        due -= n;
        if (conn->fd >= 0)
            queue_push(driver, conn);
    }
}

static void arm(struct driver *driver)
{
    if (driver->queue_len == 0 || driver->left == 0)
        return;
    int64_t at_ns = due_ns(driver, driver->due);
    if (at_ns == driver->armed_ns || at_ns >= driver->end_ns)
        return;
    struct itimerspec when = {
        .it_value = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S}};
    timerfd_settime(driver->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    driver->armed_ns = at_ns;
}

/* ---- what is not sent ---- */

/* How old a request is at the end. */
static uint64_t age_ns(const struct driver *driver, uint64_t own)
{
    int64_t age_ns = driver->end_ns - due_ns(driver, own);
    return age_ns > 0 ? (uint64_t)age_ns : 0;
}

/* How many from that one on, at most so many, are at least so old. */
static uint64_t count_older(const struct driver *driver, uint64_t from, uint64_t most,
                            uint64_t least_ns)
{
    uint64_t none = most; /* all before some are, and from this one on none is */
    for (uint64_t some = 0; some < none;) {
        uint64_t middle = some + (none - some) / 2;
        if (age_ns(driver, from + middle) >= least_ns)
            some = middle + 1;
        else
            none = middle;
    }
    return none;
}

/* There may be billions of them, due at even distances: so all that fall into one bucket of the
 * histogram are counted at once, as what they are on average. The first and the last, which are max
 * and min, stand for themselves. */
static void count_unsent(struct driver *driver)
{
    struct histogram *latency_ns = &driver->tally.latency_ns;
    uint64_t unsent = count_due(driver, driver->end_ns);
    driver->tally.unsent = unsent;
    for (uint64_t done = 0; done < unsent;) {
        uint64_t from = driver->due + done, n = 1, old_ns = age_ns(driver, from);
        if (done > 0 && done < unsent - 1)
            n = count_older(driver, from, unsent - 1 - done, histogram_least(old_ns));
        assert(n > 0);
        uint64_t young_ns = age_ns(driver, from + n - 1);
        histogram_add_many(latency_ns, young_ns + (old_ns - young_ns) / 2, n);
        done += n;
    }
}

/* ---- the loop ---- */

static void handle(struct driver *driver, struct conn *conn, uint32_t events)
{
    int64_t now_ns = 0;
    unsigned before = conn->in_flight;
    bool good = true;
    if (events & EPOLLOUT) {
        good = conn_write(conn, NULL, 0);
        watch(driver, conn);
    }
    if (good && (events & ~(uint32_t)EPOLLOUT)) {
        good = conn_read(conn, driver->phase->work, driver->in, driver->in_len, &driver->tally,
                         &now_ns);
        driver->in_flight -= before - conn->in_flight;
    }
    if (!good)
        lose(driver, conn);
    else if (driver->phase->rate > 0)
        queue_push(driver, conn);
    else if (now_ns != 0)
        send_next(driver, conn, now_ns);
}

static void turn(struct driver *driver)
{
    struct epoll_event events[EVENTS];
    int64_t left_ms = (driver->end_ns - clock_now_ns()) / 1000000 + 1;
    int ms = driver->over || left_ms > LOOK_MS ? LOOK_MS : left_ms < 0 ? 0 : (int)left_ms;
    int n = epoll_wait(driver->epoll_fd, events, EVENTS, ms);
    for (int i = 0; i < n; i++)
        if (events[i].data.ptr != NULL)
            handle(driver, events[i].data.ptr, events[i].events);
}

static void begin(struct driver *driver, const struct phase *phase, size_t request_max)
{
    uint64_t share = phase->requests / driver->of + (driver->index < phase->requests % driver->of);
    memset(&driver->tally, 0, sizeof driver->tally);
    driver->phase = phase;
    driver->over = false;
    driver->left = phase->requests > 0 ? share : UINT64_MAX;
    driver->due = driver->armed_ns = driver->busy_ns = 0;
    driver->queue_first = driver->queue_len = 0;
    driver->out_len = request_max * driver->conns[0].depth;
    driver->out = memory_resize(driver->out, driver->out_len);
    driver->tally.first_ns = driver->tally.last_ns = clock_now_ns();
    driver->wall_offset_ns = clock_wall_ns() - driver->tally.first_ns;
    driver->end_ns = phase->lasts_ns > 0 ? driver->tally.first_ns + phase->lasts_ns : INT64_MAX;
    for (size_t i = 0; i < driver->count; i++) {
        struct conn *conn = &driver->conns[i];
        conn->source.in_order = phase->in_order;
        conn->source.next = 0;
        conn->left = conn->fd < 0 ? 0 : phase->in_order ? conn->source.count : UINT64_MAX;
        conn->queued = false;
        if (phase->rate > 0)
            queue_push(driver, conn);
        else if (conn->left > 0)
            send_next(driver, conn, clock_now_ns());
    }
}

/* The last requests leave, if there is room for them. Where nothing says how long, now is the end.
 */
static void end(struct driver *driver, int64_t now_ns)
{
    bool early = *driver->phase->hurry || driver->phase->lasts_ns == 0;
    if (early && now_ns < driver->end_ns)
        driver->end_ns = now_ns;
    if (driver->phase->rate > 0)
        release(driver, now_ns);
    driver->over = true;
}

/* What is not answered by now will not be, and must not be taken for an answer of the next phase.
 */
static void give_up(struct driver *driver)
{
    uint64_t dropped = driver->tally.dropped; /* by the server */
    for (size_t i = 0; i < driver->count; i++)
        if (driver->conns[i].in_flight > 0)
            lose(driver, &driver->conns[i]);
    driver->tally.dropped = dropped;
}

/* Nobody is waited for between two requests of a slow rate. */
static bool has_waited_long(const struct driver *driver, int64_t now_ns)
{
    bool ends = driver->over || driver->phase->lasts_ns == 0;
    int64_t since_ns = driver->tally.last_ns;
    if (driver->busy_ns > since_ns)
        since_ns = driver->busy_ns;
    if (driver->over && driver->end_ns < now_ns && driver->end_ns > since_ns)
        since_ns = driver->end_ns;
    return ends && driver->in_flight > 0 && now_ns - since_ns > driver->phase->patience_ns;
}

/* Whether there is nothing more to wait for. */
static bool is_done(const struct driver *driver)
{
    return driver->in_flight == 0 &&
           (driver->over || driver->phase->rate == 0 || driver->left == 0 || driver->alive == 0);
}

void driver_run(struct driver *driver, const struct phase *phase, size_t request_max)
{
    assert(driver && phase && phase->work);
    begin(driver, phase, request_max);
    while (!is_done(driver)) {
        int64_t now_ns = clock_now_ns();
        if (!driver->over && (now_ns >= driver->end_ns || *phase->hurry))
            end(driver, now_ns);
        else if (phase->rate > 0 && !driver->over)
            release(driver, now_ns), arm(driver);
        if (has_waited_long(driver, now_ns))
            give_up(driver);
        turn(driver);
        const struct tally *tally = &driver->tally;
        atomic_store_explicit(&driver->answers, tally->answers, memory_order_relaxed);
        atomic_store_explicit(&driver->errors, tally->invalid + tally->dropped,
                              memory_order_relaxed);
    }
    if (!driver->over) /* all is sent, or there is no connection left */
        end(driver, clock_now_ns());
    if (phase->rate > 0) /* after the answers, whose latency would have that time in it */
        count_unsent(driver);
}
