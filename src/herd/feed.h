/* A reader of the store's changes: a cursor in each stripe. It costs the same however far behind it
 * is, as it finds each client once, with its latest report.
 *
 * A stripe is read in one of two ways. The list follows the order of change to its tail. Clients
 * that report faster than the reader takes would always be ahead of it, so a cursor that is new, or
 * has not reached the tail for half a second, sweeps: it goes through the records where they lie,
 * takes each that is newer than its place, and then stands at the tail as it was when the sweep
 * began. Stripes are served round robin from where the last read stopped, and a sweep ends before
 * another stripe's turn.
 *
 * A feed belongs to one thread; only its wake is called by others. */
#ifndef HERD_FEED_H
#define HERD_FEED_H

#include "herd/store.h"

struct feed;

/* Opens a reader that stands at pos[i] in stripe i (NULL: at the beginning of all). What came by
 * `session` is passed over (0: nothing is; see RECORD_LINKS). wake(arg) is called by whoever
 * announces the first news since the last read. */
struct feed *feed_open(struct store *store, uint32_t session, const uint64_t *pos,
                       void (*wake)(void *arg), void *arg);
void feed_close(struct feed *feed);

/* Announces stripes in which what the reader itself has told made changes: to all other feeds. In
 * this one they would only be passed over, so it is not woken, and reads on there when somebody
 * else has changed them too, or after feed_catch_up, with the next feed_read. */
void feed_announce(struct feed *feed, uint64_t news);
bool feed_told(const struct feed *feed); /* whether there is any such stripe */
void feed_catch_up(struct feed *feed);

enum feed_result {
    FEED_IDLE,  /* all is read */
    FEED_SWEPT, /* a sweep of a stripe has ended: the place in it is worth a mark; read on */
    FEED_FULL   /* take said no (the record is not lost), or this was long enough: call again */
};

/* Reads changes until take says no. now_ns: a clock that never steps; clock_ns: the wall's. */
enum feed_result feed_read(struct feed *feed, int64_t now_ns, int64_t clock_ns,
                           bool (*take)(void *arg, const struct herd_report *report), void *arg);

/* Whether feed_read has anything to do. */
bool feed_pending(const struct feed *feed);

/* The reader's place in a stripe, and the stripes (a bit each) in which it moved since feed_marked.
 */
uint64_t feed_pos(const struct feed *feed, unsigned stripe);
uint64_t feed_moved(const struct feed *feed);
void feed_marked(struct feed *feed, unsigned stripe);

#endif
