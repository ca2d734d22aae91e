/* A neighbour: the server at the other end of a link, and how far this server has read its feed.
 * That place is kept here, by the one that receives, as (the neighbour's epoch, a pos for each of
 * its stripes); it lives and dies with the store. A neighbour outlives its sessions. Any thread. */
#ifndef HERD_NEIGHBOUR_H
#define HERD_NEIGHBOUR_H

#include <herd/module.h>

#define NEIGHBOUR_STRIPES_MAX 64
#define EPOCH_BYTES           32 /* hexadecimal digits of a 128-bit number */

/* HAVE - , or HAVE, an epoch and a pos for each stripe. */
#define NEIGHBOUR_HAVE_MAX (5 + EPOCH_BYTES + NEIGHBOUR_STRIPES_MAX * 21)

struct neighbour;

struct neighbour *neighbour_create(const char *name, bool dialled);
void neighbour_destroy(struct neighbour *neighbour);

const char *neighbour_name(const struct neighbour *neighbour);
bool neighbour_dialled(const struct neighbour *neighbour); /* whether this server dials it */

/* A session has heard the neighbour's HELLO with that epoch (EPOCH_BYTES, no NUL): it is the
 * neighbour's session from now on. A place in another incarnation's feed is forgotten. Returns the
 * session that it replaces, 0: none. */
uint32_t neighbour_begin(struct neighbour *neighbour, uint32_t session, const char *epoch,
                         unsigned stripes);

/* The session has ended; if it was the neighbour's, it has none now. Returns whether it was. */
bool neighbour_end(struct neighbour *neighbour, uint32_t session);

/* The neighbour's session, 0: none. */
uint32_t neighbour_session(struct neighbour *neighbour);

/* The neighbour says, in a session of that epoch, that we have all of a stripe up to pos. Only the
 * neighbour's present session moves the place. */
void neighbour_mark(struct neighbour *neighbour, uint32_t session, const char *epoch,
                    unsigned stripe, uint64_t pos);

/* Forgets the place: all will be read again. */
void neighbour_forget(struct neighbour *neighbour);

/* Writes "HAVE ..." for the neighbour's epoch (NULL: whichever we have a place in). At most
 * NEIGHBOUR_HAVE_MAX bytes, no NUL; returns how many. */
size_t neighbour_have(struct neighbour *neighbour, const char *epoch, char *to);

#endif
