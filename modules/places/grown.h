/* Bytes that grow while a text is put together. Once memory has run out nothing more is added, and
 * it is asked once, at the end: a text that failed is never used. */
#ifndef PLACES_GROWN_H
#define PLACES_GROWN_H

#include <herd/module.h>

/* All zero: empty. bytes is the holder's to free. */
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

/* Forgets what is in it, and that memory ran out; the room stays. */
void grown_clear(struct grown *grown);

#endif
