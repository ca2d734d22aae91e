/* What was acknowledged: for each server and client the greatest report, since the server came up.
 * When a server dies its column is emptied: what only it has acknowledged may be lost. */
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include "report.h"

struct ledger {
    size_t ids, servers;
    struct herd_text *names;
    struct report *columns; /* server by server */
};

void ledger_init(struct ledger *ledger, size_t ids, size_t servers, struct herd_text *names);
void ledger_fini(struct ledger *ledger);

/* The server has acknowledged this report of the client. */
void ledger_note(struct ledger *ledger, size_t server, size_t id, const struct report *report);

/* The server is gone, with all it knew. */
void ledger_empty(struct ledger *ledger, size_t server);

/* Whether what is held is at least as great as each report of that client that counts; said: NULL:
 * nothing is held. If not, owed is the greatest, its texts in room (REPORT_TEXT_MAX). */
bool ledger_paid(const struct ledger *ledger, size_t id, const struct said *said, struct said *owed,
                 char *room);

#endif
