/* For the tests of the provider geojson: the door played by the test, and a folder for the file it
 * reads. */
#ifndef UNIT_GEOJSON_DOOR_H
#define UNIT_GEOJSON_DOOR_H

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct herd_module herd_module_geojson;

/* ---- the door, played by the test ---- */

struct herd_search {
    char *json;
    size_t len;
    unsigned answers, failures;
};

static char folder[] = "/tmp/herd-geojson-XXXXXX";
static char path[64];
static bool given;
static char logged[2][600]; /* info, warnings */
static unsigned warnings;

void herd_log(enum herd_level level, const char *format, ...)
{
    va_list args;

    warnings += level == HERD_LOG_WARN;
    va_start(args, format);
    vsnprintf(logged[level == HERD_LOG_WARN], sizeof(logged[0]), format, args);
    va_end(args);
}

bool herd_config_given(struct herd_group *group, const char *name)
{
    (void)group;
    assert_string_equal(name, "file");
    return given;
}

bool herd_config_path(struct herd_group *group, const char *name, const char *otherwise,
                      const char **value, struct herd_error *err)
{
    (void)group;
    (void)err;
    assert_string_equal(name, "file");
    assert_string_equal(otherwise, "places.geojson");
    *value = path;
    return true;
}

/* Each entry ends where it says, and begins behind the one before. */
static void check_ends(const struct herd_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        const char *end = answer->json.bytes + answer->ends[i];
        bool last = i + 1 == answer->count;

        assert_int_equal(end[-1], '}');
        assert_memory_equal(end, last ? "\n],\n" : ",\n{\"geometry\"", last ? 4 : 12);
        assert_true(i == 0 || answer->ends[i] > answer->ends[i - 1]);
    }
}

void herd_search_answer(struct herd_search *search, const struct herd_answer *answer)
{
    search->answers++;
    free(search->json);
    search->json = malloc(answer->json.len + 1);
    memcpy(search->json, answer->json.bytes, answer->json.len);
    search->json[answer->json.len] = '\0';
    search->len = answer->json.len;
    check_ends(&(struct herd_answer){{search->json, search->len}, answer->count, answer->ends});
}

void herd_search_fail(struct herd_search *search, const char *status, const char *message)
{
    (void)status;
    (void)message;
    search->failures++;
}

void herd_search_unasked(struct herd_search *search, const char *message)
{
    herd_search_fail(search, "UNKNOWN_ERROR", message);
}

/* ---- helpers ---- */

static const struct herd_provider *provider(void)
{
    return herd_module_geojson.provider;
}

static bool try_open(struct herd_error *err)
{
    err->text[0] = '\0';
    provider()->close();
    warnings = 0;
    memset(logged, 0, sizeof(logged));
    assert_true(herd_module_geojson.configure(NULL, err));
    return provider()->open(err);
}

static void ask_into(struct herd_search *search, double lat, double lon, double radius_km,
                     unsigned bound)
{
    struct herd_query query = {lat, lon, radius_km, bound};

    provider()->search(search, &query);
}

static int make_folder(void **unused)
{
    (void)unused;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/p.geojson", folder);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder);
}

#endif
