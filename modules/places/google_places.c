/* The answer has another form than the Nearby Search of old, so it is made into that one, of values
 * cut in Google's own bytes.
 *
 * The hard thing is an answer of another shape than one thinks: which members come is the
 * operator's choice (field_mask), so any may be missing, and one that is not of its kind counts as
 * missing. */
#include "google_places.h"

#include "json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- reading a place ---- */

/* What of a place becomes a member. One that is absent, or not of its kind, has no length. */
struct place {
    struct herd_text id, name, lat, lng, types, rating, ratings, address, short_address, status,
        attributions;
};

/* A member of that name of an object; of no length where there is none of the kind. */
static struct herd_text find(struct herd_text object, const char *name, enum json_kind kind)
{
    struct herd_text value = {0};

    if (json_member(object, name, &value) == 0 || json_kind(value) != kind)
        return (struct herd_text){0};
    return value;
}

static bool is_degrees(struct herd_text value, double most)
{
    double deg;

    return json_number(value, &deg) && fabs(deg) <= most;
}

/* In this form of JSON a number that is 0 may be left out; not both are, or it is no position. */
static void read_location(struct herd_text location, struct place *place)
{
    static const struct herd_text zero = {"0", 1};
    struct herd_text lat = find(location, "latitude", JSON_NUMBER);
    struct herd_text lng = find(location, "longitude", JSON_NUMBER);

    if (lat.len == 0 && lng.len == 0)
        return;
    lat = lat.len > 0 ? lat : zero;
    lng = lng.len > 0 ? lng : zero;
    if (is_degrees(lat, 90) && is_degrees(lng, 180)) {
        place->lat = lat;
        place->lng = lng;
    }
}

static void read_member(struct herd_text key, struct herd_text value, struct place *place)
{
    const struct {
        const char *name;
        enum json_kind kind;
        struct herd_text *to;
    } plain[] = {
        {"id", JSON_STRING, &place->id},
        {"rating", JSON_NUMBER, &place->rating},
        {"userRatingCount", JSON_NUMBER, &place->ratings},
        {"formattedAddress", JSON_STRING, &place->address},
        {"shortFormattedAddress", JSON_STRING, &place->short_address},
        {"businessStatus", JSON_STRING, &place->status},
        {"attributions", JSON_ARRAY, &place->attributions},
    };
    enum json_kind kind = json_kind(value);

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (kind == plain[i].kind && json_says(key, plain[i].name))
            *plain[i].to = value;
    }
    if (json_says(key, "types") && json_is_strings(value))
        place->types = value;
    else if (kind == JSON_OBJECT && json_says(key, "displayName"))
        place->name = find(value, "text", JSON_STRING);
    else if (kind == JSON_OBJECT && json_says(key, "location"))
        read_location(value, place);
}

static void add_place(struct grown *to, const struct place *place)
{
    size_t begins;

    grown_text(to, "{");
    begins = to->len;
    grown_member(to, ",\"business_status\":", place->status);
    if (place->lat.len > 0) {
        grown_member(to, ",\"geometry\":{\"location\":{\"lat\":", place->lat);
        grown_member(to, ",\"lng\":", place->lng);
        grown_text(to, "}}");
    }
    grown_member(to, ",\"name\":", place->name);
    grown_member(to, ",\"place_id\":", place->id);
    grown_member(to, ",\"rating\":", place->rating);
    grown_member(to, ",\"types\":", place->types);
    grown_member(to, ",\"user_ratings_total\":", place->ratings);
    grown_member(
        to, ",\"vicinity\":", place->short_address.len > 0 ? place->short_address : place->address);
    grown_member(to, ",\"attributions\":", place->attributions);
    if (!to->failed && to->len > begins) /* the first has no comma before it */
        memmove(to->bytes + begins, to->bytes + begins + 1, --to->len - begins);
    grown_text(to, "}");
}

/* ---- reading an answer ---- */

