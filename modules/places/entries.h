/* A Nearby Search object that a provider puts together itself, entry by entry. */
#ifndef PLACES_ENTRIES_H
#define PLACES_ENTRIES_H

#include "grown.h"

/* All zero: not begun. */
struct entries {
    struct grown json;
    struct grown ends; /* uint32_t: where each entry ends */
    size_t count;
};

/* Begins anew, with html_attributions (an array of JSON, "[]" for none); then its entries, in
 * order; then its end. An entry is added as a line, or put together between open and close, at the
 * end of what open returns. False: no memory, or 4 GiB. */
void entries_begin(struct entries *entries, const char *attributions);
void entries_add(struct entries *entries, struct herd_text line);
struct grown *entries_open(struct entries *entries);
void entries_close(struct entries *entries);
bool entries_end(struct entries *entries);

/* What herd_search_answer takes, once it has ended. */
struct herd_answer entries_answer(const struct entries *entries);

void entries_fini(struct entries *entries);

#endif
