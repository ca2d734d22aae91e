/* Each ring is in order already, and what is put into one tends to come many at a time; so the ring
 * with the oldest event gives all it has up to the oldest of another, and is the only one looked at
 * meanwhile. The hard thing is an event that is not to be seen yet and older than one that is:
 * log_ring.c says why none is missed. A clock that steps back leaves events that seem to be of the
 * future; those are not waited for. */
#include "base/log_merge.h"

#include <assert.h>
#include <inttypes.h>

static inline const struct log_record *first_due(struct log_ring *ring, int64_t until)
{
    const struct log_record *record = log_ring_first(ring);

    if (record != NULL && record->time_ns > until && record->time_ns <= until + LOG_MERGE_AHEAD_NS)
        return NULL;
    return record;
}

/* The ring with the oldest record that is due; *next: the time of the oldest one elsewhere. */
static struct log_ring *find_oldest(struct log_ring *rings, int64_t until, int64_t *next)
{
    struct log_ring *oldest = NULL;
    int64_t time = INT64_MAX;

    *next = INT64_MAX;
    for (struct log_ring *ring = rings; ring != NULL; ring = ring->next) {
        const struct log_record *record = first_due(ring, until);
        if (record == NULL)
            continue;
        if (oldest == NULL || record->time_ns < time) {
            *next = time;
            time = record->time_ns;
            oldest = ring;
        } else if (record->time_ns < *next) {
            *next = record->time_ns;
        }
    }
    return oldest;
}

static void merge(struct log_target *target, struct log_ring *rings, int64_t until)
{
    struct log_ring *ring;
    int64_t next;

    while ((ring = find_oldest(rings, until, &next)) != NULL) {
        const struct log_record *record = first_due(ring, until);
        do {
            log_target_put(target, record,
                           (struct herd_text){(const char *)(record + 1), record->len});
            log_ring_next(ring, record);
            record = first_due(ring, until);
        } while (record != NULL && record->time_ns <= next);
    }
}

/* With the time up to which events have been taken, for younger ones may follow. */
static void tell_dropped(struct log_target *target, struct log_ring *rings, int64_t until)
{
    uint64_t dropped = 0;

    for (struct log_ring *ring = rings; ring != NULL; ring = ring->next)
        dropped += log_ring_dropped(ring);
    if (dropped > 0)
        log_target_warn(target, until, "%" PRIu64 " events dropped: they came too fast for the log",
                        dropped);
}

/* Returns the time up to which all there will ever be is there; 0: unknown. */
static int64_t look(struct log_ring *rings, int64_t until, bool patient)
{
    int64_t complete = until;

    for (struct log_ring *ring = rings; ring != NULL; ring = ring->next) {
        if (patient)
            log_ring_await(ring, until);
        int64_t since = log_ring_look(ring);
        if (since < complete)
            complete = since;
    }
    return complete;
}

bool log_merge(struct log_target *target, struct log_ring *rings, int64_t until_ns, bool patient)
{
    assert(target != NULL);
    int64_t complete = look(rings, until_ns, patient);
    if (complete > 0) {
        merge(target, rings, complete);
        tell_dropped(target, rings, complete);
    }
    return complete == until_ns;
}
