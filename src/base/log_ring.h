/* Where a thread leaves what it has to log: a ring of bytes with one producer, the thread, and one
 * consumer, the log thread. No lock, nobody waits: what finds no room is dropped and counted.
 * Neither side touches the other's fields but as said here. */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include <stdatomic.h>

#include <herd/module.h>

#define LOG_RING_BYTES (256 * 1024)
#define LOG_TEXT_MAX   (8 * 1024) /* bytes of an event's text; what is longer is cut */

/* What an event's text is. */
enum log_kind {
    LOG_EVENT,   /* the event, in words */
    LOG_MESSAGE, /* bytes of the wire, behind what: WHAT 'TEXT' */
    LOG_SUBJECT, /* bytes of the wire, behind what: WHAT TEXT */
    LOG_STATUS,  /* an object of JSON */
};

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

struct log_ring *log_ring_create(void);
void log_ring_destroy(struct log_ring *ring);

/* Producer. Puts a record and a copy of its text in, with the time of the moment, which begins now
 * if none is under way, and ends here unless the ring gathers. Of what only the place is kept: a
 * literal, or nothing. Returns how many bytes wait in the ring, or a few more.
 * What the consumer stores (sequentially consistent) before it finds the ring idle, the producer's
 * thread sees behind this call, or the consumer finds the ring not idle. */
size_t log_ring_put(struct log_ring *ring, uint64_t conn, struct herd_text what,
                    struct herd_text text, enum herd_level level, enum log_kind kind);
/* Producer. The moment is over, if one is under way. */
void log_ring_rest(struct log_ring *ring);

/* Consumer. Looks how far there is to read. Returns the time that every record has, or a greater
 * one, which is put in from here on and is not younger than this call; INT64_MAX: there is none;
 * 0: that cannot be said, as the producer was stopped while it read the clock. */
int64_t log_ring_look(struct log_ring *ring);
/* The oldest record of what log_ring_look saw; NULL: none. The text stands behind it. */
const struct log_record *log_ring_first(struct log_ring *ring);
void log_ring_next(struct log_ring *ring); /* first is done with */
/* Consumer. Waits, but not for ever, for the end of a moment that began up to then. */
void log_ring_await(struct log_ring *ring, int64_t until_ns);
/* Nothing is in it, nor about to be. */
bool log_ring_idle(const struct log_ring *ring);
/* Nothing will ever be in it again, and nothing is untold. */
bool log_ring_spent(const struct log_ring *ring);
/* How many records were dropped since it was last asked. */
uint64_t log_ring_dropped(struct log_ring *ring);

#endif
