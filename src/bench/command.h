/* The command line of herd-bench: what to ask, of whom, how fast and for how long. Main thread. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include "bench/work.h"

#include <stdio.h>

#define COMMAND_MOST 256 /* servers named, and processes */

/* All works there are: herd's own, and those of whoever calls bench_main. */
struct works {
    const struct work *const *all;
    size_t count;
};

enum command_task { COMMAND_RUN, COMMAND_HELP, COMMAND_VERSION };
enum command_format { COMMAND_TEXT, COMMAND_JSON, COMMAND_CSV };

/* Texts are argv's. A field's option stands beside it. */
struct command {
    enum command_task task;
    uint64_t connections;            /* -c */
    uint64_t depth;                  /* -P */
    uint64_t threads;                /* -t */
    uint64_t ids;                    /* -k */
    uint64_t requests;               /* -N; 0: no limit */
    double rate;                     /* -r; 0: none */
    double seconds;                  /* -d; 0 with -N: no limit */
    double warm_up_s;                /* --warm-up */
    const struct work *work;         /* -w */
    const struct work *fill;         /* what is done before; NULL: nothing */
    bool want_fill, no_fill;         /* --fill, --no-fill */
    bool help, version;              /* -h, -v; task says which counts */
    enum command_format format;      /* -o */
    double patience_s;               /* --patience */
    bool progress, quiet;            /* --progress, -q */
    uint64_t seed;                   /* --seed */
    uint64_t id_len;                 /* --id-length */
    const char *prefix;              /* --prefix */
    uint64_t idle;                   /* --idle */
    uint64_t reads;                  /* --reads, percent */
    const char *radius, *bound;      /* --radius, --bound */
    bool converge;                   /* --converge */
    const char *from, *to;           /* --from, --to: servers; NULL: the first and the last */
    uint64_t reports;                /* --reports */
    double gap_ms;                   /* --gap */
    const char *file;                /* -f; NULL: none */
    const char *names[COMMAND_MOST]; /* -n */
    size_t name_count;
    const char *servers[COMMAND_MOST]; /* HOST:PORT */
    size_t server_count;
    int pids[COMMAND_MOST]; /* --cpu */
    size_t pid_count;
};

/* False: err says what is wrong. */
bool command_parse(struct command *command, int argc, char **argv, const struct works *works,
                   struct herd_error *err);

/* Writes what -h shows. */
void command_help(FILE *out, const char *program, const struct works *works);

#endif
