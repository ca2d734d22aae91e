/* Connections: made by dialling, with a back-off in virtual time as herd's own, and ended in every
 * way there is. The hard thing is the half-open session, which goes on delivering while a newer one
 * of the same two servers is up. */
#include "world.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MIN_NS   (50 * MS)
#define BACKOFF_MAX_NS   (500 * MS)
#define BACKOFF_RESET_NS (5 * SECOND)
#define DIAL_NS          (1 * SECOND)

struct end *end_other(struct end *end)
{
    return &end->conn->end[end == &end->conn->end[0]];
}

static void wake(void *arg)
{
    struct end *end = arg;
    end->woken = true;
    if (!end->server->turning)
        server_turn_by(end->server, end->server->world->now_ns);
}

static void end_open(struct end *end, struct server *server, struct neighbour *dialled)
{
    end->server = server;
    end->close_ns = WORLD_NEVER;
    end->link = link_open(&server->host, dialled, server_time(server), wake, end);
    end->next = server->ends;
    server->ends = end;
    server_turn_by(server, server->world->now_ns);
}

static struct neighbour *neighbour_of(struct edge *edge)
{
    const struct link_host *host = &edge->a->host;
    size_t i = 0;
    while (strcmp(neighbour_name(host->neighbours[i]), edge->b->name) != 0)
        i++;
    assert(i < host->neighbour_count);
    return host->neighbours[i];
}

static void conn_open(struct world *world, struct edge *edge)
{
    const struct settings *s = &world->settings;
    struct conn *conn = memory_zeroed(1, sizeof *conn);
    int64_t latency_ns = random_between(&world->random, s->latency_min_ns, s->latency_max_ns);
    conn->edge = edge;
    for (int i = 0; i < 2; i++) {
        conn->end[i].conn = conn;
        pipe_init(&conn->end[i].out,
                  (size_t)random_between(&world->random, (int64_t)s->pipe_room_min,
                                         (int64_t)s->pipe_room_max),
                  latency_ns,
                  random_between(&world->random, s->bytes_per_s_min, s->bytes_per_s_max));
    }
    conn->next = world->conns;
    conn->before = &world->conns;
    if (conn->next != NULL)
        conn->next->before = &conn->next;
    world->conns = conn;
    edge->conn = conn;
    edge->began_ns = world->now_ns;
    end_open(&conn->end[1], edge->b, NULL);
    end_open(&conn->end[0], edge->a, neighbour_of(edge));
}

static void conn_free(struct conn *conn)
{
    *conn->before = conn->next;
    if (conn->next != NULL)
        conn->next->before = conn->before;
    for (int i = 0; i < 2; i++) {
        pipe_free(&conn->end[i].out);
        buffer_free(&conn->end[i].in);
    }
    free(conn);
}

/* ---- dialling ---- */

static int64_t back_off(struct edge *edge)
{
    uint64_t *random = &edge->a->world->random;
    int64_t ns = edge->backoff_ns;
    edge->backoff_ns = ns * 2 < BACKOFF_MAX_NS ? ns * 2 : BACKOFF_MAX_NS;
    return ns / 2 + random_between(random, 0, ns / 2);
}

static void dial(struct world *world, unsigned which)
{
    struct edge *edge = &world->edges[which];
    if (edge->dial_ns != world->now_ns)
        return;
    edge->dial_ns = WORLD_NEVER;
    if (!edge->a->up || edge->conn != NULL)
        return;
    if (edge->a->frozen || !edge->b->up)
        edge_dial_at(edge, world->now_ns + back_off(edge));
    else if (edge->cut)
        edge_dial_at(edge, world->now_ns + DIAL_NS + back_off(edge));
    else
        conn_open(world, edge);
}

void edge_dial_at(struct edge *edge, int64_t at_ns)
{
    struct world *world = edge->a->world;
    edge->dial_ns = at_ns;
    events_add(&world->events, at_ns, dial, (unsigned)(edge - world->edges));
}

static void redial(struct edge *edge)
{
    struct world *world = edge->a->world;
    edge->conn = NULL;
    if (!edge->a->up)
        return;
    if (edge->backoff_ns == 0 || world->now_ns - edge->began_ns >= BACKOFF_RESET_NS)
        edge->backoff_ns = BACKOFF_MIN_NS;
    edge_dial_at(edge, world->now_ns + back_off(edge));
}

/* ---- ending ---- */

static void leave(struct server *server, struct end *end)
{
    struct end **at = &server->ends;
    while (*at != end)
        at = &(*at)->next;
    *at = end->next;
}

void end_close(struct end *end, enum conn_close how)
{
    struct conn *conn = end->conn;
    struct end *other = end_other(end);
    struct world *world = end->server->world;
    world_trace(world, "%s closes session %u with %s (%d): %s", end->server->name,
                link_session(end->link), other->server->name, (int)how, link_reason(end->link));
    link_close(end->link);
    end->link = NULL;
    leave(end->server, end);
    other->out.dead = true;
    if (how == CLOSE_RESET)
        pipe_drop(&end->out);
    if (how != CLOSE_SILENT && other->link != NULL)
        server_turn_by(other->server, pipe_end(&end->out, world->now_ns));
    if (end == &conn->end[0] && conn->edge->conn == conn)
        redial(conn->edge);
    if (other->link == NULL)
        conn_free(conn);
}

void conn_cut(struct conn *conn)
{
    struct world *world = conn->edge->a->world;
    struct end *told[2] = {NULL, NULL};
    world_trace(world, "what is between %s and %s is cut", conn->edge->a->name,
                conn->edge->b->name);
    for (int i = 0; i < 2; i++) {
        pipe_drop(&conn->end[i].out);
        conn->end[i].out.dead = true;
        if (conn->end[i].link != NULL && random_percent(&world->random, 50))
            told[i] = &conn->end[i];
    }
    for (int i = 0; i < 2; i++)
        if (told[i] != NULL)
            end_close(told[i], CLOSE_SILENT);
}

/* Less than what a link is dropped after; and often so little that the next session has hardly
 * begun. */
int64_t conn_lateness_ns(struct world *world)
{
    bool little = random_percent(&world->random, 50);
    return random_between(&world->random, 0, little ? 300 * MS : 2900 * MS);
}

void conn_half_open(struct conn *conn, unsigned side)
{
    struct world *world = conn->edge->a->world;
    struct end *end = &conn->end[side];
    if (end->link == NULL)
        return;
    pipe_delay(&end->out, conn_lateness_ns(world));
    end_close(end, CLOSE_SILENT);
}
