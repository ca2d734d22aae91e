/* How fast a herd agrees: after a load, until every server knows all of it; and report by report,
 * from one server to another. Main thread, which blocks. */
#ifndef BENCH_CONVERGE_H
#define BENCH_CONVERGE_H

#include "bench/ask.h"
#include "bench/histogram.h"

#include <stdatomic.h>

/* What is asked of each id: no places. */
#define CONVERGE_QUESTION " 0 0"

struct converge_result {
    int64_t converged_ns;  /* from the last answer until the last id that was missing was there */
    int64_t checked_ns;    /* and until every id had been found at every server; both: -1 if it was
                              ended before */
    uint64_t missing;      /* how many were seen to be missing, at all servers together */
    const char *from, *to; /* names of servers */
    struct histogram answer_ns; /* of a report at one server, until its answer */
    struct histogram hop_ns;    /* and until the other server answers for it */
};

/* When to stop. */
struct converge_until {
    int64_t patience_ns;      /* so long without anything new: an error */
    const atomic_bool *hurry; /* becomes true when somebody wants the end: none */
};

/* Asks every server for every id that the plan has a newest time of, until it answers with that.
 * last_ns: when the load's last answer came. False: err says who does not know what. */
bool converge_wait(struct converge_result *result, const struct targets *targets,
                   const struct work_plan *plan, int64_t last_ns,
                   const struct converge_until *until, struct herd_error *err);

/* Reports ids of the plan at one server, one after the other with a pause between, and asks the
 * other for each until it is there. */
bool hops_measure(struct converge_result *result, const struct target *from,
                  const struct target *to, const struct work_plan *plan, uint64_t reports,
                  int64_t gap_ns, const struct converge_until *until, struct herd_error *err);

/* For both: reads the answer to a WHATSAT. there: it is of a report of that time. */
bool converge_answer(struct ask *ask, int64_t time_ns, bool *there, struct herd_error *err);

#endif
