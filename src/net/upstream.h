/* Asking other servers by HTTPS: herd_fetch of the public door, and the thread that it is done on.
 *
 * Workers ask by its mailbox and are answered by theirs, so that a resolver that hangs, a server
 * that is slow and an answer that is long to check hold up no client. */
#ifndef NET_UPSTREAM_H
#define NET_UPSTREAM_H

#include <herd/module.h>

/* How many requests are under way at once; others wait for their turn. */
#define UPSTREAM_PARALLEL 32

/* How many descriptors that may take: sockets, and what the resolver's threads hold, of which some
 * that hang may be left behind by requests whose time is up. */
#define UPSTREAM_DESCRIPTORS (8 * UPSTREAM_PARALLEL)

/* Main thread, all four. Opening and running come before the workers run; false: err says why.
 * stop, while the workers still run, ends what is under way, and the workers are told. close, when
 * they have ended. stop and close do nothing where there is nothing to stop or close. */
bool upstream_open(struct herd_error *err);
bool upstream_run(struct herd_error *err);
void upstream_stop(void);
void upstream_close(void);

#endif
