/* Texts of reports, made from numbers and read again. Times are whole seconds or have nine
 * decimals, so that nanoseconds are exact. Pure. */
#include "report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS 1000000000

size_t report_print(const struct report *report, char *to)
{
    uint32_t place = report->place;
    unsigned lat = place % 90, lat_part = place / 90 % 1000;
    unsigned lon = place / 90000 % 180, lon_part = place / 16200000 % 200;
    int64_t s = report->time_ns / SECOND_NS, ns = report->time_ns % SECOND_NS;
    int n = snprintf(to, REPORT_TEXT_MAX, "+%u.%03u-%u.%03u %" PRId64, lat, lat_part, lon, lon_part,
                     s);
    if (!report->whole)
        n += snprintf(to + n, REPORT_TEXT_MAX - (size_t)n, ".%09" PRId64, ns);
    assert(n > 0 && n < REPORT_TEXT_MAX);
    return (size_t)n;
}

static struct herd_text text_of(const char *from, const char *to)
{
    return (struct herd_text){from, (size_t)(to - from)};
}

void report_said(const struct report *report, struct herd_text server, char *room,
                 struct said *said)
{
    size_t len = report_print(report, room);
    const char *gap = memchr(room, ' ', len);
    *said = (struct said){.server = server,
                          .location = text_of(room, gap),
                          .time = text_of(gap + 1, room + len),
                          .time_ns = report->time_ns,
                          .diff_ns = report->diff_ns};
}

/* Digits, and none, or a point and at most nine more. */
static bool parse_ns(struct herd_text text, int64_t *ns)
{
    int64_t value = 0;
    int decimals = -1;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c == '.' && decimals < 0)
            decimals = 0;
        else if (c >= '0' && c <= '9' && decimals < 9 && value < INT64_MAX / 10 - 9) {
            value = value * 10 + (c - '0');
            decimals += decimals >= 0;
        } else
            return false;
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 9; i++) {
        if (value > INT64_MAX / 10)
            return false;
        value *= 10;
    }
    *ns = value;
    return text.len > 0;
}

static bool parse_diff(struct herd_text text, int64_t *ns)
{
    if (text.len < 2 || (text.bytes[0] != '+' && text.bytes[0] != '-') ||
        !parse_ns((struct herd_text){text.bytes + 1, text.len - 1}, ns))
        return false;
    if (text.bytes[0] == '-')
        *ns = -*ns;
    return true;
}

bool said_parse(struct said *said, struct herd_text line)
{
    struct herd_text field[6];
    const char *at = line.bytes, *end = line.bytes + line.len;
    for (int i = 0; i < 6; i++) {
        const char *gap = at <= end ? memchr(at, ' ', (size_t)(end - at)) : NULL;
        if (at > end || (i < 5) != (gap != NULL))
            return false;
        field[i] = text_of(at, gap != NULL ? gap : end);
        at = gap != NULL ? gap + 1 : end;
    }
    if (field[0].len != 2 || memcmp(field[0].bytes, "AT", 2) != 0)
        return false;
    *said = (struct said){.server = field[1],
                          .client = field[3],
                          .location = field[4],
                          .time = field[5],
                          .rest = text_of(field[3].bytes, end)};
    return parse_diff(field[2], &said->diff_ns) && parse_ns(field[5], &said->time_ns);
}

static int compare_texts(struct herd_text a, struct herd_text b)
{
    int order = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int said_compare(const struct said *a, const struct said *b)
{
    if (a->time_ns != b->time_ns)
        return a->time_ns > b->time_ns ? 1 : -1;
    if (a->diff_ns != b->diff_ns)
        return a->diff_ns > b->diff_ns ? 1 : -1;
    int order = compare_texts(a->server, b->server);
    if (order == 0)
        order = compare_texts(a->location, b->location);
    return order != 0 ? order : compare_texts(a->time, b->time);
}

bool said_repeats(const struct said *a, const struct said *b)
{
    return compare_texts(a->location, b->location) == 0 && compare_texts(a->time, b->time) == 0;
}
