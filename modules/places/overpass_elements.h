/* What an Overpass server hands back, read into Nearby Search JSON:
 * wiki.openstreetmap.org/wiki/Overpass_API. */
#ifndef PLACES_OVERPASS_ELEMENTS_H
#define PLACES_OVERPASS_ELEMENTS_H

#include "nearby.h"

/* Reads the answer, whatever it is: the nearest elements, the nearest first, not farther than was
 * asked and at most as many, or why there are none. nearby is cleared. One thread at a time
 * (json.h). */
void overpass_elements_read(struct nearby *nearby, const struct nearby_reply *reply);

#endif
