/* What a server's workers do for it besides their connections: telling the feeds of each turn's
 * news, housekeeping once a second, and handing new connections out. */
#include "core/server_state.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "core/registry.h"

#include <stdlib.h>
#include <unistd.h>

#define FORGET_ROUND_S 30     /* in so many seconds the walk for dead records sees all */
#define TIDY_SLOTS     200000 /* seen in one second, where memory is short: some 10 ms */
#define STEP_BACK_NS   (INT64_C(1) * 1000000000)

/* ---- what the workers do ---- */

static void on_start(struct worker_hooks *hooks, unsigned index)
{
    struct server *server = (struct server *)hooks;
    links_start(&server->links[index]);
    door_open(&server->doors[index]);
    registry_worker_start();
}

static void on_turn(struct worker_hooks *hooks, unsigned index)
{
    struct server *server = (struct server *)hooks;
    struct clients *clients = &server->clients[index];
    struct herd_worker *door = &server->doors[index];
    store_announce(server->store, clients->news | door->news);
    clients->news = door->news = 0;
}

/* This server reads its neighbours' feeds again, and they read its own. */
static void reread_all(struct server *server)
{
    struct link_host *host = &server->links_service.host;
    server_draw_epoch(server);
    for (size_t i = 0; i < host->neighbour_count; i++)
        if (!neighbour_dialled(host->neighbours[i])) /* the others: links_reopen */
            neighbour_forget(host->neighbours[i]);
}

static void read_again(struct server *server)
{
    reread_all(server);
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_tell(server->workers[i], links_reopen, &server->links[i]);
}

/* With a clock that was ahead, records seemed dead that are not, and were passed over for good,
 * both in what neighbours said and in what they were told. With one that was behind, records that
 * nobody else took have put out those that all others still have; only if it was by forget_after.
 */
static void watch_clock(struct server *server)
{
    int64_t now_ns = clock_now_ns(), clock_ns = clock_wall_ns();
    int64_t after_ns = server->settings->limits.forget_after_ns;
    int64_t step_ns = (clock_ns - server->clock_ns) - (now_ns - server->now_ns);
    server->now_ns = now_ns;
    server->clock_ns = clock_ns;
    bool back = step_ns <= -STEP_BACK_NS;
    if (!back && (after_ns == 0 || step_ns < STEP_BACK_NS || step_ns < after_ns / 2))
        return;
    double by_s = (double)llabs(step_ns) / 1e9;
    if (back)
        log_event(HERD_LOG_WARN, 0, "The clock stepped back by %.1f s: links are opened again",
                  by_s);
    else
        log_event(HERD_LOG_WARN, 0, "The clock stepped forward by %.1f s: links are opened again",
                  by_s);
    read_again(server);
}

/* One word when memory is out, and one when there is some again. */
static void watch_memory(struct server *server)
{
    uint64_t failures = memory_failures();
    bool out = failures != server->memory_failures;
    metric_add(memory_failures, failures - server->memory_failures);
    server->memory_failures = failures;
    out = !memory_recover() || out;
    if (memory_short() || store_out_of_memory(server->store))
        out = !store_recover(server->store) || out;
    if (out && !server->out_of_memory)
        log_event(HERD_LOG_WARN, 0, "Out of memory: new connections and new clients are refused");
    if (!out && server->out_of_memory)
        log_event(HERD_LOG_INFO, 0, "There is memory again");
    server->out_of_memory = out;
}

static void forget_dead(struct server *server)
{
    if (server->settings->limits.forget_after_ns == 0)
        return;
    size_t slots = store_slots(server->store) / store_stripes(server->store) / FORGET_ROUND_S;
    store_forget(server->store, slots + 64, clock_wall_ns());
}

static void on_second(struct worker_hooks *hooks, unsigned index)
{
    struct server *server = (struct server *)hooks;
    clients_second(&server->clients[index]);
    links_second(&server->links[index]);
    if (index == 0) {
        watch_clock(server);
        watch_memory(server);
        forget_dead(server);
        store_tidy(server->store, TIDY_SLOTS);
    }
}

static void on_stop(struct worker_hooks *hooks, unsigned index)
{
    struct server *server = (struct server *)hooks;
    clients_fini(&server->clients[index]);
    links_fini(&server->links[index]);
    door_settle(&server->doors[index]);
    registry_worker_stop();
    door_close(&server->doors[index]);
}

/* ---- handing out connections ---- */

struct handover {
    struct server *server;
    unsigned index;
    int fd;
    struct address from;
};

static void hand_client(void *arg)
{
    struct handover *h = arg;
    clients_take(&h->server->clients[h->index], h->fd, &h->from);
    free(h);
}

static void hand_tls_client(void *arg)
{
    struct handover *h = arg;
    clients_take_tls(&h->server->clients[h->index], h->fd, &h->from);
    free(h);
}

static void hand_peer(void *arg)
{
    struct handover *h = arg;
    links_take(&h->server->links[h->index], h->fd, &h->from);
    free(h);
}

static void hand_over(struct server *server, unsigned index, int fd, const struct address *from,
                      void (*take)(void *))
{
    struct handover *h = memory_alloc(sizeof *h);
    *h = (struct handover){server, index, fd, *from};
    worker_tell(server->workers[index], take, h);
}

/* The worker with the fewest connections; among equals they take turns. */
static unsigned idlest(struct server *server)
{
    unsigned best = server->next_client++ % server->worker_count;
    for (unsigned i = 0; i < server->worker_count; i++)
        if (atomic_load(&server->clients[i].count) < atomic_load(&server->clients[best].count))
            best = i;
    return best;
}

static void take_client(struct server *server, int fd, const struct address *from,
                        void (*take)(void *))
{
    bool full = atomic_load(&server->clients_service.open) >=
                server->clients_service.connections_max;
    if (full || memory_short()) {
        metric_add(connections_refused, 1);
        close(fd);
        return;
    }
    unsigned index = idlest(server);
    clients_expect(&server->clients[index]);
    hand_over(server, index, fd, from, take);
}

void duties_take_client(void *arg, int fd, const struct address *from)
{
    take_client(arg, fd, from, hand_client);
}

void duties_take_tls_client(void *arg, int fd, const struct address *from)
{
    take_client(arg, fd, from, hand_tls_client);
}

bool duties_may_take_client(void *arg)
{
    struct server *server = arg;
    return atomic_load(&server->clients_service.open) < server->connections_possible;
}

void duties_take_peer(void *arg, int fd, const struct address *from)
{
    struct server *server = arg;
    unsigned index = server->next_peer++ % server->worker_count;
    hand_over(server, index, fd, from, hand_peer);
}

const struct worker_hooks duties_hooks = {on_start, on_turn, on_second, on_stop};
