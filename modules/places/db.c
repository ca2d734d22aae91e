/* Reading a file of places: see db.h.
 *
 * A search asks the R*Tree for its entries in the order of the least distance that they can have
 * (SQLite's sqlite3_rtree_query_callback, whose score orders its queue), reads the exact place of
 * each, and ends once what comes cannot be nearer than what it holds. So it reads about as many
 * rows as it answers, in a city or in the desert. The tree has x, y and z of a sphere, not degrees:
 * how near a box can be is then three subtractions, at the poles and the antimeridian as anywhere.
 *
 * The hard thing is a file that nobody meant well, or that a disk has spoilt: it is not trusted,
 * but read with SQLite's checks on, and what it says is looked at before it is used. It is read by
 * read(2), not mapped: where a mapped file is cut short, the server ends. */
#include "db.h"

#include "place.h"
#include "points.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_BYTES 100
#define ROW_BYTES    100 /* what a row has besides its line, and more */

/* How much nearer than its place an entry of the tree can seem: what rounding outward adds in each
 * of three directions, and more. In earth radii; six metres. */
#define ROUNDED 1e-6

/* How many boxes are weighed, and instructions of SQLite's run, until stop is asked again. */
#define BOXES_A_LOOK        256
#define INSTRUCTIONS_A_LOOK 1000

struct db {
    char *path;
    sqlite3 *handle;
    sqlite3_stmt *near, *line;
    uint64_t places;

    /* Of the search under way. */
    const struct db_query *query;
    struct points_vector from;
    double limit;   /* the square of the chord beyond which nothing is wanted */
    unsigned boxes; /* weighed */
    bool stopped;
};

/* ---- is it one of ours ---- */

static uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The header of SQLite's file format, section 1.3. */
static bool check_header(const char *path, const unsigned char *header, off_t size,
                         struct herd_error *err)
{
    uint32_t page = (uint32_t)header[16] << 8 | header[17];
    int64_t whole = (int64_t)(page == 1 ? 65536 : page) * read_u32(header + 28);

    if (memcmp(header, "SQLite format 3", 16) != 0)
        return herd_fail(err, "%s: not a SQLite file", path);
    if (read_u32(header + 68) != DB_APPLICATION)
        return herd_fail(err, "%s: not a file of places; herd-places makes them", path);
    if (read_u32(header + 60) != DB_VERSION)
        return herd_fail(err, "%s: of form %" PRIu32 ", but this herd reads form %d", path,
                         read_u32(header + 60), DB_VERSION);
    if (size < whole)
        return herd_fail(err, "%s: cut short: it should have %" PRId64 " bytes and has %" PRId64,
                         path, whole, (int64_t)size);
    return true;
}

bool db_ours(const char *path, struct herd_error *err)
{
    unsigned char header[HEADER_BYTES] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat stat;
    bool good;

    if (fd < 0)
        return herd_fail(err, "%s: %s", path, strerror(errno));
    if (fstat(fd, &stat) < 0)
        good = herd_fail(err, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(stat.st_mode))
        good = herd_fail(err, "%s: not a regular file", path);
    else if (pread(fd, header, sizeof(header), 0) < 0)
        good = herd_fail(err, "%s: %s", path, strerror(errno));
    else
        good = check_header(path, header, stat.st_size, err);
    close(fd);
    return good;
}

bool db_begun(int fd)
{
    static const unsigned char none[HEADER_BYTES];
    unsigned char header[HEADER_BYTES] = {0};

    return pread(fd, header, sizeof(header), 0) >= 0 &&
           (memcmp(header, none, sizeof(none)) == 0 ||
            (memcmp(header, "SQLite format 3", 16) == 0 &&
             read_u32(header + 68) == DB_APPLICATION));
}

/* ---- opening ---- */

/* As a URI, which alone can say that the file does not change: then SQLite takes no locks and looks
 * for no journal. */
static char *make_uri(const char *path)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    size_t room = 3 * strlen(path) + sizeof("file://?immutable=1");
    char *uri = malloc(room), *to = uri;

    if (!uri)
        return NULL;
    to += sprintf(to, path[0] == '/' ? "file://" : "file:");
    for (; *path; path++) {
        if (strchr(plain, *path))
            *to++ = *path;
        else
            to += sprintf(to, "%%%02x", (unsigned char)*path);
    }
    strcpy(to, "?immutable=1");
    return uri;
}

