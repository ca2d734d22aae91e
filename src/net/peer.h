/* The socket of one session of a link. It carries bytes between the socket and link.c, which knows
 * what they mean. On its worker's thread, but for the wake-up. */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "net/links.h"
#include "net/transport.h"

struct peer {
    struct socket socket; /* first */
    TAILQ_ENTRY(peer) entry;
    struct links *links;
    struct link *link;
    struct dial *dial; /* that opened it; NULL: it was accepted */
    const struct transport *io;
    struct event timer;
    int64_t timer_ns; /* when the timer fires; 0: it is not set */
    int64_t opened_ns;
    int64_t news_ns;    /* since when news waits for more; 0: it does not */
    int64_t flushed_ns; /* when all there was had been sent; 0: not all was */
    bool proved;
    bool held;   /* not read, for want of memory */
    bool shut;   /* all is sent and our side is shut */
    bool closed; /* only the letter is still under way */
    struct buffer unread, unwritten;
    struct errand flush;
    struct letter letter; /* the wake-up from another thread */
    _Atomic bool posted;
    struct address from;
};

/* Takes over a connected socket. dial: the one that dialled it; NULL: it was accepted. */
void peer_open(struct links *links, int fd, struct dial *dial, const struct address *from);

/* Closes it. The dial, if any, is told. */
void peer_close(struct peer *peer, const char *why);

/* Sends what there is, and closes when all is sent (links->ending_ns is set). */
void peer_end(struct peer *peer);

/* Reads again if it was held and there is memory. */
void peer_second(struct peer *peer);

#endif
