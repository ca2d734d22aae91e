/* libevent runs one round of events at a time, and the rest of the turn is ours. The bases have no
 * locks: what other threads want comes through the mailbox. libevent's own memory is herd's, which
 * has a reserve, so that no timer is lost for want of it. */
#include "net/worker.h"

#include "base/memory.h"
#include "base/metrics.h"
#include "base/misuse.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTLE_ROUNDS   100000
#define SHORT_TURNS_MAX 8

static _Thread_local struct worker *here;

struct worker *worker_here(void)
{
    return here;
}

void worker_put_off(struct worker *worker, struct errand *errand)
{
    assert(worker == here && errand->run != NULL);
    if (errand->waiting != NULL)
        return;
    errand->waiting = &worker->errands;
    TAILQ_INSERT_TAIL(&worker->errands, errand, entry);
}

void worker_cancel(struct errand *errand)
{
    if (errand->waiting == NULL)
        return;
    TAILQ_REMOVE(errand->waiting, errand, entry);
    errand->waiting = NULL;
}

void worker_tell(struct worker *worker, void (*run)(void *), void *arg)
{
    if (worker == here)
        run(arg);
    else
        mailbox_send(&worker->mailbox, run, arg);
}

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct worker *worker = arg;
    mailbox_empty(&worker->mailbox);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct worker *worker = arg;
    worker->hooks->second(worker->hooks, worker->index);
}

/* Errands that errands put off wait for the next turn, which then does not block. */
void worker_run_errands(struct worker *worker)
{
    struct errands now = TAILQ_HEAD_INITIALIZER(now);
    struct errand *errand;
    TAILQ_CONCAT(&now, &worker->errands, entry);
    TAILQ_FOREACH (errand, &now, entry)
        errand->waiting = &now;
    while ((errand = TAILQ_FIRST(&now)) != NULL) {
        TAILQ_REMOVE(&now, errand, entry);
        errand->waiting = NULL;
        errand->run(errand->arg); /* which may free it, or cancel others */
    }
}

static void end_of_events(struct worker *worker)
{
    if (worker->hooks->turn != NULL)
        worker->hooks->turn(worker->hooks, worker->index);
}

/* While work is put off, as a busy server's links do until there is more to tell, a turn needs to
 * look at the sockets alone: libevent would ask the kernel twice, and for the time besides. Timers,
 * letters and listeners wait for a few such turns at the most, or for one that finds nothing.
 * Returns whether that was a turn. */
static bool take_short_turn(struct worker *worker)
{
    if (TAILQ_EMPTY(&worker->errands) || worker->short_turns == SHORT_TURNS_MAX) {
        worker->short_turns = 0;
        return false;
    }
    worker->short_turns++;
    sockets_poll(&worker->sockets);
    return worker->sockets.told > 0;
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    here = worker;
    worker->hooks->start(worker->hooks, worker->index);
    while (!worker->ending) {
        int flags = TAILQ_EMPTY(&worker->errands) ? 0 : EVLOOP_NONBLOCK;
        worker->sockets.told = 0;
        if (!take_short_turn(worker))
            event_base_loop(worker->base, EVLOOP_ONCE | flags);
        metric_add(wakeups, 1);
        end_of_events(worker);
        worker_run_errands(worker);
        end_of_events(worker);
    }
    worker->hooks->stop(worker->hooks, worker->index);
    mailbox_empty(&worker->mailbox);
    here = NULL;
    return NULL;
}

static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void release(struct worker *worker)
{
    event_del(&worker->mail);
    event_del(&worker->second);
    sockets_close(&worker->sockets);
    event_base_free(worker->base);
    mailbox_close(&worker->mailbox);
    buffer_free(&worker->output);
    free(worker->input);
    free(worker);
}

/* False: err says why, and it is freed. */
static bool prepare(struct worker *worker, struct herd_error *err)
{
    TAILQ_INIT(&worker->errands);
    if (!mailbox_open(&worker->mailbox)) {
        free(worker);
        return herd_fail(err, "worker: eventfd: %s", strerror(errno));
    }
    worker->base = create_base();
    if (worker->base == NULL) {
        mailbox_close(&worker->mailbox);
        free(worker);
        return herd_fail(err, "worker: no event loop: %s", strerror(errno));
    }
    if (!sockets_open(&worker->sockets, worker->base)) {
        event_base_free(worker->base);
        mailbox_close(&worker->mailbox);
        free(worker);
        return herd_fail(err, "worker: epoll: %s", strerror(errno));
    }
    worker->input = memory_alloc(WORKER_INPUT_BYTES);
    buffer_make_room(&worker->output, WORKER_OUTPUT_BYTES);
    event_assign(&worker->mail, worker->base, worker->mailbox.fd, EV_READ | EV_PERSIST, on_mail,
                 worker);
    event_assign(&worker->second, worker->base, -1, EV_PERSIST, on_second, worker);
    if (event_add(&worker->mail, NULL) != 0) {
        release(worker);
        return herd_fail(err, "worker: epoll: %s", strerror(errno));
    }
    if (worker->hooks->second != NULL)
        event_add(&worker->second, &(struct timeval){.tv_sec = 1});
    return true;
}

static struct worker *create(unsigned index, struct worker_hooks *hooks, struct herd_error *err)
{
    struct worker *worker = memory_apart(1, sizeof *worker);
    worker->index = index;
    worker->hooks = hooks;
    return prepare(worker, err) ? worker : NULL;
}

struct worker **workers_create(unsigned n, struct worker_hooks *hooks, struct herd_error *err)
{
    struct worker **workers = memory_zeroed(n, sizeof *workers);
    event_set_mem_functions(memory_alloc, memory_resize, free);
    for (unsigned i = 0; i < n; i++) {
        workers[i] = create(i, hooks, err);
        if (workers[i] == NULL) {
            while (i-- > 0)
                release(workers[i]);
            free(workers);
            return NULL;
        }
    }
    return workers;
}

/* The first is the last: the listeners are on its loop, and hand what they take to any of them. */
bool workers_run(struct worker **workers, unsigned n, struct herd_error *err)
{
    for (unsigned i = n; i-- > 0;) {
        int error = pthread_create(&workers[i]->thread, NULL, run, workers[i]);
        if (error != 0) {
            herd_fail(err, "worker: no thread: %s", strerror(error));
            workers_stop(workers + i + 1, n - i - 1);
            return false;
        }
        workers[i]->running = true;
    }
    return true;
}

static void stop_loop(void *arg)
{
    struct worker *worker = arg;
    worker->ending = true;
}

void workers_stop(struct worker **workers, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        mailbox_send(&workers[i]->mailbox, stop_loop, workers[i]);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(workers[i]->thread, NULL);
        workers[i]->running = false;
    }
    workers_settle(workers, n);
}

/* A letter may send another to any of them, so one round is not enough. */
void workers_settle(struct worker **workers, unsigned n)
{
    bool any = true;
    for (unsigned round = 0; any; round++) {
        if (round == SETTLE_ROUNDS)
            misuse_end(NULL, "herd_worker_tell for ever while the server stops");
        any = false;
        for (unsigned i = 0; i < n; i++)
            any |= mailbox_empty(&workers[i]->mailbox);
    }
}

void workers_destroy(struct worker **workers, unsigned n)
{
    workers_settle(workers, n);
    for (unsigned i = 0; i < n; i++) {
        assert(!workers[i]->running);
        release(workers[i]);
    }
    free(workers);
}