/* SQLite quotes what stands in the file, and that may be anything. */
static bool fail_sql(const struct db *db, struct herd_error *err)
{
    herd_fail(err, "%s: %s", db->path, sqlite3_errmsg(db->handle));
    for (char *at = err->text + strnlen(err->text, strlen(db->path)); *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    return false;
}

static int look(void *arg)
{
    struct db *db = arg;

    if (db->query && !db->stopped)
        db->stopped = db->query->stop && db->query->stop(db->query->arg);
    return db->stopped;
}

static double square_beyond(double low, double high, double at)
{
    double off = at < low ? low - at : at > high ? at - high : 0;

    return off * off;
}

/* Called by the tree for each box that it comes to, of places or of one: how near it can be. The
 * same operations in the same order as points_chord2, each of which grows with its operands: so
 * not even rounding makes a box seem farther than a place in it. */
static int weigh(sqlite3_rtree_query_info *info)
{
    struct db *db = info->pContext;
    const sqlite3_rtree_dbl *box = info->aCoord;

    if (info->nCoord != 6 || !db->query)
        return SQLITE_CORRUPT;
    if (++db->boxes % BOXES_A_LOOK == 0 && look(db))
        return SQLITE_INTERRUPT;
    info->rScore = square_beyond(box[0], box[1], db->from.x) +
                   square_beyond(box[2], box[3], db->from.y) +
                   square_beyond(box[4], box[5], db->from.z);
    info->eWithin = info->rScore > db->limit ? NOT_WITHIN : PARTLY_WITHIN;
    return SQLITE_OK;
}

static bool prepare(struct db *db, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
           SQLITE_OK;
}

/* Nothing in the file is to run, and nothing is believed. */
static bool set_up(struct db *db, uint64_t cache_bytes)
{
    char pragmas[200];

    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, DB_LINE_MAX + ROW_BYTES);
    sqlite3_progress_handler(db->handle, INSTRUCTIONS_A_LOOK, look, db);
    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA cache_size = -%" PRIu64 "; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
             "PRAGMA temp_store = MEMORY; PRAGMA query_only = ON",
             cache_bytes / 1024 < INT32_MAX ? cache_bytes / 1024 : INT32_MAX);
    return sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_rtree_query_callback(db->handle, "nearest", weigh, db, NULL) == SQLITE_OK;
}

static bool prepare_all(struct db *db)
{
    sqlite3_stmt *count;
    bool good;

    if (!prepare(db, "SELECT max(id) FROM place", &count))
        return false;
    good = sqlite3_step(count) == SQLITE_ROW;
    db->places = good ? (uint64_t)sqlite3_column_int64(count, 0) : 0;
    sqlite3_finalize(count);
    return good &&
           prepare(db,
                   "SELECT place.id, seq, lat, lon FROM tree CROSS JOIN place ON place.id = tree.id"
                   " WHERE tree.id MATCH nearest()",
                   &db->near) &&
           prepare(db, "SELECT line, lat, lon FROM place WHERE id = ?1", &db->line);
}

