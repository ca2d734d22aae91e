/* overpass, the provider of places that asks OpenStreetMap, by a server of the Overpass API: a POST
 * a search, without a key. What comes back is overpass_elements.c's to read.
 *
 * It owns what is the same in every request; workers only read it. The hard thing is the filter, a
 * piece of a query's text that an operator writes: it is held to its form, so that it cannot end
 * the statement that it stands in and begin another. */
#include "overpass_elements.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_MAX  512 /* bytes */
#define CONTACT_MAX 200
#define BODY_MAX    ((size_t)4 << 20) /* of an answer */
#define TIMEOUT_S   4                 /* less than we wait */

static struct {
    const char *filter, *contact;
    int max_elements;
    char agent[CONTACT_MAX + 64];
} here;

static struct nearby_source source = {
    .name = "overpass", .body_max = BODY_MAX, .read = overpass_elements_read};

/* ---- the filter ---- */

static bool take_byte(const char **at, char byte)
{
    bool there = **at == byte;

    *at += there;
    return there;
}

/* In quotes any text, \ with what it escapes; else letters, digits and _. */
static bool take_text(const char **at)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t len = strspn(*at, bare);

    if (!take_byte(at, '"')) {
        *at += len;
        return len > 0;
    }
    for (; **at && **at != '"'; ++*at) {
        if (**at == '\\')
            ++*at;
        if ((unsigned char)**at < 0x20 || **at == 0x7f)
            return false;
    }
    return take_byte(at, '"');
}

/* =, !=, ~ or !~, and whether it was one of the latter two. */
static bool take_operator(const char **at, bool *matches)
{
    take_byte(at, '!');
    *matches = **at == '~';
    return take_byte(at, '~') || take_byte(at, '=');
}

/* [key], [!key], [key=value], [key!=value], [key~text], [key!~text] and [~text~text], the last
 * three with ",i" at the end or without. */
static bool take_filter(const char **at)
{
    bool absent, matches = true, any;

    if (!take_byte(at, '['))
        return false;
    absent = take_byte(at, '!');
    any = !absent && take_byte(at, '~');
    if (!take_text(at))
        return false;
    if (any && !take_byte(at, '~'))
        return false;
    if (!absent && **at != ']') {
        if ((!any && !take_operator(at, &matches)) || !take_text(at))
            return false;
        if (matches && take_byte(at, ',') && !take_byte(at, 'i'))
            return false;
    }
    return take_byte(at, ']');
}

static bool is_filter(const char *text)
{
    const char *at = text;

    while (*at) {
        if (!take_filter(&at))
            return false;
    }
    return at > text && at - text <= FILTER_MAX;
}

/* ---- asking ---- */

/* As a form has it: every byte but letters, digits and -._~ as %XX. */
static void add_encoded(struct grown *to, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    char escape[4];

    while (*text) {
        size_t len = strspn(text, plain);

        grown_add(to, text, len);
        text += len;
        if (*text) {
            snprintf(escape, sizeof(escape), "%%%02X", (unsigned)(unsigned char)*text++);
            grown_text(to, escape);
        }
    }
}

/* The server's metres are a little longer than ours, and what it finds beyond the radius is left
 * out when it is read: so none that is near enough is missing. */
static void make_body(struct grown *body, const struct herd_query *query)
{
    char lat[NEARBY_DEGREES_MAX], lon[NEARBY_DEGREES_MAX], text[256];

    nearby_degrees(lat, query->lat_deg);
    nearby_degrees(lon, query->lon_deg);
    grown_text(body, "data=");
    snprintf(text, sizeof(text), "[out:json][timeout:%d];nwr(around:%.0f,%s,%s)", TIMEOUT_S,
             ceil(query->radius_km * 1000), lat, lon);
    add_encoded(body, text);
    add_encoded(body, here.filter);
    snprintf(text, sizeof(text), ";out center tags %d;", here.max_elements);
    add_encoded(body, text);
}

static void search_places(struct herd_search *search, const struct herd_query *query)
{
    const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", here.agent,
                                   NULL};
    struct grown body = {0};

    assert(search && here.agent[0] && query->bound > 0);
    make_body(&body, query);
    if (body.failed)
        herd_search_unasked(search, "out of memory");
    else
        nearby_ask(&source, &(struct nearby_request){source.url, {body.bytes, body.len}, headers},
                   search, query);
    free(body.bytes);
}

/* ---- the module ---- */

static bool check_source(struct herd_error *err)
{
    return nearby_check(&source, err);
}

static bool open_overpass(struct herd_error *err)
{
    if (!nearby_open(&source, err))
        return false;
    snprintf(here.agent, sizeof(here.agent), "User-Agent: herd/" PACKAGE_VERSION "%s%s%s",
             here.contact[0] ? " (" : "", here.contact, here.contact[0] ? ")" : "");
    return true;
}

/* Within the brackets of a comment (RFC 9110, 5.6.5). */
static bool is_contact(const char *text)
{
    const char *at = text;

    while (*at >= 0x20 && *at < 0x7f && !strchr("()\\", *at))
        at++;
    return *at == '\0' && at - text <= CONTACT_MAX;
}

static bool check_settings(struct herd_group *group, struct herd_error *err)
{
    if (!is_filter(here.filter))
        return herd_config_fail(group, "filter", err,
                                "must be filters of tags, of at most %d bytes: "
                                "[amenity=cafe][name]",
                                FILTER_MAX);
    if (!is_contact(here.contact))
        return herd_config_fail(group, "contact", err,
                                "must be at most %d printable bytes, none of them ( ) or \\",
                                CONTACT_MAX);
    return true;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    static const char server[] = "https://overpass-api.de/api/interpreter";

    if (!nearby_configure(&source, group, server, err) ||
        !herd_config_string(group, "filter", "[amenity][name]", &here.filter, err) ||
        !herd_config_string(group, "contact", "", &here.contact, err) ||
        !herd_config_int(group, "max_elements", 2000, 1, 10000, &here.max_elements, err))
        return false;
    return check_settings(group, err);
}

static const struct herd_provider provider = {
    .name = "overpass",
    .check = check_source,
    .open = open_overpass,
    .search = search_places,
    .fetches = true,
    .keep_ns = INT64_C(600000000000),
    .decimals = 4,
};

HERD_MODULE_EXPORT(overpass) = {
    .abi = HERD_ABI,
    .name = "overpass",
    .version = "1.0",
    .summary = "places from OpenStreetMap, by an Overpass server",
    .group = "places.overpass",
    .provider = &provider,
    .configure = configure,
};
