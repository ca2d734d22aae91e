/* A Nearby Search object that a provider puts together from entries that it has, a line each. */
#ifndef PLACES_ENTRIES_H
#define PLACES_ENTRIES_H

#include "grown.h"

/* All zero: not begun. */
struct entries {
    struct grown json;
    struct grown ends; /* uint32_t: where each entry ends */
    size_t count;
};

/* Begins anew; then its entries, in order; then its end. False: no memory, or 4 GiB. */
void entries_begin(struct entries *entries);
void entries_add(struct entries *entries, struct herd_text line);
bool entries_end(struct entries *entries);

/* Hands it to the one who searches. */
void entries_give(const struct entries *entries, struct herd_search *search);

void entries_fini(struct entries *entries);

#endif
