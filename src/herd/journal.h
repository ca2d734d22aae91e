/* The order of change of a stripe: an entry for each change, oldest first. An entry is live while
 * the record in its slot still has its seq; the others are dropped when the journal is full.
 * Whoever owns it locks. */
#ifndef HERD_JOURNAL_H
#define HERD_JOURNAL_H

#include "base/segments.h"

#include <stdbool.h>

struct journal_entry {
    uint32_t slot;
    uint32_t seq; /* the low half */
};

struct journal {
    uint32_t count;
    uint32_t room;           /* entries it may have before it is packed */
    uint32_t kept;           /* how many of them stayed when it was packed last */
    uint32_t packed;         /* how often entries were dropped: an index found before is good no
                                more */
    struct segments entries; /* of which count are in use */
};

/* index: its memory, which outlives it. */
void journal_init(struct journal *journal, struct arena *index);

static inline struct journal_entry *journal_at(const struct journal *journal, uint32_t i)
{
    return segments_item(&journal->entries, i, sizeof(struct journal_entry));
}

/* Whether the journal must be packed before an entry can be added. */
static inline bool journal_full(const struct journal *journal)
{
    return journal->count == journal->room;
}

/* Drops what live says no to, and makes room for at least as many entries as stay; or, where memory
 * is short, for an eighth as many if that takes no more of it. soon is called with each entry some
 * time before live is, to have its record fetched from memory: the records lie anywhere, and with
 * 10,000,000 clients that makes packing three times as fast. Inline, so that the caller's two
 * functions are too, which halves what packing costs a change. */
#define JOURNAL_AHEAD 16 /* entries */
struct journal_judge {
    bool (*live)(void *arg, const struct journal_entry *entry);
    void (*soon)(void *arg, const struct journal_entry *entry);
    void *arg;
};
void journal_packed(struct journal *journal, uint32_t kept, bool is_short); /* its second half */
static inline void journal_pack(struct journal *journal, const struct journal_judge *judge,
                                bool is_short)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < journal->count; i++) {
        if (i + JOURNAL_AHEAD < journal->count)
            judge->soon(judge->arg, journal_at(journal, i + JOURNAL_AHEAD));
        const struct journal_entry entry = *journal_at(journal, i);
        if (judge->live(judge->arg, &entry))
            *journal_at(journal, kept++) = entry;
    }
    journal_packed(journal, kept, is_short);
}

/* Sees to memory for one more entry. False: there is none. */
bool journal_extend(struct journal *journal);
static inline bool journal_ready(struct journal *journal)
{
    return journal->count < journal->entries.count || journal_extend(journal);
}

/* Adds an entry; it must be ready, and not full. */
void journal_add(struct journal *journal, uint32_t slot, uint32_t seq);

/* The index of the first entry behind seq; tail is the seq of the last. */
uint32_t journal_find(const struct journal *journal, uint64_t seq, uint64_t tail);

/* The whole seq of which an entry or a record has the low half. All that is live lies within 2^32
 * of the tail. */
static inline uint64_t journal_seq(uint32_t low, uint64_t tail)
{
    return tail - (uint32_t)((uint32_t)tail - low);
}

#endif
