/* The neighbours' side of a server: what all links share, and those of one worker. */
#ifndef NET_LINKS_H
#define NET_LINKS_H

#include "base/memory.h"
#include "herd/link.h"
#include "net/address.h"
#include "net/tls.h"
#include "net/worker.h"

#include <stdalign.h>
#include <stdatomic.h>

/* One a server. */
struct links_service {
    struct link_host host;
    struct address *addresses; /* of each of host.neighbours, where this server dials it */
    struct tls *tls;           /* NULL: links are plain */
    struct worker **workers;
    struct links *links; /* one a worker */
    unsigned worker_count;
    unsigned unproved_max; /* on all workers */

    /* Connections that were refused, on all workers: the second of the clock in which it was last
     * logged, times 256, and how often it was then; and how many were since. */
    atomic_uint_least64_t refused_said;
    atomic_uint refused;
};

struct peer;
struct dial;

/* The links of one worker. Its thread's business. */
struct links {
    alignas(MEMORY_LINE) struct links_service *service; /* apart from the next worker's */
    struct worker *worker;
    TAILQ_HEAD(, peer) unproved; /* have not said HELLO yet, the oldest first */
    TAILQ_HEAD(, peer) proved;
    unsigned unproved_count; /* of those that were accepted */
    unsigned count;
    struct dial *dials;
    size_t dial_count;
    int64_t ending_ns; /* when they must be gone; 0: they need not */
    void (*gone)(void *arg);
    void *gone_arg;
};

/* Neighbour i of the service is dialled by worker i modulo their count. */
void links_init(struct links *links, struct links_service *service, unsigned index);
/* Begins to dial. On the worker. */
void links_start(struct links *links);

/* Takes over a connection to the peer port. On the worker. */
void links_take(struct links *links, int fd, const struct address *from);

/* Closes the session of that number if it is this worker's. On the worker. */
void links_drop(struct links *links, uint32_t session, const char *why);
/* Closes all (arg: the links) and forgets the places in the feeds of those it dials, and dials
 * again, for the clock has stepped. On the worker. */
void links_reopen(void *arg);

/* To be called once a second, on the worker. */
void links_second(struct links *links);

/* Sends what is there to send, for a second at most, and closes all; then gone(arg) is called. On
 * the worker. */
void links_end(struct links *links, void (*gone)(void *arg), void *arg);
/* Closes what is left, at once. On the worker. */
void links_fini(struct links *links);

/* Frees what links_init made, whether the worker ever ran or not; it runs no more. */
void links_release(struct links *links);

#endif
