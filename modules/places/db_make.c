/* Making a file of places: see db_make.h.
 *
 * Places are stored in the order of curve.h, so that those that are found together lie together,
 * and the R*Tree is packed in that order too (db_tree.h). SQLite sorts them: it shows what comes in
 * as a virtual table, `incoming`, and SELECT ... ORDER BY takes from that. So memory does not grow
 * with the file, and nothing is written twice but what the sorting writes.
 *
 * The hard thing is that all of the reading then happens within the first sqlite3_step, on whose
 * stack the source fails or is given up: the reason waits in the maker. */
#include "db_make.h"

#include "curve.h"
#include "db.h"
#include "db_tree.h"

#include <assert.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACES_A_LOOK 1024
#define PLACES_MAX    ((int64_t)UINT32_MAX)
#define SORTED_BYTES  (64 << 20) /* in memory */

struct maker {
    const struct db_source *source;
    sqlite3 *handle;
    struct tree tree;

    struct db_place place; /* that came last */
    struct points_vector at;
    int64_t seq; /* its number, from 1 */
    bool ended, gave_up;
    struct herd_error why; /* the source failed; empty: it did not */

    int64_t stored;
    double south, north, west, east;
};

/* ---- what comes in, as a table ---- */

struct incoming {
    sqlite3_vtab base;
    struct maker *maker;
};

static int fetch(struct maker *maker)
{
    const struct db_source *source = maker->source;

    if (maker->seq % PLACES_A_LOOK == 0 && !source->go_on(source->arg, 0)) {
        maker->gave_up = true;
        return SQLITE_INTERRUPT;
    }
    maker->ended = !source->next(source->arg, &maker->place, &maker->why);
    if (maker->why.text[0])
        return SQLITE_ABORT;
    if (maker->ended)
        return SQLITE_OK;
    if (maker->seq == PLACES_MAX)
        return SQLITE_FULL;
    maker->seq++;
    maker->at = points_place(maker->place.lat_deg, maker->place.lon_deg);
    return SQLITE_OK;
}

static int incoming_connect(sqlite3 *handle, void *arg, int argc, const char *const *argv,
                            sqlite3_vtab **table, char **err)
{
    struct incoming *incoming = sqlite3_malloc(sizeof(*incoming));

    (void)argc;
    (void)argv;
    (void)err;
    if (!incoming)
        return SQLITE_NOMEM;
    *incoming = (struct incoming){.maker = arg};
    *table = &incoming->base;
    return sqlite3_declare_vtab(handle, "CREATE TABLE incoming(key, seq, lat, lon, line)");
}

static int incoming_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

static int incoming_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedRows = 10000000;
    return SQLITE_OK;
}

static int incoming_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    (void)table;
    *cursor = sqlite3_malloc(sizeof(**cursor));
    return *cursor ? SQLITE_OK : SQLITE_NOMEM;
}

static int incoming_close(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static struct maker *maker_of(sqlite3_vtab_cursor *cursor)
{
    return ((struct incoming *)(void *)cursor->pVtab)->maker;
}

static int incoming_filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                           sqlite3_value **argv)
{
    (void)plan;
    (void)name;
    (void)argc;
    (void)argv;
    return fetch(maker_of(cursor));
}

static int incoming_next(sqlite3_vtab_cursor *cursor)
{
    return fetch(maker_of(cursor));
}

static int incoming_eof(sqlite3_vtab_cursor *cursor)
{
    return maker_of(cursor)->ended;
}

