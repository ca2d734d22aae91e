/* sqlite, the provider of places in a file that herd-places has made, of millions if need be.
 *
 * Reading a file may wait for a disk, so workers do not: they put what is asked into a queue, which
 * is bounded, and threads of the module's own, each with a connection to the file, take it out and
 * tell the worker when there is an answer. The queue, and how far each search is, are behind one
 * lock; a search that is taken out belongs to its thread until that says it is done; all else of it
 * is its worker's. The threads live from the first worker_start to the last worker_stop.
 *
 * The hard thing is the end of a search before its answer: its client goes, or five seconds are
 * over, or the worker stops. The thread is then asked to give up, which it looks for again and
 * again, and nobody waits for it but a worker that stops; the search itself is answered at once
 * where it is owed an answer, and the job that carried it lives until both have let go. */
#include "db.h"
#include "entries.h"
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define THREADS_MAX 64
#define PATIENCE_NS 5000000000
#define CACHE_MAX   ((uint64_t)16 << 30)

enum stage { WAITING, AT_WORK, DONE };

/* One search, from being asked until both its worker and its thread have let go. */
struct job {
    STAILQ_ENTRY(job) entry; /* in the queue; under the lock */
    enum stage stage;        /* under the lock */

    TAILQ_ENTRY(job) owed;      /* among its worker's */
    struct herd_search *search; /* its worker's; NULL: it has been answered */
    struct herd_worker *worker;
    struct herd_query query;
    int64_t until_ns;
    atomic_bool unwanted;

    struct entries entries; /* its thread's, then its worker's */
    struct herd_error err;  /* why there is no answer; empty: there is one */
};
STAILQ_HEAD(queue, job);
TAILQ_HEAD(owed, job);

/* What a worker has asked, in that order, and the timer for the first of it. */
static _Thread_local struct {
    struct owed owed;
    struct herd_timer *timer; /* NULL: there is no file */
    bool ticking;
} desk;

static struct {
    const char *path;
    int threads_wanted, queue_max;
    uint64_t cache_bytes;

    /* From open to close. */
    struct db *dbs[THREADS_MAX]; /* each its thread's */

    pthread_mutex_t lock;
    pthread_cond_t some, done; /* to be taken from the queue; a job that somebody may wait for */
    struct queue queue;
    int waiting; /* in the queue */
    int workers, threads;
    bool ending;
    pthread_t thread[THREADS_MAX];
} here = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .some = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER,
          .queue = STAILQ_HEAD_INITIALIZER(here.queue)};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- on the threads ---- */

static const char late[] = "the file of places does not answer in time";

static bool is_unwanted(void *arg)
{
    const struct job *job = arg;

    return atomic_load_explicit(&job->unwanted, memory_order_relaxed) || now_ns() > job->until_ns;
}

static bool take(void *arg, const struct db_found *found)
{
    struct job *job = arg;
    struct herd_error unused;

    if (found->line.len == 0 || found->line.bytes[0] != '{' || !json_check(found->line, &unused))
        return herd_fail(&job->err, "a place in the file is not a JSON object");
    entries_add(&job->entries, found->line);
    return true;
}

static void look(struct job *job, struct db *db)
{
    const struct db_query query = {.lat_deg = job->query.lat_deg,
                                   .lon_deg = job->query.lon_deg,
                                   .radius_km = job->query.radius_km,
                                   .bound = job->query.bound,
                                   .take = take,
                                   .stop = is_unwanted,
                                   .arg = job};
    enum db_result result = DB_STOPPED;

    if (!is_unwanted(job)) {
        entries_begin(&job->entries, "[]");
        result = db_near(db, &query, &job->err);
    }
    if (result == DB_STOPPED && !job->err.text[0]) /* nobody's fault, or the disk's */
        herd_fail(&job->err, late);
    else if (result == DB_DONE && !entries_end(&job->entries))
        herd_fail(&job->err, "out of memory");
}

static void deliver(void *arg);

