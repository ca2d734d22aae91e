/* CSV, a record at a time: see csv.h.
 *
 * The hard thing is a quote that is never closed: it would swallow the rest of the file. So a quote
 * may stand only where RFC 4180 has it, which finds most of them within a line or two, and a record
 * that is bad ends with its first line: what follows is read anew. */
#include "places/csv.h"

#include <assert.h>
#include <string.h>

struct scan {
    const char *at, *end;
    bool all;
};

static enum csv_result refuse(struct csv_record *record, struct herd_text bytes,
                              struct herd_error *err, const char *why)
{
    const char *line = memchr(bytes.bytes, '\n', bytes.len);

    record->len = line ? (size_t)(line - bytes.bytes) + 1 : bytes.len;
    herd_fail(err, "%s", why);
    return CSV_BAD;
}

/* Over a field in quotes, from behind the first of them to behind the last. */
static enum csv_result scan_quoted(struct scan *scan, struct grown *text)
{
    for (;;) {
        const char *quote = memchr(scan->at, '"', (size_t)(scan->end - scan->at));

        if (!quote)
            return scan->all ? CSV_BAD : CSV_MORE;
        if (quote + 1 == scan->end && !scan->all)
            return CSV_MORE; /* perhaps the first of two */
        grown_add(text, scan->at, (size_t)(quote - scan->at));
        scan->at = quote + 1;
        if (scan->at == scan->end || *scan->at != '"')
            return CSV_RECORD;
        grown_add(text, "\"", 1);
        scan->at++;
    }
}

static enum csv_result scan_plain(struct scan *scan, struct grown *text)
{
    const char *from = scan->at;
    size_t len;

    while (scan->at < scan->end && *scan->at != ',' && *scan->at != '\n' && *scan->at != '"')
        scan->at++;
    if (scan->at == scan->end && !scan->all)
        return CSV_MORE;
    if (scan->at < scan->end && *scan->at == '"')
        return CSV_BAD;
    len = (size_t)(scan->at - from);
    if (len > 0 && from[len - 1] == '\r' && (scan->at == scan->end || *scan->at == '\n'))
        len--;
    grown_add(text, from, len);
    return CSV_RECORD;
}

/* Behind a field: a comma, true; or the end of the record, behind which it goes. */
static enum csv_result scan_end(struct scan *scan, bool *another)
{
    *another = scan->at < scan->end && *scan->at == ',';
    if (*another) {
        scan->at++;
        return CSV_RECORD;
    }
    if (scan->at < scan->end && *scan->at == '\r')
        scan->at++;
    if (scan->at == scan->end)
        return scan->all ? CSV_RECORD : CSV_MORE;
    return *scan->at++ == '\n' ? CSV_RECORD : CSV_BAD;
}

enum csv_result csv_parse(struct csv_record *record, struct herd_text bytes, bool all,
                          struct herd_error *err)
{
    struct scan scan = {bytes.bytes, bytes.bytes + bytes.len, all};
    enum csv_result result;
    bool another = true;

    assert(record && bytes.len > 0 && err);
    grown_clear(&record->text);
    record->count = 0;
    while (another) {
        bool quoted = scan.at < scan.end && *scan.at == '"';

        if (record->count == CSV_FIELDS_MAX)
            return refuse(record, bytes, err, "more than 1000 fields");
        scan.at += quoted;
        result = quoted ? scan_quoted(&scan, &record->text) : scan_plain(&scan, &record->text);
        if (result == CSV_BAD)
            return refuse(record, bytes, err,
                          quoted ? "a quote that is not closed" : "a quote within a field");
        if (result == CSV_RECORD)
            result = scan_end(&scan, &another);
        if (result == CSV_BAD)
            return refuse(record, bytes, err, "a closing quote that does not end its field");
        if (result == CSV_MORE)
            return CSV_MORE;
        record->ends[record->count++] = record->text.len;
    }
    record->len = (size_t)(scan.at - bytes.bytes);
    return CSV_RECORD;
}

struct herd_text csv_field(const struct csv_record *record, size_t i)
{
    size_t from = i > 0 ? record->ends[i - 1] : 0;

    assert(i < record->count);
    if (record->ends[i] == from) /* of a record of empty fields there may be no bytes at all */
        return (struct herd_text){"", 0};
    return (struct herd_text){record->text.bytes + from, record->ends[i] - from};
}
