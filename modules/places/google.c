/* google, the provider of places that asks Google: its Nearby Search of old, one GET a search, with
 * a key of the operator's. What comes back is nearby.c's to check.
 *
 * It owns the key, from open to close, on the main thread; workers only read it. The hard thing is
 * that nobody else may: the file it comes from must be its owner's alone, it is put into nothing
 * but the request, and once it is in memory the process leaves no core file and cannot be traced,
 * for the libraries that send it have copies of their own. */
#include "nearby.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MAX   256 /* bytes */
#define QUERY_MAX 128 /* bytes of the query, but for the key */

static struct {
    struct herd_group *group;
    const char *key_file, *ca_file, *url; /* files: "" for none */
    char key[KEY_MAX + 1];
} here;

static struct nearby_source source = {.name = "google"};

/* ---- the key ---- */

/* What may stand in a URL as it is, so that nothing needs to be escaped. */
static bool is_key(const char *text, size_t len)
{
    return len > 0 && len <= KEY_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") ==
               len;
}

static bool fail_key(struct herd_error *err, const char *why)
{
    return herd_config_fail(here.group, "key_file", err, "%s: %s", here.key_file, why);
}

/* On the descriptor, so that nobody can put another file in its place in between. */
static bool check_owner(int fd, struct herd_error *err)
{
    struct stat stat;

    if (fstat(fd, &stat) != 0)
        return fail_key(err, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        return fail_key(err, "not a regular file");
    if (stat.st_uid != 0 && stat.st_uid != geteuid())
        return fail_key(err, "belongs to another user");
    if ((stat.st_mode & 077) != 0)
        return fail_key(err, "group or others may use it; chmod 600 it");
    return true;
}

/* One line. key has room for KEY_MAX and a NUL, and keeps nothing that is no key. */
static bool read_key(int fd, char *key, struct herd_error *err)
{
    char text[KEY_MAX + 3];
    ssize_t got = read(fd, text, sizeof(text) - 1);
    size_t len = got > 0 ? (size_t)got : 0;
    bool good;

    text[len] = '\0';
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    good = is_key(text, len);
    if (good)
        memcpy(key, text, len + 1);
    explicit_bzero(text, sizeof(text));
    if (got < 0)
        return fail_key(err, strerror(errno));
    return good || fail_key(err, "holds no key: one line of letters, digits and -._~");
}

static bool load_key(char *key, struct herd_error *err)
{
    int fd;
    bool loaded;

    if (here.key_file[0] == '\0')
        return herd_config_fail(here.group, "key_file", err,
                                "must name the file with the key, for places.provider is google");
    fd = open(here.key_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_key(err, strerror(errno));
    loaded = check_owner(fd, err) && read_key(fd, key, err);
    close(fd);
    return loaded;
}

/* ---- asking ---- */

/* Degrees with seven decimals, a centimetre, whatever the locale says of points. */
static void print_degrees(char *to, size_t room, double deg)
{
    int64_t parts = llround(fabs(deg) * 1e7);

    snprintf(to, room, "%s%" PRId64 ".%07" PRId64, deg < 0 && parts > 0 ? "-" : "",
             parts / 10000000, parts % 10000000);
}

static void search_places(struct herd_search *search, const struct herd_query *query)
{
    char lat[32], lon[32];
    int64_t radius_m = llround(query->radius_km * 1000);
    size_t room = strlen(here.url) + QUERY_MAX + KEY_MAX;
    char *url = malloc(room);
    int len;

    assert(search && here.key[0] != '\0' && query->bound > 0);
    if (!url) {
        herd_search_fail(search, "UNKNOWN_ERROR", "out of memory");
        return;
    }
    print_degrees(lat, sizeof(lat), query->lat_deg);
    print_degrees(lon, sizeof(lon), query->lon_deg);
    len = snprintf(url, room, "%s%clocation=%s,%s&radius=%" PRId64 "&key=%s", here.url,
                   strchr(here.url, '?') ? '&' : '?', lat, lon, radius_m > 0 ? radius_m : 1,
                   here.key);
    assert(len > 0 && (size_t)len < room);
    (void)len;
    nearby_ask(&source, url, search, query->bound);
    explicit_bzero(url, room);
    free(url);
}

/* ---- the module ---- */

/* Runs for herd -t too. */
static bool check_files(struct herd_error *err)
{
    char key[KEY_MAX + 1];
    struct herd_error why;
    bool good = load_key(key, err);

    explicit_bzero(key, sizeof(key));
    if (!good)
        return false;
    return !source.ca_file || herd_fetch_check(here.url, source.ca_file, &why) ||
           herd_config_fail(here.group, "ca_file", err, "%s", why.text);
}

static bool open_google(struct herd_error *err)
{
    if (!load_key(here.key, err))
        return false;
    source.secret = here.key;
    source.failing = false;
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        herd_log(HERD_LOG_WARN, "google: a core file would hold the key: %s", strerror(errno));
    return true;
}

static void close_google(void)
{
    explicit_bzero(here.key, sizeof(here.key));
    source.secret = NULL;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    static const char google[] = "https://maps.googleapis.com/maps/api/place/nearbysearch/json";
    struct herd_error why;

    here.group = group;
    if (!herd_config_path(group, "key_file", "", &here.key_file, err) ||
        !herd_config_path(group, "ca_file", "", &here.ca_file, err) ||
        !herd_config_string(group, "url", google, &here.url, err))
        return false;
    source.ca_file = here.ca_file[0] ? here.ca_file : NULL;
    return herd_fetch_check(here.url, NULL, &why) ||
           herd_config_fail(group, "url", err, "%s", why.text);
}

static const struct herd_provider provider = {
    .name = "google",
    .check = check_files,
    .open = open_google,
    .search = search_places,
    .close = close_google,
    .fetches = true,
    .decimals = 4,
};

HERD_MODULE_EXPORT(google) = {
    .abi = HERD_ABI,
    .name = "google",
    .version = "1.0",
    .summary = "places from Google, or whoever answers like it",
    .group = "places.google",
    .provider = &provider,
    .configure = configure,
};
