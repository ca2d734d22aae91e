/* libcurl's multi-socket interface on a worker's loop that has nothing else to do. The only file
 * that knows libcurl.
 *
 * A fetch is made on the worker that asks, belongs to this thread from then on, and goes back to
 * the worker for its last call. It may have to wait for its turn. Its time runs from the asking,
 * by a timer of ours: libcurl's own does not see that wait.
 *
 * The hard thing is to owe nobody anything at the end: whatever ends a fetch, check and done run
 * once. And a resolver that hangs: libcurl asks it on a thread, which is left alone (QUICK_EXIT)
 * when the time is up, and ends by itself, perhaps after this one. */
#include "net/upstream.h"

#include "base/memory.h"
#include "net/fetch.h"
#include "net/trust.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 1024 /* beyond it a fetch fails at once */

_Static_assert(sizeof((struct fetch *)0)->why >= CURL_ERROR_SIZE, "libcurl's words have room");

/* A socket of libcurl's that is waited for. */
struct watch {
    TAILQ_ENTRY(watch) entry;
    struct event event;
};

static struct {
    struct worker **worker; /* one; NULL: there is no upstream */
    bool running;           /* main thread's */
    _Atomic bool stopped;   /* nothing is asked any more */
    CURLM *multi;
    struct event timer;
    TAILQ_HEAD(, watch) watches;
    struct fetch_list waiting, under_way;
    struct trust *trusts;
    bool ending;
} upstream;

/* ---- which URLs ---- */

static bool is_loopback(const char *host)
{
    struct in_addr four;
    return strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

/* libcurl's own eyes read it, so that what is judged here is where the request goes. */
static bool judge_parts(CURLU *parts, bool *plain, struct herd_error *err)
{
    char *scheme = NULL, *host = NULL, *fragment = NULL;
    bool good = false;
    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        herd_fail(err, "not a URL with a host in it");
    } else {
        *plain = strcmp(scheme, "http") == 0;
        if (!*plain && strcmp(scheme, "https") != 0)
            herd_fail(err, "must begin with https://");
        else if (*plain && !is_loopback(host))
            herd_fail(err, "must begin with https://; http is for loopback addresses "
                           "(127.0.0.1, [::1]) alone");
        else if (curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
            herd_fail(err, "must not hold a #");
        else
            good = true;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(fragment);
    return good;
}

static bool judge_url(const char *url, bool *plain, struct herd_error *err)
{
    CURLU *parts = curl_url();
    if (parts == NULL)
        return herd_fail(err, "no memory");
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    bool good = code == CURLUE_OK ? judge_parts(parts, plain, err)
                                  : herd_fail(err, "%s", curl_url_strerror(code));
    curl_url_cleanup(parts);
    return good;
}

/* ---- certificates ---- */

static struct trust_system find_system(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return (struct trust_system){info->cainfo, info->capath};
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    (void)easy;
    return trust_use(arg, ssl_ctx) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

bool herd_fetch_check(const char *url, const char *ca_file, struct herd_error *err)
{
    assert(url != NULL && err != NULL);
    bool plain;
    if (!judge_url(url, &plain, err))
        return false;
    struct trust *trusts = NULL;
    bool good = ca_file == NULL || trust_find(&trusts, ca_file, find_system(), err) != NULL;
    trust_forget(&trusts);
    return good;
}

/* ---- the end of a fetch ---- */

static void end(struct fetch *fetch, const char *error)
{
    long status = 0;
    fetch_leave(fetch);
    event_del(&fetch->deadline);
    if (fetch->easy != NULL) {
        curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(upstream.multi, fetch->easy);
        curl_easy_cleanup(fetch->easy);
        fetch->easy = NULL;
    }
    fetch_answer(fetch, error, status);
}

/* What libcurl says about these has names of hosts and of certificates in it, never the URL. */
static const char *explain(const struct fetch *fetch, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return NULL;
    case CURLE_WRITE_ERROR:
        return fetch->too_large ? "the answer is too large" : curl_easy_strerror(code);
    case CURLE_OPERATION_TIMEDOUT:
        return "no connection in time";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return fetch->why[0] != '\0' ? fetch->why : curl_easy_strerror(code);
    default:
        return curl_easy_strerror(code);
    }
}

/* ---- a fetch under way ---- */

static size_t on_body(char *bytes, size_t one, size_t len, void *fetch)
{
    return fetch_take_body(fetch, bytes, one * len) ? one * len : 0;
}

/* The return value that libcurl takes for an error is any other than the length. */
static size_t on_header(char *bytes, size_t one, size_t len, void *fetch)
{
    (void)bytes;
    return fetch_take_header(fetch, one * len) ? one * len : 0;
}

static void set_security(struct fetch *fetch, bool plain, const struct trust *trust)
{
    CURL *easy = fetch->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* also not those of the environment */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (trust == NULL)
        return;
    /* Trust is on_ssl_ctx's. The name of the file is what keeps a connection that was verified
     * with it from being used for a fetch without. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, fetch->asked.ca_file);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)trust);
}

static void set_request(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    curl_easy_setopt(easy, CURLOPT_URL, fetch->asked.url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "herd");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(fetch->asked.connect_ns / 1000000));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->why);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
}

/* Returns what went wrong, NULL: nothing. It may reach clients, so it names no path. */
static const char *launch(struct fetch *fetch, struct herd_error *err)
{
    const struct trust *trust = NULL;
    const char *ca_file = fetch->asked.ca_file;
    bool plain;
    if (!judge_url(fetch->asked.url, &plain, err))
        return err->text;
    if (ca_file != NULL && !(trust = trust_find(&upstream.trusts, ca_file, find_system(), err)))
        return "the certificates trusted besides the system's cannot be read";
    fetch->easy = curl_easy_init();
    if (fetch->easy == NULL)
        return "no memory";
    set_request(fetch);
    set_security(fetch, plain, trust);
    CURLMcode code = curl_multi_add_handle(upstream.multi, fetch->easy);
    return code == CURLM_OK ? NULL : curl_multi_strerror(code);
}

static void launch_those_due(void)
{
    struct fetch *fetch;
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
        struct fetch *fetch = NULL;
        CURLcode code = message->data.result; /* message is gone once the handle is removed */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        end(fetch, explain(fetch, code));
    }
    launch_those_due();
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    end(arg, "no answer in time");
    launch_those_due();
}

/* ---- libcurl on the loop ---- */

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)arg;
    int running, how = what & EV_READ ? CURL_CSELECT_IN : 0;
    how |= what & EV_WRITE ? CURL_CSELECT_OUT : 0;
    curl_multi_socket_action(upstream.multi, fd, how, &running);
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
    TAILQ_REMOVE(&upstream.watches, watch, entry);
    free(watch);
}

