/* Each step is one thing that happens; most are reports. What breaks for a while is mended by an
 * event of its own. */
#include "schedule.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- reports ---- */

static struct herd_text draw_location(struct world *world, char *room, size_t bytes)
{
    static const char digits[] = "314159265358979323846264338327950288419716939937510";
    uint64_t *r = &world->random;
    int lat = random_percent(r, 70) ? 2 : (int)random_below(r, 26);
    int lon = random_percent(r, 70) ? 2 : (int)random_below(r, 26);
    int n = snprintf(room, bytes, "%c%02u.%.*s%c%03u.%.*s", "+-"[random_below(r, 2)],
                     (unsigned)random_below(r, 4), lat + 1, digits, "+-"[random_below(r, 2)],
                     (unsigned)random_below(r, 4), lon + 1, digits);
    assert(n > 0 && n <= HERD_LOCATION_MAX);
    return (struct herd_text){room, (size_t)n};
}

static struct herd_text draw_time(struct world *world, char *room, size_t bytes)
{
    static const int offsets_s[] = {0, 0, 0, 0, -5, -20, 4, 7, 3600};
    static const int64_t units[] = {1, 1, 1000000, SECOND, SECOND, 10 * SECOND};
    uint64_t *r = &world->random;
    int64_t ns = WALL_NS + world->now_ns + offsets_s[random_below(r, 9)] * SECOND;
    int64_t unit = units[random_below(r, 6)];
    ns -= ns % unit;
    int n = snprintf(room, bytes, "%lld", (long long)(ns / SECOND));
    int decimals = unit >= SECOND ? (int)random_below(r, 2) : 9;
    if (decimals > 0)
        n += snprintf(room + n, bytes - (size_t)n, ".%0*lld", decimals,
                      (long long)(unit >= SECOND ? 0 : ns % SECOND));
    if (random_percent(r, 5))
        n += snprintf(room + n, bytes - (size_t)n, "%s00000000", decimals > 0 ? "" : ".0");
    return (struct herd_text){room, (size_t)n};
}

static struct server *some_server(struct world *world)
{
    return &world->servers[random_below(&world->random, world->server_count)];
}

/* The same report, or another place at the same time, told to several servers, and sometimes twice.
 */
void schedule_report(struct world *world, unsigned id)
{
    char location_room[80], time_room[80];
    uint64_t *r = &world->random;
    struct herd_text location = draw_location(world, location_room, sizeof location_room);
    struct herd_text time = draw_time(world, time_room, sizeof time_room);
    for (int more = random_percent(r, 20) ? 2 : 0; more >= 0; more--) {
        struct server *server = some_server(world);
        if (server->up && !server->frozen)
            server_tell(server, world->ids[id], location, time);
        if (random_percent(r, 30))
            location = draw_location(world, location_room, sizeof location_room);
    }
}

/* ---- mending ---- */

static void start(struct world *world, unsigned which)
{
    if (!world->servers[which].up)
        server_start(&world->servers[which]);
}

static void thaw(struct world *world, unsigned which)
{
    server_freeze(&world->servers[which], false);
}

static void join(struct world *world, unsigned which)
{
    world->edges[which].cut = false;
}

static void unlimit(struct world *world, unsigned which)
{
    struct server *server = &world->servers[which];
    if (!server->up)
        return;
    store_limit(server->store, 0, 0, world->settings.forget_after_ns);
    server_turn_by(server, world->now_ns);
}

static void mend_in(struct world *world, int64_t most_ns, void (*mend)(struct world *, unsigned),
                    unsigned which)
{
    events_add(&world->events, world->now_ns + random_between(&world->random, 1, most_ns), mend,
               which);
}

/* ---- what befalls them ---- */

static void kill_one(struct world *world)
{
    struct server *server = some_server(world);
    if (!server->up)
        return;
    server_kill(server, 30);
    mend_in(world, random_percent(&world->random, 50) ? 50 * MS : 1500 * MS, start, server->number);
}

