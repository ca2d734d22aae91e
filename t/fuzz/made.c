/* A name may stand twice in an object, and then one of the two is right. */
#include "made.h"

#include "same.h"

#include <math.h>
#include <string.h>

/* Whether one of the object's members of that name is the same. */
static bool has_member(const cJSON *object, const char *name, const cJSON *value)
{
    for (const cJSON *one = object->child; one != NULL; one = one->next)
        if (one->string != NULL && strcmp(one->string, name) == 0 && same_value(one, value))
            return true;
    return false;
}

/* The same in one of the objects of a name. */
static bool has_deep(const cJSON *object, const char *outer, const char *name, const cJSON *value)
{
    for (const cJSON *one = object->child; one != NULL; one = one->next)
        if (cJSON_IsObject(one) && strcmp(one->string, outer) == 0 && has_member(one, name, value))
            return true;
    return false;
}

static const cJSON *get(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const cJSON *location_of(const cJSON *entry)
{
    return get(get(entry, "geometry"), "location");
}

/* ---- places ---- */

static void check_place(const cJSON *place, const cJSON *entry)
{
    static const char *const names[][3] = {
        {"business_status", "businessStatus"},
        {"place_id", "id"},
        {"rating", "rating"},
        {"types", "types"},
        {"user_ratings_total", "userRatingCount"},
        {"vicinity", "shortFormattedAddress", "formattedAddress"},
        {"attributions", "attributions"},
    };
    const cJSON *location = location_of(entry), *name = get(entry, "name");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *value = get(entry, names[i][0]);
        must(value == NULL || has_member(place, names[i][1], value) ||
             (names[i][2] != NULL && has_member(place, names[i][2], value)));
    }
    must(name == NULL || has_deep(place, "displayName", "text", name));
    if (location == NULL)
        return;
    const cJSON *lat = get(location, "lat"), *lng = get(location, "lng");
    must(fabs(lat->valuedouble) <= 90 && fabs(lng->valuedouble) <= 180);
    must(lat->valuedouble == 0 || has_deep(place, "location", "latitude", lat));
    must(lng->valuedouble == 0 || has_deep(place, "location", "longitude", lng));
}

/* The reader has seen that there is one array at the most; cJSON may read a name that ends with a
 * NUL as the same. */
void made_check_places(const cJSON *body, const cJSON *left, unsigned bound)
{
    const cJSON *results = get(left, "results"), *place = NULL;
    int count = cJSON_GetArraySize(results);
    must(cJSON_IsArray(results) && (unsigned)count <= bound);
    for (const cJSON *one = body->child; one != NULL; one = one->next) {
        bool places = strcmp(one->string, "places") == 0 && cJSON_IsArray(one);
        unsigned there = (unsigned)cJSON_GetArraySize(one);
        if (places && count == (int)(there < bound ? there : bound))
            place = one->child;
    }
    must(place != NULL || count == 0);
    for (const cJSON *entry = results->child; entry != NULL;
         entry = entry->next, place = place->next)
        check_place(place, entry);
}

/* ---- elements ---- */

static bool is_where(const cJSON *element, const cJSON *location)
{
    const cJSON *lat = get(location, "lat"), *lng = get(location, "lng");
    return (has_member(element, "lat", lat) && has_member(element, "lon", lng)) ||
           (has_deep(element, "center", "lat", lat) && has_deep(element, "center", "lon", lng));
}

static bool is_made_of(const cJSON *entry, const cJSON *element)
{
    const cJSON *tags = get(entry, "properties"), *name = get(entry, "name");
    return cJSON_IsObject(element) && is_where(element, location_of(entry)) &&
           (tags == NULL || has_member(element, "tags", tags)) &&
           (name == NULL || has_member(tags, "name", name));
}

static bool is_from(const cJSON *entry, const cJSON *body)
{
    for (const cJSON *one = body->child; one != NULL; one = one->next)
        for (const cJSON *element = one->child; element != NULL; element = element->next)
            if (strcmp(one->string, "elements") == 0 && is_made_of(entry, element))
                return true;
    return false;
}

static double measure(const cJSON *location)
{
    double deg = 3.14159265358979323846 / 180, lat = get(location, "lat")->valuedouble * deg;
    double lon = get(location, "lng")->valuedouble * deg;
    double half = sin((lat - MADE_LAT * deg) / 2), other = sin((lon - MADE_LON * deg) / 2);
    double h = half * half + cos(lat) * cos(MADE_LAT * deg) * other * other;
    return atan2(sqrt(h), sqrt(1 - h < 0 ? 0 : 1 - h));
}

void made_check_elements(const cJSON *body, const cJSON *left, unsigned bound)
{
    const cJSON *results = get(left, "results");
    double last = 0;
    must(cJSON_IsArray(results) && (unsigned)cJSON_GetArraySize(results) <= bound);
    for (const cJSON *entry = results->child; entry != NULL; entry = entry->next) {
        double far = measure(location_of(entry));
        must(far >= last - 1e-7);
        last = far;
        must(strchr(get(entry, "place_id")->valuestring, '/') != NULL);
        must(is_from(entry, body));
    }
}
