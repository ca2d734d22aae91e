/* Reads the settings of the core: the top, link, tls, log and places. Ranges are in settings.h;
 * servers and adjacency, which have rules of their own, are in servers.c, and limits in limits.c.
 * Owns the arrays of servers and links; texts are the configuration's. Main thread. */
#include "core/settings.h"

#include "core/servers.h"
#include "wire/at.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX   256
#define RADIUS_MIN_KM 0.001
#define RADIUS_MAX_KM 20100.0 /* half around the earth is 20015 */
#define ITEMS_MAX     60      /* what Google's three pages have */
#define PROVIDERS_MAX 16
#define CACHE_MAX     (UINT64_C(1) << 50)

static bool read_top(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *top = config_group(config, "", err);
    return top && herd_config_int(top, "workers", 0, 0, WORKERS_MAX, &s->workers, err) &&
           herd_config_string(top, "pid_file", "", &s->pid_file, err) &&
           config_paths(top, "load_modules", &s->load_modules, &s->load_module_count, err);
}

/* ---- link ---- */

/* Of files that are of use together, one that is missing while another is there. */
static bool need_file(struct herd_group *group, const char *name, const char *path,
                      const char *other, const char *other_path, struct herd_error *err)
{
    return *path || !*other_path ||
           herd_config_fail(group, name, err, "missing, and there is a %s", other);
}

static bool check_link(const struct settings *s, struct herd_error *err)
{
    struct herd_group *group = s->link.group;
    const char *cert = s->link.cert_file, *key = s->link.key_file, *ca = s->link.ca_file;
    if (*s->link.psk_file && (*cert || *key || *ca))
        return herd_config_fail(group, "psk_file", err,
                                "links have either keys or certificates, not both");
    return need_file(group, "cert_file", cert, "key_file", key, err) &&
           need_file(group, "cert_file", cert, "ca_file", ca, err) &&
           need_file(group, "key_file", key, "cert_file", cert, err) &&
           need_file(group, "ca_file", ca, "cert_file", cert, err);
}

static bool read_link(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *group = s->link.group = config_group(config, "link", err);
    return group && herd_config_path(group, "psk_file", "", &s->link.psk_file, err) &&
           herd_config_path(group, "cert_file", "", &s->link.cert_file, err) &&
           herd_config_path(group, "key_file", "", &s->link.key_file, err) &&
           herd_config_path(group, "ca_file", "", &s->link.ca_file, err) &&
           herd_config_bool(group, "plaintext", false, &s->link.plaintext, err) &&
           check_link(s, err);
}

/* ---- tls ---- */

static bool read_tls(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *group = s->tls.group = config_group(config, "tls", err);
    return group && herd_config_path(group, "cert_file", "", &s->tls.cert_file, err) &&
           herd_config_path(group, "key_file", "", &s->tls.key_file, err) &&
           need_file(group, "cert_file", s->tls.cert_file, "key_file", s->tls.key_file, err) &&
           need_file(group, "key_file", s->tls.key_file, "cert_file", s->tls.cert_file, err);
}

/* ---- log ---- */

static bool read_level(struct herd_group *group, enum herd_level *level, struct herd_error *err)
{
    static const char *const names[] = {
        [HERD_LOG_DEBUG] = "debug",
        [HERD_LOG_INFO] = "info",
        [HERD_LOG_WARN] = "warn",
        [HERD_LOG_ERROR] = "error",
    };
    const char *text = NULL;
    if (!herd_config_string(group, "level", "info", &text, err))
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *level = (enum herd_level)i;
            return true;
        }
    }
    return herd_config_fail(group, "level", err,
                            "must be \"debug\", \"info\", \"warn\" or \"error\"");
}

static bool read_log(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *group = config_group(config, "log", err);
    const char *format = NULL;
    if (!group || !herd_config_string(group, "file", "%n.log", &s->log.file, err))
        return false;
    if (!*s->log.file)
        return herd_config_fail(group, "file", err, "must not be empty; \"-\" is standard error");
    if (!read_level(group, &s->log.level, err) ||
        !herd_config_bool(group, "messages", true, &s->log.messages, err) ||
        !herd_config_string(group, "format", "text", &format, err))
        return false;
    s->log.json = strcmp(format, "json") == 0;
    return s->log.json || strcmp(format, "text") == 0 ||
           herd_config_fail(group, "format", err, "must be \"text\" or \"json\"");
}

/* ---- places ---- */

static bool is_name(const char *name)
{
    return at_name_valid((struct herd_text){name, strlen(name)});
}

static bool read_provider(struct settings *s, struct herd_group *group, struct herd_error *err)
{
    return herd_config_string(group, "provider", "geojson", &s->places.provider, err) &&
           (is_name(s->places.provider) ||
            herd_config_fail(group, "provider", err, "must be the name of a provider"));
}

/* One, or several in their order. */
static bool read_providers(struct settings *s, struct herd_group *group, struct herd_error *err)
{
    size_t *count = &s->places.provider_count;
    if (!config_strings(group, "providers", &s->places.providers, count, err))
        return false;
    if (*count == 0)
        return read_provider(s, group, err);
    if (herd_config_given(group, "provider"))
        return herd_config_fail(group, "providers", err,
                                "there is a provider too; name one, or several");
    if (*count > PROVIDERS_MAX)
        return herd_config_fail(group, "providers", err, "must be at most %d", PROVIDERS_MAX);
    for (size_t i = 0; i < *count; i++)
        if (!is_name(s->places.providers[i]))
            return herd_config_fail(group, "providers", err, "must be names of providers");
    return true;
}

static bool read_cache(struct settings *s, struct herd_group *group, struct herd_error *err)
{
    return herd_config_size(group, "cache", "16m", &s->places.cache_bytes, err) &&
           (s->places.cache_bytes <= CACHE_MAX ||
            herd_config_fail(group, "cache", err, "must be at most \"1048576g\""));
}

static bool read_places(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *group = config_group(config, "places", err);
    return group && read_providers(s, group, err) && read_cache(s, group, err) &&
           herd_config_float(group, "max_radius_km", 50.0, RADIUS_MIN_KM, RADIUS_MAX_KM,
                             &s->places.max_radius_km, err) &&
           herd_config_int(group, "max_items", 20, 1, ITEMS_MAX, &s->places.max_items, err) &&
           herd_config_bool(group, "max_inclusive", false, &s->places.max_inclusive, err);
}

/* ---- all of it ---- */

bool settings_read(struct settings *settings, struct config *config, struct herd_error *err)
{
    assert(settings && config && err);
    memset(settings, 0, sizeof(*settings));
    bool good = servers_read(settings, config, err) && read_top(settings, config, err) &&
                limits_read(&settings->limits, config, err) && read_link(settings, config, err) &&
                read_tls(settings, config, err) && servers_check_links(settings, config, err) &&
                servers_check_clients(settings, config, err) && read_log(settings, config, err) &&
                read_places(settings, config, err);
    if (!good)
        settings_free(settings);
    return good;
}

void settings_free(struct settings *settings)
{
    assert(settings);
    free(settings->servers);
    free(settings->links);
    memset(settings, 0, sizeof(*settings));
}

int settings_server(const struct settings *settings, const char *name)
{
    assert(settings && name);
    for (size_t i = 0; i < settings->server_count; i++) {
        if (strcmp(settings->servers[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}