static void *run(void *arg)
{
    struct db *db = arg;

    pthread_mutex_lock(&here.lock);
    for (;;) {
        struct job *job = STAILQ_FIRST(&here.queue);

        if (!job && here.ending)
            break;
        if (!job) {
            pthread_cond_wait(&here.some, &here.lock);
            continue;
        }
        STAILQ_REMOVE_HEAD(&here.queue, entry);
        here.waiting--;
        job->stage = AT_WORK;
        pthread_mutex_unlock(&here.lock);
        look(job, db);
        pthread_mutex_lock(&here.lock);
        job->stage = DONE;
        pthread_cond_broadcast(&here.done);
        pthread_mutex_unlock(&here.lock);
        herd_worker_tell(job->worker, deliver, job);
        pthread_mutex_lock(&here.lock);
    }
    pthread_mutex_unlock(&here.lock);
    return NULL;
}

/* ---- on the workers ---- */

static void free_job(struct job *job)
{
    entries_fini(&job->entries);
    free(job);
}

/* The search gets its answer; the job is done with it. */
static void fail_search(struct job *job, const char *why)
{
    struct herd_search *search = job->search;

    job->search = NULL;
    herd_search_on_cancel(search, NULL, NULL);
    herd_search_fail(search, "UNKNOWN_ERROR", why);
}

static void answer(struct job *job)
{
    struct herd_search *search = job->search;
    const struct herd_answer all = entries_answer(&job->entries);

    job->search = NULL;
    herd_search_on_cancel(search, NULL, NULL);
    herd_search_answer(search, &all);
}

/* Told by the thread, which has let go. The worker has too, if it has stopped by now. */
static void deliver(void *arg)
{
    struct job *job = arg;

    assert(job->stage == DONE);
    if (herd_worker()) {
        TAILQ_REMOVE(&desk.owed, job, owed);
        if (job->search && job->err.text[0])
            fail_search(job, job->err.text);
        else if (job->search)
            answer(job);
    }
    assert(!job->search);
    free_job(job);
}

/* Nobody reads the answer any more; it is owed all the same, and comes when the thread says so. */
static void give_up(void *arg)
{
    struct job *job = arg;

    atomic_store_explicit(&job->unwanted, true, memory_order_relaxed);
}

/* The disk may hang, and the thread with it: what has waited too long is answered without it. */
static void look_at_clock(void *arg)
{
    struct job *job;
    int64_t now = now_ns();

    (void)arg;
    desk.ticking = false;
    TAILQ_FOREACH (job, &desk.owed, owed) {
        if (!job->search)
            continue;
        if (job->until_ns > now) {
            herd_timer_set(desk.timer, job->until_ns - now);
            desk.ticking = true;
            break;
        }
        give_up(job);
        fail_search(job, late);
    }
}

/* Into the queue. False: it is full. */
static bool enqueue(struct job *job)
{
    bool room;

    pthread_mutex_lock(&here.lock);
    room = here.waiting < here.queue_max;
    if (room) {
        STAILQ_INSERT_TAIL(&here.queue, job, entry);
        here.waiting++;
        pthread_cond_signal(&here.some);
    }
    pthread_mutex_unlock(&here.lock);
    return room;
}

static void search_places(struct herd_search *search, const struct herd_query *query)
{
    struct job *job;

    assert(search && query->bound > 0 && desk.timer);
    if (here.threads == 0) { /* as the log has said */
        herd_search_fail(search, "UNKNOWN_ERROR", "nobody reads the file of places");
        return;
    }
    job = calloc(1, sizeof(*job));
    if (!job) {
        herd_search_unasked(search, "out of memory");
        return;
    }
    job->search = search;
    job->worker = herd_worker();
    job->query = *query;
    job->until_ns = now_ns() + PATIENCE_NS;
    if (!enqueue(job)) {
        herd_search_unasked(search, "too many searches wait for the file of places");
        free_job(job);
        return;
    }
    if (!desk.ticking)
        herd_timer_set(desk.timer, PATIENCE_NS);
    desk.ticking = true;
    TAILQ_INSERT_TAIL(&desk.owed, job, owed);
    herd_search_on_cancel(search, give_up, job);
}

/* ---- the life of the threads ---- */

