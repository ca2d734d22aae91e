/* Threads for a phase, and the waiting for them. Threads live for one phase: what a driver has is
 * then another thread's at no cost, and nothing needs a lock. */
#include "bench/load.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define OTHER_DESCRIPTORS 64

bool load_allow(unsigned threads, size_t sockets, struct herd_error *err)
{
    assert(threads > 0 && err);
    struct rlimit limit;
    size_t wanted = sockets + 2 * (size_t)threads + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return true;
    if (limit.rlim_max < wanted)
        return herd_fail(err, "%zu descriptors are needed, and only %llu allowed (ulimit -n)",
                         wanted, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ||
           herd_fail(err, "%zu descriptors: %s", wanted, strerror(errno));
}

/* Each driver has connections next to each other, and so its share of all servers, which take
 * turns. */
static bool connect_all(struct load *load, const struct targets *targets, size_t connections,
                        unsigned depth, struct herd_error *err)
{
    size_t index = 0;
    for (unsigned t = 0; t < load->threads; t++) {
        struct driver *driver = &load->drivers[t];
        for (size_t i = 0; i < driver->count; i++, index++) {
            struct work_source source;
            int fd = target_connect(&targets->all[index % targets->count], err);
            if (fd < 0)
                return false;
            work_source_init(&source, load->plan, index, connections);
            if (!driver_add(driver, i, fd, depth, &source, err))
                return false;
        }
    }
    return true;
}

bool load_open(struct load *load, const struct targets *targets, const struct work_plan *plan,
               unsigned threads, size_t connections, unsigned depth, struct herd_error *err)
{
    assert(load && targets && targets->count > 0 && plan);
    assert(threads > 0 && connections >= threads);
    memset(load, 0, sizeof *load);
    sem_init(&load->ended, 0, 0);
    load->plan = plan;
    load->drivers = memory_zeroed(threads, sizeof *load->drivers);
    load->threads = threads;
    for (unsigned t = 0; t < threads; t++) {
        size_t share = connections / threads + (t < connections % threads);
        if (!driver_init(&load->drivers[t], t, threads, share, err))
            return false;
    }
    return connect_all(load, targets, connections, depth, err);
}

bool load_open_idle(struct load *load, const struct targets *targets, const struct work *work,
                    size_t count, struct herd_error *err)
{
    assert(load && targets && work);
    struct work_source source;
    load->idle = memory_zeroed(count, sizeof *load->idle);
    for (size_t i = 0; i < count; i++) {
        struct ask *ask = &load->idle[load->idle_count++];
        work_source_init(&source, load->plan, i, count);
        if (!ask_open(ask, &targets->all[i % targets->count], err) ||
            !ask_once(ask, work, &source, err))
            return false;
        buffer_free(&ask->in);
        ask->taken = 0;
    }
    return true;
}

size_t load_count_lost_idle(const struct load *load)
{
    size_t lost = 0;
    char byte;
    for (size_t i = 0; i < load->idle_count; i++)
        lost += recv(load->idle[i].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
    return lost;
}

/* ---- a phase ---- */

struct runner {
    pthread_t thread;
    struct driver *driver;
    const struct phase *phase;
    size_t request_max;
    sem_t *ended;
};

static void *drive(void *arg)
{
    struct runner *runner = arg;
    driver_run(runner->driver, runner->phase, runner->request_max);
    sem_post(runner->ended);
    return NULL;
}

static void tell(const struct load *load, struct progress *progress)
{
    uint64_t answers = 0, errors = 0;
    for (unsigned t = 0; t < load->threads; t++) {
        answers += atomic_load_explicit(&load->drivers[t].answers, memory_order_relaxed);
        errors += atomic_load_explicit(&load->drivers[t].errors, memory_order_relaxed);
    }
    progress_tell(progress, answers, errors);
}

static void wait_for_all(struct load *load, struct progress *progress)
{
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    next.tv_sec++;
    for (unsigned ended = 0; ended < load->threads;) {
        if (sem_clockwait(&load->ended, CLOCK_MONOTONIC, &next) == 0) {
            ended++;
        } else if (errno == ETIMEDOUT) {
            tell(load, progress);
            next.tv_sec++;
        }
    }
}

void load_run(struct load *load, const struct phase *phase, struct progress *progress,
              struct tally *total)
{
    assert(load && phase && progress && total);
    struct runner *runners = memory_zeroed(load->threads, sizeof *runners);
    memset(total, 0, sizeof *total);
    for (unsigned t = 0; t < load->threads; t++) {
        runners[t] = (struct runner){.driver = &load->drivers[t],
                                     .phase = phase,
                                     .request_max = work_request_max(phase->work, load->plan),
                                     .ended = &load->ended};
        atomic_store(&load->drivers[t].answers, 0);
        atomic_store(&load->drivers[t].errors, 0);
        if (pthread_create(&runners[t].thread, NULL, drive, &runners[t]) != 0)
            abort();
    }
    wait_for_all(load, progress);
    progress_end(progress);
    for (unsigned t = 0; t < load->threads; t++) {
        pthread_join(runners[t].thread, NULL);
        tally_merge(total, &load->drivers[t].tally);
    }
    free(runners);
}

void load_close(struct load *load)
{
    assert(load);
    for (unsigned t = 0; t < load->threads; t++)
        driver_fini(&load->drivers[t]);
    for (size_t i = 0; i < load->idle_count; i++)
        ask_close(&load->idle[i]);
    free(load->drivers);
    free(load->idle);
    sem_destroy(&load->ended);
    memset(load, 0, sizeof *load);
}
