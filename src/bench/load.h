/* The load as a whole: connections to all servers, on a few threads, and phases that all threads go
 * through together. Main thread. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/ask.h"
#include "bench/driver.h"
#include "bench/progress.h"

#include <semaphore.h>

struct load {
    struct driver *drivers;
    unsigned threads;
    struct ask *idle; /* connections that have asked once */
    size_t idle_count;
    const struct work_plan *plan;
    sem_t ended; /* posted by each thread at its end */
};

/* Beforehand: room for the descriptors of so many threads and of so many sockets in all, also those
 * that are opened only at the end. False: there may not be so many. */
bool load_allow(unsigned threads, size_t sockets, struct herd_error *err);

/* Connects: connection i to server i modulo their count. False: err says why; load_close is still
 * owed. */
bool load_open(struct load *load, const struct targets *targets, const struct work_plan *plan,
               unsigned threads, size_t connections, unsigned depth, struct herd_error *err);

/* Opens further connections, each of which asks once and is then silent. */
bool load_open_idle(struct load *load, const struct targets *targets, const struct work *work,
                    size_t count, struct herd_error *err);

/* How many of those have been closed since. */
size_t load_count_lost_idle(const struct load *load);

/* Goes through a phase, and tells progress about it. total is what all threads counted. */
void load_run(struct load *load, const struct phase *phase, struct progress *progress,
              struct tally *total);
void load_close(struct load *load);

#endif
