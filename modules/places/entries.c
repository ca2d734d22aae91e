/* A Nearby Search object made of lines: see entries.h. */
#include "entries.h"

#include <assert.h>
#include <stdlib.h>

void entries_begin(struct entries *entries)
{
    assert(entries);
    grown_clear(&entries->json);
    grown_clear(&entries->ends);
    entries->count = 0;
    grown_add_text(&entries->json, "{\"html_attributions\":[],\n\"results\":[");
}

void entries_add(struct entries *entries, struct herd_text line)
{
    uint32_t end;

    assert(entries && line.len > 0);
    grown_add_text(&entries->json, entries->count > 0 ? ",\n" : "\n");
    grown_add(&entries->json, line.bytes, line.len);
    entries->json.failed |= entries->json.len > UINT32_MAX;
    end = (uint32_t)entries->json.len;
    grown_add(&entries->ends, &end, sizeof(end));
    entries->count++;
}

bool entries_end(struct entries *entries)
{
    assert(entries);
    grown_add_text(&entries->json, entries->count > 0 ? "\n],\n\"status\":\"OK\"}"
                                                      : "],\n\"status\":\"ZERO_RESULTS\"}");
    return !entries->json.failed && !entries->ends.failed;
}

void entries_give(const struct entries *entries, struct herd_search *search)
{
    const struct herd_answer given = {
        .json = {entries->json.bytes, entries->json.len},
        .count = entries->count,
        .ends = (const uint32_t *)(const void *)entries->ends.bytes,
    };

    assert(search && !entries->json.failed && !entries->ends.failed);
    herd_search_answer(search, &given);
}

void entries_fini(struct entries *entries)
{
    free(entries->json.bytes);
    free(entries->ends.bytes);
    *entries = (struct entries){0};
}
