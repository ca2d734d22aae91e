/* A Nearby Search object made of lines: see entries.h. */
#include "entries.h"

#include <assert.h>
#include <stdlib.h>

void entries_begin(struct entries *entries, const char *attributions)
{
    assert(entries && attributions);
    grown_clear(&entries->json);
    grown_clear(&entries->ends);
    entries->count = 0;
    grown_text(&entries->json, "{\"html_attributions\":");
    grown_text(&entries->json, attributions);
    grown_text(&entries->json, ",\n\"results\":[");
}

struct grown *entries_open(struct entries *entries)
{
    assert(entries);
    grown_text(&entries->json, entries->count > 0 ? ",\n" : "\n");
    return &entries->json;
}

void entries_close(struct entries *entries)
{
    uint32_t end = (uint32_t)entries->json.len;

    entries->json.failed |= entries->json.len > UINT32_MAX;
    grown_add(&entries->ends, &end, sizeof(end));
    entries->count++;
}

void entries_add(struct entries *entries, struct herd_text line)
{
    assert(line.len > 0);
    grown_add(entries_open(entries), line.bytes, line.len);
    entries_close(entries);
}

bool entries_end(struct entries *entries)
{
    assert(entries);
    grown_text(&entries->json, entries->count > 0 ? "\n],\n\"status\":\"OK\"}"
                                                  : "],\n\"status\":\"ZERO_RESULTS\"}");
    return !entries->json.failed && !entries->ends.failed;
}

struct herd_answer entries_answer(const struct entries *entries)
{
    assert(entries && !entries->json.failed && !entries->ends.failed);
    return (struct herd_answer){
        .json = {entries->json.bytes, entries->json.len},
        .count = entries->count,
        .ends = (const uint32_t *)(const void *)entries->ends.bytes,
    };
}

void entries_fini(struct entries *entries)
{
    free(entries->json.bytes);
    free(entries->ends.bytes);
    *entries = (struct entries){0};
}
