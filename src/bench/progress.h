/* What is said while the load runs, on standard error: a line each second, one over the other on a
 * terminal. Main thread. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool on;
    bool terminal;
    const char *what; /* is being done */
    int64_t from_ns, last_ns;
    uint64_t last_answers;
};

/* always: also where standard error is no terminal. never: not even there. */
void progress_init(struct progress *progress, bool always, bool never);
void progress_begin(struct progress *progress, const char *what);
void progress_tell(struct progress *progress, uint64_t answers, uint64_t errors);
void progress_end(struct progress *progress);

#endif
