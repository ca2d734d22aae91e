/* Files of places, made and searched: the nearest as points.c finds them among all, at the poles
 * and the antimeridian too; and files that nobody meant well. */
#include "db.h"

#include "curve.h"
#include "db_make.h"
#include "points.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CACHE (1 << 20)

static char folder[] = "/tmp/herd-db-XXXXXX";
static char path[64];

/* ---- making files ---- */

struct made {
    const double (*at)[2];
    size_t count, next, fail_at, stop_at;
    char line[100];
};

static bool next_place(void *arg, struct db_place *place, struct herd_error *err)
{
    struct made *made = arg;
    size_t i = made->next;

    if (i == made->count)
        return false;
    if (made->fail_at && i == made->fail_at)
        return herd_fail(err, "line 7: no place");
    snprintf(made->line, sizeof(made->line), "{\"n\":%zu}", i);
    *place = (struct db_place){made->at[i][0], made->at[i][1], {made->line, strlen(made->line)}};
    made->next++;
    return true;
}

static bool go_on(void *arg, uint64_t stored)
{
    struct made *made = arg;

    return !made->stop_at || (made->next < made->stop_at && stored < made->stop_at);
}

static bool try_make(struct made *made, struct herd_error *err)
{
    const struct db_source source = {
        .next = next_place, .go_on = go_on, .arg = made, .made_by = "it's a test"};
    uint64_t places;
    bool good;

    unlink(path);
    good = db_make(path, &source, &places, err);
    assert_true(!good || places == made->count);
    return good;
}

static struct db *make(const double (*at)[2], size_t count)
{
    struct made made = {.at = at, .count = count};
    struct herd_error err = {{0}};
    struct db *db;

    if (!try_make(&made, &err))
        fail_msg("%s", err.text);
    db = db_open(path, CACHE, &err);
    if (!db)
        fail_msg("%s", err.text);
    return db;
}

/* ---- searching them ---- */

struct found {
    size_t count, stop_at;
    unsigned numbers[1000];
    double km[1000];
};

static bool take(void *arg, const struct db_found *found)
{
    struct found *to = arg;
    char line[100];

    assert_in_range(found->line.len, 7, sizeof(line) - 1);
    memcpy(line, found->line.bytes, found->line.len);
    line[found->line.len] = '\0';
    assert_int_equal(sscanf(line, "{\"n\":%u}", &to->numbers[to->count]), 1);
    to->km[to->count++] = found->km;
    return to->count != to->stop_at;
}

static enum db_result near(struct db *db, double lat, double lon, double km, size_t bound,
                           struct found *found)
{
    const struct db_query query = {.lat_deg = lat,
                                   .lon_deg = lon,
                                   .radius_km = km,
                                   .bound = bound,
                                   .take = take,
                                   .arg = found};
    struct herd_error err = {{0}};
    enum db_result result = db_near(db, &query, &err);

    assert_int_equal(result == DB_FAILED, err.text[0] != '\0');
    return result;
}

/* The same as points.c finds among all of them. */
static void compare(struct db *db, const struct points *points, double lat, double lon, double km,
                    size_t bound)
{
    static struct points_hit hits[1000];
    size_t count = points_near(points, lat, lon, km, bound, hits);
    struct found found = {0};

    assert_int_equal(near(db, lat, lon, km, bound, &found), DB_DONE);
    assert_int_equal(found.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found.numbers[i], hits[i].number);
        assert_true(fabs(found.km[i] - points_km(hits[i].chord2)) < 1e-9);
    }
}

static double random_to(double limit)
{
    return ((double)(random_next() >> 11) / 4503599627370496.0 - 1) * limit;
}

static double clamp(double value, double limit)
{
    return value > limit ? limit : value < -limit ? -limit : value;
}

/* A place near the corners of the earth, near a few cities, or anywhere; many on each other. */
static void choose(double at[2])
{
    static const double cities[][2] = {{49.28, -123.12}, {0, 180}, {12.5, -180}, {90, 0}, {-90, 77},
                                       {89.99, 179.99},  {0, 0},   {-33.9, 18.4}};
    const double *city = cities[random_next() % 8];
    double wide = random_next() % 4 ? 0.3 : 0.001;

    if (random_next() % 5 == 0) {
        at[0] = random_to(90);
        at[1] = random_to(180);
    } else {
        at[0] = clamp(city[0] + random_to(wide), 90);
        at[1] = clamp(city[1] + random_to(fabs(city[0]) > 80 ? 180 : wide), 180);
    }
    if (random_next() % 3 == 0) {
        at[0] = round(at[0] * 100) / 100;
        at[1] = round(at[1] * 100) / 100;
    }
}

#define MANY 20000
static double places[MANY][2];

