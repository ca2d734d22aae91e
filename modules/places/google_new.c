/* google_new, the provider of places that asks Google's Places API (New), its Nearby Search: a POST
 * a search, with a key of the operator's in a header. What comes back is google_places.c's to read.
 *
 * It owns the key's header, from open to close, on the main thread, and what is the same in every
 * request; workers only read them. The hard thing is that settings stand in headers and in JSON as
 * they are: so they are held to bytes that need no escapes and break out of nothing. */
#include "google_places.h"
#include "nearby.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX  20    /* Google's greatest maxResultCount */
#define METRES_MAX 50000 /* its greatest radius */
#define MASK_MAX   1024  /* bytes of field_mask, and of included_types */

#define KEY_HEADER  "X-Goog-Api-Key: "
#define MASK_HEADER "X-Goog-FieldMask: "

static struct {
    const char *field_mask, *included_types, *language, *rank;
    char key[sizeof(KEY_HEADER) + NEARBY_KEY_MAX];
    char mask[sizeof(MASK_HEADER) + MASK_MAX];
} here;

/* ---- asking ---- */

/* "a,b" as ["a","b"]; what stands in it needs no escapes. */
static void add_types(struct grown *body)
{
    const char *at = here.included_types;

    grown_text(body, "\"includedTypes\":[");
    for (size_t len; *at; at += len + (at[len] == ',')) {
        len = strcspn(at, ",");
        grown_text(body, at == here.included_types ? "\"" : ",\"");
        grown_add(body, at, len);
        grown_text(body, "\"");
    }
    grown_text(body, "],");
}

static void make_body(struct grown *body, const struct herd_query *query)
{
    char lat[NEARBY_DEGREES_MAX], lon[NEARBY_DEGREES_MAX], text[256];
    unsigned count = query->bound < COUNT_MAX ? query->bound : COUNT_MAX;
    unsigned long metres = nearby_metres(query->radius_km);

    nearby_degrees(lat, query->lat_deg);
    nearby_degrees(lon, query->lon_deg);
    grown_text(body, "{");
    if (here.included_types[0])
        add_types(body);
    if (here.language[0]) {
        grown_text(body, "\"languageCode\":\"");
        grown_text(body, here.language);
        grown_text(body, "\",");
    }
    snprintf(text, sizeof(text),
             "\"maxResultCount\":%u,\"rankPreference\":\"%s\",\"locationRestriction\":{\"circle\":"
             "{\"center\":{\"latitude\":%s,\"longitude\":%s},\"radius\":%lu}}}",
             count, strcmp(here.rank, "distance") == 0 ? "DISTANCE" : "POPULARITY", lat, lon,
             metres < METRES_MAX ? metres : METRES_MAX);
    grown_text(body, text);
}

/* ---- the module ---- */

static struct nearby_source source = {
    .name = "google_new", .body_max = NEARBY_BODY_MAX, .keyed = true, .read = google_places_read};

static void search_places(struct herd_search *search, const struct herd_query *query)
{
    const char *const headers[] = {"Content-Type: application/json", here.key, here.mask, NULL};
    struct grown body = {0};

    assert(search && here.key[0] && query->bound > 0);
    make_body(&body, query);
    if (body.failed)
        herd_search_unasked(search, "out of memory");
    else
        nearby_ask(&source, &(struct nearby_request){source.url, {body.bytes, body.len}, headers},
                   search, query);
    free(body.bytes);
}

static bool check_source(struct herd_error *err)
{
    return nearby_check(&source, err);
}

static bool open_google_new(struct herd_error *err)
{
    if (!nearby_open(&source, err))
        return false;
    snprintf(here.key, sizeof(here.key), KEY_HEADER "%s", source.key);
    snprintf(here.mask, sizeof(here.mask), MASK_HEADER "%s",
             here.field_mask[0] ? here.field_mask : GOOGLE_PLACES_MASK);
    return true;
}

static void close_google_new(void)
{
    explicit_bzero(here.key, sizeof(here.key));
    nearby_close(&source);
}

/* Items of such bytes, with commas between them, or nothing. */
static bool is_list(const char *text, const char *bytes)
{
    const char *at = text;

    for (size_t len; *at; at += len + (at[len] == ',' && at[len + 1] != '\0')) {
        len = strspn(at, bytes);
        if (len == 0 || (at[len] != ',' && at[len] != '\0') || (at[len] == ',' && !at[len + 1]))
            return false;
    }
    return at - text <= MASK_MAX;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static bool check_settings(struct herd_group *group, struct herd_error *err)
{
    if (!is_list(here.field_mask, LETTERS DIGITS "_.*"))
        return herd_config_fail(group, "field_mask", err,
                                "must be names of fields with commas between them, of at most %d "
                                "bytes: places.id,places.location",
                                MASK_MAX);
    if (!is_list(here.included_types, LETTERS DIGITS "_"))
        return herd_config_fail(group, "included_types", err,
                                "must be names of types with commas between them, of at most %d "
                                "bytes: cafe,bakery",
                                MASK_MAX);
    if (here.language[strspn(here.language, LETTERS DIGITS "-")] || strlen(here.language) > 35)
        return herd_config_fail(group, "language", err, "must be a code such as en or zh-Hant");
    if (strcmp(here.rank, "distance") != 0 && strcmp(here.rank, "popularity") != 0)
        return herd_config_fail(group, "rank", err, "must be \"distance\" or \"popularity\"");
    return true;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    static const char google[] = "https://places.googleapis.com/v1/places:searchNearby";

    if (!nearby_configure(&source, group, google, err) ||
        !herd_config_string(group, "field_mask", "", &here.field_mask, err) ||
        !herd_config_string(group, "included_types", "", &here.included_types, err) ||
        !herd_config_string(group, "language", "", &here.language, err) ||
        !herd_config_string(group, "rank", "distance", &here.rank, err))
        return false;
    return check_settings(group, err);
}

static const struct herd_provider provider = {
    .name = "google_new",
    .check = check_source,
    .open = open_google_new,
    .search = search_places,
    .close = close_google_new,
    .fetches = true,
    .decimals = 4,
};

HERD_MODULE_EXPORT(google_new) = {
    .abi = HERD_ABI,
    .name = "google_new",
    .version = "1.0",
    .summary = "places from Google's Places API (New)",
    .group = "places.google_new",
    .provider = &provider,
    .configure = configure,
};
