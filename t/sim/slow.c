/* Staleness behind a slow link. Two servers; clients tell the first one twice as much as the link
 * carries. For every id counts how long the second has lacked a report that the first has: the age
 * of the oldest report newer than the one it holds. The longest of these must not be over 0.5 s + 2
 * K/B, with K ids and B reports a second on the link: half a second until the reader begins to
 * sweep, the rest of a sweep that has just passed the id, and the next one until it reaches it.
 *
 * The hard thing is to see what the second server learns without asking about each id after each
 * turn: a feed of its store tells. */
#include "slow.h"

#include "base/memory.h"
#include "herd/feed.h"
#include "wire/at.h"
#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP_NS (10 * SECOND)
#define MEASURE_NS (60 * SECOND)
#define CLIENT_LEN 12
#define LINE_BYTES 78 /* of an AT line between servers here */

struct slow_case {
    unsigned ids, per_s, stripes;
    unsigned hot, hot_percent; /* so many of the ids get so much of the reports */
};

/* When the reports were made that the second server lacks, oldest first. */
struct waiting {
    int64_t *told_ns;
    size_t from, count, room;
};

struct slow {
    const struct slow_case *what;
    struct world *world;
    struct waiting *waiting; /* of each id */
    struct feed *feed;       /* of the second server's store */
    int64_t longest_ns;
    bool measuring;
};

static void wait_add(struct waiting *w, int64_t told_ns)
{
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 8;
        w->told_ns = memory_resize(w->told_ns, w->room * sizeof *w->told_ns);
    }
    w->told_ns[w->count++] = told_ns;
}

static void note_age(struct slow *slow, const struct waiting *w)
{
    if (!slow->measuring || w->from == w->count)
        return;
    int64_t age_ns = slow->world->now_ns - w->told_ns[w->from];
    if (age_ns > slow->longest_ns)
        slow->longest_ns = age_ns;
}

static bool learnt(void *arg, const struct herd_report *report)
{
    struct slow *slow = arg;
    unsigned id = (unsigned)strtoul(report->client.bytes + 1, NULL, 10);
    struct waiting *w = &slow->waiting[id];
    char line[HERD_AT_MAX];
    assert(id < slow->what->ids && at_print(line, report) + strlen(" A0\n") == LINE_BYTES);
    (void)line;
    note_age(slow, w);
    while (w->from < w->count && w->told_ns[w->from] <= report->time_ns - WALL_NS)
        w->from++;
    if (w->from == w->count)
        w->from = w->count = 0;
    return true;
}

static void look(struct slow *slow)
{
    struct world *world = slow->world;
    while (feed_pending(slow->feed))
        feed_read(slow->feed, world->now_ns, WALL_NS + world->now_ns, learnt, slow);
}

static void tell(struct slow *slow, unsigned id)
{
    struct world *world = slow->world;
    char client[CLIENT_LEN + 1], time[32];
    snprintf(client, sizeof client, "c%0*u", CLIENT_LEN - 1, id);
    int n = snprintf(time, sizeof time, "%lld.%09lld",
                     (long long)((WALL_NS + world->now_ns) / SECOND),
                     (long long)((WALL_NS + world->now_ns) % SECOND));
    enum herd_put put = server_tell(&world->servers[0], (struct herd_text){client, CLIENT_LEN},
                                    (struct herd_text){"+34.068930-118.445127", 21},
                                    (struct herd_text){time, (size_t)n});
    assert(put == HERD_PUT_NEW || put == HERD_PUT_NEWER);
    (void)put;
    wait_add(&slow->waiting[id], world->now_ns);
}

static unsigned draw_id(struct slow *slow)
{
    uint64_t *r = &slow->world->random;
    unsigned ids = slow->what->ids, hot = slow->what->hot;
    if (hot == 0)
        return (unsigned)random_below(r, ids);
    return random_percent(r, slow->what->hot_percent) ? (unsigned)random_below(r, hot)
                                                      : hot + (unsigned)random_below(r, ids - hot);
}

static void nothing(void *arg)
{
    (void)arg;
}

static struct world *open_world(const struct slow_case *what, uint64_t seed)
{
    struct settings settings = {.latency_min_ns = 1 * MS,
                                .latency_max_ns = 1 * MS,
                                .bytes_per_s_min = (int64_t)what->per_s * LINE_BYTES,
                                .bytes_per_s_max = (int64_t)what->per_s * LINE_BYTES,
                                .pipe_room_min = 4096,
                                .pipe_room_max = 4096,
                                .output_room = LINK_ROOM_MIN,
                                .read_max = 4096,
                                .stripes = what->stripes};
    struct world *world = world_create(2, seed, &settings, false);
    world_link(world, 0, 1);
    world_start(world);
    return world;
}

static void offer(struct slow *slow, int64_t for_ns)
{
    struct world *world = slow->world;
    int64_t gap_ns = SECOND / (2 * slow->what->per_s);
    for (int64_t until_ns = world->now_ns + for_ns; world->now_ns < until_ns;) {
        tell(slow, draw_id(slow));
        world_run(world, world->now_ns + gap_ns);
        look(slow);
    }
}

static int64_t measure(const struct slow_case *what, uint64_t seed)
{
    struct slow slow = {.what = what, .world = open_world(what, seed)};
    slow.waiting = memory_zeroed(what->ids, sizeof *slow.waiting);
    slow.feed = feed_open(slow.world->servers[1].store, 0, NULL, nothing, NULL);
    offer(&slow, WARM_UP_NS);
    slow.measuring = true;
    offer(&slow, MEASURE_NS);
    for (unsigned id = 0; id < what->ids; id++) {
        note_age(&slow, &slow.waiting[id]);
        free(slow.waiting[id].told_ns);
    }
    free(slow.waiting);
    feed_close(slow.feed);
    world_destroy(slow.world);
    return slow.longest_ns;
}

int slow_run(uint64_t seed)
{
    static const struct slow_case cases[] = {
        {500, 1000, 64, 0, 0},    {500, 1000, 64, 50, 90}, {2000, 500, 64, 0, 0},
        {2000, 500, 64, 200, 90}, {500, 250, 4, 50, 90},   {1000, 2000, 1, 100, 90},
        {4000, 500, 64, 400, 90}, {1000, 500, 64, 1, 20},
    };
    int status = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct slow_case *c = &cases[i];
        double bound_s = 0.5 + 2.0 * c->ids / c->per_s;
        double longest_s = (double)measure(c, seed) / 1e9;
        printf("%s: K %u, B %u/s, %u stripes, %u hot (%u %%): %.3f s stale at most, bound %.3f s\n",
               longest_s <= bound_s ? "within" : "over", c->ids, c->per_s, c->stripes, c->hot,
               c->hot_percent, longest_s, bound_s);
        if (longest_s > bound_s)
            status = 1;
    }
    return status;
}
