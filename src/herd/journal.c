/* Appending costs nothing but the entry; packing reads each entry's record, so it is done only when
 * the journal is full, and then leaves it at most half full: once in as many changes as it has
 * entries. */
#include "herd/journal.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 32

void journal_fini(struct journal *journal)
{
    free(journal->entries);
    memset(journal, 0, sizeof *journal);
}

void journal_pack(struct journal *journal, int (*live)(void *, const struct journal_entry *),
                  void *arg)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < journal->count; i++)
        if (live(arg, &journal->entries[i]))
            journal->entries[kept++] = journal->entries[i];
    journal->count = kept;
    journal->packed++;
    uint32_t room = journal->room;
    while (room < ROOM_FIRST || room / 2 < kept)
        room = room < ROOM_FIRST ? ROOM_FIRST : room * 2;
    if (room == journal->room)
        return;
    journal->entries = memory_resize(journal->entries, (size_t)room * sizeof *journal->entries);
    journal->room = room;
}

void journal_add(struct journal *journal, uint32_t slot, uint32_t seq)
{
    assert(journal->count < journal->room);
    journal->entries[journal->count++] = (struct journal_entry){slot, seq};
}

uint32_t journal_find(const struct journal *journal, uint64_t seq, uint64_t tail)
{
    uint32_t low = 0, high = journal->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (journal_seq(journal->entries[middle].seq, tail) > seq)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
