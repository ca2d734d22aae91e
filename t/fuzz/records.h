/* Whether all that a store holds is of the forms of the wire, whatever was said to it. */
#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

#include "fuzz.h"
#include "herd/feed.h"
#include "wire/at.h"
#include "wire/iso6709.h"
#include "wire/line.h"
#include "wire/number.h"

/* The line says what the report says, and nothing else. */
static inline void records_check_line(const char *at, size_t len, const struct herd_report *report)
{
    struct line line;
    int64_t diff_ns;
    line_parse(&line, at, len);
    must(line.count == 6 && text_is(line.field[0], "AT"));
    must(text_equal(line.field[1], report->server));
    must(number_diff_parse(line.field[2], &diff_ns) && diff_ns == report->diff_ns);
    must(text_equal(line.field[3], report->client));
    must(text_equal(line.field[4], report->location));
    must(text_equal(line.field[5], report->time));
}

static inline bool records_check_one(void *arg, const struct herd_report *report)
{
    char at[HERD_AT_MAX];
    int64_t time_ns;
    must(at_name_valid(report->server));
    must(report->client.len >= 1 && report->client.len <= HERD_CLIENT_MAX);
    must(iso6709_parse(report->location, NULL, NULL));
    must(number_time_parse(report->time, &time_ns) && time_ns == report->time_ns);
    records_check_line(at, at_print(at, report), report);
    ++*(uint64_t *)arg;
    return true;
}

static inline void records_nothing(void *arg)
{
    (void)arg;
}

/* Reads all that there is, as a neighbour that comes new would. */
static inline void records_check(struct store *store)
{
    uint64_t found = 0;
    struct feed *feed = feed_open(store, 0, NULL, records_nothing, NULL);
    while (feed_read(feed, 1, 1, records_check_one, &found) != FEED_IDLE)
        ;
    feed_close(feed);
    must(found == store_clients(store));
}

#endif
