/* A server, and its turns: what a worker does in one round of its loop. It reads what has come,
 * announces what changed, and writes where there is something to say and room for it. The one hard
 * thing is to judge silence only after a read that found nothing, and never while this server does
 * not read. */
#include "world.h"

#include "base/memory.h"
#include "herd/broken.h"
#include "herd/request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_AHEAD_NS (86400 * SECOND)
#define AGAIN_NS     10000 /* a turn that left something to do is followed by another after so long */
#define LATE_NS      (20 * MS)

int64_t server_clock_ns(const struct server *server)
{
    return WALL_NS + server->world->now_ns + server->skew_ns;
}

struct link_time server_time(const struct server *server)
{
    return (struct link_time){server->world->now_ns, server_clock_ns(server)};
}

/* ---- starting and ending ---- */

static void draw_epoch(struct server *server)
{
    uint64_t *random = &server->world->random;
    if (BROKEN(same_epoch) && server->host.epoch[0] != 0)
        return;
    uint64_t high = random_next(random), low = random_next(random);
    char epoch[EPOCH_BYTES + 1];
    snprintf(epoch, sizeof epoch, "%016llx%016llx", (unsigned long long)high,
             (unsigned long long)low);
    link_set_epoch(&server->host, epoch);
}

static void open_store(struct server *server)
{
    struct world *world = server->world;
    static const unsigned some[] = {1, 2, 4, 64};
    /* The same again after most restarts. */
    if (server->stripes == 0 || random_percent(&world->random, 10))
        server->stripes = some[random_below(&world->random, 4)];
    struct store_config config = {.stale = world->settings.stale,
                                  .forget_after_ns = world->settings.forget_after_ns};
    config.key[0] = random_next(&world->random);
    config.key[1] = random_next(&world->random);
    config.stripes = world->settings.stripes ? world->settings.stripes : server->stripes;
    server->store = store_create(&config);
    if (world->settings.near_wrap)
        for (unsigned i = 0; i < config.stripes; i++)
            store_stripe(server->store, i)->tail = UINT32_MAX - random_below(&world->random, 64);
}

static void meet_neighbours(struct server *server)
{
    struct world *world = server->world;
    struct link_host *host = &server->host;
    if (host->neighbours != NULL)
        return;
    host->neighbours = memory_zeroed(world->edge_count, sizeof(struct neighbour *));
    for (unsigned i = 0; i < world->edge_count; i++) {
        struct edge *edge = &world->edges[i];
        if (edge->a == server)
            host->neighbours[host->neighbour_count++] = neighbour_create(edge->b->name, true);
        if (edge->b == server)
            host->neighbours[host->neighbour_count++] = neighbour_create(edge->a->name, false);
    }
}

static void forget_neighbours(struct server *server)
{
    struct link_host *host = &server->host;
    if (BROKEN(pos_outlives_store))
        return;
    for (size_t i = 0; i < host->neighbour_count; i++)
        neighbour_destroy(host->neighbours[i]);
    free(host->neighbours);
    host->neighbours = NULL;
    host->neighbour_count = 0;
}

void server_start(struct server *server)
{
    struct world *world = server->world;
    assert(!server->up);
    server->up = true;
    server->frozen = false;
    draw_epoch(server);
    open_store(server);
    meet_neighbours(server);
    server->host.store = server->store;
    server->host.dispatch = world->dispatch;
    server->host.server = server->name;
    for (unsigned i = 0; i < world->edge_count; i++)
        if (world->edges[i].a == server)
            edge_dial_at(&world->edges[i], world->now_ns + AGAIN_NS);
    world_trace(world, "%s starts, stripes %u", server->name, store_stripes(server->store));
}

void server_kill(struct server *server, unsigned late_percent)
{
    struct world *world = server->world;
    world_trace(world, "%s ends", server->name);
    server->up = false;
    while (server->ends != NULL) {
        struct end *end = server->ends;
        enum conn_close how = random_percent(&world->random, 50) ? CLOSE_END : CLOSE_RESET;
        if (random_percent(&world->random, late_percent))
            how = CLOSE_SILENT;
        if (how == CLOSE_SILENT)
            pipe_delay(&end->out, conn_lateness_ns(world));
        end_close(end, how);
    }
    store_destroy(server->store);
    server->store = NULL;
    server->news = 0;
    server->turn_ns = WORLD_NEVER;
    forget_neighbours(server);
}

void server_freeze(struct server *server, bool frozen)
{
    server->frozen = frozen;
    if (!frozen && server->up)
        server_turn_by(server, server->world->now_ns);
}

/* ---- a turn: reading ---- */

static void replace(struct end *end)
{
    uint32_t old = link_replaced(end->link);
    struct world *world = end->server->world;
    for (struct end *e = end->server->ends; old != 0 && e != NULL; e = e->next)
        if (link_session(e->link) == old)
            e->close_ns = world->now_ns + random_between(&world->random, 0, 2000 * MS);
}

static void trace_lines(struct end *end, size_t len)
{
    const char *at = buffer_at(&end->in);
    if (!end->server->world->trace)
        return;
    for (size_t n; len > 0; at += n, len -= n) {
        n = (size_t)((const char *)memchr(at, '\n', len) - at) + 1;
        world_trace(end->server->world, "%s hears in session %u: %.*s", end->server->name,
                    link_session(end->link), (int)(n - 1 < 120 ? n - 1 : 120), at);
    }
}

