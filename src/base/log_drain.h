/* The log thread: it empties the rings of all other threads, merges their events in the order of
 * time, and has them formatted and written. It does so a second after the first event, so that they
 * gather; at once for warnings, errors and the status, and when it is asked. A ring that fills is
 * emptied before, and what was in it written when there is a good deal of it. When nothing is
 * logged the thread sleeps, without a timer. */
#ifndef BASE_LOG_DRAIN_H
#define BASE_LOG_DRAIN_H

#include "base/log_ring.h"

/* Opens the target and starts the thread. False: err says why, and nothing is left. Main thread. */
bool log_drain_start(const char *file, bool json, struct herd_error *err);
/* Writes what is left, frees the rings and ends the thread: all other threads that log have ended.
 * A target that takes nothing is given up after 2 s. Main thread. */
void log_drain_stop(void);
bool log_drain_running(void);

/* Leaves an event in the calling thread's ring; how: LOG_HOW. False: the log is closed. */
bool log_drain_put(uint64_t conn, struct herd_text what, struct herd_text text, unsigned how);
/* Whether the calling thread's next events happen in one moment. */
void log_drain_gather(bool on);

/* Has written what is logged so far, without waiting for it. */
void log_drain_hurry(void);
/* The same, and waits for it; for a target that takes nothing, 2 s, and then not again before it
 * takes something. */
void log_drain_flush(void);
/* The same, and opens the file again: what was logged before is in the old one. */
void log_drain_reopen(void);

#endif
