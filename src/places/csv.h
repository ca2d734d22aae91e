/* Comma-separated values (RFC 4180): one record of a text, taken apart. It knows nothing of places.
 */
#ifndef PLACES_CSV_H
#define PLACES_CSV_H

#include "grown.h"

#define CSV_FIELDS_MAX 1000

/* The fields of a record, quotes taken off. All zero: none. */
struct csv_record {
    struct grown text;
    size_t ends[CSV_FIELDS_MAX]; /* of each field in text */
    size_t count;
    size_t len; /* what was taken of the bytes, with the line end */
};

enum csv_result {
    CSV_RECORD,
    CSV_MORE, /* it goes on behind the bytes */
    CSV_BAD   /* err says why; len is that of its first line, or of what there is of that */
};

/* Takes the record apart that these bytes begin with, at least one of them. all: nothing follows.
 */
enum csv_result csv_parse(struct csv_record *record, struct herd_text bytes, bool all,
                          struct herd_error *err);

struct herd_text csv_field(const struct csv_record *record, size_t i);

#endif
