/* Points on the earth, and which of them are near: see points.h.
 *
 * A point is kept as a unit vector, so there is no antimeridian and no pole to think of, and points
 * are sorted by z, the sine of the latitude: a circle lies in a band of latitudes, which is one
 * stretch of the array. Nearness is judged by the square of the chord, which grows with the arc.
 *
 * The hard thing is a short distance: 1 - a.b loses half its digits there, and two cafes in one
 * house come out equally far. The difference of the vectors keeps them, to some nanometres. */
#include "points.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* What rounding may add to a chord: six nanometres. A point on the very edge is inside. */
#define SLACK 1e-15

struct point {
    struct points_vector at;
    uint32_t number;
};

struct points {
    struct point *held;
    size_t count, room;
    bool finished;
};

static double to_radians(double deg)
{
    return deg * (3.14159265358979323846 / 180);
}

/* At the poles and the antimeridian one place has many names; it gets one vector, so that equally
 * far is equal. */
struct points_vector points_place(double lat_deg, double lon_deg)
{
    bool pole = fabs(lat_deg) == 90;
    double lat = to_radians(lat_deg), lon = to_radians(lon_deg == -180 ? 180 : lon_deg);
    double ring = pole ? 0 : cos(lat);

    assert(fabs(lat_deg) <= 90 && fabs(lon_deg) <= 180);
    return (struct points_vector){.x = ring * cos(lon), .y = ring * sin(lon), .z = sin(lat)};
}

struct points *points_create(void)
{
    return calloc(1, sizeof(struct points));
}

void points_destroy(struct points *points)
{
    if (points)
        free(points->held);
    free(points);
}

bool points_add(struct points *points, double lat_deg, double lon_deg)
{
    assert(points && !points->finished);
    if (points->count == UINT32_MAX)
        return false;
    if (points->count == points->room) {
        size_t room = points->room ? points->room * 2 : 64;
        struct point *held = realloc(points->held, room * sizeof(*held));

        if (!held)
            return false;
        points->held = held;
        points->room = room;
    }
    points->held[points->count] = (struct point){points_place(lat_deg, lon_deg),
                                                 (uint32_t)points->count};
    points->count++;
    return true;
}

static int compare_z(const void *a, const void *b)
{
    double za = ((const struct point *)a)->at.z, zb = ((const struct point *)b)->at.z;

    return (za > zb) - (za < zb);
}

void points_finish(struct points *points)
{
    assert(points && !points->finished);
    if (points->count > 0)
        qsort(points->held, points->count, sizeof(*points->held), compare_z);
    points->finished = true;
}

size_t points_count(const struct points *points)
{
    assert(points);
    return points->count;
}

/* The first point whose z is not below. */
static size_t find_z(const struct points *points, double z)
{
    size_t from = 0, to = points->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (points->held[middle].at.z < z)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_farther(struct points_hit a, struct points_hit b)
{
    return a.chord2 > b.chord2 || (a.chord2 == b.chord2 && a.number > b.number);
}

/* hits is a heap with the farthest on top; what stands at i sinks to where it belongs. */
static void sink(struct points_hit *hits, size_t count, size_t i)
{
    struct points_hit moved = hits[i];

    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && is_farther(hits[child + 1], hits[child]))
            child++;
        if (!is_farther(hits[child], moved))
            break;
        hits[i] = hits[child];
    }
    hits[i] = moved;
}

static void rise(struct points_hit *hits, size_t i)
{
    struct points_hit moved = hits[i];

    for (; i > 0 && is_farther(moved, hits[(i - 1) / 2]); i = (i - 1) / 2)
        hits[i] = hits[(i - 1) / 2];
    hits[i] = moved;
}

size_t points_keep(struct points_hit *hits, size_t count, size_t bound, struct points_hit hit)
{
    assert(hits && bound > 0 && count <= bound);
    if (count < bound) {
        hits[count] = hit;
        rise(hits, count);
        return count + 1;
    }
    if (is_farther(hits[0], hit)) {
        hits[0] = hit;
        sink(hits, count, 0);
    }
    return count;
}

/* The farthest goes to the end, again and again: what is left is the nearest first. */
void points_sort(struct points_hit *hits, size_t count)
{
    while (count > 1) {
        struct points_hit farthest = hits[0];

        hits[0] = hits[--count];
        hits[count] = farthest;
        sink(hits, count, 0);
    }
}

double points_chord2(struct points_vector a, struct points_vector b)
{
    double x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;

    return x * x + y * y + z * z;
}

double points_km(double chord2)
{
    double half = sqrt(chord2) / 2;

    return 2 * POINTS_EARTH_KM * asin(half < 1 ? half : 1);
}

double points_limit(double radius_km)
{
    double half = radius_km / POINTS_EARTH_KM / 2;
    double chord = 2 * sin(half) + SLACK;

    return half >= to_radians(90) ? INFINITY : chord * chord;
}

size_t points_near(const struct points *points, double lat_deg, double lon_deg, double radius_km,
                   size_t bound, struct points_hit *hits)
{
    struct points_vector here = points_place(lat_deg, lon_deg);
    double lat = to_radians(lat_deg), arc = radius_km / POINTS_EARTH_KM, right = to_radians(90);
    double lowest = lat - arc <= -right ? -2 : sin(lat - arc) - SLACK;
    double highest = lat + arc >= right ? 2 : sin(lat + arc) + SLACK;
    double limit = points_limit(radius_km);
    size_t count = 0;

    assert(points && points->finished && hits && bound > 0 && radius_km >= 0);
    for (size_t i = find_z(points, lowest); i < points->count; i++) {
        const struct point *p = &points->held[i];
        struct points_hit hit = {points_chord2(p->at, here), p->number, 0};

        if (p->at.z > highest)
            break;
        if (hit.chord2 <= limit)
            count = points_keep(hits, count, bound, hit);
    }
    points_sort(hits, count);
    return count;
}
