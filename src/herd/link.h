/* One session of a link to a neighbour: bytes and times go in, bytes and decisions come out. It
 * owns HELLO, MARK, PING and PONG; other verbs go to the dispatcher's table of neighbours'
 * commands. What it sends it reads from a feed of the store while there is room, so a neighbour
 * that does not read costs nothing but its place.
 *
 * A link belongs to one thread. Times: now_ns never steps, clock_ns is the wall's. */
#ifndef HERD_LINK_H
#define HERD_LINK_H

#include "herd/dispatch.h"
#include "herd/neighbour.h"
#include "herd/store.h"

#include <stdatomic.h>

#define LINK_LINE_MAX 8192 /* bytes of a line of a neighbour that has proved itself */
#define LINK_ROOM_MIN                                                                              \
    1600 /* link_output wants at least so much room to write any line but HELLO                    \
          */
#define LINK_HELLO_NS (INT64_C(2) * 1000000000) /* until then a peer has proved itself */
#define LINK_PING_NS  (INT64_C(1) * 1000000000) /* idle for so long: PING */
#define LINK_SILENCE_NS                                                                            \
    (INT64_C(3) * 1000000000)                   /* nothing heard for so long: the link is dropped */
#define LINK_MARK_NS   (INT64_C(100) * 1000000) /* a MARK lags by so much at the most */
#define LINK_CLOCKS_NS (INT64_C(60) * 1000000000) /* clocks that differ by more are warned of */

/* What all links of a server share. It outlives them. epoch is set by link_set_epoch. */
struct link_host {
    struct store *store;
    const struct dispatch *dispatch;
    const char *server;        /* this server's name */
    _Atomic uint64_t epoch[2]; /* of this store's feed */
    _Atomic uint32_t sessions; /* numbers given so far; none is given twice */
    _Atomic uint32_t bits;     /* of RECORD_LINKS that links have */
    bool proves;               /* a neighbour's name must have been proved before its HELLO */
    struct neighbour **neighbours;
    size_t neighbour_count;
};

/* Sets the epoch: EPOCH_BYTES hexadecimal digits, drawn at random. A new one while links are open
 * says that neighbours are to read the feed from its beginning, once their links have been opened
 * again. Any thread. */
void link_set_epoch(struct link_host *host, const char *epoch);

struct link_time {
    int64_t now_ns, clock_ns;
};

enum link_state {
    LINK_NEW,  /* the neighbour has not proved itself yet */
    LINK_UP,   /* both have said HELLO */
    LINK_ENDED /* to be closed; link_reason says why */
};

struct link;

/* Begins a session. dialled: the neighbour that this server has dialled; NULL: somebody has dialled
 * this server. wake(arg): there is news to send; called on any thread, once the link is up. */
struct link *link_open(struct link_host *host, struct neighbour *dialled, struct link_time time,
                       void (*wake)(void *arg), void *arg);
void link_close(struct link *link);

/* The connection has proved that the other side is the server of that name, and HELLO must say the
 * same. NULL: it has proved nothing. The name outlives the link. */
void link_prove(struct link *link, const char *name);

/* Takes whole lines off the front, announces what they have changed, and returns how many bytes
 * they had; the caller keeps the rest and gives it again with more behind it. Look at link_state
 * afterwards. */
size_t link_input(struct link *link, const char *bytes, size_t len, struct link_time time);

/* Writes what is to be sent, at most room bytes; returns how many. To be called after input, when
 * woken, at link_deadline_ns, and when the socket has room again. */
size_t link_output(struct link *link, char *to, size_t room, struct link_time time);

/* Whether link_output has anything to write that does not wait for a time. */
bool link_pending(const struct link *link);

/* When (now_ns) to call link_output, and to look whether the link is silent. */
int64_t link_deadline_ns(const struct link *link);

/* Whether too long nothing was heard: no HELLO, or silence. To be asked only after a read that
 * found nothing; a link of which it is true is to be closed. */
bool link_silent(const struct link *link, struct link_time time);

enum link_state link_state(const struct link *link);
const char *link_reason(const struct link *link);

/* The number of the session, which it has once the neighbour has proved itself; 0: not yet. */
uint32_t link_session(const struct link *link);
struct neighbour *link_neighbour(const struct link *link); /* NULL: not known yet */

/* Whether the neighbour has proved itself, also if the link has ended since. */
bool link_is_proved(const struct link *link);

/* The session that this one has replaced when it came up, 0: none. The caller closes it. */
uint32_t link_replaced(const struct link *link);

#endif
