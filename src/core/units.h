/* Sizes and times as the configuration writes them: digits and a unit. Pure; any thread. units.c
 * also implements herd_config_size and herd_config_duration of <herd/module.h>. */
#ifndef CORE_UNITS_H
#define CORE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* Digits, then nothing, k, m or g (of 1024). False: not of that form, or beyond 64 bits. */
bool units_size(const char *text, uint64_t *bytes);

/* Digits, then ms, s, m, h or d, or nothing (seconds). False: not of that form, or its nanoseconds
 * are beyond 63 bits (some 106,751 days). */
bool units_duration(const char *text, int64_t *ns);

#endif
