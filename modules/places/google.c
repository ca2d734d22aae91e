/* google, the provider of places that asks Google: its Nearby Search of old, one GET a search, with
 * a key of the operator's. What comes back is nearby.c's to check.
 *
 * The hard thing is that nobody may read the key: it is put into nothing but the request, whose URL
 * is wiped. */
#include "nearby.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX 128 /* bytes of the query, but for the key */

static struct nearby_source source = {.name = "google", .body_max = NEARBY_BODY_MAX, .keyed = true};

/* ---- asking ---- */

static void search_places(struct herd_search *search, const struct herd_query *query)
{
    char lat[NEARBY_DEGREES_MAX], lon[NEARBY_DEGREES_MAX];
    size_t room = strlen(source.url) + QUERY_MAX + NEARBY_KEY_MAX;
    char *url = malloc(room);
    int len;

    assert(search && source.key[0] != '\0' && query->bound > 0);
    if (!url) {
        herd_search_unasked(search, "out of memory");
        return;
    }
    nearby_degrees(lat, query->lat_deg);
    nearby_degrees(lon, query->lon_deg);
    len = snprintf(url, room, "%s%clocation=%s,%s&radius=%lu&key=%s", source.url,
                   strchr(source.url, '?') ? '&' : '?', lat, lon, nearby_metres(query->radius_km),
                   source.key);
    assert(len > 0 && (size_t)len < room);
    (void)len;
    nearby_ask(&source, &(struct nearby_request){.url = url}, search, query);
    explicit_bzero(url, room);
    free(url);
}

/* ---- the module ---- */

static bool check_source(struct herd_error *err)
{
    return nearby_check(&source, err);
}

static bool open_source(struct herd_error *err)
{
    return nearby_open(&source, err);
}

static void close_source(void)
{
    nearby_close(&source);
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    return nearby_configure(&source, group,
                            "https://maps.googleapis.com/maps/api/place/nearbysearch/json", err);
}

static const struct herd_provider provider = {
    .name = "google",
    .check = check_source,
    .open = open_source,
    .search = search_places,
    .close = close_source,
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
