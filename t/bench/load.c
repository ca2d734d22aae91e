/* The load of `make bench` for servers that are not herd: memcached's set and get in its text
 * protocol, Redis' GEOADD and GEOPOS in RESP, with the ids, places and times of herd-bench's IAMAT
 * and WHATSAT, by herd-bench's engine. So what differs between two figures is the server. */
#include "bench/bench.h"
#include "bench/work.h"

#include <string.h>

enum { STORE, ASK };

#define VALUE_LEN   (WORK_LOCATION_LEN + 1 + WORK_TIME_LEN) /* of memcached: place, time */
#define REDIS_NAMED "$6\r\nplaces\r\n"

static char *put(char *to, const char *text)
{
    size_t len = strlen(text);
    memcpy(to, text, len);
    return to + len;
}

static char *put_number(char *to, size_t value)
{
    unsigned digits = 1;
    for (size_t rest = value; rest >= 10; rest /= 10)
        digits++;
    return work_put_digits(to, value, digits);
}

/* ---- memcached ---- */

static size_t build_set(struct work_source *source, char *to, unsigned char *kind)
{
    uint64_t id = work_next_id(source);
    char *at = work_put_id(source, put(to, "set "), id);
    at = put_number(put(at, " 0 0 "), VALUE_LEN);
    at = work_put_location(source, put(at, "\r\n"));
    at = work_put_time(put(at, " "), work_next_time(source, id));
    at = put(at, "\r\n");
    *kind = STORE;
    return (size_t)(at - to);
}

static size_t build_get(struct work_source *source, char *to, unsigned char *kind)
{
    char *at = work_put_id(source, put(to, "get "), work_next_id(source));
    at = put(at, "\r\n");
    *kind = ASK;
    return (size_t)(at - to);
}

static size_t line_len(const char *bytes, size_t from, size_t len)
{
    const char *end = from < len ? memchr(bytes + from, '\n', len - from) : NULL;
    return end != NULL ? (size_t)(end - bytes) + 1 : 0;
}

static bool begins(const char *bytes, size_t len, const char *with)
{
    size_t want = strlen(with);
    return len >= want && memcmp(bytes, with, want) == 0;
}

/* A value is VALUE, the bytes, END: three lines, for no value has a newline in it. */
static size_t scan_memcached(unsigned char kind, const char *bytes, size_t len, bool *good)
{
    size_t end = line_len(bytes, 0, len);
    *good = end > 0 && begins(bytes, end, kind == STORE ? "STORED" : "VALUE ");
    if (end == 0 || kind == STORE || !*good)
        return end;
    end = line_len(bytes, end, len);
    return end > 0 ? line_len(bytes, end, len) : 0;
}

/* ---- Redis ---- */

static char *put_member(const struct work_source *source, char *to, uint64_t id)
{
    to = put_number(put(to, "$"), source->plan->id_len);
    return put(work_put_id(source, put(to, "\r\n"), id), "\r\n");
}

/* +34.068930-118.445127 as Redis wants it: longitude first, in fields of their own. */
static size_t build_geoadd(struct work_source *source, char *to, unsigned char *kind)
{
    char location[WORK_LOCATION_LEN];
    uint64_t id = work_next_id(source);
    work_put_location(source, location);
    char *at = put(to, "*5\r\n$6\r\nGEOADD\r\n" REDIS_NAMED "$11\r\n");
    memcpy(at, location + 10, 11);
    at = put(at + 11, "\r\n$9\r\n");
    memcpy(at, location + 1, 9);
    at = put_member(source, put(at + 9, "\r\n"), id);
    *kind = STORE;
    return (size_t)(at - to);
}

static size_t build_geopos(struct work_source *source, char *to, unsigned char *kind)
{
    char *at = put(to, "*3\r\n$6\r\nGEOPOS\r\n" REDIS_NAMED);
    at = put_member(source, at, work_next_id(source));
    *kind = ASK;
    return (size_t)(at - to);
}

/* GEOADD is answered with :0 or :1; GEOPOS with an array of one array of two strings, which makes
 * six lines, or two for an unknown member. */
static size_t scan_redis(unsigned char kind, const char *bytes, size_t len, bool *good)
{
    size_t end = line_len(bytes, 0, len);
    *good = end > 0 && bytes[0] == (kind == STORE ? ':' : '*');
    if (end == 0 || kind == STORE || !*good)
        return end;
    size_t second = end;
    if ((end = line_len(bytes, second, len)) == 0)
        return 0;
    *good = begins(bytes + second, end - second, "*2");
    for (int i = 0; *good && i < 4 && end > 0; i++)
        end = line_len(bytes, end, len);
    return end;
}

static const struct work set = {
    .name = "set",
    .summary = "memcached: store a place",
    .room = 64 + VALUE_LEN,
    .build = build_set,
    .scan = scan_memcached,
};

static const struct work get = {
    .name = "get",
    .summary = "memcached: ask for a place",
    .fill = "set",
    .room = 16,
    .build = build_get,
    .scan = scan_memcached,
};

static const struct work geoadd = {
    .name = "geoadd",
    .summary = "Redis: store a place",
    .room = 128,
    .build = build_geoadd,
    .scan = scan_redis,
};

static const struct work geopos = {
    .name = "geopos",
    .summary = "Redis: ask for a place",
    .fill = "geoadd",
    .room = 64,
    .build = build_geopos,
    .scan = scan_redis,
};

int main(int argc, char **argv)
{
    static const struct work *const works[] = {&set, &get, &geoadd, &geopos};
    return bench_main(argc, argv, works, sizeof works / sizeof works[0]);
}
