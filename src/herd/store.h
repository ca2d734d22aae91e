/* The store: one record a client, in stripes, and the feeds that wait for its changes. All
 * functions: any thread. */
#ifndef HERD_STORE_H
#define HERD_STORE_H

#include "herd/stripe.h"

#define STORE_STRIPES_MAX 64

struct store_config {
    uint64_t key[2];                 /* drawn at random: ids are hostile */
    unsigned stripes;                /* a power of two, at most STORE_STRIPES_MAX */
    uint32_t stale;                  /* 0: the default; for tests (see stripe.h) */
    uint64_t clients_max, bytes_max; /* 0: no limit, but that of the arenas */
    size_t id_max;                   /* bytes of a new client's id; 0: HERD_CLIENT_MAX */
    int64_t forget_after_ns;         /* 0: never */
};

struct store;

struct store *store_create(const struct store_config *config);
/* No feed may be open any more. */
void store_destroy(struct store *store);

/* Changes the limits of a store in use. */
void store_limit(struct store *store, uint64_t clients_max, uint64_t bytes_max,
                 int64_t forget_after_ns);

/* What the store knows a client by, and what the functions below ask for as hash. */
uint64_t store_hash(const struct store *store, struct herd_text client);

/* For a look-up that will come soon: has what it will touch first fetched from memory, and when
 * that is there the record. */
void store_fetch(const struct store *store, uint64_t hash);
void store_fetch_record(const struct store *store, uint64_t hash);

/* Stores a report if it wins, and adds the stripe that changed to *news (a bit a stripe), which the
 * caller announces when its turn ends. session 0: from the client itself, which limits bind. */
enum herd_put store_put(struct store *store, uint64_t hash, const struct herd_report *report,
                        uint32_t session, int64_t clock_ns, uint64_t *news);

/* Copies a client's record out; its texts live in room. False: not known. */
bool store_get(struct store *store, uint64_t hash, struct herd_text client, int64_t clock_ns,
               struct herd_report *report, struct herd_room *room);

/* Tells every feed which stripes have news; or every other, where this one's reader told it. */
struct store_watch;
void store_announce(struct store *store, uint64_t news);
void store_announce_others(struct store *store, uint64_t news, const struct store_watch *teller);

/* Whether limits.memory is reached, or memory is out: links stop reading. */
bool store_full(struct store *store);

/* Whether memory ran out for a report; the store is full until it recovers. */
bool store_out_of_memory(const struct store *store);
/* Looks whether there is memory again. False: not yet. Each second, where it is out. */
bool store_recover(struct store *store);

/* Frees dead records among the next so many slots of each stripe. Returns how many it freed. */
size_t store_forget(struct store *store, size_t slots, int64_t clock_ns);
/* The slots of all stripes, of records that are held and of those that were. */
size_t store_slots(struct store *store);

/* Where memory is nearly short: tidies stripes up, in turns, until it has seen so many slots. */
void store_tidy(struct store *store, size_t slots);

uint64_t store_clients(struct store *store);
/* Memory that it has: what limits.memory counts. Dead records have theirs until store_tidy. */
uint64_t store_bytes(struct store *store);
unsigned store_stripes(const struct store *store);

/* ---- for feeds ---- */

struct stripe *store_stripe(struct store *store, unsigned i); /* they stand side by side */

/* One that waits for news: store_announce ORs the stripes into news, and calls wake if it was 0, on
 * the thread that announces. wake must not block and must not call store_watch or store_unwatch. */
struct store_watch {
    struct store_watch *next;
    _Atomic uint64_t news;
    void (*wake)(void *arg);
    void *arg;
};
void store_watch(struct store *store, struct store_watch *watch);
/* When it returns wake is not running and will not be called again. */
void store_unwatch(struct store *store, struct store_watch *watch);

#endif
