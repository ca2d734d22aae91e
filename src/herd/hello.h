/* The HELLO line, with which both sides of a link begin:
 *
 *     HELLO <version> <my name> <your name> <my epoch> <my clock> <stripes> HAVE <your epoch> <pos
 * of each stripe> HELLO <version> <my name> <your name> <my epoch> <my clock> <stripes> HAVE -
 *
 * Pure; any thread. */
#ifndef HERD_HELLO_H
#define HERD_HELLO_H

#include "herd/neighbour.h"

#define HELLO_VERSION 1
#define HELLO_BYTES_MAX                                                                            \
    4096 /* of the line; also of whatever comes before a peer has proved itself */

struct hello {
    struct herd_text from;  /* the name of the server that says it */
    struct herd_text to;    /* and of the one that it speaks to */
    struct herd_text epoch; /* EPOCH_BYTES of the speaker's feed */
    int64_t clock_ns;       /* the speaker's */
    unsigned stripes;       /* the speaker's */
    struct herd_text have;  /* the epoch of the feed that it has a place in; empty: none */
    unsigned have_stripes;
    uint64_t pos[NEIGHBOUR_STRIPES_MAX];
};

/* Parses a line without its line end. False: err says what is wrong with it. The texts point into
 * the line. */
bool hello_parse(struct hello *hello, struct herd_text line, struct herd_error *err);

/* Writes the line with its LF: at most HELLO_BYTES_MAX bytes; returns how many. have_epoch: the
 * feed whose place is told, NULL for whichever there is one in. */
size_t hello_print(char *to, const char *from, struct neighbour *neighbour, const char *epoch,
                   int64_t clock_ns, unsigned stripes, const char *have_epoch);

#endif
