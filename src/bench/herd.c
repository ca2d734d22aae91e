/* herd's own works: IAMAT, WHATSAT and a mix of both. An answer is looked at only as far as it
 * takes to know that it is one: AT for yes, a question mark for no. The one hard thing is that an
 * answer to WHATSAT ends with an empty line and any other with its first line. */
#include "bench/work.h"

#include <assert.h>
#include <string.h>

static size_t build_iamat(struct work_source *source, char *to, unsigned char *kind)
{
    uint64_t id = work_next_id(source);
    char *at = to;
    memcpy(at, "IAMAT ", 6);
    at = work_put_id(source, at + 6, id);
    *at++ = ' ';
    at = work_put_location(source, at);
    *at++ = ' ';
    at = work_put_time(at, work_next_time(source, id));
    *at++ = '\n';
    *kind = WORK_IAMAT;
    return (size_t)(at - to);
}

static size_t build_whatsat(struct work_source *source, char *to, unsigned char *kind)
{
    const char *question = source->plan->question;
    size_t len = strlen(question);
    memcpy(to, "WHATSAT ", 8);
    char *at = work_put_id(source, to + 8, work_next_id(source));
    memcpy(at, question, len);
    at[len] = '\n';
    *kind = WORK_WHATSAT;
    return (size_t)(at - to) + len + 1;
}

static size_t build_mix(struct work_source *source, char *to, unsigned char *kind)
{
    bool read = (work_random(source) >> 32) * 100 >> 32 < source->plan->reads;
    return read ? build_whatsat(source, to, kind) : build_iamat(source, to, kind);
}

static size_t line_end(const char *bytes, size_t from, size_t len)
{
    const char *end = from < len ? memchr(bytes + from, '\n', len - from) : NULL;
    return end != NULL ? (size_t)(end - bytes) + 1 : 0;
}

static size_t scan(unsigned char kind, const char *bytes, size_t len, bool *good)
{
    size_t end = line_end(bytes, 0, len);
    if (end == 0)
        return 0;
    *good = end > 3 && memcmp(bytes, "AT ", 3) == 0;
    if (!*good || kind == WORK_IAMAT)
        return end;
    size_t begin;
    do {
        begin = end;
        end = line_end(bytes, begin, len);
    } while (end > begin + 1);
    return end;
}

#define ROOM 128

const struct work work_iamat = {
    .name = "iamat",
    .summary = "each request reports a client's place",
    .room = ROOM,
    .build = build_iamat,
    .scan = scan,
};

const struct work work_whatsat = {
    .name = "whatsat",
    .summary = "each request asks where a client is",
    .fill = "iamat",
    .room = ROOM,
    .build = build_whatsat,
    .scan = scan,
};

const struct work work_mix = {
    .name = "mix",
    .summary = "some report, some ask: --reads",
    .fill = "iamat",
    .room = ROOM,
    .build = build_mix,
    .scan = scan,
};
