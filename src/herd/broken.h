/* Rules that the simulation can break, to show that it would notice. Only in a build of these files
 * with HERD_BROKEN, which herd itself never is: elsewhere BROKEN(...) is false and costs nothing.
 */
#ifndef HERD_BROKEN_H
#define HERD_BROKEN_H

#ifdef HERD_BROKEN
enum broken {
    BROKEN_none,
    BROKEN_skip_by_peer, /* what came from a neighbour is never sent to it, in whatever session */
    BROKEN_bits_outlive_sessions, /* a link's bit is good for records from before the session */
    BROKEN_ignore_epoch,         /* a place is trusted though it is of another incarnation's feed */
    BROKEN_no_tiebreak,          /* equal times: the first one stays */
    BROKEN_late_mark_any_epoch,  /* a MARK of an old session moves the place in the new feed */
    BROKEN_clock_check_on_merge, /* what a neighbour says is measured by the own clock */
    BROKEN_sweep_marks_early,    /* a sweep moves the place with each record */
    BROKEN_sweep_jumps_to_tail,  /* a sweep ends at the tail as it is then, not as it was */
    BROKEN_never_sweep,          /* a reader that lags goes on with the list */
    BROKEN_pos_outlives_store,   /* places are kept though the store is gone */
    BROKEN_same_epoch,           /* a restarted server keeps its epoch */
    BROKEN_mark_runs_ahead,      /* a MARK names the tail, not what was sent before it */
    BROKEN_index_outlives_packing /* a cursor's index is not looked up again in a packed journal */
};
extern enum broken broken_rule;
#define BROKEN(rule) (broken_rule == BROKEN_##rule)
#else
#define BROKEN(rule) false
#endif

#endif
