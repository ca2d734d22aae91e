/* What an event looks like: a line of text, or an object of JSON on a line. Pure, but for the time
 * of day it remembers; the log thread's.
 *
 *     2026-11-22T22:19:24.123456Z info #7 Message received: 'YOLO'
 *     {"time":"2026-11-22T22:19:24.123456Z","level":"info","connection":7,
 *      "event":"Message received","text":"YOLO"}                            (in one line)
 *
 * In text, bytes below 0x20, above 0x7e, and the backslash are written \xHH (the backslash \\), and
 * what was cut ends in "...". In JSON (RFC 8259) they are written \u00HH: a character of the string
 * is a byte of the event, so U+00E9 is the byte e9, and who wants the bytes back encodes the string
 * as ISO 8859-1. Hence a line is ASCII, whatever it tells of; UTF-8 in an event comes back when its
 * bytes are decoded. What was cut has "cut":true. connection is 0 where there is none. */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include <time.h>

#include "base/log_ring.h"

#define LOG_WHAT_MAX        64
/* The most a line takes, with its text of len bytes: each may become \u00HH. */
#define LOG_LINE_BYTES(len) (256 + LOG_WHAT_MAX + 6 * (size_t)(len))
#define LOG_LINE_MAX        LOG_LINE_BYTES(LOG_TEXT_MAX)

enum log_format {
    LOG_TEXT,
    LOG_JSON,
    LOG_BARE, /* text without time and level, which syslog has already */
};

/* What the line before began with, for the next often begins alike; and as asking the calendar is
 * dear, the text of its second. For lines of one format; all zeros to begin with. */
struct log_stamp {
    time_t second;
    char text[sizeof "2026-11-22T22:19:24"];
    enum herd_level level; /* of the line before; so are the following */
    int64_t time_ns;
    uint64_t conn;
    size_t len; /* of the head; 0: there is none */
    char head[96];
};

/* Writes the line, with LF; returns its end. */
char *log_line_put(char *to, enum log_format format, struct log_stamp *stamp,
                   const struct log_record *record, struct herd_text text);

/* The event alone, as in a line of text: TEXT, WHAT TEXT or WHAT 'TEXT'. */
char *log_line_words(char *to, const struct log_record *record, struct herd_text text);

/* "debug", "info", "warn", "error". */
const char *log_line_level(enum herd_level level);

#endif
