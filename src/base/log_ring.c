/* A record never wraps: where the end of the ring is too near, a gap fills it. The hard thing is
 * the order of time over all rings: a record gets its time and only then becomes visible, so the
 * consumer, who takes a time and then what is older from every ring, could miss one that is older
 * and not visible yet. Hence since_ns, set before the clock is read, and then to what it said:
 * whoever finds it 0 after having read the clock himself will never see an older record, and who
 * finds a time there none older than that. Setting it must be over before the clock is read, which
 * costs the one locked instruction here, and it serves a second time: see log_ring_put in the
 * header. Both were measured to be half of what an event costs its thread, so a thread may have
 * many events in one moment, with one time. */
#include "base/log_ring.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/memory.h"

#define WORD      sizeof(struct log_record)
#define GAP       UINT8_MAX /* for a level: not a record */
#define READING   1         /* for since_ns: the clock is being read */
#define LOOKS_MAX 1000      /* at a thread amid a moment that is not given the processor */

static_assert(WORD == 32 && LOG_RING_BYTES % WORD == 0, "a record, or a gap, always has room");
static_assert(LOG_TEXT_MAX <= UINT16_MAX && LOG_RING_BYTES / WORD <= UINT16_MAX, "len, words");

struct log_ring *log_ring_create(void)
{
    struct log_ring *ring = memory_aligned(64, sizeof *ring);

    memset(ring, 0, offsetof(struct log_ring, bytes));
    return ring;
}

void log_ring_destroy(struct log_ring *ring)
{
    free(ring);
}

static struct log_record *record_at(struct log_ring *ring, uint64_t place)
{
    assert(place % WORD == 0);
    return (struct log_record *)(ring->bytes + place % LOG_RING_BYTES);
}

/* Whether so much can be put in at head. */
static bool has_room(struct log_ring *ring, uint64_t head, uint64_t bytes)
{
    if (head + bytes - ring->known_tail <= LOG_RING_BYTES / 2)
        return true;
    ring->known_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return head + bytes - ring->known_tail <= LOG_RING_BYTES;
}

static void drop(struct log_ring *ring)
{
    uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);

    atomic_store_explicit(&ring->dropped, dropped + 1, memory_order_relaxed);
}

static uint64_t fill_gap(struct log_ring *ring, uint64_t head, uint64_t gap)
{
    struct log_record *record = record_at(ring, head);

    record->words = (uint16_t)(gap / WORD);
    record->level = GAP;
    return head + gap;
}

static int64_t begin_moment(struct log_ring *ring)
{
    atomic_exchange(&ring->since_ns, READING);
    int64_t time_ns = clock_wall_ns();
    atomic_store_explicit(&ring->since_ns, time_ns, memory_order_release);
    return time_ns;
}

void log_ring_rest(struct log_ring *ring)
{
    if (atomic_load_explicit(&ring->since_ns, memory_order_relaxed) != 0)
        atomic_store_explicit(&ring->since_ns, 0, memory_order_release);
}

/* The members come one by one, and not as a record: a copy of what was just written in smaller
 * parts has to wait for them. */
size_t log_ring_put(struct log_ring *ring, uint64_t conn, struct herd_text what,
                    struct herd_text text, enum herd_level level, enum log_kind kind)
{
    size_t len = text.len <= LOG_TEXT_MAX ? text.len : LOG_TEXT_MAX;
    uint64_t bytes = (WORD + len + WORD - 1) / WORD * WORD;
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t rest = LOG_RING_BYTES - head % LOG_RING_BYTES;
    uint64_t gap = rest < bytes ? rest : 0;
    int64_t time_ns = atomic_load_explicit(&ring->since_ns, memory_order_relaxed);

    if (!has_room(ring, head, gap + bytes)) {
        drop(ring);
        return LOG_RING_BYTES;
    }
    if (time_ns == 0)
        time_ns = begin_moment(ring);
    if (gap > 0)
        head = fill_gap(ring, head, gap);
    struct log_record *to = record_at(ring, head);
    to->time_ns = time_ns;
    to->conn = conn;
    to->what = what.bytes;
    to->what_len = (uint8_t)what.len;
    to->level = (uint8_t)level;
    to->kind = (uint8_t)kind;
    to->words = (uint16_t)(bytes / WORD);
    to->len = (uint16_t)len;
    to->cut = len < text.len;
    bytes_copy((char *)(to + 1), text.bytes, len);
    atomic_store_explicit(&ring->head, head + bytes, memory_order_release);
    if (!ring->gathers)
        log_ring_rest(ring);
    return head + bytes - ring->known_tail;
}

int64_t log_ring_look(struct log_ring *ring)
{
    int64_t since_ns;

    for (int i = 0; (since_ns = atomic_load(&ring->since_ns)) == READING && i < LOOKS_MAX; i++)
        sched_yield();
    ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
    return since_ns == READING ? 0 : since_ns == 0 ? INT64_MAX : since_ns;
}

void log_ring_await(struct log_ring *ring, int64_t until_ns)
{
    int64_t since_ns;

    for (int i = 0; i < LOOKS_MAX; i++) {
        since_ns = atomic_load(&ring->since_ns);
        if (since_ns == 0 || since_ns > until_ns)
            return;
        sched_yield();
    }
}

const struct log_record *log_ring_first(struct log_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    if (tail == ring->seen_head)
        return NULL;
    const struct log_record *record = record_at(ring, tail);
    if (record->level != GAP)
        return record;
    tail += record->words * WORD;
    log_ring_next(ring);
    return record_at(ring, tail); /* which became visible together with the gap before it */
}

void log_ring_next(struct log_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    assert(tail < ring->seen_head);
    atomic_store_explicit(&ring->tail, tail + record_at(ring, tail)->words * WORD,
                          memory_order_release);
}

bool log_ring_idle(const struct log_ring *ring)
{
    return atomic_load(&ring->since_ns) == 0 &&
           atomic_load(&ring->head) == atomic_load(&ring->tail);
}

bool log_ring_spent(const struct log_ring *ring)
{
    return atomic_load(&ring->ended) && log_ring_idle(ring) &&
           atomic_load_explicit(&ring->dropped, memory_order_relaxed) == ring->seen_dropped;
}

uint64_t log_ring_dropped(struct log_ring *ring)
{
    uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
    uint64_t since = dropped - ring->seen_dropped;

    ring->seen_dropped = dropped;
    return since;
}
