/* The turns of a feed. `pending` has the stripes in which it may not have reached the tail, and
 * since_ns when each was last known to be there. A turn of a stripe is a whole sweep, or the list
 * up to the tail as it was when the turn began: so no stripe waits for another that changes as fast
 * as it is read. */
#include "herd/feed.h"

#include "base/memory.h"
#include "base/metrics.h"
#include "herd/broken.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       64 /* records under one hold of a stripe's lock */
#define BATCHES_MAX 64 /* in one read: to pass records over takes time too, and others wait */
#define LAG_MAX_NS  (INT64_C(500) * 1000000) /* longer behind than this: sweep */

enum turn { TURN_NONE, TURN_LIST, TURN_SWEEP };

struct feed {
    struct store *store;
    struct stripe *stripes;
    unsigned stripe_count;
    struct store_watch watch;
    uint32_t session;
    unsigned stripe; /* whose turn it is */
    enum turn turn;
    uint64_t until;   /* where a list turn ends: the tail when it first reads */
    int64_t began_ns; /* when a sweep turn began */
    uint64_t pending; /* stripes to read */
    uint64_t fresh;   /* of these: never read, so they begin with a sweep */
    uint64_t moved;   /* stripes in which the place moved since it was marked */
    uint64_t told;    /* stripes that the reader has changed, to be read at leisure */
    int64_t since_ns[STORE_STRIPES_MAX];
    struct stripe_cursor cursor[];
};

struct feed *feed_open(struct store *store, uint32_t session, const uint64_t *pos,
                       void (*wake)(void *), void *arg)
{
    unsigned n = store_stripes(store);
    struct feed *feed = memory_zeroed(1, sizeof *feed + n * sizeof feed->cursor[0]);
    feed->store = store;
    feed->stripes = store_stripe(store, 0);
    feed->stripe_count = n;
    feed->session = session;
    feed->watch.wake = wake;
    feed->watch.arg = arg;
    feed->stripe = n - 1;
    for (unsigned i = 0; i < n; i++) {
        feed->cursor[i].began = stripe_tail(&feed->stripes[i]);
        feed->cursor[i].pos = pos != NULL ? pos[i] : 0;
        feed->since_ns[i] = -1;
        if (feed->cursor[i].pos == 0)
            feed->fresh |= UINT64_C(1) << i;
    }
    feed->pending = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
    store_watch(store, &feed->watch);
    return feed;
}

void feed_close(struct feed *feed)
{
    store_unwatch(feed->store, &feed->watch);
    free(feed);
}

void feed_announce(struct feed *feed, uint64_t news)
{
    feed->told |= news;
    store_announce_others(feed->store, news, &feed->watch);
}

bool feed_told(const struct feed *feed)
{
    return feed->told != 0;
}

void feed_catch_up(struct feed *feed)
{
    feed->pending |= feed->told;
    feed->told = 0;
}

/* A stripe that was read to its tail until now is behind from now on. */
static void take_news(struct feed *feed, int64_t now_ns)
{
    uint64_t news = atomic_exchange(&feed->watch.news, 0);
    feed->pending |= news;
    for (uint64_t rest = feed->pending; rest != 0; rest &= rest - 1) {
        int i = __builtin_ctzll(rest);
        if (feed->since_ns[i] < 0)
            feed->since_ns[i] = now_ns;
    }
}

/* The first stripe to read behind the one whose turn it was, or else the first of all. */
static unsigned next_stripe(const struct feed *feed)
{
    uint64_t behind = feed->pending & (UINT64_MAX << feed->stripe << 1);
    return (unsigned)__builtin_ctzll(behind != 0 ? behind : feed->pending);
}

static void begin_turn(struct feed *feed, int64_t now_ns)
{
    feed->stripe = next_stripe(feed);
    uint64_t bit = UINT64_C(1) << feed->stripe;
    struct stripe *stripe = &feed->stripes[feed->stripe];
    bool lags = now_ns - feed->since_ns[feed->stripe] > LAG_MAX_NS && !BROKEN(never_sweep);
    if ((feed->fresh & bit) || lags) {
        feed->turn = TURN_SWEEP;
        feed->began_ns = now_ns;
        stripe_sweep_begin(stripe, &feed->cursor[feed->stripe]);
        metric_add(sweeps, 1);
    } else {
        feed->turn = TURN_LIST;
        feed->until = UINT64_MAX;
    }
}

/* The tail may have moved on while the turn ran. If it moves on from here, news will follow. */
static void end_turn(struct feed *feed, int64_t now_ns)
{
    unsigned i = feed->stripe;
    uint64_t bit = UINT64_C(1) << i;
    if (feed->cursor[i].pos == feed->cursor[i].tail) {
        feed->pending &= ~bit;
        feed->since_ns[i] = -1;
    } else if (feed->turn == TURN_SWEEP) {
        feed->since_ns[i] = feed->began_ns;
    } else if (feed->since_ns[i] < 0) {
        feed->since_ns[i] = now_ns;
    }
    feed->fresh &= ~bit;
    feed->told &= ~bit;
    feed->turn = TURN_NONE;
}

static enum stripe_read read_batch(struct feed *feed, const struct stripe_sink *sink)
{
    unsigned i = feed->stripe;
    struct stripe *stripe = &feed->stripes[i];
    struct stripe_cursor *cursor = &feed->cursor[i];
    uint64_t before = cursor->pos;
    enum stripe_read result = feed->turn == TURN_SWEEP
                                  ? stripe_sweep(stripe, cursor, BATCH, sink)
                                  : stripe_list(stripe, cursor, feed->until, BATCH, sink);
    if (feed->until > cursor->tail)
        feed->until = cursor->tail;
    if (cursor->pos != before)
        feed->moved |= UINT64_C(1) << i;
    return result;
}

enum feed_result feed_read(struct feed *feed, int64_t now_ns, int64_t clock_ns,
                           bool (*take)(void *, const struct herd_report *), void *arg)
{
    struct stripe_sink sink = {take, arg, feed->session, clock_ns};
    unsigned turns = feed->stripe_count, batches = BATCHES_MAX;
    take_news(feed, now_ns);
    while (feed->pending != 0 && turns > 0 && batches-- > 0) {
        if (feed->turn == TURN_NONE)
            begin_turn(feed, now_ns);
        enum turn turn = feed->turn;
        enum stripe_read result = read_batch(feed, &sink);
        if (result == STRIPE_FULL)
            return FEED_FULL;
        if (result == STRIPE_DONE) {
            end_turn(feed, now_ns);
            turns--;
            if (turn == TURN_SWEEP && (feed->moved >> feed->stripe & 1))
                return FEED_SWEPT;
        }
    }
    return feed->pending == 0 ? FEED_IDLE : FEED_FULL;
}

bool feed_pending(const struct feed *feed)
{
    return feed->pending != 0 || atomic_load(&feed->watch.news) != 0;
}

uint64_t feed_pos(const struct feed *feed, unsigned stripe)
{
    return feed->cursor[stripe].pos;
}

uint64_t feed_moved(const struct feed *feed)
{
    return feed->moved;
}

void feed_marked(struct feed *feed, unsigned stripe)
{
    feed->moved &= ~(UINT64_C(1) << stripe);
}
