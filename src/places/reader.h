/* Places out of a file, one by one, whatever its form. A reader looks at each alone: what is wrong
 * with one is said, and the next is read. Main thread. */
#ifndef PLACES_READER_H
#define PLACES_READER_H

#include "place.h"
#include "places/source.h"

enum reader_format { READER_GEOJSON, READER_JSONL, READER_CSV };

enum reader_result {
    READER_PLACE,
    READER_BAD, /* a record that is no place; err says why */
    READER_END,
    READER_FAILED /* nothing more can be read; err says why */
};

/* All zero but format and source: not begun. */
struct reader {
    enum reader_format format;
    struct source *source;
    uint64_t line; /* that the last record began on */

    bool begun;
    bool skipping;             /* the rest of a record that is too long */
    size_t pending;            /* bytes of the last record, taken when the next is asked for */
    struct table *table;       /* table.c's own */
    struct features *features; /* features.c's own */
    struct grown properties;   /* that a place borrows */
};

/* Reads the next one, whose texts are good until the call after. */
enum reader_result reader_next(struct reader *reader, struct place *place, struct herd_error *err);
void reader_fini(struct reader *reader);

/* Each of the forms. */
enum reader_result lines_next(struct reader *reader, struct place *place, struct herd_error *err);
enum reader_result table_next(struct reader *reader, struct place *place, struct herd_error *err);
void table_fini(struct reader *reader);
enum reader_result features_next(struct reader *reader, struct place *place,
                                 struct herd_error *err);
void features_fini(struct reader *reader);

/* The form that a file's name tells: .geojson and .json, .jsonl, .ndjson, .geojsonl and .geojsons,
 * .csv; or the name of a form itself. False: none. */
bool reader_format_of(const char *name, enum reader_format *format);

/* For the forms. A byte order mark at the beginning is taken. False: err says why not. */
bool reader_skip_mark(struct source *source, struct herd_error *err);

/* For a record of more than SOURCE_RECORD_MAX bytes. */
enum reader_result reader_refuse_large(struct herd_error *err);

/* A value that has passed json_check as a Feature. */
enum reader_result reader_feature(struct herd_text value, struct place *place,
                                  struct herd_error *err);

/* Which member of a place a name of a column or a member means. */
enum reader_role {
    READER_LAT,
    READER_LON,
    READER_NAME,
    READER_AMENITY,
    READER_VICINITY,
    READER_OTHER
};
enum reader_role reader_role_of(struct herd_text name);

#endif
