/* Appending costs nothing but the entry; packing reads each entry's record, so it is done only when
 * the journal is full, and then leaves it at most half full: once in as many changes as it has
 * entries. So each change pays for two entries that are looked at. */
#include "herd/journal.h"

#define ROOM_FIRST 32

void journal_init(struct journal *journal, struct arena *index)
{
    *journal = (struct journal){.room = 0};
    segments_init(&journal->entries, index, sizeof(struct journal_entry));
}

/* How many entries there may be where so many have stayed. */
static uint32_t room_for(const struct journal *journal, uint32_t kept, bool is_short)
{
    uint32_t most = (uint32_t)(segments_bytes(&journal->entries) / sizeof(struct journal_entry));
    if (kept < ROOM_FIRST / 2)
        return ROOM_FIRST;
    if (is_short && most < 2 * kept && most >= kept + kept / 8 + 1)
        return most;
    return 2 * kept;
}

void journal_packed(struct journal *journal, uint32_t kept, bool is_short)
{
    assert(kept <= journal->count);
    journal->count = kept;
    journal->kept = kept;
    journal->packed++;
    journal->room = room_for(journal, kept, is_short);
}

bool journal_extend(struct journal *journal)
{
    assert(journal->count == journal->entries.count);
    return segments_add(&journal->entries) != SEGMENTS_NONE;
}

void journal_add(struct journal *journal, uint32_t slot, uint32_t seq)
{
    assert(journal->count < journal->room && journal->count < journal->entries.count);
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
