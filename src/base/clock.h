/* The clocks, in nanoseconds: one that only goes forward, to measure with; the same as it
 * was at the kernel's last tick, up to 10 ms ago, for a fifth of the price; and the wall's, since
 * 1970. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_ns(clockid_t which)
{
    struct timespec t = {0};
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t clock_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

static inline int64_t clock_tick_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC_COARSE);
}

static inline int64_t clock_wall_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

#endif