static void nearest_as_by_looking_at_all(void **unused)
{
    static const double radii[] = {0, 0.01, 1, 10, 50, 500, 20100};
    struct points *points = points_create();
    struct db *db;

    (void)unused;
    for (size_t i = 0; i < MANY; i++) {
        choose(places[i]);
        assert_true(points_add(points, places[i][0], places[i][1]));
    }
    points_finish(points);
    db = make(places, MANY);
    for (int i = 0; i < 1500; i++) {
        double at[2];

        choose(at);
        compare(db, points, at[0], at[1], radii[random_next() % 7],
                random_next() % 20 ? 1 + random_next() % 20 : 1000);
    }
    compare(db, points, 90, -17, 50, 100);
    compare(db, points, -90, 180, 50, 100);
    compare(db, points, 0, -180, 50, 100);
    compare(db, points, 0, 180, 50, 100);
    db_close(db);
    points_destroy(points);
}

static void equally_near_ones_as_imported(void **unused)
{
    struct found found = {0};
    struct db *db;

    (void)unused;
    for (size_t i = 0; i < 5000; i++) {
        static const double around[4][2] = {{0, 0.01}, {0, -0.01}, {0.01, 0}, {-0.01, 0}};

        memcpy(places[i], around[(i * 7) % 4], sizeof(places[i]));
    }
    db = make(places, 5000);
    assert_int_equal(near(db, 0, 0, 50, 600, &found), DB_DONE);
    assert_int_equal(found.count, 600);
    for (size_t i = 1; i < 600; i++) {
        assert_true(found.km[i] >= found.km[i - 1]);
        assert_true(found.km[i] > found.km[i - 1] || found.numbers[i] > found.numbers[i - 1]);
    }
    db_close(db);
}

/* SQLite's own look at the tree that we have packed, of one level and of several. */
static void sqlite_finds_it_well(void **unused)
{
    static const size_t counts[] = {0, 1, 51, 52, 51 * 51, 51 * 51 + 1, 7000};

    (void)unused;
    for (size_t i = 0; i < 7000; i++)
        choose(places[i]);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct found found = {0};
        sqlite3 *handle;
        sqlite3_stmt *rows;
        struct db *db = make(places, counts[i]);

        assert_int_equal(near(db, 0, 0, 30000, 1000, &found), DB_DONE);
        assert_int_equal(found.count, counts[i] < 1000 ? counts[i] : 1000);
        db_close(db);
        assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
        assert_int_equal(
            sqlite3_prepare_v2(handle,
                               "SELECT rtreecheck('tree'), (SELECT count(*) FROM tree),"
                               " (SELECT * FROM pragma_integrity_check())",
                               -1, &rows, NULL),
            SQLITE_OK);
        assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(rows, 0), "ok");
        assert_int_equal(sqlite3_column_int64(rows, 1), counts[i]);
        assert_string_equal((const char *)sqlite3_column_text(rows, 2), "ok");
        sqlite3_finalize(rows);
        sqlite3_close(handle);
    }
}

static void says_what_it_is(void **unused)
{
    static const double at[][2] = {{1.5, -2}, {-3, 170}};
    struct db *db = make(at, 2);
    struct db_about about;
    struct herd_error err;

    (void)unused;
    assert_true(db_about(db, &about, &err));
    assert_int_equal(about.places, 2);
    assert_true(about.south == -3 && about.north == 1.5 && about.west == -2 && about.east == 170);
    assert_string_equal(about.made_by, "it's a test");
    assert_int_equal(strlen(about.imported), strlen("2026-01-01T00:00:00Z"));
    db_close(db);
}

static void gives_up(void **unused)
{
    struct made stopped = {.at = places, .count = MANY, .stop_at = 5000};
    struct made failed = {.at = places, .count = MANY, .fail_at = 5000};
    struct found found = {.stop_at = 3};
    struct herd_error err = {{0}};
    struct db *db;

    (void)unused;
    assert_false(try_make(&stopped, &err));
    assert_string_equal(err.text, "interrupted");
    err.text[0] = '\0';
    assert_false(try_make(&failed, &err));
    assert_string_equal(err.text, "line 7: no place");
    db = make(places, 100);
    assert_int_equal(near(db, 0, 0, 30000, 50, &found), DB_STOPPED);
    assert_int_equal(found.count, 3);
    found = (struct found){0};
    assert_int_equal(near(db, 0, 0, 30000, 50, &found), DB_DONE);
    assert_int_equal(found.count, 50);
    db_close(db);
}

static bool stop_after(void *arg)
{
    return --*(int *)arg < 0;
}

static bool take_none(void *arg, const struct db_found *found)
{
    (void)arg;
    (void)found;
    return true;
}

/* A search that goes through everything asks in time whether it shall. */
static void is_stopped(void **unused)
{
    int patience = 2;
    struct db_query query = {
        .radius_km = 30000, .bound = MANY, .take = take_none, .stop = stop_after, .arg = &patience};
    struct herd_error err;
    struct db *db;

    (void)unused;
    for (size_t i = 0; i < MANY; i++)
        choose(places[i]);
    db = make(places, MANY);
    assert_int_equal(db_near(db, &query, &err), DB_STOPPED);
    patience = 1000000;
    assert_int_equal(db_near(db, &query, &err), DB_DONE);
    assert_in_range(1000000 - patience, 20, 100000);
    db_close(db);
}

