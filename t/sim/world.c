/* Puts a world together and lets its events happen. */
#include "world.h"

#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct herd_module herd_module_at;

static void draw_ids(struct world *world)
{
    for (unsigned i = 0; i < world->settings.ids; i++) {
        size_t len = 6 + random_below(&world->random, 30);
        if (random_percent(&world->random, 10))
            len = HERD_CLIENT_MAX - random_below(&world->random, 20);
        char *bytes = memory_alloc(len + 1);
        memset(bytes, 'a' + (int)(i % 26), len + 1);
        int n = snprintf(bytes, len, "id%u", i);
        bytes[n] = '-';
        world->ids[i] = (struct herd_text){bytes, len};
    }
}

static void load_commands(struct world *world)
{
    struct herd_error err;
    world->dispatch = dispatch_create();
    for (const struct herd_command *c = herd_module_at.commands; c->verb != NULL; c++) {
        bool added = dispatch_add(world->dispatch, c, herd_module_at.name, &err);
        assert(added);
        (void)added;
    }
}

struct world *world_create(unsigned servers, uint64_t seed, const struct settings *settings,
                           bool trace)
{
    struct world *world = memory_zeroed(1, sizeof *world);
    assert(settings->ids <= IDS_MAX);
    world->random = seed;
    world->now_ns = SECOND;
    world->settings = *settings;
    world->trace = trace;
    world->server_count = servers;
    world->servers = memory_zeroed(servers, sizeof *world->servers);
    for (unsigned i = 0; i < servers; i++) {
        struct server *server = &world->servers[i];
        server->world = world;
        server->number = i;
        server->turn_ns = WORLD_NEVER;
        /* Each rule that is broken by the first letter of a name needs these to differ. */
        snprintf(server->name, sizeof server->name, "%c%u", 'A' + (int)(i % 26), i / 26);
    }
    world->scratch = memory_alloc(settings->pipe_room_max);
    load_commands(world);
    draw_ids(world);
    return world;
}

void world_link(struct world *world, unsigned a, unsigned b)
{
    assert(a != b && a < world->server_count && b < world->server_count);
    world->edges = memory_resize(world->edges, (world->edge_count + 1) * sizeof *world->edges);
    world->edges[world->edge_count++] = (struct edge){.a = &world->servers[a],
                                                      .b = &world->servers[b],
                                                      .backoff_ns = 50 * MS,
                                                      .dial_ns = WORLD_NEVER};
}

void world_start(struct world *world)
{
    for (unsigned i = 0; i < world->server_count; i++)
        server_start(&world->servers[i]);
}

void world_run(struct world *world, int64_t until_ns)
{
    struct event event;
    while (events_take(&world->events, until_ns, &event)) {
        assert(event.at_ns >= world->now_ns);
        world->now_ns = event.at_ns;
        event.run(world, event.which);
    }
    world->now_ns = until_ns;
}

void world_destroy(struct world *world)
{
    world->trace = false;
    for (unsigned i = 0; i < world->server_count; i++)
        if (world->servers[i].up)
            server_kill(&world->servers[i], 0);
    for (unsigned i = 0; i < world->server_count; i++) {
        struct link_host *host = &world->servers[i].host;
        for (size_t n = 0; n < host->neighbour_count; n++)
            neighbour_destroy(host->neighbours[n]);
        free(host->neighbours);
    }
    for (unsigned i = 0; i < world->settings.ids; i++)
        free((char *)world->ids[i].bytes);
    events_free(&world->events);
    dispatch_destroy(world->dispatch);
    free(world->servers);
    free(world->edges);
    free(world->scratch);
    free(world);
}

void world_trace(const struct world *world, const char *format, ...)
{
    va_list args;
    if (!world->trace)
        return;
    printf("%.9f ", (double)world->now_ns / 1e9);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}
