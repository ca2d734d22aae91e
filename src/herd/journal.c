/* Appending costs nothing but the entry; packing reads each entry's record, so it is done only when
 * the journal is full, and then leaves it at most half full: once in as many changes as it has
 * entries. The records lie anywhere, so each is asked for some entries ahead: with 10,000,000
 * clients that makes packing three times as fast. */
#include "herd/journal.h"

#define ROOM_FIRST 32
#define AHEAD      16 /* entries */

void journal_init(struct journal *journal, struct arena *index)
{
    *journal = (struct journal){.room = 0};
    segments_init(&journal->entries, index, sizeof(struct journal_entry));
}

void journal_pack(struct journal *journal, const struct journal_judge *judge)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < journal->count; i++) {
        if (i + AHEAD < journal->count)
            judge->soon(judge->arg, journal_at(journal, i + AHEAD));
        const struct journal_entry entry = *journal_at(journal, i);
        if (judge->live(judge->arg, &entry))
            *journal_at(journal, kept++) = entry;
    }
    journal->count = kept;
    journal->packed++;
    journal->room = kept < ROOM_FIRST / 2 ? ROOM_FIRST : 2 * kept;
}

void journal_add(struct journal *journal, uint32_t slot, uint32_t seq)
{
    assert(journal->count < journal->room);
    if (journal->count == journal->entries.count)
        segments_add(&journal->entries);
    *journal_at(journal, journal->count++) = (struct journal_entry){slot, seq};
}

uint32_t journal_find(const struct journal *journal, uint64_t seq, uint64_t tail)
{
    uint32_t low = 0, high = journal->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (journal_seq(journal_at(journal, middle)->seq, tail) > seq)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
