/* Places out of a table: CSV whose first record names the columns. lat or latitude and lon, lng or
 * longitude are there; name, amenity or type, vicinity or address may be; what other columns hold
 * are properties, strings. A field that is empty says nothing.
 *
 * The hard thing is that JSON is made of any bytes here: what is no UTF-8 goes in as it is and is
 * found by the check of the whole entry, in import.c. */
#include "json.h"
#include "places/csv.h"
#include "places/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    struct csv_record record;
    size_t columns;
    enum reader_role roles[CSV_FIELDS_MAX];
    struct grown names[CSV_FIELDS_MAX]; /* of properties, JSON strings */
    struct grown parts[READER_OTHER];   /* of the place, JSON values */
};

/* ---- making JSON ---- */

static void add_string(struct grown *to, struct herd_text text)
{
    grown_text(to, "\"");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        char escaped[8];

        if (byte == '"' || byte == '\\') {
            snprintf(escaped, sizeof(escaped), "\\%c", byte);
            grown_text(to, escaped);
        } else if (byte < 0x20) {
            snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
            grown_text(to, escaped);
        } else {
            grown_add(to, text.bytes + i, 1);
        }
    }
    grown_text(to, "\"");
}

static struct herd_text trim(struct herd_text text)
{
    while (text.len > 0 && text.bytes[0] == ' ') {
        text.bytes++;
        text.len--;
    }
    while (text.len > 0 && text.bytes[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* The shortest digits that give the same number again. */
static void add_number(struct grown *to, double number)
{
    char digits[40];

    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    grown_text(to, digits);
}

/* Degrees, as they stand if JSON has that form, or else (+1, .5, 01) in one that it has. */
static bool add_degrees(struct grown *to, struct herd_text text, double *deg)
{
    char digits[JSON_NUMBER_MAX + 1], *end;
    struct herd_error unused;

    text = trim(text);
    if (text.len == 0 || text.len > JSON_NUMBER_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!text.bytes[i] || !strchr("0123456789+-.eE", text.bytes[i]))
            return false;
    }
    memcpy(digits, text.bytes, text.len);
    digits[text.len] = '\0';
    *deg = strtod(digits, &end);
    if (*end != '\0' || end == digits)
        return false;
    if (json_check(text, &unused))
        grown_add(to, text.bytes, text.len);
    else
        add_number(to, *deg);
    return true;
}

/* ---- the columns ---- */

static bool name_column(struct table *table, size_t column, struct herd_error *err)
{
    struct herd_text name = trim(csv_field(&table->record, column));
    enum reader_role role = reader_role_of(name);

    for (size_t i = 0; i < column && role != READER_OTHER; i++) {
        if (table->roles[i] == role)
            return herd_fail(err, "two columns for the same: %.*s",
                             (int)(name.len < 100 ? name.len : 100), name.bytes);
    }
    table->roles[column] = role;
    add_string(&table->names[column], name);
    return !table->names[column].failed || herd_fail(err, "no memory");
}

static bool name_columns(struct table *table, struct herd_error *err)
{
    bool has[READER_OTHER + 1] = {false};

    table->columns = table->record.count;
    for (size_t i = 0; i < table->columns; i++) {
        if (!name_column(table, i, err))
            return false;
        has[table->roles[i]] = true;
    }
    return (has[READER_LAT] && has[READER_LON]) ||
           herd_fail(err, "no column %s", has[READER_LAT] ? "lon" : "lat");
}

/* ---- the records ---- */

static struct herd_text part(const struct table *table, enum reader_role role)
{
    return (struct herd_text){table->parts[role].bytes, table->parts[role].len};
}

static bool take_field(struct reader *reader, struct place *place, size_t column)
{
    struct table *table = reader->table;
    struct herd_text field = csv_field(&table->record, column);
    enum reader_role role = table->roles[column];

    if (role == READER_LAT)
        return add_degrees(&table->parts[role], field, &place->lat_deg);
    if (role == READER_LON)
        return add_degrees(&table->parts[role], field, &place->lon_deg);
    if (field.len > 0 && role == READER_OTHER) {
        const struct grown *name = &table->names[column];

        grown_text(&reader->properties, reader->properties.len > 0 ? "," : "{");
        grown_add(&reader->properties, name->bytes, name->len);
        grown_text(&reader->properties, ":");
        add_string(&reader->properties, field);
    } else if (field.len > 0) {
        add_string(&table->parts[role], field);
    }
    return true;
}

static enum reader_result hand_on(struct reader *reader, struct place *place,
                                  struct herd_error *err)
{
    struct table *table = reader->table;
    bool failed = reader->properties.failed;

    if (reader->properties.len > 0)
        grown_text(&reader->properties, "}");
    for (size_t i = 0; i < READER_OTHER; i++)
        failed |= table->parts[i].failed;
    if (failed || reader->properties.failed) {
        herd_fail(err, "no memory");
        return READER_FAILED;
    }
    place->lat = part(table, READER_LAT);
    place->lng = part(table, READER_LON);
    place->name = part(table, READER_NAME);
    place->amenity = part(table, READER_AMENITY);
    place->vicinity = part(table, READER_VICINITY);
    place->properties = (struct herd_text){reader->properties.bytes, reader->properties.len};
    if (place_on_earth(place->lat_deg, place->lon_deg))
        return READER_PLACE;
    herd_fail(err, "not on the earth");
    return READER_BAD;
}

static enum reader_result read_record(struct reader *reader, struct place *place,
                                      struct herd_error *err)
{
    struct table *table = reader->table;

    if (table->record.count != table->columns) {
        herd_fail(err, "%zu fields for %zu columns", table->record.count, table->columns);
        return READER_BAD;
    }
    grown_clear(&reader->properties);
    for (size_t i = 0; i < READER_OTHER; i++)
        grown_clear(&table->parts[i]);
    for (size_t i = 0; i < table->columns; i++) {
        if (!take_field(reader, place, i)) {
            herd_fail(err, "%s is not a number", table->roles[i] == READER_LAT ? "lat" : "lon");
            return READER_BAD;
        }
    }
    return hand_on(reader, place, err);
}

/* The rest of a bad record's line, which is no record, however it looks. False: err. */
static bool skip_rest(struct reader *reader, struct herd_error *err)
{
    struct source *source = reader->source;

    while (reader->skipping) {
        struct herd_text text = source_text(source);
        const char *line = memchr(text.bytes, '\n', text.len);

        source_take(source, line ? (size_t)(line - text.bytes) + 1 : text.len);
        reader->skipping = !line && source_more(source, err) == SOURCE_MORE;
        if (!line && !source->ended && !reader->skipping)
            return false;
    }
    return true;
}

/* Takes a bad record, or what of its first line has come in. */
static void leave_bad(struct reader *reader, size_t len)
{
    struct herd_text text = source_text(reader->source);

    assert(len > 0 && len <= text.len);
    reader->skipping = text.bytes[len - 1] != '\n';
    source_take(reader->source, len);
}

/* As much of it as is on its first line, or there yet. */
static enum csv_result refuse_large(struct csv_record *record, struct herd_text text,
                                    struct herd_error *err)
{
    const char *line = memchr(text.bytes, '\n', text.len);

    record->len = line ? (size_t)(line - text.bytes) + 1 : text.len;
    reader_refuse_large(err);
    return CSV_BAD;
}

/* The next record that is not an empty line. */
static enum reader_result find_record(struct reader *reader, struct herd_error *err)
{
    struct source *source = reader->source;
    struct csv_record *record = &reader->table->record;

    for (;;) {
        enum source_result more = SOURCE_MORE;
        enum csv_result result = CSV_MORE;

        if (!skip_rest(reader, err))
            return READER_FAILED;
        reader->line = source->line;
        while (result == CSV_MORE && (more == SOURCE_MORE || more == SOURCE_END)) {
            if (source->len > 0)
                result = csv_parse(record, source_text(source), source->ended, err);
            else if (source->ended)
                return READER_END;
            if (result == CSV_MORE)
                more = source_more(source, err);
        }
        if (record->text.failed)
            herd_fail(err, "no memory");
        if (more == SOURCE_FAILED || record->text.failed)
            return READER_FAILED;
        if (more == SOURCE_FULL)
            result = refuse_large(record, source_text(source), err);
        if (result == CSV_BAD) {
            leave_bad(reader, record->len);
            return READER_BAD;
        }
        source_take(source, record->len);
        if (record->len > SOURCE_RECORD_MAX)
            return reader_refuse_large(err);
        if (record->count > 1 || record->text.len > 0)
            return READER_PLACE;
    }
}

enum reader_result table_next(struct reader *reader, struct place *place, struct herd_error *err)
{
    enum reader_result result;

    assert(reader->format == READER_CSV);
    if (!reader->table) {
        reader->table = calloc(1, sizeof(*reader->table));
        if (!reader->table)
            herd_fail(err, "no memory");
        if (!reader->table || !reader_skip_mark(reader->source, err))
            return READER_FAILED;
        result = find_record(reader, err);
        if (result == READER_END)
            herd_fail(err, "it is empty; its first line has to name the columns");
        if (result != READER_PLACE || !name_columns(reader->table, err))
            return READER_FAILED;
    }
    result = find_record(reader, err);
    return result == READER_PLACE ? read_record(reader, place, err) : result;
}

void table_fini(struct reader *reader)
{
    struct table *table = reader->table;

    if (!table)
        return;
    free(table->record.text.bytes);
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
        free(table->names[i].bytes);
    for (size_t i = 0; i < READER_OTHER; i++)
        free(table->parts[i].bytes);
    free(table);
    reader->table = NULL;
}
