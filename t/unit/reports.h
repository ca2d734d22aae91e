/* Reports for the units of the heart: one a client and a second, and what is then held of it. */
#ifndef UNIT_REPORTS_H
#define UNIT_REPORTS_H

#include "herd/store.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

static inline struct herd_text text(const char *bytes)
{
    return (struct herd_text){bytes, strlen(bytes)};
}

/* A report of the client at that second; it keeps the texts in room. */
struct report_room {
    char time[32];
};

static inline struct herd_report report_of(struct report_room *room, const char *client, int64_t s)
{
    snprintf(room->time, sizeof room->time, "%lld", (long long)s);
    return (struct herd_report){.server = text("Here"),
                                .client = text(client),
                                .location = text("+1-2"),
                                .time = text(room->time),
                                .time_ns = s * SECOND_NS};
}

static inline enum herd_put put(struct store *store, const char *client, int64_t s,
                                uint32_t session)
{
    struct report_room room;
    struct herd_report report = report_of(&room, client, s);
    uint64_t news = 0;
    enum herd_put result = store_put(store, store_hash(store, report.client), &report, session,
                                     s * SECOND_NS, &news);
    store_announce(store, news);
    return result;
}

/* The second of what is held of the client; -1: it is not known. */
static inline int64_t held_s(struct store *store, const char *client)
{
    struct herd_report report;
    struct herd_room room;
    if (!store_get(store, store_hash(store, text(client)), text(client), 0, &report, &room))
        return -1;
    return report.time_ns / SECOND_NS;
}

static inline struct store *new_store(unsigned stripes)
{
    struct store_config config = {.key = {1, 2}, .stripes = stripes};
    return store_create(&config);
}

#endif
