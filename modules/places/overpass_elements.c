/* Elements of OpenStreetMap are nodes, which have a position, and ways and relations, which have a
 * centre; what is said of them are tags, any text by any name. They come in the order of their
 * numbers, so all are read before the nearest are known.
 *
 * The hard thing is a failure that comes as an answer: a query that ran out of time ends with the
 * elements found so far and a remark, with the status 200. */
#include "overpass_elements.h"

#include "json.h"
#include "points.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As openstreetmap.org/copyright asks for it. */
#define ATTRIBUTIONS                                                                               \
    "[\"&copy; <a href=\\\"https://www.openstreetmap.org/copyright\\\">OpenStreetMap "             \
    "contributors</a>, <a href=\\\"https://opendatacommons.org/licenses/odbl/\\\">ODbL</a>\"]"

/* What is absent, or not of its kind, has no length. */
struct element {
    struct herd_text type, id, lat, lng, tags;
    double lat_deg, lon_deg;
};

/* Those of an answer that have a position. */
struct elements {
    struct element *held;
    size_t count;
    struct points *points; /* the same, in the same order */
};

/* Of tags: each a string, with its quotes. */
struct tags {
    struct herd_text name, kind, full, number, street, place, city;
    unsigned kind_rank;
};

/* ---- an element ---- */

static bool is_type(struct herd_text value)
{
    return json_says(value, "node") || json_says(value, "way") || json_says(value, "relation");
}

/* Digits, up to a 64-bit number's; as they came. */
static bool is_id(struct herd_text value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9')
            return false;
    }
    return value.len < 20;
}

static void read_position(struct herd_text object, struct element *element)
{
    struct json_walk walk = json_enter(object);
    struct herd_text key, value;

    while (json_next_member(&walk, &key, &value)) {
        if (json_says(key, "lat"))
            element->lat = value;
        else if (json_says(key, "lon"))
            element->lng = value;
    }
}

static bool has_position(struct element *element)
{
    return element->lat.len > 0 && element->lng.len > 0 &&
           json_number(element->lat, &element->lat_deg) &&
           json_number(element->lng, &element->lon_deg) && fabs(element->lat_deg) <= 90 &&
           fabs(element->lon_deg) <= 180;
}

/* False: it is no object. An element that cannot be shown has no position afterwards. */
static bool read_element(struct herd_text object, struct element *element)
{
    struct herd_text key, value, center = {0};
    struct json_walk walk;

    *element = (struct element){0};
    if (json_kind(object) != JSON_OBJECT)
        return false;
    walk = json_enter(object);
    while (json_next_member(&walk, &key, &value)) {
        if (json_says(key, "type") && is_type(value))
            element->type = value;
        else if (json_says(key, "id") && is_id(value))
            element->id = value;
        else if (json_says(key, "center") && json_kind(value) == JSON_OBJECT)
            center = value;
        else if (json_says(key, "tags") && json_kind(value) == JSON_OBJECT)
            element->tags = value;
    }
    if (element->type.len > 0 && element->id.len > 0)
        read_position(center.len > 0 ? center : object, element);
    return true;
}

/* ---- its tags ---- */

/* What kind of place it is, by the first of these. */
static void read_kind(struct herd_text key, struct herd_text value, struct tags *tags)
{
    static const char *const kinds[] = {"amenity", "shop",  "tourism", "leisure",
                                        "office",  "craft", "historic"};

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if ((tags->kind.len == 0 || i <= tags->kind_rank) && json_says(key, kinds[i])) {
            tags->kind = value;
            tags->kind_rank = i;
        }
    }
}

static void read_tags(struct herd_text object, struct tags *tags)
{
    struct json_walk walk = json_enter(object);
    struct herd_text key, value;

    while (json_next_member(&walk, &key, &value)) {
        if (json_kind(value) != JSON_STRING)
            continue;
        read_kind(key, value, tags);
        if (json_says(key, "name"))
            tags->name = value;
        else if (json_says(key, "addr:full"))
            tags->full = value;
        else if (json_says(key, "addr:housenumber"))
            tags->number = value;
        else if (json_says(key, "addr:street"))
            tags->street = value;
        else if (json_says(key, "addr:place"))
            tags->place = value;
        else if (json_says(key, "addr:city"))
            tags->city = value;
    }
}

/* Between its quotes. */
static void add_inner(struct grown *to, const char *before, struct herd_text string)
{
    if (string.len <= 2)
        return;
    grown_text(to, before);
    grown_add(to, string.bytes + 1, string.len - 2);
}

/* 425 Westwood Plaza, Los Angeles: a number says nothing without its street. */
static void add_address(struct grown *to, const struct tags *tags)
{
    struct herd_text street = tags->street.len > 2 ? tags->street : tags->place;
    bool numbered = street.len > 2 && tags->number.len > 2;

    if (tags->full.len > 2) {
        grown_member(to, ",\"vicinity\":", tags->full);
        return;
    }
    if (street.len <= 2 && tags->city.len <= 2)
        return;
    grown_text(to, ",\"vicinity\":\"");
    if (numbered)
        add_inner(to, "", tags->number);
    add_inner(to, numbered ? " " : "", street);
    add_inner(to, street.len > 2 ? ", " : "", tags->city);
    grown_text(to, "\"");
}

