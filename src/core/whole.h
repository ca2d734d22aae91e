/* herd -a: the whole herd of a configuration, a process a server, started and ended together. Main
 * thread, before any other is started. */
#ifndef CORE_WHOLE_H
#define CORE_WHOLE_H

#include "core/settings.h"

/* Starts run_one(arg, index, ready_fd) in a process for each server, whose exit status it returns,
 * and waits until all have ended. TERM, INT and QUIT end all of them; HUP, USR1 and USR2 are passed
 * on. If one cannot start all are ended. quiet: nothing is printed once all serve.
 * Returns the exit status: 0 if all were asked to stop and did. */
int whole_run(const struct settings *settings,
              int (*run_one)(void *arg, size_t index, int ready_fd), void *arg, bool quiet);

#endif
