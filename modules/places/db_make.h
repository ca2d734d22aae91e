/* Makes a file of places, as db.h describes it, of places that come one by one. Not for servers: it
 * takes minutes. One at a time. */
#ifndef PLACES_DB_MAKE_H
#define PLACES_DB_MAKE_H

#include <herd/module.h>

struct db_place {
    double lat_deg, lon_deg;
    struct herd_text line; /* an entry of `results`, UTF-8 */
};

/* Where they come from, and who is told how far it is. */
struct db_source {
    /* The next one; its line is good until the next call. False: there are no more, or err says why
     * it cannot go on (empty: no more). */
    bool (*next)(void *arg, struct db_place *place, struct herd_error *err);
    /* Called often, with how many are stored: 0 while they are read. False: give up. */
    bool (*go_on)(void *arg, uint64_t stored);
    void *arg;
    const char *made_by; /* for `about` */
};

/* Makes the file, which must be empty and not be read by anybody: what is half done stays where
 * this fails. Beside it SQLite sorts in files without a name. False: err says why. */
bool db_make(const char *path, const struct db_source *source, uint64_t *places,
             struct herd_error *err);

#endif
