/* A listening socket on the loop of one worker, and what is done with the connections that it
 * takes. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/address.h"
#include "net/worker.h"

struct listener;

/* Takes over a connected socket that does not block. On the listener's worker. */
typedef void listener_take(void *arg, int fd, const struct address *from);

/* Binds and listens; connections are taken once the worker runs. may (NULL: always) is asked before
 * each: false stops taking for a while. NULL: err says why, the port in use among the reasons. Main
 * thread, before the worker runs. */
struct listener *listener_open(struct worker *worker, const struct address *address,
                               listener_take *take, bool (*may)(void *arg), void *arg,
                               struct herd_error *err);

/* Stops taking connections and closes the socket: on the worker's thread, or when it does not run.
 */
void listener_stop(struct listener *listener);
/* Frees it, after listener_stop. */
void listener_destroy(struct listener *listener);

#endif
