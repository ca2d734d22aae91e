/* The clients' side of a server: what all client connections share, and those of one worker. */
#ifndef NET_CLIENTS_H
#define NET_CLIENTS_H

#include "base/memory.h"
#include "herd/dispatch.h"
#include "herd/store.h"
#include "net/addresses.h"
#include "net/deadline.h"
#include "net/owed.h"
#include "net/tls.h"
#include "net/worker.h"

#include <stdalign.h>
#include <stdatomic.h>

/* One a server; read-only once the workers run, but for the counts. */
struct clients_service {
    struct store *store;
    const struct dispatch *dispatch;
    const char *server;    /* its name */
    struct tls *tls;       /* of servers.tls_port; NULL: there is none */
    size_t line_bytes;     /* limits.line */
    size_t unread_bytes;   /* limits.unread */
    uint64_t buffers_max;  /* limits.buffers; 0: no limit */
    uint64_t commands_max; /* of one connection; 0: no limit */
    uint64_t connections_max;
    bool rate;                                  /* whether commands cost tokens of their address */
    struct addresses *addresses;                /* NULL: no limit counts by address */
    int64_t line_ns, answer_ns, idle_ns;        /* deadlines; 0: none */
    int64_t max_ahead_ns;                       /* 0: no limit */
    alignas(MEMORY_LINE) _Atomic uint64_t open; /* connections there are */
    _Atomic uint64_t buffers;                   /* bytes of all backlogs, and of TLS */
    _Atomic uint64_t numbered;                  /* connections there ever were; the log's #N */
};

struct connection;

/* What a connection must have done by its deadline. */
enum due {
    DUE_LINGER,    /* seen the client end its side; first, see clients_end */
    DUE_COMMAND,   /* given a command: limits.idle */
    DUE_RENEWED,   /* the same, begun before a line that was blank: looked at each second */
    DUE_HANDSHAKE, /* finished TLS's */
    DUE_LINE,      /* ended a line */
    DUE_ANSWER,    /* taken an answer */
    DUE_NEVER,     /* nothing: the server owes an answer */
    DUE_TOKEN,     /* nothing either: it waits for tokens of its address */
    DUE_KINDS
};

/* The connections of one worker. Its thread's business. Apart from the next worker's, for each
 * writes to its own with every read of a socket. */
struct clients {
    alignas(MEMORY_LINE) struct worker *worker;
    struct clients_service *service;
    int64_t
        clock_ns; /* the wall's when bytes were last read, and a nanosecond more for each command */
    uint64_t news; /* stripes changed in this turn; the owner announces and clears them */
    _Atomic uint64_t count;
    struct owed owed;
    struct deadlines due[DUE_KINDS]; /* each connection stands in one */
    struct event tokens;             /* looks at those who wait for tokens, while there are any */
    int64_t tokens_ns;               /* when it does so next, if it does */
    bool ending; /* no new commands: as soon as a connection owes nothing it is closed */
    void (*gone)(void *arg); /* once ending and no connection is left */
    void *gone_arg;
};

void clients_init(struct clients *clients, struct worker *worker, struct clients_service *service);

/* Counts a connection that is about to be handed to clients_take. Any thread. */
void clients_expect(struct clients *clients);

/* Takes over a connected socket that does not block, or closes it, if its address has as many as it
 * may; the second: with TLS over it. */
void clients_take(struct clients *clients, int fd, const struct address *from);
void clients_take_tls(struct clients *clients, int fd, const struct address *from);

/* A connection of this worker is gone. For connection.c. */
void clients_left(struct clients *clients);

/* A connection of this worker waits for tokens, the first of which comes in so long. For
 * connection.c. */
void clients_slow(struct clients *clients, int64_t in_ns);

/* Looks at the deadlines; to be called once a second. */
void clients_second(struct clients *clients);

/* Ends all connections: those that are idle at once. What is under way is finished (patient), or
 * given up but for answers that are there already, which get a second (not patient). gone(arg) is
 * called when none is left. */
void clients_end(struct clients *clients, bool patient, void (*gone)(void *arg), void *arg);

/* Closes what is left, at once. */
void clients_fini(struct clients *clients);

#endif
