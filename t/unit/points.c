/* Points against a brute-force haversine: random ones, poles, the antimeridian, the edge of the
 * circle, ties, speed. */
#include "points.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define CM_KM 1e-5 /* how far index and haversine may disagree */

/* for a question; a build that counts what is run is not optimized */
#ifdef __OPTIMIZE__
#define QUICK_US 1000
#else
#define QUICK_US 10000
#endif

struct spot {
    double lat, lon, km;
    uint32_t number;
};

static uint64_t state = 20180213;

static double draw(double from, double to)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return from + (to - from) * ((double)(state >> 11) / 9007199254740992.0);
}

static double haversine_km(double lat1, double lon1, double lat2, double lon2)
{
    const double deg = acos(-1) / 180;
    double a = sin((lat2 - lat1) * deg / 2), b = sin((lon2 - lon1) * deg / 2);
    double h = a * a + cos(lat1 * deg) * cos(lat2 * deg) * b * b;

    return 2 * POINTS_EARTH_KM * asin(sqrt(h > 1 ? 1 : h));
}

static int compare_spots(const void *a, const void *b)
{
    const struct spot *x = a, *y = b;

    if (x->km != y->km)
        return x->km < y->km ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static struct points *make(const struct spot *spots, size_t count)
{
    struct points *points = points_create();

    assert_non_null(points);
    for (size_t i = 0; i < count; i++)
        assert_true(points_add(points, spots[i].lat, spots[i].lon));
    points_finish(points);
    assert_int_equal(points_count(points), count);
    return points;
}

/* Asks the index, and compares rank for rank with the sorted truth. Returns how many were found. */
static size_t compare(const struct points *points, const struct spot *spots, size_t count,
                      double lat, double lon, double radius_km, size_t bound)
{
    struct spot *truth = calloc(count, sizeof(*truth));
    struct points_hit *hits = calloc(bound, sizeof(*hits));
    size_t surely = 0, perhaps = 0, found = points_near(points, lat, lon, radius_km, bound, hits);

    for (size_t i = 0; i < count; i++) {
        truth[i] = spots[i];
        truth[i].number = (uint32_t)i;
        truth[i].km = haversine_km(lat, lon, spots[i].lat, spots[i].lon);
        surely += truth[i].km <= radius_km - CM_KM;
        perhaps += truth[i].km <= radius_km + CM_KM;
    }
    qsort(truth, count, sizeof(*truth), compare_spots);
    assert_true(found >= (surely < bound ? surely : bound));
    assert_true(found <= (perhaps < bound ? perhaps : bound));
    for (size_t i = 0; i < found; i++) {
        const struct spot *hit = &spots[hits[i].number];

        assert_true(fabs(haversine_km(lat, lon, hit->lat, hit->lon) - truth[i].km) < CM_KM);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(hits[i].number, hits[j].number);
    }
    free(truth);
    free(hits);
    return found;
}

/* Spots in a box round a place; it may reach over a pole or the antimeridian. */
static void scatter(struct spot *spots, size_t count, double lat, double lon, double span_deg)
{
    for (size_t i = 0; i < count; i++) {
        double a = draw(lat - span_deg, lat + span_deg), o = draw(lon - span_deg, lon + span_deg);

        spots[i].lat = a > 90 ? 180 - a : a < -90 ? -180 - a : a;
        o += fabs(a) > 90 ? 180 : 0;
        spots[i].lon = remainder(o, 360);
    }
}

static void check_around(double lat, double lon, double span_deg)
{
    enum { COUNT = 2000 };
    static struct spot spots[COUNT];
    static const double radii[] = {0, 0.01, 1, 10, 50, 500, 5000, 25000};
    struct points *points;
    size_t found = 0;

    scatter(spots, COUNT, lat, lon, span_deg);
    points = make(spots, COUNT);
    for (size_t i = 0; i < sizeof(radii) / sizeof(radii[0]); i++) {
        for (int round = 0; round < 5; round++) {
            struct spot from;

            scatter(&from, 1, lat, lon, span_deg);
            found += compare(points, spots, COUNT, from.lat, from.lon, radii[i], 20);
            found += compare(points, spots, COUNT, from.lat, from.lon, radii[i], COUNT);
            found += compare(points, spots, COUNT, lat, lon, radii[i], 1);
        }
    }
    assert_true(found > COUNT);
    points_destroy(points);
}

static void random_points_in_a_town(void **unused)
{
    (void)unused;
    check_around(34.06893, -118.445127, 0.3);
}

static void random_points_on_the_whole_earth(void **unused)
{
    (void)unused;
    check_around(0, 0, 180);
}

static void around_the_poles(void **unused)
{
    (void)unused;
    check_around(90, 0, 0.4);
    check_around(-90, 77, 0.4);
    check_around(89.9, -120, 0.4);
}

static void across_the_antimeridian(void **unused)
{
    (void)unused;
    check_around(-17.5, 180, 0.3);
    check_around(65, -179.9, 0.3);
}

static void neighbours_across_the_antimeridian(void **unused)
{
    const struct spot spots[] = {{.lat = 0, .lon = 179.9}, {.lat = 0, .lon = -179.9}};
    struct points *points = make(spots, 2);
    struct points_hit hits[2];

    (void)unused;
    assert_int_equal(points_near(points, 0, -179.95, 20, 2, hits), 2);
    assert_int_equal(hits[0].number, 1);
    assert_int_equal(hits[1].number, 0);
    points_destroy(points);
}

static void the_pole_is_one_place(void **unused)
{
    const struct spot spots[] = {
        {.lat = 90, .lon = 0}, {.lat = 90, .lon = 123.4}, {.lat = 90, .lon = -180}};
    struct points *points = make(spots, 3);
    struct points_hit hits[3];

    (void)unused;
    assert_int_equal(points_near(points, 89.99, 55, 2, 3, hits), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(hits[i].number, i);
    assert_int_equal(points_near(points, 90, -33, 0, 3, hits), 3);
    points_destroy(points);
}

static void the_antimeridian_is_one_place(void **unused)
{
    const struct spot spots[] = {
        {.lat = 65, .lon = 180}, {.lat = 65, .lon = -180}, {.lat = 65, .lon = 180}};
    struct points *points = make(spots, 3);
    struct points_hit hits[3];

    (void)unused;
    assert_int_equal(points_near(points, 65, 179.99, 2, 3, hits), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(hits[i].number, i);
    assert_int_equal(points_near(points, 65, -179.99, 2, 3, hits), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(hits[i].number, i);
    points_destroy(points);
}

static void the_edge_belongs_to_the_circle(void **unused)
{
    const struct spot spots[] = {{.lat = 34, .lon = -118}};
    struct points *points = make(spots, 1);
    struct points_hit hit;

    (void)unused;
    for (int i = 0; i < 1000; i++) {
        double lat = draw(33.8, 34.2), lon = draw(-118.2, -117.8);
        double km = haversine_km(lat, lon, 34, -118);

        assert_int_equal(points_near(points, lat, lon, km + 1e-9, 1, &hit), 1);
        assert_int_equal(points_near(points, lat, lon, km - 1e-7, 1, &hit), 0);
    }
    points_destroy(points);
}

/* A degree of the equator on this sphere, to the millimetre. */
static void the_sphere_is_the_documented_one(void **unused)
{
    const struct spot spots[] = {{.lat = 0, .lon = 1}};
    struct points *points = make(spots, 1);
    struct points_hit hit;

    (void)unused;
    assert_int_equal(points_near(points, 0, 0, 111.195081, 1, &hit), 1);
    assert_int_equal(points_near(points, 0, 0, 111.195079, 1, &hit), 0);
    points_destroy(points);
}

/* Ten centimetres and eleven: the chord's square must tell them apart. */
static void short_distances_keep_their_order(void **unused)
{
    const struct spot spots[] = {{.lat = 34.000001, .lon = -118}, {.lat = 34.0000009, .lon = -118}};
    struct points *points = make(spots, 2);
    struct points_hit hits[2];

    (void)unused;
    assert_int_equal(points_near(points, 34, -118, 0.001, 2, hits), 2);
    assert_int_equal(hits[0].number, 1);
    assert_int_equal(points_near(points, 34, -118, 0.000105, 2, hits), 1);
    points_destroy(points);
}

static void ties_go_by_file_order(void **unused)
{
    enum { COUNT = 300, BOUND = 37 };
    static struct spot spots[COUNT];
    struct points_hit hits[BOUND];
    struct points *points;

    (void)unused;
    scatter(spots, COUNT, 34, -118, 0.1);
    for (size_t i = 0; i < COUNT; i += 3)
        spots[i] = (struct spot){.lat = 34, .lon = -118};
    points = make(spots, COUNT);
    assert_int_equal(points_near(points, 34.00001, -118, 0.05, BOUND, hits), BOUND);
    for (uint32_t i = 0; i < BOUND; i++)
        assert_int_equal(hits[i].number, 3 * i);
    points_destroy(points);
}

static void nothing_there(void **unused)
{
    struct points *points = make(NULL, 0);
    struct points_hit hit;

    (void)unused;
    assert_int_equal(points_near(points, 34, -118, 25000, 1, &hit), 0);
    points_destroy(points);
}

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fifteen_thousand_are_quick(void **unused)
{
    enum { COUNT = 15000, ROUNDS = 500 };
    static struct spot spots[COUNT];
    struct points_hit hits[20];
    struct points *points;
    double began, us;

    (void)unused;
    scatter(spots, COUNT, 49.2, -123, 0.4);
    points = make(spots, COUNT);
    began = cpu_seconds();
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(points_near(points, 49.2, draw(-123.2, -122.8), 50, 20, hits), 20);
    us = (cpu_seconds() - began) / ROUNDS * 1e6;
    printf("# 15,000 points, 50 km, 20 hits: %.1f us a question\n", us);
    assert_true(us < QUICK_US || getenv("HERD_MEMCHECK"));
    points_destroy(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_points_in_a_town),
        cmocka_unit_test(random_points_on_the_whole_earth),
        cmocka_unit_test(around_the_poles),
        cmocka_unit_test(across_the_antimeridian),
        cmocka_unit_test(neighbours_across_the_antimeridian),
        cmocka_unit_test(the_pole_is_one_place),
        cmocka_unit_test(the_antimeridian_is_one_place),
        cmocka_unit_test(the_edge_belongs_to_the_circle),
        cmocka_unit_test(the_sphere_is_the_documented_one),
        cmocka_unit_test(short_distances_keep_their_order),
        cmocka_unit_test(ties_go_by_file_order),
        cmocka_unit_test(nothing_there),
        cmocka_unit_test(fifteen_thousand_are_quick),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