static int set_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *old)
{
    (void)easy, (void)arg;
    struct watch *watch = old;
    if (watch != NULL)
        unwatch(watch);
    if (what != CURL_POLL_REMOVE) {
        short events = EV_PERSIST;
        events |= what & CURL_POLL_IN ? EV_READ : 0;
        events |= what & CURL_POLL_OUT ? EV_WRITE : 0;
        watch = memory_zeroed(1, sizeof *watch);
        event_assign(&watch->event, (*upstream.worker)->base, fd, events, on_ready, NULL);
        event_add(&watch->event, NULL);
        TAILQ_INSERT_TAIL(&upstream.watches, watch, entry);
        curl_multi_assign(upstream.multi, fd, watch);
    }
    return 0;
}

/* ---- asking ---- */

static void take(void *arg)
{
    struct fetch *fetch = arg;
    int64_t left_ns = fetch->ends_ns - clock_now_ns();
    struct timeval left = to_timeval(left_ns > 0 ? left_ns / 1000 : 0);
    if (upstream.ending || upstream.waiting.count >= WAITING_MAX) {
        fetch_answer(fetch, upstream.ending ? "the server stops" : "too many requests wait", 0);
        return;
    }
    event_assign(&fetch->deadline, (*upstream.worker)->base, -1, 0, on_deadline, fetch);
    event_add(&fetch->deadline, &left);
    fetch_enter(fetch, &upstream.waiting);
    launch_those_due();
}

/* Where no provider that fetches is chosen there is no thread for it. */
static void refuse(void *arg)
{
    bool stops = atomic_load(&upstream.stopped);
    fetch_answer(arg, stops ? "the server stops" : "the provider of places fetches nothing", 0);
}

void herd_fetch(const struct herd_fetch *asked)
{
    struct fetch *fetch = fetch_create(asked);
    if (upstream.worker != NULL && !atomic_load(&upstream.stopped))
        worker_tell(*upstream.worker, take, fetch);
    else
        mailbox_send(&fetch->from->mailbox, refuse, fetch);
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
}

static struct worker_hooks hooks = {.start = on_start, .stop = on_stop};

bool upstream_open(struct herd_error *err)
{
    assert(upstream.worker == NULL);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return herd_fail(err, "libcurl cannot be used");
    memset(&upstream, 0, sizeof upstream);
    TAILQ_INIT(&upstream.watches);
    TAILQ_INIT(&upstream.waiting.queue);
    TAILQ_INIT(&upstream.under_way.queue);
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
