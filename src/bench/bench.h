/* herd-bench as a whole, for whoever has further works: t/bench asks other servers with it. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "bench/work.h"

/* Does what the command line says, with herd's own works and these. Returns the exit status: 0; 1:
 * bad usage, no connection, or errors in the answers. Main thread; once a process. */
int bench_main(int argc, char **argv, const struct work *const *more, size_t more_count);

#endif
