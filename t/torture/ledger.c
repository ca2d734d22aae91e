/* The book of what the herd owes. It is read rarely and written at each answer, so a column is one
 * array. */
#include "ledger.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ledger_init(struct ledger *ledger, size_t ids, size_t servers, struct herd_text *names)
{
    assert(ids > 0 && servers > 0 && names != NULL);
    *ledger = (struct ledger){.ids = ids, .servers = servers, .names = names};
    ledger->columns = memory_zeroed(ids * servers, sizeof *ledger->columns);
}

void ledger_fini(struct ledger *ledger)
{
    free(ledger->columns);
}

static struct report *entry_of(const struct ledger *ledger, size_t server, size_t id)
{
    assert(server < ledger->servers && id < ledger->ids);
    return &ledger->columns[server * ledger->ids + id];
}

/* Which of two reports that one server has heard is greater. */
static int compare(const struct ledger *ledger, size_t server, const struct report *a,
                   const struct report *b)
{
    char room_a[REPORT_TEXT_MAX], room_b[REPORT_TEXT_MAX];
    struct said said_a, said_b;
    report_said(a, ledger->names[server], room_a, &said_a);
    report_said(b, ledger->names[server], room_b, &said_b);
    return said_compare(&said_a, &said_b);
}

static bool repeats(const struct report *a, const struct report *b)
{
    return a->time_ns == b->time_ns && a->place == b->place && a->whole == b->whole;
}

void ledger_note(struct ledger *ledger, size_t server, size_t id, const struct report *report)
{
    struct report *entry = entry_of(ledger, server, id);
    if (entry->set && (report->time_ns < entry->time_ns || repeats(report, entry)))
        return;
    if (entry->set && report->time_ns == entry->time_ns &&
        compare(ledger, server, report, entry) < 0)
        return;
    *entry = *report;
    entry->set = true;
}

void ledger_empty(struct ledger *ledger, size_t server)
{
    memset(entry_of(ledger, server, 0), 0, ledger->ids * sizeof *ledger->columns);
}

bool ledger_paid(const struct ledger *ledger, size_t id, const struct said *said, struct said *owed,
                 char *room)
{
    char other_room[REPORT_TEXT_MAX];
    bool any = false;
    for (size_t i = 0; i < ledger->servers; i++) {
        const struct report *entry = entry_of(ledger, i, id);
        struct said other;
        if (!entry->set || (said != NULL && entry->time_ns < said->time_ns))
            continue;
        report_said(entry, ledger->names[i], other_room, &other);
        bool paid = said != NULL && (said_repeats(said, &other) || said_compare(said, &other) >= 0);
        if (paid || (any && said_compare(owed, &other) >= 0))
            continue;
        report_said(entry, ledger->names[i], room, owed);
        any = true;
    }
    return !any;
}