static bool open_handle(struct db *db, uint64_t cache_bytes, struct herd_error *err)
{
    char *uri = make_uri(db->path);
    int result;

    if (!uri)
        return herd_fail(err, "%s: no memory", db->path);
    result = sqlite3_open_v2(uri, &db->handle,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    if (result != SQLITE_OK)
        return herd_fail(err, "%s: %s", db->path, sqlite3_errstr(result));
    return (set_up(db, cache_bytes) && prepare_all(db)) || fail_sql(db, err);
}

struct db *db_open(const char *path, uint64_t cache_bytes, struct herd_error *err)
{
    struct db *db;

    assert(path && err);
    if (!db_ours(path, err))
        return NULL;
    db = calloc(1, sizeof(*db));
    if (db)
        db->path = strdup(path);
    if (!db || !db->path)
        herd_fail(err, "%s: no memory", path);
    else if (open_handle(db, cache_bytes, err))
        return db;
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    sqlite3_finalize(db->near);
    sqlite3_finalize(db->line);
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

/* ---- searching ---- */

static bool is_row(int64_t number)
{
    return number >= 0 && number <= UINT32_MAX;
}

/* Takes one that the tree hands out. False: none that comes can be wanted. */
static bool take_near(struct db *db, struct points_hit *hits, size_t *count, size_t bound)
{
    int64_t id = sqlite3_column_int64(db->near, 0), seq = sqlite3_column_int64(db->near, 1);
    double lat = sqlite3_column_double(db->near, 2), lon = sqlite3_column_double(db->near, 3);
    struct points_hit hit = {.number = (uint32_t)seq, .row = (uint32_t)id};

    if (!is_row(id) || !is_row(seq) || !place_on_earth(lat, lon))
        return true; /* the file is not well; what can be read still counts */
    hit.chord2 = points_chord2(points_place(lat, lon), db->from);
    if (hit.chord2 <= db->limit)
        *count = points_keep(hits, *count, bound, hit);
    if (*count == bound && hits[0].chord2 < db->limit)
        db->limit = hits[0].chord2;
    return sqrt(hit.chord2) <= sqrt(db->limit) + ROUNDED;
}

static int find(struct db *db, struct points_hit *hits, size_t *count, size_t bound)
{
    int result;

    while ((result = sqlite3_step(db->near)) == SQLITE_ROW && !db->stopped) {
        if (!take_near(db, hits, count, bound)) {
            result = SQLITE_DONE;
            break;
        }
    }
    sqlite3_reset(db->near);
    points_sort(hits, *count);
    return result;
}

/* Reads the line of one that was found, and hands it on. */
static int hand_on(struct db *db, struct points_hit hit)
{
    struct db_found found = {.km = points_km(hit.chord2)};
    int result;

    sqlite3_bind_int64(db->line, 1, hit.row);
    result = sqlite3_step(db->line);
    if (result == SQLITE_ROW && sqlite3_column_type(db->line, 0) == SQLITE_TEXT) {
        found.line.bytes = (const char *)sqlite3_column_text(db->line, 0);
        found.line.len = (size_t)sqlite3_column_bytes(db->line, 0);
        found.lat_deg = sqlite3_column_double(db->line, 1);
        found.lon_deg = sqlite3_column_double(db->line, 2);
        db->stopped = !found.line.bytes || !db->query->take(db->query->arg, &found);
    } else if (result == SQLITE_ROW || result == SQLITE_DONE) {
        result = SQLITE_CORRUPT;
    }
    sqlite3_reset(db->line);
    return result;
}

static enum db_result judge(struct db *db, int result, struct herd_error *err)
{
    if (db->stopped)
        return DB_STOPPED;
    if (result == SQLITE_ROW || result == SQLITE_DONE)
        return DB_DONE;
    herd_fail(err, "%s", sqlite3_errstr(result));
    return DB_FAILED;
}

enum db_result db_near(struct db *db, const struct db_query *query, struct herd_error *err)
{
    size_t bound = query->bound < db->places ? query->bound : (size_t)db->places, count = 0;
    struct points_hit *hits = malloc((bound + 1) * sizeof(*hits));
    int result = SQLITE_DONE;

    assert(db && !db->query && query->bound > 0 && query->take && err);
    if (!hits) {
        herd_fail(err, "no memory");
        return DB_FAILED;
    }
    db->query = query;
    db->from = points_place(query->lat_deg, query->lon_deg);
    db->limit = points_limit(query->radius_km);
    db->stopped = false;
    if (bound > 0)
        result = find(db, hits, &count, bound);
    for (size_t i = 0; i < count && judge(db, result, err) == DB_DONE; i++)
        result = hand_on(db, hits[i]);
    free(hits);
    db->query = NULL;
    return judge(db, result, err);
}

/* ---- what it says of itself ---- */

static void note(struct db_about *about, const char *key, sqlite3_stmt *row)
{
    const char *text = (const char *)sqlite3_column_text(row, 1);
    double number = sqlite3_column_double(row, 1);

    if (strcmp(key, "south") == 0)
        about->south = number;
    else if (strcmp(key, "north") == 0)
        about->north = number;
    else if (strcmp(key, "west") == 0)
        about->west = number;
    else if (strcmp(key, "east") == 0)
        about->east = number;
    else if (strcmp(key, "imported") == 0)
        snprintf(about->imported, sizeof(about->imported), "%s", text ? text : "");
    else if (strcmp(key, "made_by") == 0)
        snprintf(about->made_by, sizeof(about->made_by), "%s", text ? text : "");
}

bool db_about(struct db *db, struct db_about *about, struct herd_error *err)
{
    sqlite3_stmt *rows;
    int result;

    assert(db && about && err);
    *about = (struct db_about){.places = db->places};
    if (!prepare(db, "SELECT key, value FROM about", &rows))
        return fail_sql(db, err);
    while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(rows, 0);

        note(about, key ? key : "", rows);
    }
    sqlite3_finalize(rows);
    return result == SQLITE_DONE || fail_sql(db, err);
}
