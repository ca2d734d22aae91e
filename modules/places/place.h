/* One place, as users' files bring it and as Google's Nearby Search shows it: the same line of JSON
 * from whichever provider. A place borrows its texts, JSON values in their own bytes. Any thread,
 * as json.h says. */
#ifndef PLACES_PLACE_H
#define PLACES_PLACE_H

#include "grown.h"

/* A member that is absent, or not of the kind it should be, has no length. */
struct place {
    struct herd_text lat, lng, name, types, amenity, vicinity, properties;
    double lat_deg, lon_deg;
};

/* Reads a GeoJSON Feature (RFC 7946), a value of a text that has passed json_check. False: it is no
 * point on the earth. */
bool place_read_feature(struct place *place, struct herd_text value);

/* Whether these are degrees of a place on the earth. */
bool place_on_earth(double lat_deg, double lon_deg);

/* Adds the place as an entry of `results`, on one line: digits, escapes and numbers beyond a double
 * go through as they stand; only line breaks between values go, with the indentation behind them.
 */
void place_render(const struct place *place, struct grown *to);

#endif
