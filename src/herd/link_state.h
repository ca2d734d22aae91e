/* The struct of a link, for the two files that share its work: link.c hears, link_output.c says. */
#ifndef HERD_LINK_STATE_H
#define HERD_LINK_STATE_H

#include "base/buffer.h"
#include "herd/feed.h"
#include "herd/link.h"

struct link {
    struct link_host *host;
    struct neighbour *neighbour;
    enum link_state state;
    bool dialler;
    const char *proved; /* the name that the connection has proved; NULL: none */
    uint32_t session;
    uint32_t by; /* what the store and the feed know the session by */
    uint32_t replaced;
    char epoch[EPOCH_BYTES]; /* the neighbour's */
    struct feed *feed;       /* once up */
    struct buffer replies;   /* HELLO, PONG and what commands answer: goes out first */
    uint64_t news;           /* stripes that what is just heard has changed */
    void (*wake)(void *arg);
    void *wake_arg;
    int64_t opened_ns, heard_ns, sent_ns, complained_ns;
    int64_t mark_ns;  /* when the places that moved are to be marked; 0: none moved */
    bool marks_first; /* those that are due go before updates */
    bool warned_of_clock;
    struct herd_error reason;
};

#endif
