/* A stripe of the store: a lock, a hash table, a slab of records and the journal of their changes,
 * all of which belong together: a record that changes takes the stripe's next seq and stands at the
 * journal's end, under the one lock. Every function here takes the lock itself; any thread. */
#ifndef HERD_STRIPE_H
#define HERD_STRIPE_H

#include "base/memory.h"
#include "base/slab.h"
#include "herd/journal.h"
#include "herd/record.h"
#include "herd/table.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

/* What all stripes of a store share. */
struct stripe_context {
    uint64_t key[2]; /* of the hash */
    uint32_t stale;  /* records this many changes behind the tail are given a new seq: 2^31; less in
                        tests */
    struct names *names;
    size_t id_max;                   /* bytes of an id; binds clients only */
    struct arena records;            /* what the slabs are made of */
    struct slab_pool pool;           /* of it */
    struct arena index;              /* and the rest */
    _Atomic int64_t forget_after_ns; /* 0: never */
    _Atomic uint64_t clients_max;    /* 0: no limit; binds clients only */
    _Atomic uint64_t bytes_max;      /* likewise; 0: memory is out, nothing new has room */
    alignas(MEMORY_LINE) _Atomic uint64_t clients; /* records held */
    _Atomic uint64_t bytes;                        /* of the arenas, in use or kept for it */
};

/* What a change of a record that is held touches stands in four cache lines, not in nine: others
 * have pushed them out since, or other workers have had them. */
struct stripe {
    alignas(MEMORY_LINE) pthread_mutex_t lock;
    struct stripe_context *context;
    uint64_t tail;    /* seq of the last change; 0: none yet */
    struct slab slab; /* of which the first member alone is needed */
    alignas(MEMORY_LINE) struct table table;
    alignas(MEMORY_LINE) bool grown; /* there may be more memory than is accounted for */
    struct journal journal;
    size_t bytes;               /* this stripe's part of context->bytes */
    struct slab_walk dead_walk; /* for dead records */
};

void stripe_init(struct stripe *stripe, struct stripe_context *context);
void stripe_fini(struct stripe *stripe);

/* For a look-up that will come soon: has what it will touch first fetched from memory, and when
 * that is there the record. Takes no lock. */
void stripe_fetch(const struct stripe *stripe, uint64_t hash);
void stripe_fetch_record(const struct stripe *stripe, uint64_t hash);

/* Stores a report if it wins. session 0: from the client itself, which limits bind; another is FULL
 * only where memory is out, and INVALID where there are too many names of servers. */
enum herd_put stripe_put(struct stripe *stripe, uint64_t hash, const struct herd_report *report,
                         uint32_t session, int64_t clock_ns);

/* Copies a record out; its texts live in room. */
bool stripe_get(struct stripe *stripe, uint64_t hash, struct herd_text client, int64_t clock_ns,
                struct herd_report *report, struct herd_room *room);

/* Frees dead records among the next so many slots of a walk that goes round and round. Returns how
 * many it freed. */
size_t stripe_forget(struct stripe *stripe, size_t slots, int64_t clock_ns);

/* Moves records together and gives the memory that this leaves to all stripes. For when memory is
 * short: it sees all slots, and readers get again what has moved. */
void stripe_tidy(struct stripe *stripe);

/* How many slots there are to walk over. */
size_t stripe_slots(struct stripe *stripe);

uint64_t stripe_tail(struct stripe *stripe);

/* ---- reading the changes: a reader's place in this stripe ---- */

struct stripe_cursor {
    uint64_t began; /* the stripe's tail when the reader's session began */
    uint64_t pos;   /* all changes up to here have been read */
    uint64_t tail;  /* the stripe's, when it was last read */
    uint32_t index; /* of the next journal entry, good while packed is the journal's */
    uint32_t packed;
    /* while a sweep is under way: */
    uint64_t sweep_tail; /* the tail when it began */
    struct slab_walk sweep;
    uint32_t sweep_end; /* the slab's chunks when it began: what came later is behind sweep_tail */
};

/* Takes one record, under the stripe's lock. False: no room, and the record counts as not read. */
struct stripe_sink {
    bool (*take)(void *arg, const struct herd_report *report);
    void *arg;
    uint32_t session; /* what it has told is passed over */
    int64_t clock_ns; /* to know the dead ones, which are passed over too */
};

enum stripe_read {
    STRIPE_MORE, /* there is more to read before `until`, or before the sweep's end */
    STRIPE_DONE, /* read up to `until`; the sweep has ended, and pos is its sweep_tail */
    STRIPE_FULL  /* the sink had no room */
};

/* Reads at most `most` entries in the order of change, up to seq `until` or the tail. */
enum stripe_read stripe_list(struct stripe *stripe, struct stripe_cursor *cursor, uint64_t until,
                             unsigned most, const struct stripe_sink *sink);

/* Begins a sweep, and passes at most `most` records of it in the order of slots. */
void stripe_sweep_begin(struct stripe *stripe, struct stripe_cursor *cursor);
enum stripe_read stripe_sweep(struct stripe *stripe, struct stripe_cursor *cursor, unsigned most,
                              const struct stripe_sink *sink);

#endif
