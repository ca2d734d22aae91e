/* The thread's life is: asleep (armed is false), until somebody puts an event into a ring and arms
 * it; gathering, for a second or until it is hurried, in which it only empties rings that fill;
 * draining. Before it sleeps again it disarms and then looks at every ring once more, while a
 * producer first begins a moment and then looks whether the thread is armed: one of the two sees
 * the other.
 *
 * The order of time is log_merge.c's; the time until which events are taken is read before it looks
 * at the rings, and what is younger waits for the next time.
 *
 * The lock guards the list of rings, and what is asked of the thread. It is never held while
 * something is written, so nobody waits for a slow target but who asks to. */
#include "base/log_drain.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_merge.h"
#include "base/log_target.h"

#define NS_PER_S    INT64_C(1000000000)
#define GATHER_NS   NS_PER_S
#define NEVER       LOG_MERGE_ALL
#define FILLING     (LOG_RING_BYTES / 8 * 6) /* bytes that wait: the thread is called */
#define FULL        (LOG_RING_BYTES / 8 * 7) /* and has not come yet */
#define BRIM        (LOG_RING_BYTES / 16 * 15)
#define PACE_NS     50000
#define BRIM_NS     (1000 * 1000)
#define SLOW_NS     (20 * 1000000) /* a write that lasts longer is not waited for */
#define PATIENCE_NS (2 * NS_PER_S) /* with a target that takes nothing */
#define INTERRUPT   SIGURG         /* nobody else's, and harmless by default */

