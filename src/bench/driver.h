/* One thread's part of the load: its connections, and the loop that keeps them busy, either each as
 * fast as it is answered, or all together at a fixed rate. driver_run may be called on any thread,
 * on one at a time. */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include "bench/conn.h"

#include <stdatomic.h>

/* What all drivers do at the same time. */
struct phase {
    const struct work *work;
    bool in_order;       /* each id once, one after the other; else at random */
    int64_t lasts_ns;    /* 0: until the requests are all answered */
    uint64_t requests;   /* of all drivers; 0: no limit */
    double rate;         /* requests a second of all drivers; 0: as fast as they are answered */
    int64_t patience_ns; /* so long without an answer, at the end, and the rest is given up */
    const atomic_bool *hurry; /* becomes true when somebody wants the end */
};

struct driver {
    struct conn *conns;
    size_t count;
    unsigned index, of;               /* this driver's number, and how many there are */
    struct tally tally;               /* of the last phase */
    _Atomic uint64_t answers, errors; /* of the phase so far, for other threads to look at */

    const struct phase *phase;
    int epoll_fd, timer_fd;
    char *in, *out; /* what all connections read into, and what requests are built in */
    size_t in_len, out_len;
    int64_t end_ns, wall_offset_ns, armed_ns;
    int64_t busy_ns;               /* since when something is always on its way */
    uint64_t left, due, in_flight; /* requests to send; sent at a rate so far; not answered yet */
    size_t alive;                  /* connections */
    size_t *queue, queue_first, queue_len; /* connections with room: a ring; for a rate */
    bool over;                             /* nothing more is sent */
};

/* count: its connections, which driver_add then brings, each with a socket that is connected and
 * becomes the driver's. False: err says why, and driver_fini is still owed. */
bool driver_init(struct driver *driver, unsigned index, unsigned of, size_t count,
                 struct herd_error *err);
bool driver_add(struct driver *driver, size_t at, int fd, unsigned depth,
                const struct work_source *source, struct herd_error *err);
void driver_fini(struct driver *driver);

/* Drives to the end of the phase, and leaves what it counted in tally. request_max: the bytes of
 * the longest request of the phase's work. */
void driver_run(struct driver *driver, const struct phase *phase, size_t request_max);

#endif
