/* From the rings of all threads to one target, in the order of time. The log thread's. */
#ifndef BASE_LOG_MERGE_H
#define BASE_LOG_MERGE_H

#include "base/log_ring.h"
#include "base/log_target.h"

#define LOG_MERGE_AHEAD_NS INT64_C(1000000000) /* further ahead is a clock that stepped back */
#define LOG_MERGE_ALL      (INT64_MAX - LOG_MERGE_AHEAD_NS)

/* Puts what the rings have up to then, a reading of the clock before this call, into the target's
 * batch, and how many events were dropped. What is younger than a moment under way stays, so that
 * its events come before it, but not for over a second. Patient: the ends of such moments are
 * waited for a while. Returns whether nothing stayed. */
bool log_merge(struct log_target *target, struct log_ring *rings, int64_t until_ns, bool patient);

#endif
