/* The best of each client is kept as herd's own record, so that herd's own order decides. */
#include "judge.h"

#include "base/memory.h"
#include "herd/record.h"
#include "herd/stripe.h"
#include "wire/at.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES 2048

struct judge {
    struct world *world;
    struct names *names;
    struct record *best[IDS_MAX]; /* NULL: nobody knew it */
};

static bool held(const struct server *server, unsigned id, struct herd_report *report,
                 struct herd_room *room)
{
    struct herd_text client = server->world->ids[id];
    return store_get(server->store, store_hash(server->store, client), client,
                     server_clock_ns(server), report, room);
}

static void note(struct judge *judge, const struct server *server, unsigned id)
{
    struct herd_report report;
    struct herd_room room;
    if (!held(server, id, &report, &room))
        return;
    struct record **best = &judge->best[id];
    if (*best != NULL && record_compare(&report, *best, judge->names) <= 0)
        return;
    if (*best == NULL)
        *best = memory_zeroed(1, RECORD_BYTES);
    assert(record_bytes(&report) <= RECORD_BYTES);
    record_write(*best, record_bytes(&report), &report, names_number(judge->names, report.server),
                 0);
}

struct judge *judge_create(struct world *world)
{
    struct judge *judge = memory_zeroed(1, sizeof *judge);
    judge->world = world;
    judge->names = names_create();
    for (unsigned i = 0; i < world->server_count; i++)
        for (unsigned id = 0; id < world->settings.ids; id++)
            if (world->servers[i].up)
                note(judge, &world->servers[i], id);
    return judge;
}

void judge_destroy(struct judge *judge)
{
    for (unsigned id = 0; id < IDS_MAX; id++)
        free(judge->best[id]);
    names_destroy(judge->names);
    free(judge);
}

static size_t line_of(const struct server *server, unsigned id, char *line)
{
    struct herd_report report;
    struct herd_room room;
    return held(server, id, &report, &room) ? at_print(line, &report) : 0;
}

static bool agree_on(const struct judge *judge, unsigned id, struct herd_error *why)
{
    struct world *world = judge->world;
    struct herd_report report;
    struct herd_room room;
    char first[HERD_AT_MAX], other[HERD_AT_MAX];
    size_t len = line_of(&world->servers[0], id, first);
    for (unsigned i = 1; i < world->server_count; i++)
        if (line_of(&world->servers[i], id, other) != len || memcmp(first, other, len) != 0)
            return herd_fail(why, "%s and %s differ in id%u", world->servers[0].name,
                             world->servers[i].name, id);
    if (judge->best[id] == NULL)
        return true;
    if (!held(&world->servers[0], id, &report, &room) ||
        record_compare(&report, judge->best[id], judge->names) < 0)
        return herd_fail(why, "what was known of id%u is lost", id);
    return true;
}

bool judge_agreed(const struct judge *judge, struct herd_error *why)
{
    struct world *world = judge->world;
    uint64_t known = 0;
    for (unsigned i = 0; i < world->server_count; i++)
        if (!world->servers[i].up)
            return herd_fail(why, "%s is down", world->servers[i].name);
    for (unsigned id = 0; id < world->settings.ids; id++) {
        char line[HERD_AT_MAX];
        if (!agree_on(judge, id, why))
            return false;
        known += line_of(&world->servers[0], id, line) > 0;
    }
    for (unsigned i = 0; i < world->server_count; i++)
        if (world->settings.forget_after_ns == 0 && store_clients(world->servers[i].store) != known)
            return herd_fail(why, "%s counts its clients wrong", world->servers[i].name);
    return true;
}

/* The place that the one who is told keeps, as it would name it in a new session. */
static bool is_marked(struct server *teller, const struct server *told, struct herd_error *why)
{
    char have[NEIGHBOUR_HAVE_MAX + 1], tails[NEIGHBOUR_HAVE_MAX + 1] = "";
    size_t n = 0, len = 0;
    uint64_t any = 0;
    for (size_t i = 0; i < told->host.neighbour_count; i++)
        if (strcmp(neighbour_name(told->host.neighbours[i]), teller->name) == 0)
            n = neighbour_have(told->host.neighbours[i], NULL, have);
    have[n] = '\0';
    for (unsigned i = 0; i < store_stripes(teller->store); i++) {
        uint64_t tail = stripe_tail(store_stripe(teller->store, i));
        any |= tail;
        len += (size_t)snprintf(tails + len, sizeof tails - len, " %llu", (unsigned long long)tail);
    }
    const char *pos = n > 5 + EPOCH_BYTES ? have + 5 + EPOCH_BYTES : "";
    return any == 0 || strcmp(pos, tails) == 0 ||
           herd_fail(why, "%s stands at%s in the feed of %s, which ends at%s", told->name, pos,
                     teller->name, tails);
}

bool judge_marked(const struct world *world, struct herd_error *why)
{
    for (unsigned i = 0; i < world->edge_count; i++) {
        const struct edge *edge = &world->edges[i];
        if (!is_marked(edge->a, edge->b, why) || !is_marked(edge->b, edge->a, why))
            return false;
    }
    return true;
}

bool judge_empty(const struct world *world, struct herd_error *why)
{
    for (unsigned i = 0; i < world->server_count; i++)
        if (store_clients(world->servers[i].store) != 0)
            return herd_fail(why, "%s has not forgotten", world->servers[i].name);
    return true;
}
