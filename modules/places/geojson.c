/* geojson, the provider of places that needs nobody: it reads a GeoJSON file (RFC 7946) of points
 * when the server starts, and answers from memory, nearest first.
 *
 * It owns the places, each a line of JSON in Google's form, made once; a search copies the lines it
 * wants. open and close run on the main thread before and after the workers, which meanwhile only
 * read. */
#include "entries.h"
#include "json.h"
#include "place.h"
#include "points.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((off_t)256 << 20)

/* A place's line lies between its own offset and the next one's. */
static struct {
    const char *path;
    bool given;
    struct points *points;
    struct grown lines;
    struct grown offsets; /* size_t, one more than there are places */
} here;

/* ---- loading the file ---- */

static bool keep_features(struct herd_text features, struct herd_error *err)
{
    struct json_walk walk = json_enter(features);
    struct herd_text value;
    struct place place;
    size_t skipped = 0;

    while (json_next_element(&walk, &value)) {
        if (!place_read_feature(&place, value)) {
            skipped++;
            continue;
        }
        grown_add(&here.offsets, &here.lines.len, sizeof(here.lines.len));
        place_render(&place, &here.lines);
        if (here.lines.failed || !points_add(here.points, place.lat_deg, place.lon_deg))
            return herd_fail(err, "%s: no memory for its places", here.path);
    }
    grown_add(&here.offsets, &here.lines.len, sizeof(here.lines.len));
    if (here.offsets.failed)
        return herd_fail(err, "%s: no memory for its places", here.path);
    if (skipped > 0)
        herd_log(HERD_LOG_WARN, "%s: %zu features are no points on the earth and were skipped",
                 here.path, skipped);
    return true;
}

static bool keep_text(struct herd_text text, struct herd_error *err)
{
    struct herd_text type = {0}, features = {0};
    struct herd_error why;

    if (!json_check(text, &why))
        return herd_fail(err, "%s: %s", here.path, why.text);
    text = json_trim(text);
    if (json_kind(text) != JSON_OBJECT || json_member(text, "type", &type) != 1 ||
        !json_says(type, "FeatureCollection"))
        return herd_fail(err, "%s: not a GeoJSON FeatureCollection", here.path);
    if (json_member(text, "features", &features) != 1 || json_kind(features) != JSON_ARRAY)
        return herd_fail(err, "%s: a FeatureCollection needs one array of features", here.path);
    return keep_features(features, err);
}

/* The whole file. *text is the caller's to free. */
static bool read_file(int fd, struct herd_text *text, char **bytes, struct herd_error *err)
{
    struct stat stat;
    size_t len = 0, size;
    ssize_t got = 1;

    if (fstat(fd, &stat) < 0)
        return herd_fail(err, "%s: %s", here.path, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        return herd_fail(err, "%s: not a regular file", here.path);
    if (stat.st_size > FILE_MAX_BYTES)
        return herd_fail(err, "%s: larger than 256 MiB", here.path);
    size = (size_t)stat.st_size;
    *bytes = malloc(size + 1);
    if (!*bytes)
        return herd_fail(err, "%s: no memory for its %zu bytes", here.path, size);
    while (len < size && got > 0) {
        got = read(fd, *bytes + len, size - len);
        if (got < 0)
            return herd_fail(err, "%s: %s", here.path, strerror(errno));
        len += (size_t)got;
    }
    *text = (struct herd_text){*bytes, len};
    return true;
}

static bool load(int fd, struct herd_error *err)
{
    struct herd_text text;
    char *bytes = NULL;
    bool loaded = read_file(fd, &text, &bytes, err) && keep_text(text, err);

    free(bytes);
    return loaded;
}

static void close_places(void)
{
    points_destroy(here.points);
    free(here.lines.bytes);
    free(here.offsets.bytes);
    here.points = NULL;
    here.lines = here.offsets = (struct grown){0};
}

static bool load_path(struct herd_error *err)
{
    int fd = open(here.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool loaded;

    if (fd < 0 && errno == ENOENT && !here.given) {
        herd_log(HERD_LOG_WARN, "%s: there is no such file; no place will be found", here.path);
        return true;
    }
    if (fd < 0)
        return herd_fail(err, "%s: %s", here.path, strerror(errno));
    loaded = load(fd, err);
    close(fd);
    return loaded;
}

static bool open_places(struct herd_error *err)
{
    assert(here.path && !here.points && err);
    here.points = points_create();
    if (!here.points)
        return herd_fail(err, "%s: no memory", here.path);
    if (!load_path(err)) {
        close_places();
        return false;
    }
    points_finish(here.points);
    herd_log(HERD_LOG_INFO, "%zu places from %s", points_count(here.points), here.path);
    return true;
}

/* ---- answering ---- */

static struct herd_text find_line(uint32_t number)
{
    const size_t *offsets = (const size_t *)(const void *)here.offsets.bytes;

    assert(number < points_count(here.points));
    return (struct herd_text){here.lines.bytes + offsets[number],
                              offsets[number + 1] - offsets[number]};
}

static void answer(struct herd_search *search, const struct points_hit *hits, size_t count)
{
    struct entries entries = {0};

    entries_begin(&entries, "[]");
    for (size_t i = 0; i < count; i++)
        entries_add(&entries, find_line(hits[i].number));
    if (entries_end(&entries)) {
        const struct herd_answer all = entries_answer(&entries);

        herd_search_answer(search, &all);
    } else {
        herd_search_unasked(search, "out of memory");
    }
    entries_fini(&entries);
}

static void search_places(struct herd_search *search, const struct herd_query *query)
{
    size_t held = points_count(here.points), bound = query->bound < held ? query->bound : held;
    struct points_hit *hits = malloc((bound + 1) * sizeof(*hits));

    assert(search && query->bound > 0);
    if (!hits) {
        herd_search_unasked(search, "out of memory");
        return;
    }
    if (bound > 0)
        bound = points_near(here.points, query->lat_deg, query->lon_deg, query->radius_km, bound,
                            hits);
    answer(search, hits, bound);
    free(hits);
}

/* ---- the module ---- */

static bool configure(struct herd_group *group, struct herd_error *err)
{
    here.given = herd_config_given(group, "file");
    return herd_config_path(group, "file", "places.geojson", &here.path, err);
}

static const struct herd_provider provider = {
    .name = "geojson",
    .open = open_places,
    .search = search_places,
    .close = close_places,
    .decimals = HERD_EXACT,
};

HERD_MODULE_EXPORT(geojson) = {
    .abi = HERD_ABI,
    .name = "geojson",
    .version = "1.0",
    .summary = "places from a GeoJSON file",
    .group = "places.geojson",
    .provider = &provider,
    .configure = configure,
};
