/* The bytes at least double each time, so that what is made is copied twice at the most. */
#include "grown.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void grown_add(struct grown *to, const void *bytes, size_t len)
{
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

void grown_begin(struct grown_results *results, const char *attributions)
{
    assert(results && attributions);
    memset(results, 0, sizeof(*results));
    grown_text(&results->json, "{\"html_attributions\":");
    grown_text(&results->json, attributions);
    grown_text(&results->json, ",\n\"results\":[");
}

void grown_entry(struct grown_results *results)
{
    grown_text(&results->json, results->count > 0 ? ",\n" : "\n");
}

void grown_entry_end(struct grown_results *results)
{
    uint32_t end = (uint32_t)results->json.len;

    assert(results->json.len <= UINT32_MAX);
    grown_add(&results->ends, &end, sizeof(end));
    results->count++;
}

void grown_finish(struct grown_results *results)
{
    grown_text(&results->json, results->count > 0 ? "\n],\n\"status\":\"OK\"}"
                                                  : "],\n\"status\":\"ZERO_RESULTS\"}");
    results->json.failed = results->json.failed || results->ends.failed;
}

void grown_free(struct grown_results *results)
{
    free(results->json.bytes);
    free(results->ends.bytes);
    memset(results, 0, sizeof(*results));
}
