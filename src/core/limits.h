/* The group limits of the configuration: what a server takes on at the most. Read once at start-up;
 * read-only afterwards.
 *
 * Setting                    default      from             to
 * limits.line                "4k"         "128"            "64k"
 * limits.line_time           "10s"        "0" (no limit)   "36500d"
 * limits.answer_time         "10s"        "0" (no limit)   "36500d"
 * limits.unread              "256k"       "1k"             "16m"
 * limits.buffers             "64m"        "0" (no limit), "64k"     "1048576g"
 * limits.commands            0            0 (no limit)     999999999
 * limits.connections         10000        1                1000000
 * limits.address_connections 1000         0 (no limit)     1000000
 * limits.unproved            64           1                1000000
 * limits.rate                0            0 (no limit)     1000000
 * limits.burst               100          1                1000000
 * limits.idle                "15m"        "0" (no limit)   "36500d"
 * limits.id                  1024         1                1024
 * limits.clients             10000000     1                999999999
 * limits.memory              "0"          "0" (no limit), "1m"      "1048576g"
 * limits.max_ahead           "1d"         "0" (no limit)   "36500d"
 * limits.forget_after        "0"          "0" (never)      "36500d" */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include "core/config.h"

struct limits {
    uint64_t line_bytes, unread_bytes, buffers_bytes, commands, connections, address_connections,
        unproved, rate, burst, id_bytes, clients, memory_bytes;
    int64_t line_ns, answer_ns, idle_ns, max_ahead_ns, forget_after_ns; /* 0: no limit */
};

/* False: err says file, line and setting. */
bool limits_read(struct limits *limits, struct config *config, struct herd_error *err);

#endif
