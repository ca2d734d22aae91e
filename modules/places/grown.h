/* Bytes that grow, and Nearby Search JSON made of them: for every provider that does not get it in
 * that form, but makes it of values that it found elsewhere, cut in their own bytes.
 *
 * Any thread, each its own. Once memory has run out nothing more is added, and it is asked once, at
 * the end. */
#ifndef PLACES_GROWN_H
#define PLACES_GROWN_H

#include <herd/module.h>

/* Begins as {0}; its bytes are the holder's to free. */
struct grown {
    char *bytes;
    size_t len, room;
    bool failed;
};

void grown_add(struct grown *to, const void *bytes, size_t len);
void grown_text(struct grown *to, const char *text);

/* Adds a value of JSON that has passed json_check, on one line: line breaks between values go, with
 * the indentation behind them. Strings stay whole: between their quotes every byte counts. */
void grown_value(struct grown *to, struct herd_text value);

/* The same behind a text, the comma, the name and the colon; nothing if the value has no length. */
void grown_member(struct grown *to, const char *before, struct herd_text value);

/* A Nearby Search object in the making: begin, then for each entry entry, whatever is added to
 * json, and entry_end, then finish. If memory ran out, json.failed says so. */
struct grown_results {
    struct grown json;
    struct grown ends; /* uint32_t: where in json the entries end */
    size_t count;      /* of the entries */
};

/* attributions: an array of JSON. */
void grown_begin(struct grown_results *results, const char *attributions);
void grown_entry(struct grown_results *results);
void grown_entry_end(struct grown_results *results);
void grown_finish(struct grown_results *results);
void grown_free(struct grown_results *results);

#endif
