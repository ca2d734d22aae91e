/* A module's place in the feed of changes. As with a neighbour's link (peer.c), the hard thing is
 * the wake-up: another thread that announces news posts the cursor's one letter, `posted` keeps it
 * from being posted twice, and a cursor that is closed meanwhile is freed by whoever reads the
 * letter. */
#include "base/memory.h"
#include "base/misuse.h"
#include "herd/feed.h"
#include "net/door.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct herd_cursor {
    struct herd_worker *here;
    struct feed *feed;
    void (*changed)(void *arg);
    void *arg;
    bool told;   /* changed was called, or take said no: the next read is the module's to make */
    bool closed; /* only the letter is still under way */
    struct errand errand;
    struct letter letter;
    _Atomic bool posted;
};

static void tell(void *arg)
{
    struct herd_cursor *cursor = arg;
    if (cursor->told || !feed_pending(cursor->feed))
        return;
    cursor->told = true;
    cursor->changed(cursor->arg); /* which may close it */
}

static void on_letter(void *arg)
{
    struct herd_cursor *cursor = arg;
    atomic_store(&cursor->posted, false);
    if (cursor->closed)
        free(cursor);
    else
        worker_put_off(cursor->here->worker, &cursor->errand);
}

/* On any thread, from store_announce. */
static void on_news(void *arg)
{
    struct herd_cursor *cursor = arg;
    struct worker *worker = cursor->here->worker;
    if (worker_here() == worker)
        worker_put_off(worker, &cursor->errand);
    else if (!atomic_exchange(&cursor->posted, true))
        mailbox_post(&worker->mailbox, &cursor->letter);
}

struct herd_cursor *herd_cursor_open(void (*changed)(void *), void *arg)
{
    struct herd_worker *here = herd_worker();
    misuse_unless(here != NULL, "herd_cursor_open where herd_worker() is NULL");
    misuse_unless(!here->reading, "herd_cursor_open in a cursor's take");
    assert(changed != NULL);
    struct herd_cursor *cursor = memory_zeroed(1, sizeof *cursor);
    cursor->here = here;
    cursor->changed = changed;
    cursor->arg = arg;
    cursor->errand = (struct errand){.run = tell, .arg = cursor};
    cursor->letter = (struct letter){.read = on_letter, .arg = cursor};
    cursor->feed = feed_open(here->service->store, 0, NULL, on_news, cursor);
    here->cursors++;
    worker_put_off(here->worker, &cursor->errand);
    return cursor;
}

/* What a module's take is given, and whether it said no. */
struct reading {
    bool (*take)(void *arg, const struct herd_report *report);
    void *arg;
    bool refused;
};

static bool take_one(void *arg, const struct herd_report *report)
{
    struct reading *reading = arg;
    reading->refused = !reading->take(reading->arg, report);
    return !reading->refused;
}

bool herd_cursor_read(struct herd_cursor *cursor,
                      bool (*take)(void *arg, const struct herd_report *report), void *arg)
{
    assert(cursor != NULL && !cursor->closed && take != NULL);
    misuse_unless(cursor->here == herd_worker(),
                  "herd_cursor_read on another thread than its worker's");
    misuse_unless(!cursor->here->reading, "herd_cursor_read in a cursor's take");
    struct reading reading = {.take = take, .arg = arg};
    unsigned turns = store_stripes(cursor->here->service->store);
    int64_t now_ns = clock_now_ns(), clock_ns = clock_wall_ns();
    enum feed_result result;
    cursor->here->reading = true;
    do /* a sweep's end is worth a mark to a neighbour, and nothing to a module */
        result = feed_read(cursor->feed, now_ns, clock_ns, take_one, &reading);
    while (result == FEED_SWEPT && --turns > 0);
    cursor->here->reading = false;
    cursor->told = reading.refused;
    if (!reading.refused && result != FEED_IDLE)
        worker_put_off(cursor->here->worker, &cursor->errand);
    return reading.refused;
}

void herd_cursor_close(struct herd_cursor *cursor)
{
    assert(cursor != NULL && !cursor->closed);
    misuse_unless(cursor->here == herd_worker(),
                  "herd_cursor_close on another thread than its worker's");
    misuse_unless(!cursor->here->reading, "herd_cursor_close in a cursor's take");
    worker_cancel(&cursor->errand);
    feed_close(cursor->feed); /* from here on nobody wakes it */
    cursor->here->cursors--;
    cursor->closed = true;
    if (!atomic_load(&cursor->posted))
        free(cursor);
}
