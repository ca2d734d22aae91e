/* Looking into a file of places: see near.h. */
#include "places/near.h"

#include "db.h"
#include "entries.h"
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_BYTES  400
#define CACHE_BYTES (8 << 20)

struct work {
    const struct near *near;
    struct entries entries;
    bool bad; /* one that is no JSON was in the file */
};

static int fail(const struct herd_error *err)
{
    fprintf(stderr, "herd-places: %s\n", err->text);
    return EXIT_FAILURE;
}

/* A line of a terminal: what would move the cursor is a space, the controls of C1 too, which stand
 * behind a C2, or alone where a terminal knows nothing of UTF-8. */
static void print_plain(char *text)
{
    size_t len;

    for (char *at = text, *end = text + strlen(text); at < end; at += len) {
        unsigned char byte = (unsigned char)*at;
        size_t several = json_utf8(at, (size_t)(end - at));
        bool high = byte == 0xC2 && several > 0 && (unsigned char)at[1] < 0xA0;
        bool alone = byte >= 0x7F && byte < 0xC0;

        len = several > 0 ? several : 1;
        if (byte < 0x20 || high || alone)
            memset(at, ' ', len);
    }
    puts(text);
}

static void print_name(struct herd_text line)
{
    char name[NAME_BYTES] = "";
    struct herd_text value;

    if (json_kind(line) == JSON_OBJECT && json_member(line, "name", &value) == 1)
        json_string(value, name, sizeof(name));
    print_plain(name);
}

static bool take(void *arg, const struct db_found *found)
{
    struct work *work = arg;
    struct herd_error unused;

    work->bad = found->line.len == 0 || !json_check(found->line, &unused);
    if (work->bad)
        return false;
    if (work->near->json) {
        entries_add(&work->entries, found->line);
    } else {
        printf("%.6f\t%.10g\t%.10g\t", found->km, found->lat_deg, found->lon_deg);
        print_name(json_trim(found->line));
    }
    return true;
}

static bool print_json(struct entries *entries)
{
    bool whole = entries_end(entries);

    if (whole) {
        fwrite(entries->json.bytes, 1, entries->json.len, stdout);
        putchar('\n');
    }
    return whole;
}

static bool look(struct db *db, const struct near *near, struct herd_error *err)
{
    struct work work = {.near = near};
    const struct db_query query = {.lat_deg = near->lat_deg,
                                   .lon_deg = near->lon_deg,
                                   .radius_km = near->radius_km,
                                   .bound = near->bound,
                                   .take = take,
                                   .arg = &work};
    struct herd_error why;
    bool good;

    entries_begin(&work.entries, "[]");
    good = near->bound == 0 || db_near(db, &query, &why) != DB_FAILED ||
           herd_fail(err, "%s: %s", near->db, why.text);
    if (work.bad)
        good = herd_fail(err, "%s: a place in it is not JSON", near->db);
    if (good && near->json && !print_json(&work.entries))
        good = herd_fail(err, "no memory");
    entries_fini(&work.entries);
    return good;
}

int near_run(const struct near *near)
{
    struct herd_error err = {{0}};
    struct db *db = db_open(near->db, CACHE_BYTES, &err);
    bool good = db && look(db, near, &err);

    db_close(db);
    return good ? EXIT_SUCCESS : fail(&err);
}

int info_run(const char *path)
{
    struct herd_error err = {{0}};
    struct db *db = db_open(path, CACHE_BYTES, &err);
    struct db_about about;
    struct stat stat_of = {0};
    bool good = db && db_about(db, &about, &err);

    db_close(db);
    if (!good)
        return fail(&err);
    stat(path, &stat_of);
    printf("places    %" PRIu64 "\n", about.places);
    printf("bytes     %" PRId64 "\n", (int64_t)stat_of.st_size);
    printf("latitude  %.10g to %.10g\n", about.south, about.north);
    printf("longitude %.10g to %.10g\n", about.west, about.east);
    fputs("imported  ", stdout);
    print_plain(about.imported);
    fputs("made by   ", stdout);
    print_plain(about.made_by);
    return EXIT_SUCCESS;
}
