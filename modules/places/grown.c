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

void grown_add_text(struct grown *to, const char *text)
{
    grown_add(to, text, strlen(text));
}

void grown_clear(struct grown *grown)
{
    assert(grown);
    grown->len = 0;
    grown->failed = false;
}