static void freeze_one(struct world *world)
{
    struct server *server = some_server(world);
    world_trace(world, "%s is stopped", server->name);
    server_freeze(server, true);
    mend_in(world, 4000 * MS, thaw, server->number);
}

/* Its present sessions, not those that are half-open. */
static void cut_all_of(struct world *world, unsigned which)
{
    struct conn *next;
    for (struct conn *conn = world->conns; conn != NULL; conn = next) {
        next = conn->next;
        const struct edge *edge = conn->edge;
        if (edge->conn == conn && (edge->a->number == which || edge->b->number == which))
            conn_cut(conn);
    }
}

static void report_to(struct world *world, unsigned which)
{
    struct server *server = &world->servers[which];
    unsigned id = (unsigned)random_below(&world->random, world->settings.ids);
    char location[80], time[80];
    if (server->up && !server->frozen && !world->healed)
        server_tell(server, world->ids[id], draw_location(world, location, sizeof location),
                    draw_time(world, time, sizeof time));
}

/* A server comes back at once, while what it said before still arrives, and hears news, and its new
 * sessions are soon cut. */
static void stumble(struct world *world)
{
    struct server *server = some_server(world);
    if (!server->up)
        return;
    server_kill(server, 90);
    mend_in(world, 30 * MS, start, server->number);
    for (int64_t within_ns = 250 * MS; within_ns <= 2000 * MS; within_ns *= 2)
        mend_in(world, within_ns, cut_all_of, server->number);
    for (int i = 0; i < 10; i++)
        mend_in(world, 500 * MS, report_to, server->number);
}

static struct conn *some_conn(struct world *world)
{
    uint64_t count = 0;
    for (struct conn *conn = world->conns; conn != NULL; conn = conn->next)
        count++;
    if (count == 0)
        return NULL;
    struct conn *conn = world->conns;
    for (uint64_t i = random_below(&world->random, count); i > 0; i--)
        conn = conn->next;
    return conn;
}

static void cut_conn(struct world *world)
{
    struct conn *conn = some_conn(world);
    if (conn != NULL)
        conn_cut(conn);
}

static void half_open_conn(struct world *world)
{
    struct conn *conn = some_conn(world);
    if (conn != NULL)
        conn_half_open(conn, (unsigned)random_below(&world->random, 2));
}

static void pause_reader(struct world *world)
{
    struct conn *conn = some_conn(world);
    if (conn == NULL)
        return;
    struct end *end = &conn->end[random_below(&world->random, 2)];
    end->paused_ns = world->now_ns + random_between(&world->random, 1, 3000 * MS);
}

static void cut_edge(struct world *world)
{
    unsigned which = (unsigned)random_below(&world->random, world->edge_count);
    struct edge *edge = &world->edges[which];
    world_trace(world, "%s and %s are parted", edge->a->name, edge->b->name);
    edge->cut = true;
    struct conn *next;
    for (struct conn *conn = world->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->edge == edge)
            conn_cut(conn);
    }
    mend_in(world, 2000 * MS, join, which);
}

static void fill(struct world *world)
{
    struct server *server = some_server(world);
    if (!server->up)
        return;
    uint64_t more = random_below(&world->random, 4000);
    uint64_t clients_max = random_percent(&world->random, 50) ? store_clients(server->store) : 0;
    store_limit(server->store, clients_max, store_bytes(server->store) + more,
                world->settings.forget_after_ns);
    world_trace(world, "%s has room for %u bytes more", server->name, (unsigned)more);
    mend_in(world, 3000 * MS, unlimit, server->number);
}

static void forget(struct world *world)
{
    for (unsigned i = 0; i < world->server_count; i++)
        if (world->servers[i].up && !world->servers[i].frozen) {
            store_forget(world->servers[i].store, 8, server_clock_ns(&world->servers[i]));
            store_tidy(world->servers[i].store, 8);
        }
}

/* About half of the clients say more or less than before, in slots of another size; so chunks are
 * half empty, and what is left in them is moved together. */