static void take_lines(struct end *end)
{
    bool proved = link_state(end->link) != LINK_NEW;
    size_t n = link_input(end->link, buffer_at(&end->in), buffer_len(&end->in),
                          server_time(end->server));
    trace_lines(end, n);
    buffer_take(&end->in, n);
    if (!proved && link_state(end->link) != LINK_NEW)
        replace(end);
    if (link_state(end->link) == LINK_ENDED)
        end->over = true;
}

/* A full server goes on to take HELLOs: it has something to say itself. */
static bool reads(const struct end *end)
{
    const struct server *server = end->server;
    return end->paused_ns <= server->world->now_ns &&
           (link_state(end->link) == LINK_NEW || !store_full(server->store));
}

static void hear(struct end *end)
{
    struct world *world = end->server->world;
    struct end *other = end_other(end);
    if (!reads(end))
        return;
    char *to = buffer_reserve(&end->in, world->settings.read_max);
    size_t n = pipe_read(&other->out, to, world->settings.read_max, world->now_ns);
    if (n > 0) {
        buffer_grew(&end->in, n);
        if (other->link != NULL)
            server_turn_by(other->server, world->now_ns + AGAIN_NS);
        take_lines(end);
    } else if (pipe_ended(&other->out, world->now_ns) ||
               link_silent(end->link, server_time(end->server))) {
        end->over = true;
    }
}

/* ---- a turn: writing ---- */

static bool wants_to_say(const struct end *end)
{
    return end->woken || link_pending(end->link) ||
           link_deadline_ns(end->link) <= end->server->world->now_ns;
}

/* More room than there was when nothing that waited fitted in. */
static bool has_room(const struct end *end)
{
    size_t room = pipe_room(&end->out);
    return room >= end->server->world->settings.output_room && room > end->too_small;
}

static void say(struct end *end)
{
    struct world *world = end->server->world;
    struct end *other = end_other(end);
    if (!wants_to_say(end) || !has_room(end))
        return;
    end->woken = false;
    size_t room = pipe_room(&end->out);
    size_t n = link_output(end->link, world->scratch, room, server_time(end->server));
    end->too_small = n == 0 && room < LINK_ROOM_MIN ? room : 0;
    if (n == 0)
        return;
    int64_t at_ns = pipe_write(&end->out, world->scratch, n, world->now_ns);
    if (other->link != NULL && at_ns != PIPE_NEVER)
        server_turn_by(other->server, at_ns);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When this end needs its server's next turn. What has no room is woken by the reader. */
static int64_t next_of(const struct end *end, struct end *other)
{
    int64_t now_ns = end->server->world->now_ns;
    int64_t at_ns = earlier(end->close_ns, link_deadline_ns(end->link));
    if (at_ns <= now_ns)
        at_ns = now_ns + LATE_NS;
    if (link_pending(end->link) && has_room(end))
        at_ns = now_ns + AGAIN_NS;
    if (reads(end))
        at_ns = earlier(at_ns, pipe_next_ns(&other->out));
    else if (end->paused_ns > now_ns)
        at_ns = earlier(at_ns, end->paused_ns);
    return at_ns;
}

static void close_some(struct server *server)
{
    struct end *next;
    for (struct end *end = server->ends; end != NULL; end = next) {
        next = end->next;
        if (end->over || end->close_ns <= server->world->now_ns)
            end_close(end, random_percent(&server->world->random, 70) ? CLOSE_END : CLOSE_RESET);
    }
}

static void announce(struct server *server)
{
    store_announce(server->store, server->news);
    server->news = 0;
}

static void take_turn(struct world *world, unsigned which)
{
    struct server *server = &world->servers[which];
    if (server->turn_ns != world->now_ns)
        return;
    server->turn_ns = WORLD_NEVER;
    if (!server->up || server->frozen)
        return;
    server->turning = true;
    for (struct end *end = server->ends; end != NULL; end = end->next)
        hear(end);
    announce(server);
    close_some(server);
    for (struct end *end = server->ends; end != NULL; end = end->next)
        say(end);
    server->turning = false;
    int64_t at_ns = WORLD_NEVER;
    for (struct end *end = server->ends; end != NULL; end = end->next)
        at_ns = earlier(at_ns, next_of(end, end_other(end)));
    if (at_ns != WORLD_NEVER)
        server_turn_by(server, at_ns > world->now_ns ? at_ns : world->now_ns + AGAIN_NS);
}

void server_turn_by(struct server *server, int64_t at_ns)
{
    struct world *world = server->world;
    if (at_ns < world->now_ns)
        at_ns = world->now_ns;
    if (!server->up || server->frozen || server->turn_ns <= at_ns)
        return;
    server->turn_ns = at_ns;
    events_add(&world->events, at_ns, take_turn, server->number);
}

/* ---- clients ---- */

enum herd_put server_tell(struct server *server, struct herd_text client, struct herd_text location,
                          struct herd_text time)
{
    struct herd_request request = {.store = server->store,
                                   .news = &server->news,
                                   .server = server->name,
                                   .clock_ns = server_clock_ns(server),
                                   .max_ahead_ns = MAX_AHEAD_NS};
    struct herd_report report = {.server = {server->name, strlen(server->name)},
                                 .client = client,
                                 .location = location,
                                 .time = time};
    bool good = herd_time_parse(time, &report.time_ns) && herd_location_parse(location, NULL, NULL);
    assert(good && server->up && !server->frozen);
    (void)good;
    report.diff_ns = request.clock_ns - report.time_ns;
    enum herd_put result = herd_report_put(&request, &report);
    announce(server);
    world_trace(server->world, "%s is told %.*s at %.*s, %.*s: %d", server->name,
                (int)(client.len < 20 ? client.len : 20), client.bytes, (int)location.len,
                location.bytes, (int)time.len, time.bytes, (int)result);
    return result;
}
