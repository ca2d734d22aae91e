/* A line through all places on the earth, on which neighbours are near each other: what is stored
 * in its order lies together where it is near together. */
#ifndef PLACES_CURVE_H
#define PLACES_CURVE_H

#include "points.h"

/* How far along the line a place is, to about a centimetre; at least 0. */
int64_t curve_place(struct points_vector place);

#endif
