/* A server from its start to its end. Everything that can fail is done before the first thread
 * runs; what is opened is closed in the opposite order. */
#include "core/server_state.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "core/places.h"
#include "core/registry.h"
#include "core/secure.h"
#include "net/upstream.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define FD_LATER  48 /* descriptors for files opened later, and for who is taken in to be closed */
#define FD_FILES  24 /* open from the start, about */
#define FD_WORKER 6  /* a worker's, at the most */

static void draw(void *to, size_t len)
{
    ssize_t n = getrandom(to, len, 0);
    if (n != (ssize_t)len)
        abort(); /* for so few bytes it only fails where the kernel has no such call */
}

void server_draw_epoch(struct server *server)
{
    char epoch[EPOCH_BYTES + 1];
    unsigned char bytes[EPOCH_BYTES / 2];
    draw(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(epoch + 2 * i, 3, "%02x", bytes[i]);
    link_set_epoch(&server->links_service.host, epoch);
}

static void create_store(struct server *server)
{
    const struct settings *s = server->settings;
    struct store_config config = {.stripes = STORE_STRIPES_MAX,
                                  .clients_max = s->limits.clients,
                                  .bytes_max = s->limits.memory_bytes,
                                  .id_max = s->limits.id_bytes,
                                  .forget_after_ns = s->limits.forget_after_ns};
    draw(config.key, sizeof config.key);
    server->store = store_create(&config);
}

/* The configuration was checked for this, but what a name stands for may have changed since. */
static bool check_plain(const struct server *server, const char *host,
                        const struct address *address, struct herd_error *err)
{
    const struct settings *s = server->settings;
    return settings_links_secure(s) || s->link.plaintext || address_is_loopback(address) ||
           herd_fail(err, "%s is no loopback address, and links would be plain", host);
}

/* Each link of this server's is a neighbour: its name, and whether this server dials it, and then
 * where. */
static bool add_neighbour(struct server *server, const struct link_settings *link,
                          struct herd_error *err)
{
    struct link_host *host = &server->links_service.host;
    int self = (int)server->options->index;
    bool dials = link->dialler == self;
    const struct server_settings *other =
        &server->settings->servers[dials ? link->acceptor : link->dialler];
    struct address *address = &server->links_service.addresses[host->neighbour_count];
    if (dials && !(address_resolve(address, other->host, other->peer_port, err) &&
                   check_plain(server, other->host, address, err)))
        return false;
    host->neighbours[host->neighbour_count++] = neighbour_create(other->name, dials);
    return true;
}

static bool create_neighbours(struct server *server, struct herd_error *err)
{
    const struct settings *s = server->settings;
    struct links_service *service = &server->links_service;
    int self = (int)server->options->index;
    service->unproved_max = (unsigned)s->limits.unproved;
    service->host.store = server->store;
    service->host.dispatch = registry_dispatch();
    service->host.server = server->self->name;
    server_draw_epoch(server);
    service->host.neighbours = memory_zeroed(s->link_count + 1, sizeof(struct neighbour *));
    service->addresses = memory_zeroed(s->link_count + 1, sizeof(struct address));
    for (size_t i = 0; i < s->link_count; i++)
        if ((s->links[i].dialler == self || s->links[i].acceptor == self) &&
            !add_neighbour(server, &s->links[i], err))
            return false;
    return true;
}

static struct addresses *create_addresses(const struct limits *limits)
{
    struct addresses_limits by_address = {
        .connections = limits->address_connections, .rate = limits->rate, .burst = limits->burst};
    return addresses_create(&by_address);
}

static void fill_clients_service(struct server *server)
{
    const struct settings *s = server->settings;
    struct clients_service *service = &server->clients_service;
    service->store = server->store;
    service->dispatch = registry_dispatch();
    service->server = server->self->name;
    service->line_bytes = s->limits.line_bytes;
    service->unread_bytes = s->limits.unread_bytes;
    service->buffers_max = s->limits.buffers_bytes;
    service->commands_max = s->limits.commands;
    service->connections_max = s->limits.connections;
    service->rate = s->limits.rate > 0;
    service->addresses = create_addresses(&s->limits);
    service->line_ns = s->limits.line_ns;
    service->answer_ns = s->limits.answer_ns;
    service->idle_ns = s->limits.idle_ns;
    service->max_ahead_ns = s->limits.max_ahead_ns;
    server->door_service = (struct door_service){.store = server->store,
                                                 .server = server->self->name,
                                                 .max_ahead_ns = s->limits.max_ahead_ns};
}

static bool open_tls(struct server *server, struct herd_error *err)
{
    struct tls **links = &server->links_service.tls, **clients = &server->clients_service.tls;
    if (!secure_open(server->settings, server->options->index, links, clients, err))
        return false;
    server->links_service.host.proves = *links != NULL;
    return true;
}

static bool create_workers(struct server *server, struct herd_error *err)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = (unsigned)server->settings->workers;
    if (n == 0)
        n = processors > 0 ? (unsigned)processors : 1;
    server->hooks = duties_hooks;
    server->workers = workers_create(n, &server->hooks, err);
    if (server->workers == NULL)
        return false;
    server->worker_count = n;
    server->clients = memory_apart(n, sizeof *server->clients);
    server->doors = memory_apart(n, sizeof *server->doors);
    server->links = memory_apart(n, sizeof *server->links);
    server->links_service.workers = server->workers;
    server->links_service.links = server->links;
    server->links_service.worker_count = n;
    for (unsigned i = 0; i < n; i++) {
        clients_init(&server->clients[i], server->workers[i], &server->clients_service);
        links_init(&server->links[i], &server->links_service, i);
        door_init(&server->doors[i], server->workers[i], &server->door_service);
    }
    return true;
}

