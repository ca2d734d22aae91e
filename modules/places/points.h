/* Points on the earth, and which of them are near. Distances are great-circle on a sphere of
 * 6371.0088 km.
 *
 * First the arithmetic alone, for whoever keeps points elsewhere; then points held in memory, which
 * are filled in once, by one thread, and from points_finish on only read, by any number of threads
 * at once. */
#ifndef PLACES_POINTS_H
#define PLACES_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POINTS_EARTH_KM 6371.0088

/* A place on a sphere of radius 1; at the poles and the antimeridian one place has one vector.
 * Degrees, in range. */
struct points_vector {
    double x, y, z;
};
struct points_vector points_place(double lat_deg, double lon_deg);

/* The square of the straight line between two of them, and the arc that belongs to it. */
double points_chord2(struct points_vector a, struct points_vector b);
double points_km(double chord2);

/* The greatest square of a chord that lies within a radius. */
double points_limit(double radius_km);

/* Something found: how far, then what decides between equally near ones, the lower number first. */
struct points_hit {
    double chord2;   /* the square of the straight line to it, in earth radii */
    uint32_t number; /* which point */
    uint32_t row;    /* the caller's own */
};

/* Adds a hit to the nearest bound ones so far, of which there are count, a heap with the farthest
 * at hits[0] once they are bound. hits has room for bound. Returns how many there are now. */
size_t points_keep(struct points_hit *hits, size_t count, size_t bound, struct points_hit hit);

/* Makes of that heap a list, the nearest first. */
void points_sort(struct points_hit *hits, size_t count);

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

/* Finds the points not farther than radius_km, at most bound of them: the nearest first, of equally
 * near ones the first added. hits has room for bound. Returns how many there are. */
size_t points_near(const struct points *points, double lat_deg, double lon_deg, double radius_km,
                   size_t bound, struct points_hit *hits);

#endif
