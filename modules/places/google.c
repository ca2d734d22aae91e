/* google, the provider of places that asks Google: its Nearby Search of old, one GET a search, with
 * a key of the operator's. What comes back is nearby.c's to check.
 *
 * It owns the key, from open to close, on the main thread; workers only read it. The hard thing is
 * that nobody else may: it is put into nothing but the request, whose URL is wiped. */
#include "key.h"
#include "nearby.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX 128 /* bytes of the query, but for the key */

static struct {
    struct herd_group *group;
    const char *key_file, *ca_file, *url; /* files: "" for none */
    char key[KEY_MAX + 1];
} here;

static struct nearby_source source = {.name = "google", .body_max = NEARBY_BODY_MAX};

/* ---- asking ---- */

static void search_places(struct herd_search *search, const struct herd_query *query)
{
    char lat[NEARBY_DEGREES_MAX], lon[NEARBY_DEGREES_MAX];
    size_t room = strlen(here.url) + QUERY_MAX + KEY_MAX;
    char *url = malloc(room);
    int len;

    assert(search && here.key[0] != '\0' && query->bound > 0);
    if (!url) {
        herd_search_fail(search, "UNKNOWN_ERROR", "out of memory");
        return;
    }
    nearby_degrees(lat, query->lat_deg);
    nearby_degrees(lon, query->lon_deg);
    len = snprintf(url, room, "%s%clocation=%s,%s&radius=%lu&key=%s", here.url,
                   strchr(here.url, '?') ? '&' : '?', lat, lon, nearby_metres(query->radius_km),
                   here.key);
    assert(len > 0 && (size_t)len < room);
    (void)len;
    nearby_ask(&source, &(struct nearby_request){.url = url}, search, query);
    explicit_bzero(url, room);
    free(url);
}

/* ---- the module ---- */

/* Runs for herd -t too. */
static bool check_files(struct herd_error *err)
{
    char key[KEY_MAX + 1];
    struct herd_error why;
    bool good = key_load(here.group, here.key_file, key, err);

    explicit_bzero(key, sizeof(key));
    if (!good)
        return false;
    return !source.ca_file || herd_fetch_check(here.url, source.ca_file, &why) ||
           herd_config_fail(here.group, "ca_file", err, "%s", why.text);
}

static bool open_google(struct herd_error *err)
{
    if (!key_load(here.group, here.key_file, here.key, err))
        return false;
    source.secret = here.key;
    source.failing = false;
    return true;
}

static void close_google(void)
{
    explicit_bzero(here.key, sizeof(here.key));
    source.secret = NULL;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    static const char google[] = "https://maps.googleapis.com/maps/api/place/nearbysearch/json";
    struct herd_error why;

    here.group = group;
    if (!herd_config_path(group, "key_file", "", &here.key_file, err) ||
        !herd_config_path(group, "ca_file", "", &here.ca_file, err) ||
        !herd_config_string(group, "url", google, &here.url, err))
        return false;
    source.ca_file = here.ca_file[0] ? here.ca_file : NULL;
    return herd_fetch_check(here.url, NULL, &why) ||
           herd_config_fail(group, "url", err, "%s", why.text);
}

static const struct herd_provider provider = {
    .name = "google",
    .check = check_files,
    .open = open_google,
    .search = search_places,
    .close = close_google,
    .fetches = true,
    .decimals = 4,
};

HERD_MODULE_EXPORT(google) = {
    .abi = HERD_ABI,
    .name = "google",
    .version = "1.0",
    .summary = "places from Google, or whoever answers like it",
    .group = "places.google",
    .provider = &provider,
    .configure = configure,
};
