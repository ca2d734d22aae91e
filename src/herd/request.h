/* A command on its way through the dispatcher: who says it, its line, where the answer goes, and
 * what the door's functions need to serve it. The floors above put it inside structs of their own.
 * It belongs to one thread. */
#ifndef HERD_REQUEST_H
#define HERD_REQUEST_H

#include "base/buffer.h"
#include "herd/store.h"
#include "wire/line.h"

struct herd_request {
    const struct line *line;
    struct herd_text client; /* the field of it that names one, and the store's hash of that; */
    uint64_t hash;           /* empty: it was not looked up ahead */
    struct buffer *out;      /* the answer; NULL: the command was deferred, and a copy has it */
    struct store *store;
    uint64_t *news;        /* stripes changed in this turn of the thread */
    const char *server;    /* this server's name */
    const char *neighbour; /* that speaks; NULL: a client does */
    uint64_t connection;   /* its number in the log */
    uint32_t session;      /* of the link; 0: a client */
    int64_t clock_ns;      /* when the command was read */
    int64_t max_ahead_ns;  /* 0: no limit */
    bool unkept;           /* memory ran out for what the neighbour says */
};

#endif