static int incoming_column(sqlite3_vtab_cursor *cursor, sqlite3_context *to, int column)
{
    const struct maker *maker = maker_of(cursor);
    const struct db_place *place = &maker->place;

    switch (column) {
    case 0:
        sqlite3_result_int64(to, curve_place(maker->at));
        break;
    case 1:
        sqlite3_result_int64(to, maker->seq);
        break;
    case 2:
        sqlite3_result_double(to, place->lat_deg);
        break;
    case 3:
        sqlite3_result_double(to, place->lon_deg);
        break;
    default:
        sqlite3_result_text64(to, place->line.bytes, place->line.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    return SQLITE_OK;
}

static int incoming_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *row)
{
    *row = maker_of(cursor)->seq;
    return SQLITE_OK;
}

static const sqlite3_module incoming_module = {
    .xConnect = incoming_connect,
    .xBestIndex = incoming_plan,
    .xDisconnect = incoming_disconnect,
    .xOpen = incoming_open,
    .xClose = incoming_close,
    .xFilter = incoming_filter,
    .xNext = incoming_next,
    .xEof = incoming_eof,
    .xColumn = incoming_column,
    .xRowid = incoming_rowid,
};

/* ---- storing them ---- */

static int run(struct maker *maker, const char *sql)
{
    return sqlite3_exec(maker->handle, sql, NULL, NULL, NULL);
}

/* Nobody else knows the file yet, and who makes it sees to that it is whole before anybody does. */
static int set_up(struct maker *maker)
{
    char pragmas[300];
    int result;

    sqlite3_db_config(maker->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
             "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = FILE; PRAGMA threads = 1;"
             "PRAGMA cache_size = -%d; PRAGMA application_id = %d; PRAGMA user_version = %d",
             SORTED_BYTES / 1024, DB_APPLICATION, DB_VERSION);
    result = run(maker, pragmas);
    if (result == SQLITE_OK)
        result = run(maker, "BEGIN; CREATE TABLE about(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                            "CREATE TABLE place(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
                            " lat REAL NOT NULL, lon REAL NOT NULL, line TEXT NOT NULL)");
    if (result == SQLITE_OK)
        result = sqlite3_create_module(maker->handle, "incoming", &incoming_module, maker);
    return result == SQLITE_OK ? tree_begin(&maker->tree, maker->handle) : result;
}

static void note_bounds(struct maker *maker, double lat, double lon)
{
    bool first = maker->stored == 0;

    maker->south = first || lat < maker->south ? lat : maker->south;
    maker->north = first || lat > maker->north ? lat : maker->north;
    maker->west = first || lon < maker->west ? lon : maker->west;
    maker->east = first || lon > maker->east ? lon : maker->east;
}

/* Stores the row that the sorting hands out. */
static int store(struct maker *maker, sqlite3_stmt *sorted, sqlite3_stmt *put)
{
    double lat = sqlite3_column_double(sorted, 2), lon = sqlite3_column_double(sorted, 3);
    int result;

    note_bounds(maker, lat, lon);
    maker->stored++;
    sqlite3_bind_int64(put, 1, maker->stored);
    for (int column = 1; column <= 4; column++)
        sqlite3_bind_value(put, column + 1, sqlite3_column_value(sorted, column));
    sqlite3_step(put);
    result = sqlite3_reset(put);
    if (result == SQLITE_OK)
        result = tree_add(&maker->tree, maker->stored, points_place(lat, lon));
    if (maker->stored % PLACES_A_LOOK == 0 &&
        !maker->source->go_on(maker->source->arg, (uint64_t)maker->stored)) {
        maker->gave_up = true;
        result = SQLITE_INTERRUPT;
    }
    return result;
}

static int store_all(struct maker *maker)
{
    sqlite3_stmt *sorted = NULL, *put = NULL;
    int result = sqlite3_prepare_v2(maker->handle,
                                    "SELECT key, seq, lat, lon, line FROM incoming ORDER BY 1, 2",
                                    -1, &sorted, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(
            maker->handle, "INSERT INTO place(id, seq, lat, lon, line) VALUES(?1,?2,?3,?4,?5)", -1,
            &put, NULL);
    while (result == SQLITE_OK && (result = sqlite3_step(sorted)) == SQLITE_ROW)
        result = store(maker, sorted, put);
    sqlite3_finalize(put);
    sqlite3_finalize(sorted);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

static int tell_about(struct maker *maker)
{
    time_t now = time(NULL);
    struct tm utc;
    char when[32];
    char *sql;
    int result;

    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    sql = sqlite3_mprintf("INSERT INTO about VALUES('places', %lld), ('south', %!.17g),"
                          "('north', %!.17g), ('west', %!.17g), ('east', %!.17g),"
                          "('imported', %Q), ('made_by', %Q); COMMIT",
                          (long long)maker->stored, maker->south, maker->north, maker->west,
                          maker->east, when, maker->source->made_by);
    if (!sql)
        return SQLITE_NOMEM;
    result = run(maker, sql);
    sqlite3_free(sql);
    return result;
}

/* ---- from the beginning to the end ---- */

static int make(struct maker *maker)
{
    int result = set_up(maker);

    if (result == SQLITE_OK)
        result = store_all(maker);
    if (result == SQLITE_OK)
        result = tree_end(&maker->tree, maker->handle);
    return result == SQLITE_OK ? tell_about(maker) : result;
}

/* The folder of a file, for what SQLite sorts: there is room for it there, or there is none for the
 * file either. */
static bool sort_beside(const char *path)
{
    const char *slash = strrchr(path, '/');

    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = slash ? sqlite3_mprintf("%.*s", (int)(slash - path) + 1, path)
                                   : sqlite3_mprintf(".");
    return sqlite3_temp_directory != NULL;
}

static bool judge(struct maker *maker, const char *path, int result, struct herd_error *err)
{
    if (maker->why.text[0])
        return herd_fail(err, "%s", maker->why.text);
    if (maker->gave_up)
        return herd_fail(err, "interrupted");
    if (result != SQLITE_OK)
        return herd_fail(err, "%s: %s", path, sqlite3_errmsg(maker->handle));
    return true;
}

bool db_make(const char *path, const struct db_source *source, uint64_t *places,
             struct herd_error *err)
{
    struct maker *maker = calloc(1, sizeof(*maker));
    int result = SQLITE_NOMEM;
    bool good;

    assert(path && source && source->next && source->go_on && places && err);
    if (!maker || !sort_beside(path)) {
        free(maker);
        return herd_fail(err, "%s: no memory", path);
    }
    maker->source = source;
    result = sqlite3_open_v2(path, &maker->handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             NULL);
    if (result == SQLITE_OK)
        result = make(maker);
    good = judge(maker, path, result, err);
    *places = (uint64_t)maker->stored;
    tree_fini(&maker->tree);
    sqlite3_close(maker->handle);
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
    free(maker);
    return good;
}