static void add_element(struct grown *to, const struct element *element)
{
    struct tags tags = {0};

    if (element->tags.len > 0)
        read_tags(element->tags, &tags);
    grown_text(to, "{");
    grown_member(to, "\"geometry\":{\"location\":{\"lat\":", element->lat);
    grown_member(to, ",\"lng\":", element->lng);
    grown_text(to, "}}");
    grown_member(to, ",\"name\":", tags.name);
    add_inner(to, ",\"place_id\":\"", element->type);
    grown_text(to, "/");
    grown_add(to, element->id.bytes, element->id.len);
    grown_text(to, "\"");
    if (tags.kind.len > 0) {
        grown_member(to, ",\"types\":[", tags.kind);
        grown_text(to, "]");
    }
    add_address(to, &tags);
    grown_member(to, ",\"properties\":", element->tags);
    grown_text(to, "}");
}

/* ---- all of them ---- */

static size_t count_elements(struct herd_text array)
{
    struct json_walk walk = json_enter(array);
    struct herd_text value;
    size_t count = 0;

    while (json_next_element(&walk, &value))
        count++;
    return count;
}

/* Returns what is wrong; NULL: nothing. */
static const char *read_elements(struct herd_text array, struct elements *all)
{
    struct json_walk walk = json_enter(array);
    struct herd_text value;

    all->points = points_create();
    all->held = calloc(count_elements(array) + 1, sizeof(*all->held));
    if (!all->points || !all->held)
        return "out of memory";
    while (json_next_element(&walk, &value)) {
        struct element *element = &all->held[all->count];

        if (!read_element(value, element))
            return "the answer's elements are none";
        if (!has_position(element))
            continue;
        if (!points_add(all->points, element->lat_deg, element->lon_deg))
            return "out of memory";
        all->count++;
    }
    points_finish(all->points);
    return NULL;
}

static const char *add_nearest(const struct elements *all, const struct herd_query *query,
                               struct entries *results)
{
    size_t bound = query->bound < all->count ? query->bound : all->count;
    struct points_hit *hits = malloc((bound + 1) * sizeof(*hits));

    if (!hits)
        return "out of memory";
    entries_begin(results, ATTRIBUTIONS);
    if (bound > 0)
        bound = points_near(all->points, query->lat_deg, query->lon_deg, query->radius_km, bound,
                            hits);
    for (size_t i = 0; i < bound; i++) {
        add_element(entries_open(results), &all->held[hits[i].number]);
        entries_close(results);
    }
    free(hits);
    return NULL;
}

static void take_elements(struct nearby *nearby, struct herd_text array,
                          const struct herd_query *query)
{
    struct elements all = {0};
    struct entries results = {0};
    const char *wrong = read_elements(array, &all);

    if (!wrong)
        wrong = add_nearest(&all, query, &results);
    if (wrong)
        nearby_refuse(nearby, wrong);
    else
        nearby_take(nearby, &results);
    points_destroy(all.points);
    free(all.held);
}

/* ---- an answer ---- */

/* Other remarks than those of errors harm nothing. */
static bool is_error(struct herd_text object, char why[NEARBY_MESSAGE_MAX])
{
    struct herd_text remark;

    return json_member(object, "remark", &remark) > 0 &&
           json_string(remark, why, NEARBY_MESSAGE_MAX) && strstr(why, "error");
}

static void read_object(struct nearby *nearby, struct herd_text object,
                        const struct herd_query *query)
{
    struct herd_text elements;
    char why[NEARBY_MESSAGE_MAX];

    if (is_error(object, why))
        nearby_fail(nearby, strstr(why, "rate_limited") ? "OVER_QUERY_LIMIT" : "UNKNOWN_ERROR",
                    why);
    else if (json_member(object, "elements", &elements) != 1 || json_kind(elements) != JSON_ARRAY)
        nearby_refuse(nearby, "the answer has not one array of elements");
    else
        take_elements(nearby, elements, query);
}

void overpass_elements_read(struct nearby *nearby, const struct nearby_reply *reply)
{
    struct herd_text object;
    char why[64];

    assert(nearby && reply && reply->query.bound > 0);
    if (reply->status == 200) {
        if (nearby_object(nearby, reply->body, &object))
            read_object(nearby, object, &reply->query);
    } else if (reply->status == 429) {
        nearby_fail(nearby, "OVER_QUERY_LIMIT", "the server has been asked too much");
    } else if (reply->status == 504) {
        nearby_refuse(nearby, "the server is busy");
    } else if (reply->status == 400) {
        nearby_fail(nearby, "INVALID_REQUEST", "the server does not understand the query");
    } else {
        snprintf(why, sizeof(why), "the answer is HTTP status %ld", reply->status);
        nearby_refuse(nearby, why);
    }
    assert(nearby->json || nearby->status[0]);
}
