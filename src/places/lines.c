/* JSON lines: an object a line, which is a GeoJSON Feature or has lat and lon of its own, and then
 * name, amenity or type, types, vicinity or address. What else it has are its properties.
 *
 * A line is a line whatever is wrong with it, so one that is cut or too long costs no other. */
#include "json.h"
#include "places/reader.h"

#include <assert.h>
#include <string.h>

/* The next line, or what there is of it: READER_PLACE. */
static enum reader_result find_line(struct reader *reader, struct herd_text *line,
                                    struct herd_error *err)
{
    enum source_result result = SOURCE_MORE;
    const char *end = NULL;
    size_t seen = 0;

    while (result == SOURCE_MORE) {
        struct herd_text text = source_text(reader->source);

        end = text.len > seen ? memchr(text.bytes + seen, '\n', text.len - seen) : NULL;
        if (end)
            break;
        seen = text.len;
        result = source_more(reader->source, err);
    }
    *line = source_text(reader->source);
    if (end)
        line->len = (size_t)(end - line->bytes);
    if (result == SOURCE_FAILED)
        return READER_FAILED;
    if (result == SOURCE_FULL)
        return reader_refuse_large(err);
    return end || line->len > 0 ? READER_PLACE : READER_END;
}

/* White space, and the sign that begins a text of a sequence (RFC 8142). */
static struct herd_text trim(struct herd_text line)
{
    while (line.len > 0 && strchr(" \t\r\x1E", line.bytes[0]) && line.bytes[0]) {
        line.bytes++;
        line.len--;
    }
    while (line.len > 0 && strchr(" \t\r", line.bytes[line.len - 1]) && line.bytes[line.len - 1])
        line.len--;
    return line;
}

static void add_property(struct grown *properties, struct herd_text key, struct herd_text value)
{
    grown_text(properties, properties->len > 0 ? "," : "{");
    grown_add(properties, key.bytes, key.len);
    grown_text(properties, ":");
    grown_add(properties, value.bytes, value.len);
}

/* A member that means something and is of its kind. False: it is but a property. */
static bool take_member(struct place *place, struct herd_text key, struct herd_text value)
{
    enum json_kind kind = json_kind(value);
    enum reader_role role = reader_role_of((struct herd_text){key.bytes + 1, key.len - 2});

    if (kind == JSON_NUMBER && role == READER_LAT)
        place->lat = value;
    else if (kind == JSON_NUMBER && role == READER_LON)
        place->lng = value;
    else if (kind == JSON_STRING && role == READER_NAME)
        place->name = value;
    else if (kind == JSON_STRING && role == READER_AMENITY)
        place->amenity = value;
    else if (kind == JSON_STRING && role == READER_VICINITY)
        place->vicinity = value;
    else if (json_says(key, "types") && json_is_strings(value))
        place->types = value;
    else
        return false;
    return true;
}

static enum reader_result read_object(struct reader *reader, struct herd_text object,
                                      struct place *place, struct herd_error *err)
{
    struct json_walk walk = json_enter(object);
    struct herd_text key, value;

    grown_clear(&reader->properties);
    while (json_next_member(&walk, &key, &value)) {
        if (!take_member(place, key, value))
            add_property(&reader->properties, key, value);
    }
    if (reader->properties.len > 0)
        grown_text(&reader->properties, "}");
    if (reader->properties.failed) {
        herd_fail(err, "no memory");
        return READER_FAILED;
    }
    place->properties = (struct herd_text){reader->properties.bytes, reader->properties.len};
    if (place->lat.len == 0 || place->lng.len == 0)
        herd_fail(err, "no number %s", place->lat.len == 0 ? "lat" : "lon");
    else if (!json_number(place->lat, &place->lat_deg) ||
             !json_number(place->lng, &place->lon_deg) ||
             !place_on_earth(place->lat_deg, place->lon_deg))
        herd_fail(err, "not on the earth");
    else
        return READER_PLACE;
    return READER_BAD;
}

static enum reader_result read_line(struct reader *reader, struct herd_text line,
                                    struct place *place, struct herd_error *err)
{
    struct herd_text type;
    struct herd_error why;

    if (!json_check(line, &why)) {
        herd_fail(err, "%s", strncmp(why.text, "line 1: ", 8) == 0 ? why.text + 8 : why.text);
        return READER_BAD;
    }
    line = json_trim(line);
    if (json_kind(line) != JSON_OBJECT) {
        herd_fail(err, "not an object");
        return READER_BAD;
    }
    if (json_member(line, "type", &type) == 1 && json_says(type, "Feature"))
        return reader_feature(line, place, err);
    return read_object(reader, line, place, err);
}

/* Takes the last line off, now that nobody looks at it any more. */
static void leave_line(struct reader *reader)
{
    source_take(reader->source, reader->pending);
    reader->pending = 0;
}

enum reader_result lines_next(struct reader *reader, struct place *place, struct herd_error *err)
{
    struct herd_text line, text;
    enum reader_result result;

    assert(reader->format == READER_JSONL);
    for (;;) {
        leave_line(reader);
        reader->line = reader->source->line;
        result = find_line(reader, &line, err);
        if (result == READER_END || result == READER_FAILED)
            return result;
        reader->pending = line.len + (line.len < reader->source->len && result == READER_PLACE);
        if (reader->skipping) { /* the rest of one that was too long */
            reader->skipping = result == READER_BAD;
            continue;
        }
        reader->skipping = result == READER_BAD;
        if (result == READER_BAD)
            return READER_BAD;
        if (line.len > SOURCE_RECORD_MAX)
            return reader_refuse_large(err);
        text = trim(line);
        if (text.len > 0)
            return read_line(reader, text, place, err);
    }
}