static void read_places(struct nearby *nearby, struct herd_text places, unsigned bound)
{
    struct entries results = {0};
    struct json_walk walk = json_enter(places);
    struct herd_text value, key, member;

    entries_begin(&results, "[]");
    while (json_next_element(&walk, &value)) {
        struct place place = {0};
        struct json_walk members;

        if (json_kind(value) != JSON_OBJECT) {
            entries_fini(&results);
            nearby_refuse(nearby, "the answer's places are none");
            return;
        }
        if (results.count == bound)
            continue;
        for (members = json_enter(value); json_next_member(&members, &key, &member);)
            read_member(key, member, &place);
        add_place(entries_open(&results), &place);
        entries_close(&results);
    }
    nearby_take(nearby, &results);
}

/* Google says that a key is none among the details, of what else is a fault of the request. */
static bool is_bad_key(struct herd_text error)
{
    struct herd_text details = find(error, "details", JSON_ARRAY), detail, reason;
    struct json_walk walk;

    if (details.len == 0)
        return false;
    walk = json_enter(details);
    while (json_next_element(&walk, &detail)) {
        reason = json_kind(detail) == JSON_OBJECT ? find(detail, "reason", JSON_STRING)
                                                  : (struct herd_text){0};
        if (reason.len > 0 && json_says(reason, "API_KEY_INVALID"))
            return true;
    }
    return false;
}

/* google.rpc.Code, as the Nearby Search of old calls it. */
static const char *find_status(struct herd_text error)
{
    static const char *const known[][2] = {
        {"RESOURCE_EXHAUSTED", "OVER_QUERY_LIMIT"}, {"PERMISSION_DENIED", "REQUEST_DENIED"},
        {"UNAUTHENTICATED", "REQUEST_DENIED"},      {"INVALID_ARGUMENT", "INVALID_REQUEST"},
        {"FAILED_PRECONDITION", "INVALID_REQUEST"}, {"OUT_OF_RANGE", "INVALID_REQUEST"},
        {"NOT_FOUND", "INVALID_REQUEST"},
    };
    struct herd_text status = find(error, "status", JSON_STRING);

    if (is_bad_key(error))
        return "REQUEST_DENIED";
    for (size_t i = 0; status.len > 0 && i < sizeof(known) / sizeof(known[0]); i++) {
        if (json_says(status, known[i][0]))
            return known[i][1];
    }
    return "UNKNOWN_ERROR";
}

static void read_error(struct nearby *nearby, struct herd_text error)
{
    char why[NEARBY_MESSAGE_MAX];
    struct herd_text message = find(error, "message", JSON_STRING);

    if (message.len == 0 || !json_string(message, why, sizeof(why)) || why[0] == '\0')
        snprintf(why, sizeof(why), "the provider gives no reason");
    nearby_fail(nearby, find_status(error), why);
}

static void read_object(struct nearby *nearby, struct herd_text object, unsigned bound)
{
    struct herd_text places = {"[]", 2};
    size_t count = json_member(object, "places", &places);

    if (count > 1 || json_kind(places) != JSON_ARRAY)
        nearby_refuse(nearby, "the answer has not one array of places");
    else
        read_places(nearby, places, bound);
}

/* An error has an object of its own, whatever the status of HTTP; what stands between Google and us
 * may answer too, and has none. */
void google_places_read(struct nearby *nearby, const struct nearby_reply *reply)
{
    struct herd_text object = {0}, error = {0};
    struct nearby not_json = {0};
    struct nearby *says = reply->status == 200 ? nearby : &not_json;
    char why[64];

    if (nearby_object(says, reply->body, &object))
        error = find(object, "error", JSON_OBJECT);
    if (error.len > 0) {
        read_error(nearby, error);
    } else if (reply->status != 200) {
        snprintf(why, sizeof(why), "the answer is HTTP status %ld", reply->status);
        nearby_fail(nearby, reply->status == 429 ? "OVER_QUERY_LIMIT" : "UNKNOWN_ERROR", why);
    } else if (object.len > 0) {
        read_object(nearby, object, reply->query.bound);
    }
    assert(nearby->json || nearby->status[0]);
}
