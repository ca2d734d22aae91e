/* An answer of a provider of places, made ready once for all who ask: its runs of newlines are
 * squeezed, and where its entries end is known, so that each asker gets as many as it wants of the
 * same bytes. It does not change any more, and is freed when the last of its holders lets go of it.
 * Any thread. */
#ifndef CORE_ANSWER_H
#define CORE_ANSWER_H

#include <herd/module.h>

struct answer;

/* Copies it, with each run of newlines as one, none at its end, and no CR outside strings. The
 * caller holds it. NULL: there is no memory for that. from->ends rise, and lie in its text. */
struct answer *answer_create(const struct herd_answer *from);

/* That of a search that failed: no results, a status and why, of which only what a JSON string may
 * hold stays as it is. NULL: no memory. */
struct answer *answer_create_failure(const char *status, const char *message);

struct answer *answer_hold(struct answer *answer);
void answer_release(struct answer *answer); /* NULL: nothing */

/* The memory it takes. */
size_t answer_bytes(const struct answer *answer);

/* Its text with at most bound (1 or more) entries: the first of the two, then the second. */
struct answer_parts {
    struct herd_text head, tail;
};
struct answer_parts answer_cut(const struct answer *answer, unsigned bound);

#endif
