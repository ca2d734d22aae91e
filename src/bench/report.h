/* What was measured, as text, as one JSON object or as CSV of two lines. Main thread. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/command.h"
#include "bench/conn.h"
#include "bench/converge.h"

struct report {
    const struct command *command;
    const struct targets *targets;
    struct tally tally;
    size_t idle_lost;                /* idle connections that were closed */
    int64_t own_cpu_ns;              /* of this process while it was measured */
    int64_t cpu_ns[COMMAND_MOST];    /* of each process of --cpu; -1: it is gone */
    struct converge_result converge; /* with --converge */
};

/* Whether anything went wrong. */
bool report_has_errors(const struct report *report);

void report_print(const struct report *report, FILE *out);

#endif
