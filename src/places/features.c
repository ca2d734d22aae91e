/* The Features of a GeoJSON FeatureCollection (RFC 7946), one by one, so that a file of gigabytes
 * needs no memory of that size.
 *
 * Where a value ends its brackets and quotes tell, which is all that is followed while it comes in;
 * then json_check judges it, and it costs no other if it is wrong. A Feature may be larger than the
 * window, the outline of a country say, which is no place: it is followed to its end and dropped.
 * What stands around the array of features is judged as it goes by, in its order, and `type` may
 * come last: then it is only known at the end that the file was not what it should be. */
#include "json.h"
#include "places/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How far a value has been followed. */
struct extent {
    size_t len; /* bytes seen, of the window */
    unsigned long depth;
    bool quoted, escaped, scalar;
    bool dropped; /* its beginning has been taken */
};

struct features {
    bool in_array, first, typed, had_array, ended;
    struct extent last; /* of the value that the place borrows; taken when the next is asked for */
};

/* ---- the text ---- */

/* The next byte that is no white space, which is left; -1: the end, -2: err. */
static int peek(struct reader *reader, struct herd_error *err)
{
    for (;;) {
        struct herd_text text = source_text(reader->source);
        size_t space = 0;

        while (space < text.len && text.bytes[space] && strchr(" \t\r\n", text.bytes[space]))
            space++;
        source_take(reader->source, space);
        if (space < text.len)
            return (unsigned char)text.bytes[space];
        switch (source_more(reader->source, err)) {
        case SOURCE_FAILED:
            return -2;
        case SOURCE_END:
            return -1;
        default:
            break;
        }
    }
}

static bool follow_quoted(struct extent *extent, char byte)
{
    if (extent->escaped)
        extent->escaped = false;
    else if (byte == '\\')
        extent->escaped = true;
    else if (byte == '"')
        extent->quoted = false;
    return !extent->quoted && extent->depth == 0;
}

/* Follows the value through more of the text. True: it ends at extent->len. */
static bool follow(struct extent *extent, struct herd_text text)
{
    for (; extent->len < text.len; extent->len++) {
        char byte = text.bytes[extent->len];

        if (extent->quoted) {
            if (!follow_quoted(extent, byte))
                continue;
            extent->len++;
            return true;
        }
        if (extent->scalar && byte && strchr(",]} \t\r\n", byte))
            return true;
        extent->quoted = byte == '"';
        if (byte == '{' || byte == '[')
            extent->depth++;
        if (byte == '}' || byte == ']') {
            if (extent->depth <= 1) { /* 0: no value begins with it, as the check will say */
                extent->len++;
                return true;
            }
            extent->depth--;
        }
        if (extent->depth == 0 && !extent->quoted)
            extent->scalar = true;
    }
    return false;
}

/* Finds where the value ends that begins here, and leaves it in the window, or its end if it is
 * larger than that. False: err. */
static bool find_value(struct reader *reader, struct extent *extent, struct herd_error *err)
{
    struct source *source = reader->source;

    *extent = (struct extent){0};
    reader->line = source->line;
    while (!follow(extent, source_text(source))) {
        switch (source_more(source, err)) {
        case SOURCE_FAILED:
            return false;
        case SOURCE_END:
            return (extent->scalar && extent->len > 0) || herd_fail(err, "it ends too early");
        case SOURCE_FULL:
            extent->dropped = true;
            source_take(source, extent->len);
            extent->len = 0;
            break;
        default:
            break;
        }
    }
    return true;
}

/* The value that comes next, which is then to be taken: READER_PLACE where it is one, or has been
 * dropped. */
static enum reader_result read_value(struct reader *reader, struct extent *extent,
                                     struct herd_text *value, struct herd_error *err)
{
    struct herd_error why;
    const char *behind;

    if (!find_value(reader, extent, err))
        return READER_FAILED;
    *value = (struct herd_text){source_text(reader->source).bytes, extent->len};
    if (extent->dropped || json_check(*value, &why))
        return READER_PLACE;
    behind = strstr(why.text, ": ");
    herd_fail(err, "%s", behind ? behind + 2 : why.text);
    return READER_BAD;
}

static bool expect(struct reader *reader, char byte, struct herd_error *err)
{
    int next = peek(reader, err);

    if (next == -2)
        return false;
    reader->line = reader->source->line;
    if (next == -1)
        return herd_fail(err, "it ends too early");
    if (next != byte)
        return herd_fail(err, "not JSON: '%c' should stand here", byte);
    source_take(reader->source, 1);
    return true;
}