static void swell(struct world *world)
{
    struct server *server = some_server(world);
    uint64_t *r = &world->random;
    char location[80], time[80];
    int decimals = random_percent(r, 50) ? 1 : 25;
    if (!server->up || server->frozen)
        return;
    for (unsigned id = 0; id < world->settings.ids; id++)
        if (random_percent(r, 50)) {
            int n = snprintf(location, sizeof location, "+1.%0*u-2.%0*u", decimals,
                             (unsigned)random_below(r, 9), decimals, id);
            server_tell(server, world->ids[id], (struct herd_text){location, (size_t)n},
                        draw_time(world, time, sizeof time));
        }
}

static void tidy(struct world *world)
{
    for (unsigned i = 0; i < world->server_count; i++)
        if (world->servers[i].up && !world->servers[i].frozen)
            for (unsigned k = 0; k < store_stripes(world->servers[i].store); k++)
                stripe_tidy(store_stripe(world->servers[i].store, k));
}

static const struct {
    unsigned often; /* in world->settings.calm steps */
    void (*befall)(struct world *);
} happenings[] = {
    {25, kill_one},     {15, freeze_one}, {30, cut_conn}, {60, half_open_conn},
    {40, pause_reader}, {20, cut_edge},   {15, fill},     {15, stumble},
};

static void happen(struct world *world)
{
    if (world->settings.stumbles && random_percent(&world->random, 5)) {
        stumble(world);
        return;
    }
    if (world->settings.moves && random_percent(&world->random, 10))
        (random_percent(&world->random, 30) ? swell : tidy)(world);
    unsigned roll = (unsigned)random_below(&world->random, world->settings.calm);
    for (size_t i = 0; i < sizeof happenings / sizeof happenings[0]; i++) {
        if (roll < happenings[i].often) {
            happenings[i].befall(world);
            return;
        }
        roll -= happenings[i].often;
    }
    schedule_report(world, (unsigned)random_below(&world->random, world->settings.ids));
}

void schedule_run(struct world *world)
{
    int64_t gap_ns = random_between(&world->random, 4 * MS, 30 * MS);
    for (unsigned i = 0; i < world->settings.steps; i++) {
        happen(world);
        if (world->settings.forget_after_ns > 0)
            forget(world);
        if (!random_percent(&world->random, 30))
            world_run(world, world->now_ns + random_between(&world->random, 0, 2 * gap_ns));
    }
}

void schedule_heal(struct world *world)
{
    world_trace(world, "all is well");
    world->healed = true;
    world->settings.bytes_per_s_min = world->settings.bytes_per_s_max = 10000000;
    for (struct conn *conn = world->conns; conn != NULL; conn = conn->next)
        for (int i = 0; i < 2; i++) {
            conn->end[i].out.bytes_per_s = 10000000;
            conn->end[i].paused_ns = 0;
        }
    for (unsigned i = 0; i < world->edge_count; i++)
        world->edges[i].cut = false;
    for (unsigned i = 0; i < world->server_count; i++) {
        start(world, i);
        thaw(world, i);
        unlimit(world, i);
    }
}

/* ---- the worlds ---- */

static struct settings draw_settings(uint64_t *r)
{
    static const size_t rooms[] = {LINK_ROOM_MIN, 2048, 4096, 16384};
    struct settings s = {.latency_min_ns = 10000, .bytes_per_s_min = 3000};
    s.latency_max_ns = random_between(r, 1 * MS, 100 * MS);
    s.bytes_per_s_max = random_between(r, 10000, random_percent(r, 50) ? 30000 : 3000000);
    s.pipe_room_min = LINK_ROOM_MIN;
    s.pipe_room_max = rooms[random_below(r, 4)];
    s.output_room = random_percent(r, 50) ? 1 : LINK_ROOM_MIN;
    s.read_max = random_percent(r, 50) ? 16384 : 1 + random_below(r, 3000);
    s.ids = (unsigned)random_between(r, 1, random_percent(r, 25) ? 5 : IDS_MAX);
    s.calm = (unsigned)random_between(r, 1000, random_percent(r, 50) ? 2000 : 10000);
    s.steps = (unsigned)random_between(r, 50, 1000);
    s.near_wrap = random_percent(r, 25);
    if (random_percent(r, 25))
        s.stale = 4 * IDS_MAX;
    return s;
}

