/* What Google's Places API (New) hands back, read into Nearby Search JSON:
 * developers.google.com/maps/documentation/places/web-service/nearby-search. */
#ifndef PLACES_GOOGLE_PLACES_H
#define PLACES_GOOGLE_PLACES_H

#include "nearby.h"

/* What of it is read, as Google's field mask. */
#define GOOGLE_PLACES_MASK                                                                         \
    "places.attributions,places.businessStatus,places.displayName,places.formattedAddress,"        \
    "places.id,places.location,places.rating,places.shortFormattedAddress,places.types,"           \
    "places.userRatingCount"

/* Reads the answer, whatever it is: at most as many places as were asked for, or Google's error, or
 * why it is neither. nearby is cleared. One thread at a time (json.h). */
void google_places_read(struct nearby *nearby, const struct nearby_reply *reply);

#endif
