/* The AT message, which answers clients and tells neighbours alike; this is the one place that
 * writes it. Reading it needs nothing of its own: fields come from line.c, numbers from number.c.
 * Pure; any thread. */
#include "wire/at.h"

#include "base/bytes.h"
#include "wire/number.h"
#include <assert.h>

static char *put(char *to, struct herd_text text)
{
    assert(text.bytes != NULL && text.len > 0);
    bytes_copy(to, text.bytes, text.len);
    return to + text.len;
}

size_t at_print(char *to, const struct herd_report *report)
{
    assert(to != NULL && report != NULL);
    assert(report->server.len <= HERD_NAME_MAX && report->client.len <= HERD_CLIENT_MAX);
    assert(report->location.len <= HERD_LOCATION_MAX && report->time.len <= HERD_LOCATION_MAX);

    memcpy(to, "AT ", 3);
    char *p = put(to + 3, report->server);
    *p++ = ' ';
    p += number_diff_print(p, report->diff_ns);
    *p++ = ' ';
    p = put(p, report->client);
    *p++ = ' ';
    p = put(p, report->location);
    *p++ = ' ';
    p = put(p, report->time);
    assert((size_t)(p - to) <= HERD_AT_MAX);
    return (size_t)(p - to);
}

static bool is_name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool at_name_valid(struct herd_text name)
{
    if (name.len < 1 || name.len > HERD_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.bytes[i]))
            return false;
    return true;
}
