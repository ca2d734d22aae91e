/* Points on the earth, and which of them are near. Distances are great-circle on a sphere of
 * 6371.0088 km.
 *
 * Filled once, by one thread; from points_finish on it is only read, by any number of threads at
 * once. */
#ifndef PLACES_POINTS_H
#define PLACES_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POINTS_EARTH_KM 6371.0088

struct points;

/* NULL: no memory. */
struct points *points_create(void);
void points_destroy(struct points *points);

/* Adds a point, degrees, in range; the first is number 0. False: no memory, or 2^32 - 1 points are
 * held. */
bool points_add(struct points *points, double lat_deg, double lon_deg);

/* After the last point and before the first question. */
void points_finish(struct points *points);

size_t points_count(const struct points *points);

struct points_hit {
    double chord2;   /* the square of the straight line to it, in earth radii */
    uint32_t number; /* which point */
};

/* Finds the points not farther than radius_km, at most bound of them: the nearest first, of equally
 * near ones the first added. hits has room for bound. Returns how many there are. */
size_t points_near(const struct points *points, double lat_deg, double lon_deg, double radius_km,
                   size_t bound, struct points_hit *hits);

#endif
