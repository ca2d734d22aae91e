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

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

#define WORD      LOG_RING_WORD
#define READING   1    /* for since_ns: the clock is being read */
#define LOOKS_MAX 1000 /* at a thread amid a moment that is not given the processor */

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
    struct log_record *record = log_ring_at(ring, head);

    record->words = (uint16_t)(gap / WORD);
    record->level = LOG_RING_GAP;
    return head + gap;
}

static void begin_moment(struct log_ring *ring)
{
    atomic_exchange(&ring->since_ns, READING);
    atomic_store_explicit(&ring->since_ns, clock_wall_ns(), memory_order_release);
}

uint64_t log_ring_prepare(struct log_ring *ring, uint64_t head, uint64_t bytes)
{
    uint64_t rest = LOG_RING_BYTES - head % LOG_RING_BYTES;
    uint64_t gap = rest < bytes ? rest : 0;

    if (!has_room(ring, head, gap + bytes)) {
        drop(ring);
        return LOG_RING_FULL;
    }
    if (atomic_load_explicit(&ring->since_ns, memory_order_relaxed) == 0)
        begin_moment(ring);
    return gap > 0 ? fill_gap(ring, head, gap) : head;
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
