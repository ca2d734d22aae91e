/* Written by hand rather than by printf, as this is most of the log's work. What a line begins with
 * is printed once for all lines that begin alike, as the events of a moment do. Each function
 * returns where the next byte goes; that all fits is the promise of LOG_LINE_BYTES. */
#include "base/log_line.h"

#include <assert.h>
#include <string.h>

#include "base/log_plain.h"

#define NS_PER_S 1000000000

static const char hex[] = "0123456789abcdef";

static char *put_string(char *to, const char *text)
{
    size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

static char *put_number(char *to, uint64_t value, unsigned least_digits)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || n < least_digits);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

static char *put_hex(char *to, const char *before, unsigned char c)
{
    to = put_string(to, before);
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
    return to;
}

static char *put_odd(char *to, unsigned char c, bool json)
{
    if (c == '\\' || c == '"') {
        *to++ = '\\';
        *to++ = (char)c;
        return to;
    }
    return put_hex(to, json ? "\\u00" : "\\x", c);
}

/* Inline, as it is twice as long where json is not known when it is compiled. */
static inline __attribute__((always_inline)) char *put_escaped(char *to, struct herd_text text,
                                                               bool json)
{
    for (;;) {
        size_t plain = log_plain_copy(to, text.bytes, text.len, json);
        to += plain;
        if (plain == text.len)
            return to;
        to = put_odd(to, (unsigned char)text.bytes[plain], json);
        text.bytes += plain + 1;
        text.len -= plain + 1;
    }
}

/* A string of JSON with its quotes. */
static char *put_json_string(char *to, struct herd_text text)
{
    *to++ = '"';
    to = put_escaped(to, text, true);
    *to++ = '"';
    return to;
}

static char *put_time(char *to, struct log_stamp *stamp, int64_t time_ns)
{
    time_t second = (time_t)(time_ns / NS_PER_S);
    struct tm day;

    if (second != stamp->second || stamp->text[0] == '\0') {
        gmtime_r(&second, &day);
        strftime(stamp->text, sizeof stamp->text, "%Y-%m-%dT%H:%M:%S", &day);
        stamp->second = second;
    }
    to = put_string(to, stamp->text);
    *to++ = '.';
    to = put_number(to, (uint64_t)(time_ns % NS_PER_S) / 1000, 6);
    *to++ = 'Z';
    return to;
}

const char *log_line_level(enum herd_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    assert((unsigned)level <= HERD_LOG_ERROR);
    return names[level];
}

static char *put_connection(char *to, uint64_t conn)
{
    if (conn == 0)
        return put_string(to, "- ");
    *to++ = '#';
    to = put_number(to, conn, 1);
    *to++ = ' ';
    return to;
}

char *log_line_words(char *to, const struct log_record *record, struct herd_text text)
{
    if (record->what != NULL) {
        bytes_copy(to, record->what, record->what_len);
        to += record->what_len;
        *to++ = ' ';
    }
    if (record->kind == LOG_MESSAGE)
        *to++ = '\'';
    to = put_escaped(to, text, false);
    if (record->cut)
        to = put_string(to, "...");
    if (record->kind == LOG_MESSAGE)
        *to++ = '\'';
    return to;
}

/* The members that tell of the event. */
static char *put_members(char *to, const struct log_record *record, struct herd_text text)
{
    to = put_string(to, ",\"event\":");
    if (record->kind == LOG_STATUS) {
        to = put_string(to, "\"Status\",\"status\":");
        memcpy(to, text.bytes, text.len);
        return to + text.len;
    }
    if (record->what != NULL) {
        struct herd_text what = {record->what, record->what_len};
        what.len -= what.len > 0 && what.bytes[what.len - 1] == ':';
        to = put_json_string(to, what);
        to = put_string(to, ",\"text\":");
    }
    to = put_json_string(to, text);
    return record->cut ? put_string(to, ",\"cut\":true") : to;
}

/* Time, level and connection. Seldom wanted, and kept apart, or each line would save and restore
 * the registers that it takes. */
static __attribute__((noinline)) char *print_head(char *to, enum log_format format,
                                                  struct log_stamp *stamp,
                                                  const struct log_record *record)
{
    if (format == LOG_JSON) {
        to = put_string(to, "{\"time\":\"");
        to = put_time(to, stamp, record->time_ns);
        to = put_string(to, "\",\"level\":\"");
        to = put_string(to, log_line_level(record->level));
        to = put_string(to, "\",\"connection\":");
        return put_number(to, record->conn, 1);
    }
    if (format == LOG_TEXT) {
        to = put_time(to, stamp, record->time_ns);
        *to++ = ' ';
        to = put_string(to, log_line_level(record->level));
        *to++ = ' ';
    }
    return put_connection(to, record->conn);
}

/* Copies more than there is, as a copy of a fixed size is a few instructions. */
static char *put_head(char *to, enum log_format format, struct log_stamp *stamp,
                      const struct log_record *record)
{
    if (stamp->len == 0 || stamp->time_ns != record->time_ns || stamp->conn != record->conn ||
        stamp->level != record->level) {
        char *end = print_head(stamp->head, format, stamp, record);
        stamp->len = (size_t)(end - stamp->head);
        assert(stamp->len <= sizeof stamp->head);
        stamp->time_ns = record->time_ns;
        stamp->conn = record->conn;
        stamp->level = record->level;
    }
    memcpy(to, stamp->head, sizeof stamp->head);
    return to + stamp->len;
}

char *log_line_put(char *to, enum log_format format, struct log_stamp *stamp,
                   const struct log_record *record, struct herd_text text)
{
    assert(to != NULL && record != NULL && text.len <= LOG_TEXT_MAX);
    assert(record->what_len <= LOG_WHAT_MAX);
    to = put_head(to, format, stamp, record);
    if (format == LOG_JSON) {
        to = put_members(to, record, text);
        *to++ = '}';
    } else {
        to = log_line_words(to, record, text);
    }
    *to++ = '\n';
    return to;
}
