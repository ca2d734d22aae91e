/* Lines that were read together, parted and looked up before the first of them is executed. So what
 * their commands will read of the store comes from memory while the others are still being parted:
 * all of it at once, and not one after the other, which is most of what a command costs with many
 * clients. Nothing is executed here, and nothing promised: a line that is not executed after all is
 * read ahead again. Belongs to whoever holds it. */
#ifndef HERD_AHEAD_H
#define HERD_AHEAD_H

#include "herd/dispatch.h"
#include "herd/store.h"
#include "wire/line.h"

#define AHEAD_LINES 16

struct ahead_line {
    struct line line;
    size_t bytes;                       /* with its end */
    const struct herd_command *command; /* that takes it; NULL: none */
    struct herd_text client;            /* the field that names one; empty: none does */
    uint64_t hash;                      /* the store's, of that */
};

struct ahead {
    unsigned count;
    struct ahead_line lines[AHEAD_LINES];
};

/* Reads whole lines, as many as there are and as it holds, but none of over line_max bytes (less
 * its end) and none behind one. */
void ahead_read(struct ahead *ahead, const struct dispatch *dispatch, enum herd_from from,
                struct store *store, size_t line_max, const char *bytes, size_t len);

#endif
