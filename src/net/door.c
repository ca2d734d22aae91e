/* What a module creates here is counted, so that one that leaves something behind is caught where
 * its worker stops, and not later, when a timer calls a function that is gone. Each function's
 * contract stands in <herd/module.h>. */
#include "net/door.h"

#include "base/memory.h"
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
    assert(worker != NULL && run != NULL);
    worker_tell(worker->worker, run, arg);
}

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
    assert(own != NULL && run != NULL);
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
};

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct herd_timer *timer = arg;
    timer->run(timer->arg); /* which may destroy it */
}

struct herd_timer *herd_timer_create(void (*run)(void *), void *arg)
{
    assert(own != NULL && run != NULL);
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
    assert(timer != NULL && timer->here == own);
    int64_t us = after_ns > 0 ? after_ns / 1000 + (after_ns % 1000 != 0) : 0;
    event_base_update_cache_time(own->worker->base);
    event_add(&timer->event, &(struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000});
}

void herd_timer_clear(struct herd_timer *timer)
{
    assert(timer != NULL && timer->here == own);
    event_del(&timer->event);
}

void herd_timer_destroy(struct herd_timer *timer)
{
    herd_timer_clear(timer);
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
    assert(own != NULL && report != NULL && !own->reading);
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
    assert(own != NULL && report != NULL && room != NULL && !own->reading);
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
        assert(round < SETTLE_ROUNDS);
        worker_run_errands(here->worker);
    }
}

/* Each of these is a module that did not clear up in its worker_stop. */
void door_close(struct herd_worker *here)
{
    assert(own == here);
    assert(here->timers == 0);
    assert(here->cursors == 0);
    assert(here->put_off == 0);
    own = NULL;
}
