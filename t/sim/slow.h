/* How stale a reader of a slow link becomes: see slow.c. */
#ifndef SIM_SLOW_H
#define SIM_SLOW_H

#include <stdint.h>

/* Runs every case and prints its figure. Returns 1 if one is over its bound, else 0. */
int slow_run(uint64_t seed);

#endif