static struct {
    _Atomic unsigned opening; /* 0: closed; else the how-manyth: rings of another are gone */
    _Atomic bool armed;       /* the thread is awake, or has been woken */
    _Atomic bool called;      /* a ring fills */
    _Atomic bool hurried;
    _Atomic bool ending;
    int wake_fd;
    pthread_t thread;
    struct log_target target; /* the thread's */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* done or ended */
    struct log_ring *rings;
    uint64_t asked, done; /* flushes */
    bool reopen;          /* behind the next drain */
    bool stuck;           /* a flush was waited for in vain */
    bool ended;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct log_ring *own;
static _Thread_local unsigned own_opening;
static _Thread_local bool gathers;
static pthread_key_t key; /* only to hear of a thread's end */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

/* ---- waking the thread ---- */

static void wake(void)
{
    ssize_t n = write(state.wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)n;
}

static void arm(void)
{
    if (!atomic_load(&state.armed) && !atomic_exchange(&state.armed, true))
        wake();
}

void log_drain_hurry(void)
{
    if (log_drain_running() && !atomic_load(&state.hurried) &&
        !atomic_exchange(&state.hurried, true))
        wake();
}

bool log_drain_running(void)
{
    return atomic_load_explicit(&state.opening, memory_order_acquire) != 0;
}

/* ---- the threads that log ---- */

static void on_thread_end(void *ring)
{
    pthread_mutex_lock(&state.lock);
    if (own_opening == atomic_load(&state.opening)) {
        atomic_store(&((struct log_ring *)ring)->ended, true);
        arm();
    }
    pthread_mutex_unlock(&state.lock);
}

static void create_key(void)
{
    if (pthread_key_create(&key, on_thread_end) != 0)
        assert(!"a key is always had");
}

static void join(unsigned opening)
{
    struct log_ring *ring = log_ring_create();

    ring->gathers = gathers;
    pthread_mutex_lock(&state.lock);
    ring->next = state.rings;
    state.rings = ring;
    pthread_mutex_unlock(&state.lock);
    pthread_setspecific(key, ring);
    own = ring;
    own_opening = opening;
}

/* A thread that fills its ring faster than the log thread empties it, as a flood of commands does
 * on the one processor that both have, steps aside for it, or else much of a log would be lost to
 * that; for longer, where little room is left, as then some other thread may be kept amid a moment
 * for as long as the scheduler pleases. It does not wait for a target that is slow, nor for one
 * that takes nothing. */
static void step_aside(size_t waiting)
{
    int64_t since_ns = atomic_load(&state.target.busy_since_ns);

    if (since_ns == 0 || clock_now_ns() - since_ns < SLOW_NS)
        nanosleep(&(struct timespec){.tv_nsec = waiting > BRIM ? BRIM_NS : PACE_NS}, NULL);
}

/* The calling thread's ring fills. */
static void press(size_t waiting)
{
    if (!atomic_load(&state.called) && !atomic_exchange(&state.called, true))
        wake();
    if (waiting > FULL)
        step_aside(waiting);
}

bool log_drain_put(uint64_t conn, struct herd_text what, struct herd_text text, unsigned how)
{
    unsigned opening = atomic_load_explicit(&state.opening, memory_order_acquire);

    if (opening == 0)
        return false;
    if (own_opening != opening)
        join(opening);
    size_t waiting = log_ring_put(own, conn, what, text, how);
    if (waiting > FILLING)
        press(waiting);
    else
        arm();
    if (how >= LOG_HOW(HERD_LOG_WARN, 0) || (how & LOG_KINDS) == LOG_STATUS)
        log_drain_hurry();
    return true;
}

void log_drain_gather(bool on)
{
    gathers = on;
    if (own == NULL || own_opening != atomic_load_explicit(&state.opening, memory_order_relaxed))
        return;
    own->gathers = on;
    log_ring_rest(own);
}

/* ---- draining ---- */

/* Threads that join put their rings before this one; none leaves but by reap. */
static struct log_ring *first_ring(void)
{
    pthread_mutex_lock(&state.lock);
    struct log_ring *ring = state.rings;
    pthread_mutex_unlock(&state.lock);
    return ring;
}

/* Frees the rings of threads that have ended. */
static void reap(void)
{
    pthread_mutex_lock(&state.lock);
    for (struct log_ring **at = &state.rings; *at != NULL;) {
        struct log_ring *ring = *at;
        if (log_ring_spent(ring)) {
            *at = ring->next;
            log_ring_destroy(ring);
        } else {
            at = &ring->next;
        }
    }
    pthread_mutex_unlock(&state.lock);
}

static bool drain(int64_t until, bool patient)
{
    bool complete = log_merge(&state.target, first_ring(), until, patient);

    log_target_flush(&state.target);
    reap();
    return complete;
}

/* Drains, and does what was asked before it began; or that the next time, at once, if a thread is
 * kept amid a moment. */
static void work(int64_t until)
{
    pthread_mutex_lock(&state.lock);
    uint64_t asked = state.asked, done = state.done;
    bool reopen = state.reopen;
    state.reopen = false;
    pthread_mutex_unlock(&state.lock);

    bool complete = drain(until, asked != done);
    if (complete && reopen)
        log_target_reopen(&state.target);

    pthread_mutex_lock(&state.lock);
    state.done = complete ? asked : done;
    state.reopen = state.reopen || (reopen && !complete);
    state.stuck = false;
    pthread_cond_broadcast(&state.changed);
    pthread_mutex_unlock(&state.lock);
    if (asked != done && !complete)
        log_drain_hurry();
}

/* ---- the thread ---- */

/* False: there is something to come back for, also what a full disk has kept from being told. */
static bool rest(void)
{
    bool idle = state.target.unwritten == 0;

    atomic_store(&state.armed, false);
    for (struct log_ring *ring = first_ring(); ring != NULL && idle; ring = ring->next)
        idle = log_ring_idle(ring);
    if (!idle)
        atomic_store(&state.armed, true);
    return idle;
}

static void sleep_until(int64_t due_ns)
{
    struct pollfd fd = {.fd = state.wake_fd, .events = POLLIN};
    int64_t left_ns = due_ns - clock_now_ns();
    uint64_t wakes;

    if (due_ns != NEVER && left_ns <= 0)
        return;
    if (poll(&fd, 1, due_ns == NEVER ? -1 : (int)(left_ns / 1000000) + 1) > 0) {
        ssize_t n = read(state.wake_fd, &wakes, sizeof wakes);
        (void)n;
    }
}

static void *run(void *unused)
{
    int64_t due_ns = NEVER;

    while (!atomic_load(&state.ending)) {
        sleep_until(due_ns);
        int64_t now_ns = clock_now_ns();
        if (atomic_exchange(&state.hurried, false))
            due_ns = now_ns;
        else if (due_ns == NEVER)
            due_ns = now_ns + GATHER_NS;
        if (atomic_exchange(&state.called, false) && now_ns < due_ns)
            log_merge(&state.target, first_ring(), clock_wall_ns(), false);
        if (now_ns < due_ns)
            continue;
        work(clock_wall_ns());
        due_ns = rest() ? NEVER : now_ns + GATHER_NS;
    }
    work(NEVER);
    pthread_mutex_lock(&state.lock);
    state.ended = true;
    pthread_cond_broadcast(&state.changed);
    pthread_mutex_unlock(&state.lock);
    return unused;
}

/* ---- what is asked of it ---- */

static struct timespec time_in(int64_t ns)
{
    int64_t end_ns = clock_now_ns() + ns;

