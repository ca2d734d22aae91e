/* libcurl's multi-socket interface on a worker's loop that has nothing else to do. What one request
 * is, easy.c knows.
 *
 * A fetch is made on the worker that asks, belongs to this thread from then on, and goes back to
 * the worker for its last call. It may have to wait for its turn. Its time runs from the asking,
 * by a timer of ours: libcurl's own does not see that wait.
 *
 * The hard thing is to owe nobody anything at the end: whatever ends a fetch, check and done run
 * once. And a resolver that hangs: libcurl asks it on a thread, which is left alone (QUICK_EXIT)
 * when the time is up, and ends by itself, perhaps after this one. So a fetch that is cancelled
 * then keeps its place for as long as one that is not, or clients that ask and vanish could have
 * any number of such threads made. */
#include "net/upstream.h"

#include "base/memory.h"
#include "net/easy.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITING_MAX 1024 /* beyond it a fetch fails at once */

/* A socket of libcurl's that is waited for. The descriptor is a second one of ours: libcurl closes
 * a socket that is not connected yet before it says that it need not be waited for any more, and
 * its number may be a client's by then. */
struct watch {
    TAILQ_ENTRY(watch) entry;
    struct event event;
    int fd;
    curl_socket_t of;
};

static struct {
    struct worker **worker; /* one; NULL: there is no upstream */
    bool running;           /* main thread's */
    _Atomic bool stopped;   /* nothing is asked any more */
    CURLM *multi;
    struct event timer;
    TAILQ_HEAD(, watch) watches;
    struct fetch_list waiting, under_way;
    struct errand launch; /* there may be places for those that wait */
    struct trust *trusts;
    bool ending;
} upstream;

/* ---- the end of a fetch ---- */

static void end(struct herd_fetching *fetch, const char *error)
{
    long status = 0;
    fetch_leave(fetch);
    event_del(&fetch->deadline);
    if (fetch->easy != NULL) {
        curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(upstream.multi, fetch->easy);
        easy_free(fetch);
    }
    worker_put_off(*upstream.worker, &upstream.launch);
    if (fetch->answered)
        fetch_release(fetch);
    else
        fetch_answer(fetch, error, status);
}

/* ---- a fetch under way ---- */

/* Returns what went wrong, NULL: nothing. */
static const char *launch(struct herd_fetching *fetch, struct herd_error *err)
{
    fetch->begun = true;
    const char *wrong = easy_create(fetch, &upstream.trusts, err);
    if (wrong != NULL)
        return wrong;
    CURLMcode code = curl_multi_add_handle(upstream.multi, fetch->easy);
    return code == CURLM_OK ? NULL : curl_multi_strerror(code);
}

/* At the end of a turn: of many that are cancelled at once none takes the place of another. */
static void launch_those_due(void *arg)
{
    (void)arg;
    struct herd_fetching *fetch;
    while (upstream.under_way.count < UPSTREAM_PARALLEL &&
           (fetch = TAILQ_FIRST(&upstream.waiting.queue)) != NULL) {
        struct herd_error err;
        fetch_leave(fetch);
        fetch_enter(fetch, &upstream.under_way);
        const char *wrong = launch(fetch, &err);
        if (wrong != NULL)
            end(fetch, wrong);
    }
}

static void collect(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(upstream.multi, &left)) != NULL) {
        struct herd_fetching *fetch = NULL;
        CURLcode code = message->data.result; /* message is gone once the handle is removed */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        end(fetch, easy_explain(fetch, code));
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    end(arg, "no answer in time");
}

/* ---- libcurl on the loop ---- */

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    const struct watch *watch = arg;
    int running, how = what & EV_READ ? CURL_CSELECT_IN : 0;
    how |= what & EV_WRITE ? CURL_CSELECT_OUT : 0;
    curl_multi_socket_action(upstream.multi, watch->of, how, &running);
    collect();
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    int running;
    curl_multi_socket_action(upstream.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect();
}

static struct timeval to_timeval(int64_t us)
{
    return (struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000};
}

static int set_timer(CURLM *multi, long after_ms, void *arg)
{
    (void)multi, (void)arg;
    struct timeval after = to_timeval((int64_t)after_ms * 1000);
    if (after_ms < 0)
        event_del(&upstream.timer);
    else
        event_add(&upstream.timer, &after);
    return 0;
}

static void unwatch(struct watch *watch)
{
    event_del(&watch->event);
    close(watch->fd);
    TAILQ_REMOVE(&upstream.watches, watch, entry);
    free(watch);
}

/* Without a descriptor for it the request just waits for its deadline. */
static void watch_for(curl_socket_t fd, int what)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return;
    struct watch *watch = memory_zeroed(1, sizeof *watch);
    short events = EV_PERSIST;
    events |= what & CURL_POLL_IN ? EV_READ : 0;
    events |= what & CURL_POLL_OUT ? EV_WRITE : 0;
    watch->fd = own;
    watch->of = fd;
    event_assign(&watch->event, (*upstream.worker)->base, own, events, on_ready, watch);
    event_add(&watch->event, NULL);
    TAILQ_INSERT_TAIL(&upstream.watches, watch, entry);
    curl_multi_assign(upstream.multi, fd, watch);
}

static int set_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *old)
{
    (void)easy, (void)arg;
    if (old != NULL) {
        unwatch(old);
        curl_multi_assign(upstream.multi, fd, NULL);
    }
    if (what != CURL_POLL_REMOVE)
        watch_for(fd, what);
    return 0;
}

