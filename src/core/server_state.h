/* The struct of a server, for the files that share its work: server.c builds it, duties.c does what
 * its workers do, and serve.c waits for signals and stops it. */
#ifndef CORE_SERVER_STATE_H
#define CORE_SERVER_STATE_H

#include "core/control.h"
#include "core/server.h"
#include "net/clients.h"
#include "net/door.h"
#include "net/links.h"
#include "net/listener.h"

struct server {
    struct worker_hooks hooks; /* first: the hooks get a pointer to it */
    const struct server_options *options;
    const struct settings *settings;
    const struct server_settings *self;
    struct store *store;
    unsigned worker_count;
    struct worker **workers;
    struct clients_service clients_service;
    struct clients *clients;
    struct links_service links_service;
    struct links *links;
    struct door_service door_service;
    struct herd_worker *doors; /* the modules' side of each worker */
    struct listener *client_listener, *tls_listener, *peer_listener;
    struct control *control;
    unsigned next_client, next_peer; /* the listeners' worker's */
    uint64_t connections_possible;   /* by descriptors */
    int64_t now_ns, clock_ns;        /* of the last second, to see steps of the clock; worker 0's */
    uint64_t memory_failures;        /* that the last second knew of; worker 0's, as the next */
    bool out_of_memory;
    int word_fd;              /* readable when a step of stopping is done */
    _Atomic unsigned awaited; /* workers whose word is awaited */
    _Atomic bool patient;
    int64_t started_ns;
};

/* ---- server.c ---- */

/* Draws the epoch of the server's feed. Any thread. */
void server_draw_epoch(struct server *server);

/* ---- duties.c: on the workers ---- */

/* What the workers call. */
extern const struct worker_hooks duties_hooks;

/* What the listeners do with connections (arg: the server). */
void duties_take_client(void *arg, int fd, const struct address *from);
void duties_take_tls_client(void *arg, int fd, const struct address *from);
bool duties_may_take_client(void *arg);
void duties_take_peer(void *arg, int fd, const struct address *from);

/* ---- serve.c: on the main thread ---- */

/* Runs the workers until the server is asked to stop and has stopped. False: err says why they
 * cannot run. */
bool serve(struct server *server, struct herd_error *err);

#endif