    return (struct timespec){.tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S};
}

/* Under the lock. */
static void await_flush(uint64_t mine)
{
    struct timespec end = time_in(PATIENCE_NS);

    while (state.done < mine && !state.stuck)
        if (pthread_cond_timedwait(&state.changed, &state.lock, &end) == ETIMEDOUT)
            state.stuck = state.done < mine;
}

static void flush(bool reopen)
{
    if (!log_drain_running())
        return;
    if (own_opening == atomic_load(&state.opening))
        log_ring_rest(own); /* who waits does not go on with his moment */
    pthread_mutex_lock(&state.lock);
    uint64_t mine = ++state.asked;
    state.reopen = state.reopen || reopen;
    log_drain_hurry();
    await_flush(mine);
    pthread_mutex_unlock(&state.lock);
}

void log_drain_flush(void)
{
    flush(false);
}

void log_drain_reopen(void)
{
    flush(true);
}

/* ---- beginning and end ---- */

static void do_nothing(int signal)
{
    (void)signal;
}

/* Signals are for the main thread, but for the one that ends a write that would last for ever. */
static int create_thread(void)
{
    struct sigaction interrupt = {.sa_handler = do_nothing}; /* and no SA_RESTART */
    sigset_t all, old;

    sigaction(INTERRUPT, &interrupt, NULL);
    sigfillset(&all);
    sigdelset(&all, INTERRUPT);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&state.thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

static void open_changed(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&state.changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void release(void)
{
    pthread_cond_destroy(&state.changed);
    close(state.wake_fd);
    log_target_close(&state.target);
}

bool log_drain_start(const char *file, bool json, struct herd_error *err)
{
    static unsigned openings;

    assert(!log_drain_running());
    pthread_once(&key_once, create_key);
    if (!log_target_open(&state.target, file, json, err))
        return false;
    open_changed();
    state.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    state.asked = state.done = 0;
    state.reopen = false;
    state.stuck = state.ended = false;
    atomic_store(&state.armed, false);
    atomic_store(&state.called, false);
    atomic_store(&state.hurried, false);
    atomic_store(&state.ending, false);
    int error = state.wake_fd < 0 ? errno : create_thread();
    if (error != 0) {
        release();
        return herd_fail(err, "%s: the log has no thread: %s", file, strerror(error));
    }
    atomic_store_explicit(&state.opening, ++openings, memory_order_release);
    return true;
}

static bool await_end(int64_t ns)
{
    struct timespec end = time_in(ns);
    int error = 0;

    pthread_mutex_lock(&state.lock);
    while (!state.ended && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&state.changed, &state.lock, &end);
    bool ended = state.ended;
    pthread_mutex_unlock(&state.lock);
    return ended;
}

/* Again and again, as a signal that comes just before the write does not keep it from waiting. */
static void end_thread(void)
{
    atomic_store(&state.ending, true);
    wake();
    if (!await_end(PATIENCE_NS)) {
        atomic_store(&state.target.given_up, true);
        do
            pthread_kill(state.thread, INTERRUPT);
        while (!await_end(NS_PER_S / 100));
    }
    pthread_join(state.thread, NULL);
}

static void free_rings(void)
{
    pthread_mutex_lock(&state.lock);
    while (state.rings != NULL) {
        struct log_ring *ring = state.rings;
        state.rings = ring->next;
        assert(log_ring_idle(ring));
        log_ring_destroy(ring);
    }
    pthread_mutex_unlock(&state.lock);
}

void log_drain_stop(void)
{
    if (!log_drain_running())
        return;
    pthread_mutex_lock(&state.lock); /* on_thread_end looks at it, too */
    atomic_store(&state.opening, 0);
    pthread_mutex_unlock(&state.lock);
    end_thread();
    free_rings();
    if (state.target.unwritten > 0 && state.target.fd != STDERR_FILENO)
        fprintf(stderr,
                "herd: warn: %s: %" PRIu64 " events dropped: the log could not be written\n",
                state.target.file, state.target.unwritten);
    release();
}