static void start_threads(void)
{
    sigset_t all, old;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    here.ending = false;
    while (here.threads < here.threads_wanted && !error) {
        error = pthread_create(&here.thread[here.threads], NULL, run, here.dbs[here.threads]);
        if (!error)
            here.threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error)
        herd_log(HERD_LOG_ERROR, "sqlite: only %d of %d threads could be started: %s", here.threads,
                 here.threads_wanted, strerror(error));
}

static void start_worker(void)
{
    if (!here.dbs[0])
        return;
    TAILQ_INIT(&desk.owed);
    desk.timer = herd_timer_create(look_at_clock, NULL);
    pthread_mutex_lock(&here.lock);
    if (here.workers++ == 0)
        start_threads();
    pthread_mutex_unlock(&here.lock);
}

/* Takes out of the queue what this worker has put in, and waits for what threads are at. */
static void withdraw(void)
{
    struct job *job;

    TAILQ_FOREACH (job, &desk.owed, owed)
        give_up(job);
    pthread_mutex_lock(&here.lock);
    TAILQ_FOREACH (job, &desk.owed, owed) {
        if (job->stage == WAITING) {
            STAILQ_REMOVE(&here.queue, job, job, entry);
            here.waiting--;
        }
        while (job->stage == AT_WORK)
            pthread_cond_wait(&here.done, &here.lock);
    }
    pthread_mutex_unlock(&here.lock);
}

static void join_threads(void)
{
    for (int i = 0; i < here.threads; i++)
        pthread_join(here.thread[i], NULL);
    here.threads = 0;
}

static void stop_worker(void)
{
    struct job *job;
    bool last;

    if (!desk.timer)
        return;
    withdraw();
    while ((job = TAILQ_FIRST(&desk.owed)) != NULL) {
        TAILQ_REMOVE(&desk.owed, job, owed);
        if (job->search)
            fail_search(job, "the server stops");
        if (job->stage == WAITING) /* else deliver is on its way */
            free_job(job);
    }
    herd_timer_destroy(desk.timer);
    desk.timer = NULL;
    pthread_mutex_lock(&here.lock);
    last = --here.workers == 0;
    here.ending = last;
    pthread_cond_broadcast(&here.some);
    pthread_mutex_unlock(&here.lock);
    if (last)
        join_threads();
}

/* ---- the module ---- */

static bool check(struct herd_error *err)
{
    struct db *db = db_open(here.path, here.cache_bytes, err);

    db_close(db);
    return db != NULL;
}

static void close_places(void)
{
    for (int i = 0; i < THREADS_MAX; i++) {
        db_close(here.dbs[i]);
        here.dbs[i] = NULL;
    }
}

static bool open_places(struct herd_error *err)
{
    struct db_about about;

    for (int i = 0; i < here.threads_wanted; i++) {
        here.dbs[i] = db_open(here.path, here.cache_bytes, err);
        if (!here.dbs[i] || (i == 0 && !db_about(here.dbs[i], &about, err))) {
            close_places();
            return false;
        }
    }
    herd_log(HERD_LOG_INFO, "%" PRIu64 " places from %s", about.places, here.path);
    return true;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    return herd_config_path(group, "file", "places.sqlite", &here.path, err) &&
           herd_config_int(group, "threads", 2, 1, THREADS_MAX, &here.threads_wanted, err) &&
           herd_config_int(group, "queue", 1000, 1, 100000, &here.queue_max, err) &&
           herd_config_size(group, "cache", "8m", &here.cache_bytes, err) &&
           (here.cache_bytes <= CACHE_MAX ||
            herd_config_fail(group, "cache", err, "at most 16g, for each thread"));
}

static const struct herd_provider provider = {
    .name = "sqlite",
    .check = check,
    .open = open_places,
    .search = search_places,
    .close = close_places,
    .keep_ns = 60000000000,
    .decimals = HERD_EXACT,
};

HERD_MODULE_EXPORT(sqlite) = {
    .abi = HERD_ABI,
    .name = "sqlite",
    .version = "1.0",
    .summary = "places from a file of millions",
    .group = "places.sqlite",
    .provider = &provider,
    .configure = configure,
    .worker_start = start_worker,
    .worker_stop = stop_worker,
};
