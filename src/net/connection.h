/* One client's connection: lines in, answers out, in order. It reads into its worker's one buffer
 * and executes the lines where they lie; it keeps only an unfinished line and an unwritten rest of
 * answers, and while it has neither it is this one small struct. For clients.c, commands.c and
 * later.c. */
#ifndef NET_CONNECTION_H
#define NET_CONNECTION_H

#include "herd/request.h"
#include "net/clients.h"
#include "net/transport.h"

struct later;

struct connection {
    struct socket socket; /* first */
    struct deadline deadline;
    struct clients *clients;
    const struct transport *io;
    struct backlog *backlog; /* NULL: none */
    uint64_t number;
    struct address from;
    struct addresses_entry *address; /* the table's; NULL: nothing counts by address */
    int64_t idle_from_ns;            /* when limits.idle began */
    size_t counted;                  /* bytes of it in clients_service.buffers */
    uint32_t commands;
    bool eof;        /* the client has ended its side */
    bool gone;       /* it was seen in writing that the client is no more */
    bool closing;    /* after what is unwritten, no more commands */
    bool lingering;  /* all is written, our side is shut (or will be when there is room for TLS's
                        last word), and what still comes is read away */
    bool fresh_line; /* the unfinished line began in what was read last */
    bool overdue;    /* its deadline has come, and what waited to be read then is read */
    bool slowed;     /* the next line waits for a token */
};

/* What a connection has while it is not done with what came. */
struct backlog {
    struct later *later;  /* the command that will be answered later; NULL: none */
    struct buffer unread; /* an unfinished line; lines behind a waiting command */
    struct buffer unwritten;
};

/* A client's command while its handler runs. */
struct client_request {
    struct herd_request request; /* first: the door knows only this */
    struct connection *connection;
    size_t begins; /* where its answer begins in request.out */
};

/* A command that is answered later: a copy of its line, and what it has answered so far. */
struct later {
    struct client_request copy; /* first, so that herd_defer of it is noticed */
    struct line parted;
    struct buffer out;
    struct errand resume; /* it is answered */
    bool done;
    void (*cancelled)(void *arg);
    void *arg;
    char line[];
};

/* Takes over the socket, what goes over it (io; NULL: there was no memory for it), and the place
 * that its address has. Without memory it closes them at once. */
void connection_open(struct clients *clients, int fd, const struct address *from,
                     const struct transport *io, struct addresses_entry *address);

/* Closes at once and frees; a waiting command is cancelled. */
void connection_close(struct connection *connection);

/* The command that waits; NULL: none. */
static inline struct later *connection_later(const struct connection *connection)
{
    return connection->backlog != NULL ? connection->backlog->later : NULL;
}

static inline bool connection_has_unwritten(const struct connection *connection)
{
    return connection->backlog != NULL && buffer_len(&connection->backlog->unwritten) > 0;
}

/* Its backlog, made if it has none: for who puts something in. */
struct backlog *connection_backlog(struct connection *connection);

/* Writes the worker's output, after what is owed to others; what is not taken is kept. False: the
 * client is gone, or memory is. */
bool connection_write(struct connection *connection);

/* Writes the rest of answers that the client did not take at once. False: it is gone. */
bool connection_write_rest(struct connection *connection);

/* Waits for what comes next, now that its answers are written or kept; or closes it. worked:
 * commands were executed. For owed.c. */
void connection_settle(struct connection *connection, bool worked);

/* Goes on behind the command that waited and is answered (arg: the connection). */
void connection_resume(void *arg);

/* Goes on with the lines that waited for a token, if there is one. */
void connection_go_on(struct connection *connection);

/* Its deadline has come: closes it, unless there are bytes that were not read yet. */
void connection_overdue(struct connection *connection);

/* Closes as soon as nothing is owed. now: what is not answered yet is given up. */
void connection_end(struct connection *connection, bool now);

/* Frees a command that is answered later; cancel: tells whoever works on it. */
void later_free(struct later *later, bool cancel);

#endif