/* ---- asking ---- */

static void take(void *arg)
{
    struct herd_fetching *fetch = arg;
    int64_t left_ns = fetch->ends_ns - clock_now_ns();
    struct timeval left = to_timeval(left_ns > 0 ? left_ns / 1000 : 0);
    if (upstream.ending || upstream.waiting.count >= WAITING_MAX) {
        fetch_answer(fetch, upstream.ending ? "the server stops" : "too many requests wait", 0);
        return;
    }
    event_assign(&fetch->deadline, (*upstream.worker)->base, -1, 0, on_deadline, fetch);
    event_add(&fetch->deadline, &left);
    fetch_enter(fetch, &upstream.waiting);
    worker_put_off(*upstream.worker, &upstream.launch);
}

static void take_back(void *arg)
{
    struct herd_fetching *fetch = arg;
    if (!fetch->answered) {
        fetch->taken_back = true;
        if (!fetch->looking_up)
            end(fetch, "cancelled");
        else {
            fetch_hold(fetch);
            fetch_answer(fetch, "cancelled", 0);
        }
    }
    fetch_release(fetch);
}

/* Where no provider that fetches is chosen there is no thread for it. */
static void refuse(void *arg)
{
    bool stops = atomic_load(&upstream.stopped);
    fetch_answer(arg, stops ? "the server stops" : "the provider of places fetches nothing", 0);
}

static bool takes_letters(void)
{
    return upstream.worker != NULL && !atomic_load(&upstream.stopped);
}

struct herd_fetching *herd_fetch(const struct herd_fetch *asked)
{
    struct herd_fetching *fetch = fetch_create(asked);
    if (takes_letters())
        worker_tell(*upstream.worker, take, fetch);
    else
        mailbox_send(&fetch->from->mailbox, refuse, fetch);
    return fetch;
}

/* Where upstream takes no letters it has answered already, or the one that refuses is there. */
void herd_fetch_cancel(struct herd_fetching *fetch)
{
    assert(fetch != NULL && fetch->from == worker_here());
    if (fetch->cancelled || !takes_letters())
        return;
    fetch->cancelled = true;
    fetch_hold(fetch);
    worker_tell(*upstream.worker, take_back, fetch);
}

/* ---- the thread ---- */

static void on_start(struct worker_hooks *hooks, unsigned index)
{
    (void)hooks, (void)index;
    pthread_setname_np(pthread_self(), "upstream");
}

static void on_stop(struct worker_hooks *hooks, unsigned index)
{
    (void)hooks, (void)index;
    struct fetch_list *lists[] = {&upstream.waiting, &upstream.under_way};
    upstream.ending = true;
    for (size_t i = 0; i < 2; i++)
        while (lists[i]->count > 0)
            end(TAILQ_FIRST(&lists[i]->queue), "the server stops");
    curl_multi_cleanup(upstream.multi);
    upstream.multi = NULL;
    event_del(&upstream.timer);
    while (!TAILQ_EMPTY(&upstream.watches))
        unwatch(TAILQ_FIRST(&upstream.watches));
    trust_forget(&upstream.trusts);
    worker_cancel(&upstream.launch);
}

static struct worker_hooks hooks = {.start = on_start, .stop = on_stop};

bool upstream_open(struct herd_error *err)
{
    assert(upstream.worker == NULL);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_alloc, free, memory_resize, memory_string,
                             memory_zeroed) != CURLE_OK)
        return herd_fail(err, "libcurl cannot be used");
    memset(&upstream, 0, sizeof upstream);
    TAILQ_INIT(&upstream.watches);
    TAILQ_INIT(&upstream.waiting.queue);
    TAILQ_INIT(&upstream.under_way.queue);
    upstream.launch.run = launch_those_due;
    upstream.multi = curl_multi_init();
    if (upstream.multi == NULL)
        herd_fail(err, "libcurl: no memory");
    else
        upstream.worker = workers_create(1, &hooks, err);
    if (upstream.worker == NULL) {
        curl_multi_cleanup(upstream.multi);
        curl_global_cleanup();
        return false;
    }
    event_assign(&upstream.timer, (*upstream.worker)->base, -1, 0, on_timer, NULL);
    curl_multi_setopt(upstream.multi, CURLMOPT_SOCKETFUNCTION, set_watch);
    curl_multi_setopt(upstream.multi, CURLMOPT_TIMERFUNCTION, set_timer);
    /* libcurl counts those in use too: with fewer it would keep none of them under load */
    curl_multi_setopt(upstream.multi, CURLMOPT_MAXCONNECTS, (long)UPSTREAM_PARALLEL);
    return true;
}

bool upstream_run(struct herd_error *err)
{
    if (upstream.worker != NULL)
        upstream.running = workers_run(upstream.worker, 1, err);
    return upstream.worker == NULL || upstream.running;
}

void upstream_stop(void)
{
    atomic_store(&upstream.stopped, true);
    if (upstream.running)
        workers_stop(upstream.worker, 1);
    upstream.running = false;
}

void upstream_close(void)
{
    if (upstream.worker == NULL)
        return;
    assert(!upstream.running);
    upstream.ending = true; /* for what may still lie in the mailbox */
    workers_destroy(upstream.worker, 1);
    if (upstream.multi != NULL)
        curl_multi_cleanup(upstream.multi);
    curl_global_cleanup();
    memset(&upstream, 0, sizeof upstream);
}
