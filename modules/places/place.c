/* One place, read and rendered: see place.h. The hard thing is to show a user's own bytes, and
 * still to have one entry on one line. */
#include "place.h"

#include "json.h"

#include <assert.h>

/* ---- reading ---- */

static void read_properties(struct herd_text properties, struct place *place)
{
    struct json_walk walk = json_enter(properties);
    struct herd_text key, value;

    place->properties = properties;
    while (json_next_member(&walk, &key, &value)) {
        bool string = json_kind(value) == JSON_STRING;

        if (string && json_says(key, "name"))
            place->name = value;
        else if (string && json_says(key, "amenity"))
            place->amenity = value;
        else if (string && json_says(key, "vicinity"))
            place->vicinity = value;
        else if (!string && json_says(key, "types") && json_is_strings(value))
            place->types = value;
    }
}

bool place_on_earth(double lat_deg, double lon_deg)
{
    return lon_deg >= -180 && lon_deg <= 180 && lat_deg >= -90 && lat_deg <= 90;
}

/* [longitude, latitude, and perhaps more] */
static bool read_coordinates(struct herd_text coordinates, struct place *place)
{
    struct json_walk walk;

    if (json_kind(coordinates) != JSON_ARRAY)
        return false;
    walk = json_enter(coordinates);
    return json_next_element(&walk, &place->lng) && json_next_element(&walk, &place->lat) &&
           json_number(place->lng, &place->lon_deg) && json_number(place->lat, &place->lat_deg) &&
           place_on_earth(place->lat_deg, place->lon_deg);
}

static bool read_point(struct herd_text geometry, struct place *place)
{
    struct herd_text type, coordinates;

    return json_kind(geometry) == JSON_OBJECT && json_member(geometry, "type", &type) == 1 &&
           json_says(type, "Point") && json_member(geometry, "coordinates", &coordinates) == 1 &&
           read_coordinates(coordinates, place);
}

bool place_read_feature(struct place *place, struct herd_text value)
{
    struct herd_text key, found, type = {0}, geometry = {0}, properties = {0};
    struct json_walk walk;

    *place = (struct place){0};
    if (json_kind(value) != JSON_OBJECT)
        return false;
    walk = json_enter(value);
    while (json_next_member(&walk, &key, &found)) {
        if (json_says(key, "type"))
            type = found;
        else if (json_says(key, "geometry"))
            geometry = found;
        else if (json_says(key, "properties"))
            properties = found;
    }
    if (type.len == 0 || !json_says(type, "Feature") || geometry.len == 0 ||
        !read_point(geometry, place))
        return false;
    if (properties.len > 0 && json_kind(properties) == JSON_OBJECT)
        read_properties(properties, place);
    return true;
}

/* ---- rendering ---- */

void place_render(const struct place *place, struct grown *to)
{
    assert(place->lat.len > 0 && place->lng.len > 0);
    grown_text(to, "{\"geometry\":{\"location\":{\"lat\":");
    grown_value(to, place->lat);
    grown_text(to, ",\"lng\":");
    grown_value(to, place->lng);
    grown_text(to, "}}");
    grown_member(to, ",\"name\":", place->name);
    if (place->types.len > 0) {
        grown_member(to, ",\"types\":", place->types);
    } else if (place->amenity.len > 0) {
        grown_member(to, ",\"types\":[", place->amenity);
        grown_text(to, "]");
    }
    grown_member(to, ",\"vicinity\":", place->vicinity);
    grown_member(to, ",\"properties\":", place->properties);
    grown_text(to, "}");
}
