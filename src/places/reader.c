/* What readers of all forms share: see reader.h. */
#include "places/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum reader_result reader_next(struct reader *reader, struct place *place, struct herd_error *err)
{
    assert(reader && reader->source && place && err);
    *place = (struct place){0};
    switch (reader->format) {
    case READER_GEOJSON:
        return features_next(reader, place, err);
    case READER_JSONL:
        return lines_next(reader, place, err);
    default:
        return table_next(reader, place, err);
    }
}

void reader_fini(struct reader *reader)
{
    table_fini(reader);
    features_fini(reader);
    free(reader->properties.bytes);
    reader->properties = (struct grown){0};
}

bool reader_format_of(const char *name, enum reader_format *format)
{
    static const struct {
        const char *ending;
        enum reader_format format;
    } known[] = {
        {"geojson", READER_GEOJSON}, {"json", READER_GEOJSON},   {"jsonl", READER_JSONL},
        {"ndjson", READER_JSONL},    {"geojsonl", READER_JSONL}, {"geojsons", READER_JSONL},
        {"csv", READER_CSV},
    };
    const char *point = strrchr(name, '.'), *ending = point ? point + 1 : name;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(ending, known[i].ending) == 0) {
            *format = known[i].format;
            return true;
        }
    }
    return false;
}

bool reader_skip_mark(struct source *source, struct herd_error *err)
{
    enum source_result result = SOURCE_MORE;

    while (source->len < 3 && result == SOURCE_MORE)
        result = source_more(source, err);
    if (result == SOURCE_FAILED)
        return false;
    if (source->len >= 3 && memcmp(source_text(source).bytes, "\xEF\xBB\xBF", 3) == 0)
        source_take(source, 3);
    return true;
}

enum reader_result reader_refuse_large(struct herd_error *err)
{
    herd_fail(err, "longer than %zu bytes", SOURCE_RECORD_MAX);
    return READER_BAD;
}

enum reader_result reader_feature(struct herd_text value, struct place *place,
                                  struct herd_error *err)
{
    if (place_read_feature(place, value))
        return READER_PLACE;
    herd_fail(err, "not a Feature with a Point on the earth");
    return READER_BAD;
}

enum reader_role reader_role_of(struct herd_text name)
{
    static const struct {
        const char *name;
        enum reader_role role;
    } known[] = {
        {"lat", READER_LAT},          {"latitude", READER_LAT},  {"lon", READER_LON},
        {"lng", READER_LON},          {"longitude", READER_LON}, {"name", READER_NAME},
        {"amenity", READER_AMENITY},  {"type", READER_AMENITY},  {"vicinity", READER_VICINITY},
        {"address", READER_VICINITY},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (name.len == strlen(known[i].name) &&
            strncasecmp(name.bytes, known[i].name, name.len) == 0)
            return known[i].role;
    }
    return READER_OTHER;
}
