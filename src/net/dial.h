/* Dialling a neighbour, again and again for ever, with pauses that grow while it fails. On its
 * worker's thread. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/links.h"

struct dial {
    struct links *links;
    struct neighbour *neighbour;
    const struct address *address;
    struct event timer, connect;
    int fd; /* being connected; -1: none */
    struct peer *peer;
    int64_t delay_ns;
    bool failing; /* said so in the log already */
};

void dial_init(struct dial *dial, struct links *links, struct neighbour *neighbour,
               const struct address *address);
void dial_start(struct dial *dial);
void dial_stop(struct dial *dial);

/* The session has ended after so long; NULL: dial again. */
void dial_ended(struct dial *dial, int64_t lived_ns);

#endif
