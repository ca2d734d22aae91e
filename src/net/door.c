/* What a module creates here is counted, so that one that leaves something behind is caught where
 * its worker stops, and not later, when a timer calls a function that is gone. Each function's
 * contract stands in <herd/module.h>. */
#include "net/door.h"

#include "base/memory.h"
#include "base/misuse.h"
#include "wire/at.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_ROUNDS 1000 /* work that puts itself off again and again must end by then */

static _Thread_local struct herd_worker *own;

struct herd_worker *herd_worker(void)
{
    return own;
}

void herd_worker_tell(struct herd_worker *worker, void (*run)(void *), void *arg)
{
    misuse_unless(worker != NULL && run != NULL, "herd_worker_tell without a worker or a function");
    worker_tell(worker->worker, run, arg);
}

/* What is a worker's own is used on its thread, while the door is open. */
#define DEMAND_OWN(of, what)                                                                       \
    misuse_unless(own != NULL && (of) == own, what " on another thread than its worker's")
#define DEMAND_WORKER(what) misuse_unless(own != NULL, what " where herd_worker() is NULL")

/* ---- work put off ---- */

struct put_off {
    struct errand errand;
    struct herd_worker *here;
    void (*run)(void *arg);
    void *arg;
};

static void run_put_off(void *arg)
{
    struct put_off work = *(struct put_off *)arg;
    free(arg);
    work.here->put_off--;
    work.run(work.arg);
}

void herd_put_off(void (*run)(void *), void *arg)
{
    DEMAND_WORKER("herd_put_off");
    assert(run != NULL);
    struct put_off *work = memory_zeroed(1, sizeof *work);
    work->errand = (struct errand){.run = run_put_off, .arg = work};
    work->here = own;
    work->run = run;
    work->arg = arg;
    own->put_off++;
    worker_put_off(own->worker, &work->errand);
}

/* ---- timers ---- */

struct herd_timer {
    struct event event;
    struct herd_worker *here;
    void (*run)(void *arg);
    void *arg;
    int64_t due_ns;
};

static void wait_for(struct herd_timer *timer, int64_t after_ns)
{
    int64_t us = after_ns > 0 ? after_ns / 1000 + (after_ns % 1000 != 0) : 0;
    event_add(&timer->event, &(struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000});
}

/* libevent's clock is the kernel's last tick, so it may be up to one early. */
static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct herd_timer *timer = arg;
    int64_t early_ns = timer->due_ns - clock_now_ns();
    if (early_ns > 0)
        wait_for(timer, early_ns);
    else
        timer->run(timer->arg); /* which may destroy it */
}

struct herd_timer *herd_timer_create(void (*run)(void *), void *arg)
{
    DEMAND_WORKER("herd_timer_create");
    assert(run != NULL);
    struct herd_timer *timer = memory_zeroed(1, sizeof *timer);
    timer->here = own;
    timer->run = run;
    timer->arg = arg;
    event_assign(&timer->event, own->worker->base, -1, 0, on_time, timer);
    own->timers++;
    return timer;
}

/* libevent counts from when this turn began, unless it is told to look at the clock again. */
void herd_timer_set(struct herd_timer *timer, int64_t after_ns)
{
    assert(timer != NULL);
    DEMAND_OWN(timer->here, "herd_timer_set");
    int64_t now_ns = clock_now_ns();
    if (after_ns < 0)
        after_ns = 0;
    timer->due_ns = after_ns < INT64_MAX - now_ns ? now_ns + after_ns : INT64_MAX;
    event_base_update_cache_time(own->worker->base);
    wait_for(timer, after_ns);
}

void herd_timer_clear(struct herd_timer *timer)
{
    assert(timer != NULL);
    DEMAND_OWN(timer->here, "herd_timer_clear");
    event_del(&timer->event);
}

void herd_timer_destroy(struct herd_timer *timer)
{
    assert(timer != NULL);
    DEMAND_OWN(timer->here, "herd_timer_destroy");
    event_del(&timer->event);
    timer->here->timers--;
    free(timer);
}

/* ---- records ---- */

static bool is_field(struct herd_text text, size_t max)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (memchr(" \t\r\n\f\v", text.bytes[i], 6) != NULL)
            return false;
    return true;
}

/* A request that nobody made. */
static struct herd_request make_request(void)
{
    return (struct herd_request){.store = own->service->store,
                                 .news = &own->news,
                                 .server = own->service->server,
                                 .clock_ns = clock_wall_ns(),
                                 .max_ahead_ns = own->service->max_ahead_ns};
}

enum herd_put herd_put(const struct herd_report *report)
{
    DEMAND_WORKER("herd_put");
    misuse_unless(!own->reading, "herd_put in a cursor's take");
    assert(report != NULL);
    struct herd_request request = make_request();
    struct herd_report heard = *report;
    if (!is_field(heard.client, HERD_CLIENT_MAX) ||
        !herd_location_parse(heard.location, NULL, NULL) ||
        !herd_time_parse(heard.time, &heard.time_ns))
        return HERD_PUT_INVALID;
    heard.server = (struct herd_text){request.server, strlen(request.server)};
    heard.diff_ns = request.clock_ns - heard.time_ns;
    return herd_report_put(&request, &heard);
}

bool herd_get(struct herd_text client, struct herd_report *report, struct herd_room *room)
{
    DEMAND_WORKER("herd_get");
    misuse_unless(!own->reading, "herd_get in a cursor's take");
    assert(report != NULL && room != NULL);
    struct herd_request request = make_request();
    return herd_report_get(&request, client, report, room);
}

/* ---- life ---- */

void door_init(struct herd_worker *here, struct worker *worker, struct door_service *service)
{
    *here = (struct herd_worker){.worker = worker, .service = service};
}

void door_open(struct herd_worker *here)
{
    assert(own == NULL && here->worker == worker_here());
    own = here;
}

void door_settle(struct herd_worker *here)
{
    assert(own == here);
    mailbox_empty(&here->worker->mailbox);
    for (unsigned round = 0; here->put_off > 0; round++) {
        if (round == SETTLE_ROUNDS)
            misuse_end(NULL, "work puts itself off for ever while the worker stops");
        worker_run_errands(here->worker);
    }
}

/* Each of these is a module that did not clear up in its worker_stop. */
void door_close(struct herd_worker *here)
{
    assert(own == here);
    if (here->timers > 0)
        misuse_end(NULL, "timers left behind at worker_stop: %u", here->timers);
    if (here->cursors > 0)
        misuse_end(NULL, "cursors left behind at worker_stop: %u", here->cursors);
    if (here->put_off > 0)
        misuse_end(NULL, "work put off in worker_stop: %u", here->put_off);
    own = NULL;
}
