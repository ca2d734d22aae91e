/* The made-up world: servers, the edges between them, and the connections on these, in virtual
 * time. A server is the real store, links, neighbours and dispatch table of herd; what stands
 * around them here does what the workers do in herd itself, turn by turn. One thread, no clock, no
 * socket. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/buffer.h"
#include "events.h"
#include "herd/link.h"
#include "pipe.h"
#include "random.h"

#define WORLD_NEVER INT64_MAX
#define MS          INT64_C(1000000)
#define SECOND      INT64_C(1000000000)
#define WALL_NS                                                                                    \
    (INT64_C(1520000000) * SECOND) /* the wall clock at virtual time 0, less each server's skew */
#define IDS_MAX 64

/* What a seed draws before anything happens. */
struct settings {
    int64_t latency_min_ns, latency_max_ns;
    int64_t bytes_per_s_min, bytes_per_s_max;
    size_t pipe_room_min, pipe_room_max;
    size_t output_room; /* link_output is called with at least so much room */
    size_t read_max;    /* bytes of one read */
    int64_t forget_after_ns;
    unsigned stripes; /* 0: each server its own */
    uint32_t stale;
    bool near_wrap; /* the low half of seq soon begins again */
    bool stumbles;  /* see schedule_two */
    bool moves;     /* see schedule_move */
    unsigned ids, steps;
    unsigned calm; /* the greater the less befalls the servers */
};

struct server {
    struct world *world;
    unsigned number;
    char name[16];
    bool up;
    bool frozen; /* stopped: its clock goes on, it does nothing */
    int64_t skew_ns;
    unsigned stripes;
    struct store *store;
    struct link_host host;
    struct end *ends; /* its connections, newest first */
    uint64_t news;
    bool turning;
    int64_t turn_ns; /* when its next turn is; WORLD_NEVER */
};

struct end {
    struct end *next;
    struct conn *conn;
    struct server *server;
    struct link *link; /* NULL: closed */
    struct pipe out;
    struct buffer in;
    bool over; /* to be closed at the turn's end */
    bool woken;
    size_t too_small;  /* room in which nothing that waited fitted */
    int64_t paused_ns; /* does not read until then */
    int64_t close_ns;  /* replaced: closed then */
};

struct conn {
    struct conn *next, **before;
    struct edge *edge;
    struct end end[2]; /* 0: the one that dialled */
};

struct edge {
    struct server *a, *b; /* a dials */
    bool cut;
    struct conn *conn; /* the dialler's present one */
    int64_t backoff_ns, began_ns;
    int64_t dial_ns; /* when it dials next; WORLD_NEVER */
};

struct world {
    uint64_t random;
    int64_t now_ns;
    struct events events;
    struct settings settings;
    struct server *servers;
    unsigned server_count;
    struct edge *edges;
    unsigned edge_count;
    struct conn *conns;
    struct dispatch *dispatch;
    struct herd_text ids[IDS_MAX];
    char *scratch; /* as large as the largest pipe */
    bool healed;
    bool trace;
    int64_t told; /* the newest stamp that any client used */
};

/* ---- world.c ---- */

struct world *world_create(unsigned servers, uint64_t seed, const struct settings *settings,
                           bool trace);
void world_destroy(struct world *world);
/* Links a and b; a dials. */
void world_link(struct world *world, unsigned a, unsigned b);
/* Starts every server. */
void world_start(struct world *world);
/* Lets everything happen that happens up to that time. */
void world_run(struct world *world, int64_t until_ns);
void world_trace(const struct world *world, const char *format, ...) HERD_PRINTF(2, 3);

/* ---- server.c ---- */

void server_start(struct server *server);
/* Ends it: its store is gone, and whoever was connected may or may not notice: with that chance
 * (percent) a connection stays half-open, and what the server had written arrives late. */
void server_kill(struct server *server, unsigned late_percent);
void server_freeze(struct server *server, bool frozen);
int64_t server_clock_ns(const struct server *server);
struct link_time server_time(const struct server *server);
/* A client tells the server where it is, as IAMAT would. */
enum herd_put server_tell(struct server *server, struct herd_text client, struct herd_text location,
                          struct herd_text time);
/* Sees to it that the server has a turn by then. */
void server_turn_by(struct server *server, int64_t at_ns);

/* ---- conn.c ---- */

enum conn_close {
    CLOSE_END,   /* the other side reads what is under way, then the end */
    CLOSE_RESET, /* what is under way is lost, and the other side knows at once */
    CLOSE_SILENT /* the other side is told nothing */
};

struct end *end_other(struct end *end);
void end_close(struct end *end, enum conn_close how);
/* Both directions lose what is under way, and nothing passes any more; each side may be told. */
void conn_cut(struct conn *conn);
/* One side closes, and what it had written arrives late. */
void conn_half_open(struct conn *conn, unsigned side);
/* By how much what a half-open session still delivers is late. */
int64_t conn_lateness_ns(struct world *world);
void edge_dial_at(struct edge *edge, int64_t at_ns);

#endif
