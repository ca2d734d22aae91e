/* Two rounds, for a record is found by way of its bucket: the buckets are asked for while the lines
 * are parted, and the records when the first bucket has come. */
#include "herd/ahead.h"

static void look_up(struct ahead_line *line, struct store *store)
{
    line->client = (struct herd_text){NULL, 0};
    if (line->command == NULL || line->command->client == 0)
        return;
    line->client = line_field(&line->line, line->command->client);
    line->hash = store_hash(store, line->client);
    store_fetch(store, line->hash);
}

static void fetch_records(const struct ahead *ahead, struct store *store)
{
    for (unsigned i = 0; i < ahead->count; i++)
        if (ahead->lines[i].client.len > 0)
            store_fetch_record(store, ahead->lines[i].hash);
}

void ahead_read(struct ahead *ahead, const struct dispatch *dispatch, enum herd_from from,
                struct store *store, size_t line_max, const char *bytes, size_t len)
{
    ahead->count = 0;
    while (ahead->count < AHEAD_LINES) {
        struct ahead_line *line = &ahead->lines[ahead->count];
        line->bytes = line_next(&line->line, bytes, len);
        if (line->bytes == 0 || line->line.text.len > line_max)
            break;
        line->command = dispatch_find(dispatch, from, &line->line);
        look_up(line, store);
        bytes += line->bytes;
        len -= line->bytes;
        ahead->count++;
    }
    fetch_records(ahead, store);
}