/* As many descriptors as the system lets us have. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Those that are open. Without /proc nobody can say, so it is about as many. */
static uint64_t count_descriptors(const struct server *server)
{
    DIR *all = opendir("/proc/self/fd");
    if (all == NULL)
        return FD_FILES + FD_WORKER * server->worker_count;
    uint64_t n = 0;
    while (readdir(all) != NULL)
        n++;
    closedir(all);
    return n - 3; /* itself, "." and ".." */
}

/* What clients may have of the descriptors, once all is open that the server itself begins with:
 * the more workers, the more that is. Others come later, and where there are too few for them,
 * clients have half of what there is. */
static void share_descriptors(struct server *server)
{
    const struct links_service *links = &server->links_service;
    struct rlimit limit = {.rlim_cur = 1024};
    uint64_t later = FD_LATER, open = count_descriptors(server);
    if (links->host.neighbour_count > 0) /* each worker has a place for strangers, and takes in one
                                          * before it turns out another */
        later += links->unproved_max + server->worker_count + 2 * links->host.neighbour_count;
    if (chain_fetches(server->options->chain))
        later += UPSTREAM_DESCRIPTORS;
    getrlimit(RLIMIT_NOFILE, &limit);
    uint64_t left = limit.rlim_cur > open ? limit.rlim_cur - open : 0;
    server->connections_possible = left > 2 * later ? left - later : left / 2;
}

static bool open_tls_listener(struct server *server, struct herd_error *err)
{
    struct address address;
    if (!address_resolve(&address, server->self->host, server->self->tls_port, err))
        return false;
    server->tls_listener = listener_open(server->workers[0], &address, duties_take_tls_client,
                                         duties_may_take_client, server, err);
    return server->tls_listener != NULL;
}

static bool open_listeners(struct server *server, struct herd_error *err)
{
    const struct server_settings *self = server->self;
    struct address address;
    if (!address_resolve(&address, self->host, self->port, err))
        return false;
    if (self->tls_port != 0 && !open_tls_listener(server, err))
        return false;
    server->client_listener = listener_open(server->workers[0], &address, duties_take_client,
                                            duties_may_take_client, server, err);
    if (server->client_listener == NULL)
        return false;
    if (server->links_service.host.neighbour_count == 0)
        return true;
    if (!address_resolve(&address, self->host, self->peer_port, err) ||
        !check_plain(server, self->host, &address, err))
        return false;
    server->peer_listener = listener_open(server->workers[0], &address, duties_take_peer, NULL,
                                          server, err);
    return server->peer_listener != NULL;
}

static bool open_log(struct server *server, struct herd_error *err)
{
    struct log_config config = server->settings->log;
    char *file = control_path(config.file, server->self->name);
    config.file = file;
    bool opened = log_open(&config, err);
    free(file);
    return opened;
}

static bool open_pid_file(struct server *server, struct herd_error *err)
{
    if (server->options->pid_file[0] == '\0')
        return true;
    char *file = control_path(server->options->pid_file, server->self->name);
    server->control = control_open(file, err);
    free(file);
    return server->control != NULL;
}

static bool build(struct server *server, struct herd_error *err)
{
    raise_descriptors();
    server->word_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->word_fd < 0)
        return herd_fail(err, "eventfd: %s", strerror(errno));
    create_store(server);
    fill_clients_service(server);
    if (!create_neighbours(server, err) || !open_tls(server, err) || !create_workers(server, err))
        return false;
    if (!open_listeners(server, err) || !open_log(server, err) || !registry_start(err) ||
        !places_open(server->settings, server->options->chain, err) ||
        (chain_fetches(server->options->chain) && !upstream_open(err)) ||
        !open_pid_file(server, err))
        return false;
    share_descriptors(server);
    return memory_reserve() || herd_fail(err, "no memory for a reserve");
}

static void destroy(struct server *server)
{
    control_close(server->control);
    upstream_close();
    if (server->workers != NULL)
        workers_settle(server->workers, server->worker_count); /* while the modules are there */
    places_close();
    registry_stop();
    struct listener *listeners[] = {server->client_listener, server->tls_listener,
                                    server->peer_listener};
    for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++)
        if (listeners[i] != NULL) {
            listener_stop(listeners[i]);
            listener_destroy(listeners[i]);
        }
    if (server->workers != NULL)
        workers_destroy(server->workers, server->worker_count);
    for (size_t i = 0; i < server->links_service.host.neighbour_count; i++)
        neighbour_destroy(server->links_service.host.neighbours[i]);
    free(server->links_service.host.neighbours);
    free(server->links_service.addresses);
    tls_free(server->links_service.tls);
    tls_free(server->clients_service.tls);
    for (unsigned i = 0; i < server->worker_count; i++)
        links_release(&server->links[i]);
    addresses_destroy(server->clients_service.addresses);
    free(server->clients);
    free(server->doors);
    free(server->links);
    if (server->store != NULL)
        store_destroy(server->store);
    if (server->word_fd >= 0)
        close(server->word_fd);
}

bool server_run(const struct server_options *options, struct herd_error *err)
{
    struct server server = {.options = options,
                            .settings = options->settings,
                            .self = &options->settings->servers[options->index],
                            .word_fd = -1};
    bool built = build(&server, err);
    metrics_seal();
    bool ran = built && serve(&server, err);
    destroy(&server);
    memory_release();
    log_close();
    metrics_fini();
    return ran;
}
