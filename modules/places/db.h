/* A file of places: SQLite, with an R*Tree, made once by herd-places and then only read. The one
 * face of SQLite: no other header shows its types.
 *
 * The tables, so that other programs can read the file too:
 *     place(id, seq, lat, lon, line)   id 1 to count, in the order of curve.h; seq: as imported;
 * line: the entry of `results`, JSON tree(id, x0, x1, y0, y1, z0, z1) the R*Tree: the place on a
 * sphere of radius 1 (points.h), rounded outward to 32-bit floats about(key, value) places, south,
 * north, west, east, imported, made_by PRAGMA application_id is "herd" in ASCII, user_version the
 * form: 1. */
#ifndef PLACES_DB_H
#define PLACES_DB_H

#include <herd/module.h>

#define DB_APPLICATION 0x68657264
#define DB_VERSION     1

/* Bytes of a line. A longer one is not read, and so not to be stored. */
#define DB_LINE_MAX (4 << 20)

struct db;

/* Whether it is a file of places, whole as far as its size tells. False: err says why not, with the
 * file's name. */
bool db_ours(const char *path, struct herd_error *err);

/* Whether somebody may have begun to make one here and did not get far: it is empty, or nothing but
 * the beginning of one has come onto the disk. */
bool db_begun(int fd);

/* Opens a file to read, with cache_bytes for pages of it. It must not change meanwhile; another one
 * may take its name, and this one goes on with what it had. NULL: err says why, with the file's
 * name. One thread at a time uses what this returns, any. */
struct db *db_open(const char *path, uint64_t cache_bytes, struct herd_error *err);
void db_close(struct db *db);

struct db_found {
    double lat_deg, lon_deg, km;
    struct herd_text line; /* UTF-8 or not: what the file has */
};

struct db_query {
    double lat_deg, lon_deg, radius_km;
    size_t bound; /* at least 1 */

    /* Takes what is found, in order, once all is known to be found. False: no more. */
    bool (*take)(void *arg, const struct db_found *found);
    /* Asked again and again; true: give up. */
    bool (*stop)(void *arg);
    void *arg;
};

enum db_result { DB_DONE, DB_STOPPED, DB_FAILED };

/* The places not farther than radius_km, at most bound: the nearest first, of equally near ones the
 * one imported first. DB_FAILED: err says why, but not of which file. */
enum db_result db_near(struct db *db, const struct db_query *query, struct herd_error *err);

/* What the file says of itself; a sentence each, "" where it says nothing. False: err. */
struct db_about {
    uint64_t places;
    double south, north, west, east;
    char imported[64], made_by[64];
};
bool db_about(struct db *db, struct db_about *about, struct herd_error *err);

#endif