/* ---- files that are not well ---- */

static void overwrite(long at, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void refuse(const char *words)
{
    struct herd_error err = {{0}};
    struct db *db = db_open(path, CACHE, &err);

    assert_null(db);
    if (!strstr(err.text, path) || !strstr(err.text, words))
        fail_msg("not \"%s\" but: %s", words, err.text);
}

static void refuses_other_files(void **unused)
{
    struct stat stat_of;
    FILE *file;

    (void)unused;
    unlink(path);
    refuse("No such file");
    assert_int_equal(mkdir(path, 0700), 0);
    refuse("not a regular file");
    assert_int_equal(rmdir(path), 0);
    file = fopen(path, "w");
    refuse("not a SQLite file");
    fputs("id,name\n", file);
    assert_int_equal(fclose(file), 0);
    refuse("not a SQLite file");
    db_close(make(places, 3000));
    overwrite(60, "\0\0\0\2", 4);
    refuse("of form 2");
    overwrite(68, "\0\0\0\0", 4);
    refuse("not a file of places");
    db_close(make(places, 3000));
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(truncate(path, stat_of.st_size - 4096), 0);
    refuse("cut short");
}

/* Bytes of it are others, anywhere: what cannot be read is said, and nothing else happens. */
static void spoilt_files(void **unused)
{
    size_t failed = 0, refused = 0;
    struct stat stat_of;

    (void)unused;
    for (int round = 0; round < 150; round++) {
        struct herd_error err = {{0}};
        struct db *db;
        unsigned char bytes[64];

        if (round % 10 == 0)
            db_close(make(places, 3000));
        assert_int_equal(stat(path, &stat_of), 0);
        for (int i = 0; i < 1 + round % 10; i++) {
            for (size_t b = 0; b < sizeof(bytes); b++)
                bytes[b] = (unsigned char)(random_next() >> 24);
            overwrite((long)(128 + random_next() % (uint64_t)(stat_of.st_size - 256)), bytes,
                      1 + random_next() % sizeof(bytes));
        }
        db = db_open(path, CACHE, &err);
        refused += db == NULL;
        for (int i = 0; db && i < 20; i++) {
            struct db_query query = {.lat_deg = random_to(90),
                                     .lon_deg = random_to(180),
                                     .radius_km = 20100,
                                     .bound = 1000,
                                     .take = take_none};

            failed += db_near(db, &query, &err) == DB_FAILED;
        }
        db_close(db);
    }
    print_message("# %zu refused, %zu searches failed\n", refused, failed);
    assert_true(failed > 0);
}

/* A page is overwritten while the file is open. */
static void spoilt_meanwhile(void **unused)
{
    struct found found = {0};
    struct stat stat_of;
    struct db *db;
    char *zeros;

    (void)unused;
    for (size_t i = 0; i < MANY; i++)
        choose(places[i]);
    db = make(places, MANY);
    assert_int_equal(near(db, 0, 0, 50, 1, &found), DB_DONE);
    assert_int_equal(stat(path, &stat_of), 0);
    zeros = calloc(1, (size_t)stat_of.st_size);
    overwrite(4096, zeros, (size_t)stat_of.st_size - 4096);
    free(zeros);
    found = (struct found){0};
    assert_int_equal(near(db, 40, 40, 20100, 1000, &found), DB_FAILED);
    assert_int_equal(truncate(path, 8192), 0);
    found = (struct found){0};
    assert_int_equal(near(db, -40, -40, 20100, 1000, &found), DB_FAILED);
    db_close(db);
}

static int compare_keys(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* In the order of the curve the next place is near: of 20,000 all over the earth, within 200 km on
 * the average. */
static void the_curve_is_one_line(void **unused)
{
    static struct {
        int64_t key;
        struct points_vector at;
    } all[MANY];
    double sum = 0, most = 0;

    (void)unused;
    for (size_t i = 0; i < MANY; i++) {
        all[i].at = points_place(asin(random_to(1)) * 180 / 3.14159265358979, random_to(180));
        all[i].key = curve_place(all[i].at);
        assert_true(all[i].key >= 0);
    }
    qsort(all, MANY, sizeof(all[0]), compare_keys);
    for (size_t i = 1; i < MANY; i++) {
        double km = points_km(points_chord2(all[i - 1].at, all[i].at));

        sum += km;
        most = fmax(most, km);
    }
    print_message("# steps: %.0f km on the average, %.0f at most\n", sum / MANY, most);
    assert_true(sum / MANY < 200);
}

static int make_folder(void **unused)
{
    (void)unused;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/a %%file?#.db", folder);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_as_by_looking_at_all),
        cmocka_unit_test(equally_near_ones_as_imported),
        cmocka_unit_test(sqlite_finds_it_well),
        cmocka_unit_test(says_what_it_is),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(is_stopped),
        cmocka_unit_test(refuses_other_files),
        cmocka_unit_test(spoilt_files),
        cmocka_unit_test(spoilt_meanwhile),
        cmocka_unit_test(the_curve_is_one_line),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
