/* Where a thread leaves what it has to log: a ring of bytes with one producer, the thread, and one
 * consumer, the log thread. No lock, nobody waits: what finds no room is dropped and counted.
 * Neither side touches the other's fields but as said here. */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include <assert.h>
#include <stdatomic.h>

#include <herd/module.h>

#include "base/bytes.h"

#define LOG_RING_BYTES (256 * 1024)
#define LOG_TEXT_MAX   (8 * 1024) /* bytes of an event's text; what is longer is cut */

/* What an event's text is. */
enum log_kind {
    LOG_EVENT,   /* the event, in words */
    LOG_MESSAGE, /* bytes of the wire, behind what: WHAT 'TEXT' */
    LOG_SUBJECT, /* bytes of the wire, behind what: WHAT TEXT */
    LOG_STATUS,  /* an object of JSON */
};

/* Level and kind in one, as a call with seven arguments costs more than one with six. */
#define LOG_KINDS            0xffU
#define LOG_HOW(level, kind) ((unsigned)(level) << 8 | (unsigned)(kind))

struct log_record {
    int64_t time_ns;  /* the wall clock's */
    uint64_t conn;    /* 0: none */
    const char *what; /* a literal, or NULL */
    uint16_t words;   /* of the record's size, which it has with its text */
    uint16_t len;     /* of the text, which follows */
    uint8_t what_len;
    uint8_t level;
    uint8_t kind;
    bool cut; /* the text was longer */
};

#define LOG_RING_WORD sizeof(struct log_record)
#define LOG_RING_GAP  UINT8_MAX /* for a level: not a record */

struct log_ring {
    /* The producer's. */
    _Alignas(64) _Atomic uint64_t head; /* bytes ever put in */
    _Atomic int64_t since_ns;           /* the time of the moment under way; 0: none */
    _Atomic uint64_t dropped;           /* records that found no room */
    uint64_t known_tail;
    bool gathers; /* the moment lasts until log_ring_rest */
    /* The consumer's. */
    _Alignas(64) _Atomic uint64_t tail; /* bytes ever taken out */
    uint64_t seen_head;                 /* how far it reads before it looks again */
    uint64_t seen_dropped;
    struct log_ring *next;
    _Atomic bool ended; /* the producer's last word: it puts nothing in any more */
    _Alignas(64) char bytes[LOG_RING_BYTES];
};

static inline struct log_record *log_ring_at(struct log_ring *ring, uint64_t place)
{
    assert(place % LOG_RING_WORD == 0);
    return (struct log_record *)(ring->bytes + place % LOG_RING_BYTES);
}

struct log_ring *log_ring_create(void);
void log_ring_destroy(struct log_ring *ring);

/* Producer. The moment is over, if one is under way. */
static inline void log_ring_rest(struct log_ring *ring)
{
    if (atomic_load_explicit(&ring->since_ns, memory_order_relaxed) != 0)
        atomic_store_explicit(&ring->since_ns, 0, memory_order_release);
}

/* For log_ring_put: what is seldom wanted before a record of so many bytes is put in. Has the
 * moment begin if there is none, and leaves a gap if the end of the ring is too near. Returns where
 * the record goes; LOG_RING_FULL: there is no room, and that is counted. */
#define LOG_RING_FULL UINT64_MAX
uint64_t log_ring_prepare(struct log_ring *ring, uint64_t head, uint64_t bytes);

/* Producer. Puts a record and a copy of its text in, with the time of the moment, which begins now
 * if none is under way, and ends here unless the ring gathers. Of what only the place is kept: a
 * literal, or nothing. Returns how many bytes wait in the ring, or a few more.
 * What the consumer stores (sequentially consistent) before it finds the ring idle, the producer's
 * thread sees behind this call, or the consumer finds the ring not idle.
 * The members come one by one, and not as a record: a copy of what was just written in smaller
 * parts has to wait for them. */
static inline size_t log_ring_put(struct log_ring *ring, uint64_t conn, struct herd_text what,
                                  struct herd_text text, unsigned how)
{
    size_t len = text.len <= LOG_TEXT_MAX ? text.len : LOG_TEXT_MAX;
    uint64_t bytes = (LOG_RING_WORD + len + LOG_RING_WORD - 1) / LOG_RING_WORD * LOG_RING_WORD;
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head % LOG_RING_BYTES + bytes > LOG_RING_BYTES ||
        head + bytes - ring->known_tail > LOG_RING_BYTES / 2 ||
        atomic_load_explicit(&ring->since_ns, memory_order_relaxed) == 0)
        head = log_ring_prepare(ring, head, bytes);
    if (head == LOG_RING_FULL)
        return LOG_RING_BYTES;
    struct log_record *to = log_ring_at(ring, head);
    to->time_ns = atomic_load_explicit(&ring->since_ns, memory_order_relaxed);
    to->conn = conn;
    to->what = what.bytes;
    to->what_len = (uint8_t)what.len;
    to->level = (uint8_t)(how >> 8);
    to->kind = (uint8_t)how;
    to->words = (uint16_t)(bytes / LOG_RING_WORD);
    to->len = (uint16_t)len;
    to->cut = len < text.len;
    bytes_copy((char *)(to + 1), text.bytes, len);
    atomic_store_explicit(&ring->head, head + bytes, memory_order_release);
    if (!ring->gathers)
        log_ring_rest(ring);
    return head + bytes - ring->known_tail;
}

/* Consumer. Looks how far there is to read. Returns the time that every record has, or a greater
 * one, which is put in from here on and is not younger than this call; INT64_MAX: there is none;
 * 0: that cannot be said, as the producer was stopped while it read the clock. */
int64_t log_ring_look(struct log_ring *ring);
/* The oldest record of what log_ring_look saw; NULL: none. The text stands behind it. */
static inline const struct log_record *log_ring_first(struct log_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == ring->seen_head)
        return NULL;
    const struct log_record *record = log_ring_at(ring, tail);
    if (record->level != LOG_RING_GAP)
        return record;
    tail += record->words * LOG_RING_WORD;
    atomic_store_explicit(&ring->tail, tail, memory_order_release);
    return log_ring_at(ring, tail); /* which became visible together with the gap before it */
}

/* The first one is done with. */
static inline void log_ring_next(struct log_ring *ring, const struct log_record *first)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    assert(tail < ring->seen_head && first == log_ring_at(ring, tail));
    atomic_store_explicit(&ring->tail, tail + first->words * LOG_RING_WORD, memory_order_release);
}

/* Consumer. Waits, but not for ever, for the end of a moment that began up to then. */
void log_ring_await(struct log_ring *ring, int64_t until_ns);
/* Nothing is in it, nor about to be. */
bool log_ring_idle(const struct log_ring *ring);
/* Nothing will ever be in it again, and nothing is untold. */
bool log_ring_spent(const struct log_ring *ring);
/* How many records were dropped since it was last asked. */
uint64_t log_ring_dropped(struct log_ring *ring);

#endif
