/* Bytes that grow: see grown.h. Room doubles, so that a byte is moved twice at the most, as a rule.
 */
#include "grown.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void grown_add(struct grown *to, const void *bytes, size_t len)
{
    assert(to && (bytes || len == 0));
    if (!to->failed && to->room - to->len < len) {
        size_t room = to->room + (to->room > len ? to->room : len) + 64;
        char *grown = realloc(to->bytes, room);

        to->failed = !grown;
        to->bytes = grown ? grown : to->bytes;
        to->room = grown ? room : to->room;
    }
    if (to->failed || len == 0)
        return;
    memcpy(to->bytes + to->len, bytes, len);
    to->len += len;
}

void grown_text(struct grown *to, const char *text)
{
    grown_add(to, text, strlen(text));
}

void grown_value(struct grown *to, struct herd_text value)
{
    const char *at = value.bytes, *end = at + value.len, *from = at;
    bool quoted = false;

    while (at < end) {
        if (*at == '"')
            quoted = !quoted;
        if (quoted && *at == '\\')
            at++;
        if (!quoted && (*at == '\n' || *at == '\r')) {
            grown_add(to, from, (size_t)(at - from));
            while (at < end && (*at == '\n' || *at == '\r' || *at == ' ' || *at == '\t'))
                at++;
            from = at;
        } else {
            at++;
        }
    }
    grown_add(to, from, (size_t)(end - from));
}

void grown_member(struct grown *to, const char *before, struct herd_text value)
{
    if (value.len == 0)
        return;
    grown_text(to, before);
    grown_value(to, value);
}

void grown_clear(struct grown *grown)
{
    assert(grown);
    grown->len = 0;
    grown->failed = false;
}