/* ---- what stands around the features ---- */

static bool read_type(struct reader *reader, struct herd_text value, const struct extent *extent,
                      struct herd_error *err)
{
    if (extent->dropped || !json_says(value, "FeatureCollection"))
        return herd_fail(err, "not a GeoJSON FeatureCollection");
    reader->features->typed = true;
    return true;
}

/* A member but for the features themselves, at whose bracket this stops. */
static bool read_member(struct reader *reader, struct herd_error *err)
{
    struct features *features = reader->features;
    struct extent extent;
    struct herd_text value;
    bool type, array, good;
    int next = peek(reader, err);

    if (next != '"')
        return next == -2 || herd_fail(err, next == -1 ? "it ends too early" : "not JSON");
    if (read_value(reader, &extent, &value, err) != READER_PLACE)
        return false;
    type = !extent.dropped && json_says(value, "type");
    array = !extent.dropped && json_says(value, "features");
    source_take(reader->source, extent.len);
    if (!expect(reader, ':', err))
        return false;
    next = peek(reader, err);
    if (array && (next != '[' || features->had_array))
        return next != -2 && herd_fail(err, "a FeatureCollection needs one array of features");
    if (array) {
        source_take(reader->source, 1);
        features->in_array = features->had_array = features->first = true;
        return true;
    }
    if (next < 0 || read_value(reader, &extent, &value, err) != READER_PLACE)
        return next == -1 ? herd_fail(err, "it ends too early") : false;
    good = !type || read_type(reader, value, &extent, err);
    source_take(reader->source, extent.len);
    return good;
}

static bool read_end(struct reader *reader, struct herd_error *err)
{
    struct features *features = reader->features;
    int next;

    features->ended = true;
    next = peek(reader, err);
    if (next == -2)
        return false;
    if (next != -1)
        return herd_fail(err, "text after the end");
    return (features->typed && features->had_array) ||
           herd_fail(err, features->typed ? "a FeatureCollection needs one array of features"
                                          : "not a GeoJSON FeatureCollection");
}

/* On to the next feature. READER_PLACE: it begins here. */
static enum reader_result find_feature(struct reader *reader, struct herd_error *err)
{
    struct features *features = reader->features;

    while (!features->in_array) {
        int next = peek(reader, err);

        reader->line = reader->source->line;
        if (next == '}') {
            source_take(reader->source, 1);
            return read_end(reader, err) ? READER_END : READER_FAILED;
        }
        if (next == -2 || (!features->first && !expect(reader, ',', err)) ||
            !read_member(reader, err))
            return READER_FAILED;
        features->first = features->in_array;
    }
    if (peek(reader, err) == ']') {
        source_take(reader->source, 1);
        features->in_array = features->first = false;
        return find_feature(reader, err);
    }
    if (!features->first && !expect(reader, ',', err))
        return READER_FAILED;
    features->first = false;
    return peek(reader, err) >= 0 || herd_fail(err, "it ends too early") ? READER_PLACE
                                                                         : READER_FAILED;
}

static enum reader_result begin(struct reader *reader, struct herd_error *err)
{
    reader->features = calloc(1, sizeof(*reader->features));
    if (!reader->features) {
        herd_fail(err, "no memory");
        return READER_FAILED;
    }
    reader->features->first = true;
    if (!reader_skip_mark(reader->source, err))
        return READER_FAILED;
    if (peek(reader, err) != '{') {
        reader->line = reader->source->line;
        if (!err->text[0])
            herd_fail(err, "not a GeoJSON FeatureCollection");
        return READER_FAILED;
    }
    source_take(reader->source, 1);
    return READER_PLACE;
}

enum reader_result features_next(struct reader *reader, struct place *place, struct herd_error *err)
{
    enum reader_result result = reader->features ? READER_PLACE : begin(reader, err);
    struct features *features = reader->features;
    struct herd_text value;

    assert(reader->format == READER_GEOJSON);
    if (result != READER_PLACE)
        return result;
    if (features->ended)
        return READER_END;
    source_take(reader->source, features->last.len);
    features->last.len = 0;
    result = find_feature(reader, err);
    if (result != READER_PLACE)
        return result;
    result = read_value(reader, &features->last, &value, err);
    if (result != READER_PLACE)
        return result;
    if (features->last.dropped || features->last.len > SOURCE_RECORD_MAX)
        return reader_refuse_large(err);
    return reader_feature(value, place, err);
}

void features_fini(struct reader *reader)
{
    free(reader->features);
    reader->features = NULL;
}
