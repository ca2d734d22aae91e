/* Written by hand rather than by printf, as this is most of the log's work. Each function returns
 * where the next byte goes; that all fits is LOG_LINE_MAX's promise. */
#include "base/log_line.h"

#include <assert.h>
#include <string.h>

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

static bool is_printable(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* Copies the words (of 8 bytes) in which nothing is to be escaped, and returns how many bytes that
 * was. The tests of all 8 at once are Sean Eron Anderson's (Bit Twiddling Hacks); carries only
 * reach bytes behind one that is found anyway. */
static size_t copy_plain(char *to, const char *from, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    size_t done = 0;
    uint64_t x;

    for (; len - done >= sizeof x; done += sizeof x) {
        memcpy(&x, from + done, sizeof x);
        uint64_t slash = x ^ ones * '\\', quote = x ^ ones * '"';
        uint64_t found = ((x - ones * 0x20) & ~x) | x | (x + ones) | ((slash - ones) & ~slash) |
                         ((quote - ones) & ~quote);
        if (found & highs)
            break;
        memcpy(to + done, &x, sizeof x);
    }
    return done;
}

static char *put_escaped(char *to, struct herd_text text)
{
    size_t plain = copy_plain(to, text.bytes, text.len);

    to += plain;
    for (size_t i = plain; i < text.len; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c == '\\')
            to = put_string(to, "\\\\");
        else if (is_printable(c))
            *to++ = (char)c;
        else
            to = put_hex(to, "\\x", c);
    }
    return to;
}

/* A string of JSON with its quotes. */
static char *put_json_string(char *to, struct herd_text text)
{
    *to++ = '"';
    size_t plain = copy_plain(to, text.bytes, text.len);
    to += plain;
    for (size_t i = plain; i < text.len; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c == '\\' || c == '"')
            *to++ = '\\';
        if (is_printable(c))
            *to++ = (char)c;
        else
            to = put_hex(to, "\\u00", c);
    }
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
        to = put_string(to, record->what);
        *to++ = ' ';
    }
    if (record->kind == LOG_MESSAGE)
        *to++ = '\'';
    to = put_escaped(to, text);
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
        struct herd_text what = {record->what, strlen(record->what)};
        what.len -= what.len > 0 && what.bytes[what.len - 1] == ':';
        to = put_json_string(to, what);
        to = put_string(to, ",\"text\":");
    }
    to = put_json_string(to, text);
    return record->cut ? put_string(to, ",\"cut\":true") : to;
}

static char *put_json(char *to, struct log_stamp *stamp, const struct log_record *record,
                      struct herd_text text)
{
    to = put_string(to, "{\"time\":\"");
    to = put_time(to, stamp, record->time_ns);
    to = put_string(to, "\",\"level\":\"");
    to = put_string(to, log_line_level(record->level));
    to = put_string(to, "\",\"connection\":");
    to = put_number(to, record->conn, 1);
    to = put_members(to, record, text);
    *to++ = '}';
    return to;
}

char *log_line_put(char *to, enum log_format format, struct log_stamp *stamp,
                   const struct log_record *record, struct herd_text text)
{
    assert(to != NULL && record != NULL && text.len <= LOG_TEXT_MAX);
    assert(record->what == NULL || strlen(record->what) <= LOG_WHAT_MAX);
    if (format == LOG_JSON) {
        to = put_json(to, stamp, record, text);
    } else {
        if (format == LOG_TEXT) {
            to = put_time(to, stamp, record->time_ns);
            *to++ = ' ';
            to = put_string(to, log_line_level(record->level));
            *to++ = ' ';
        }
        to = put_connection(to, record->conn);
        to = log_line_words(to, record, text);
    }
    *to++ = '\n';
    return to;
}