static void link_five(struct world *world)
{
    world_link(world, 0, 1);
    world_link(world, 0, 2);
    world_link(world, 0, 4);
    world_link(world, 1, 4);
    world_link(world, 2, 3);
    world_link(world, 2, 4);
}

static void skew_clocks(struct world *world)
{
    static const int skews_s[] = {0, 0, 0, -3, 3, -60};
    for (unsigned i = 0; i < world->server_count; i++)
        world->servers[i].skew_ns = skews_s[random_below(&world->random, 6)] * SECOND;
}

struct world *schedule_five(uint64_t seed, bool trace)
{
    uint64_t r = seed * 2 + 1;
    struct settings settings = draw_settings(&r);
    struct world *world = world_create(5, random_next(&r), &settings, trace);
    link_five(world);
    skew_clocks(world);
    world_start(world);
    return world;
}

struct world *schedule_forget(uint64_t seed, bool trace)
{
    uint64_t r = seed * 2 + 1;
    struct settings settings = draw_settings(&r);
    settings.forget_after_ns = random_between(&r, 1 * SECOND, 4 * SECOND);
    struct world *world = world_create(5, random_next(&r), &settings, trace);
    link_five(world);
    world_start(world);
    return world;
}

struct world *schedule_move(uint64_t seed, bool trace)
{
    uint64_t r = seed * 2 + 1;
    struct settings settings = draw_settings(&r);
    settings.moves = true;
    settings.ids = IDS_MAX;
    settings.stripes = 1;
    struct world *world = world_create(5, random_next(&r), &settings, trace);
    link_five(world);
    skew_clocks(world);
    world_start(world);
    return world;
}

static bool linked(const struct world *world, unsigned a, unsigned b)
{
    for (unsigned i = 0; i < world->edge_count; i++) {
        unsigned x = world->edges[i].a->number, y = world->edges[i].b->number;
        if ((x == a && y == b) || (x == b && y == a))
            return true;
    }
    return false;
}

/* One round trip through all servers in random order. */
static void link_round(struct world *world, unsigned *order)
{
    unsigned n = world->server_count;
    for (unsigned i = n; i > 1; i--) {
        unsigned j = (unsigned)random_below(&world->random, i), other = order[j];
        order[j] = order[i - 1];
        order[i - 1] = other;
    }
    for (unsigned i = 0; i < n; i++)
        if (n > 1 && order[i] != order[(i + 1) % n] && !linked(world, order[i], order[(i + 1) % n]))
            world_link(world, order[i], order[(i + 1) % n]);
}

struct world *schedule_two(uint64_t seed, bool trace)
{
    uint64_t r = seed * 2 + 1;
    struct settings settings = draw_settings(&r);
    settings.stumbles = true;
    settings.stripes = random_percent(&r, 50) ? 1 : 2;
    settings.calm = 10000;
    settings.ids = IDS_MAX;
    settings.steps = (unsigned)random_between(&r, 30, 150);
    struct world *world = world_create(2, random_next(&r), &settings, trace);
    world_link(world, 0, 1);
    world_start(world);
    return world;
}

struct world *schedule_random(uint64_t seed, unsigned servers, bool trace)
{
    uint64_t r = seed * 2 + 1;
    unsigned order[512];
    assert(servers <= sizeof order / sizeof order[0]);
    struct settings settings = draw_settings(&r);
    struct world *world = world_create(servers, random_next(&r), &settings, trace);
    for (unsigned i = 0; i < servers; i++)
        order[i] = i;
    link_round(world, order);
    link_round(world, order);
    skew_clocks(world);
    world_start(world);
    return world;
}
