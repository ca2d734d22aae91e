/* The connections of the witness and what goes over them: reports at a rate, and the questions that
 * check.c hands in. One thread, one epoll set; whoever has more to do calls load_turn meanwhile. */
#ifndef TORTURE_LOAD_H
#define TORTURE_LOAD_H

#include "conn.h"
#include "ledger.h"

#include <netinet/in.h>

#define SERVERS_MAX 16

enum server_state {
    SERVER_UP,
    SERVER_AWAY, /* it stands still: neither told, nor asked, nor waited for */
    SERVER_DOWN  /* it is dead: its connections are closed, its column of the ledger empty */
};

struct server {
    char name[65];
    struct sockaddr_in address;
    enum server_state state;
    bool forgiven; /* what it acknowledges is not noted */
};

/* What was counted since it was last asked for. */
struct figures {
    uint64_t acknowledged;
    uint64_t refused;    /* answered with `?` */
    uint64_t wrong;      /* answered with something else than what was said */
    uint64_t unanswered; /* on connections that were lost */
    uint64_t unsent;     /* due, but nobody took them */
    uint64_t lost;       /* connections */
    int64_t loaded_ns;   /* under load */
    double due;          /* reports that the rate asked for */
};

struct load {
    int epoll;
    struct server servers[SERVERS_MAX];
    struct herd_text names[SERVERS_MAX];
    size_t server_count;
    struct conn *conns; /* those of the servers by turns */
    size_t conn_count, turn;
    struct ledger ledger;
    uint64_t random;
    double rate;       /* reports a second; 0: none; less than 0: as many as are taken */
    double debt;       /* reports due */
    int64_t last_ns;   /* of the turn before */
    uint32_t fill;     /* ids that are still to be told in order, before all else */
    uint32_t repeated; /* the last report, which is told again now and then */
    struct report last;
    struct figures figures;
    /* What a question's answer is told to; line is empty if there is none. */
    void (*heard)(void *arg, const struct conn *conn, const struct slot *slot,
                  struct herd_text line);
    void *heard_arg;
};

void load_init(struct load *load, size_t ids, size_t conns_each, uint64_t seed);
void load_fini(struct load *load);

/* Sends what is due, waits for events at most so long, and takes what came. True: fd, if it is not
 * -1, can be read. */
bool load_turn(struct load *load, int wait_ms);

/* Watches another descriptor for load_turn. */
void load_watch(struct load *load, int fd);

void load_set_rate(struct load *load, double rate);
void load_set_state(struct load *load, size_t server, enum server_state state);

/* Closes the connections to that server; they are opened again. */
void load_hang_up(struct load *load, size_t server);

/* How many requests to servers that are up wait for their answers. */
size_t load_waiting(const struct load *load);

/* A connection to that server with room, or NULL. */
struct conn *load_conn(struct load *load, size_t server);

#endif
