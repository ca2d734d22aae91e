/* Random numbers of the simulation: splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom
 * number generators", 2014). One seed is one schedule, so nothing here asks the system for
 * anything. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to n - 1. */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
    return random_next(state) % n;
}

/* low to high, ends included. */
static inline int64_t random_between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(state, (uint64_t)(high - low) + 1);
}

static inline bool random_percent(uint64_t *state, unsigned percent)
{
    return random_below(state, 100) < percent;
}

#endif
