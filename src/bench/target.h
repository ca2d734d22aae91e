/* The servers that are driven: those of the command line, or of a configuration. Main thread; read
 * by all afterwards. */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include "net/address.h"

struct target {
    char *name; /* the server's, or HOST:PORT as it was given */
    struct address address;
};

struct targets {
    struct target *all;
    size_t count;
};

/* Adds HOST:PORT ([::1]:11645 for IPv6). False: err says what is wrong. */
bool targets_add(struct targets *targets, const char *host_port, struct herd_error *err);

/* Adds the servers of a configuration file: those of these names, in their order, or all. */
bool targets_add_file(struct targets *targets, const char *file, const char *const *names,
                      size_t name_count, struct herd_error *err);

/* The index of the server of that name, or -1. */
int targets_find(const struct targets *targets, const char *name);
void targets_free(struct targets *targets);

/* Connects, for 5 seconds at the most. The socket blocks, for as long at most, and sends at once
 * what it is given. -1: err says why not. */
int target_connect(const struct target *target, struct herd_error *err);

#endif
