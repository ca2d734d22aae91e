/* Reads the settings of the core: the top, limits, link, log and places. Ranges are in settings.h;
 * servers and adjacency, which have rules of their own, in servers.c. Owns the arrays of servers
 * and links; texts are the configuration's. Main thread. */
#include "core/settings.h"

#include "core/servers.h"
#include "wire/at.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define INT_LIMIT       999999999 /* what the file can write */
#define WORKERS_MAX     256
#define CONNECTIONS_MAX 1000000
#define LINE_MIN        128
#define LINE_MAX_BYTES  65536
#define MEMORY_MIN      (UINT64_C(1) << 20)
#define MEMORY_MAX      (UINT64_C(1) << 50)
#define DURATION_MAX_NS (INT64_C(36500) * 86400 * 1000000000)
#define RADIUS_MIN_KM   0.001
#define RADIUS_MAX_KM   20100.0 /* half around the earth is 20015 */
#define ITEMS_MAX       60      /* what Google's three pages have */

static bool read_top(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *top = config_group(config, "", err);
    return top && herd_config_int(top, "workers", 0, 0, WORKERS_MAX, &s->workers, err) &&
           herd_config_string(top, "pid_file", "", &s->pid_file, err) &&
           config_paths(top, "load_modules", &s->load_modules, &s->load_module_count, err);
}

/* ---- limits ---- */

static bool read_count(struct herd_group *group, const char *name, int otherwise, int min, int max,
                       uint64_t *value, struct herd_error *err)
{
    int count = 0;
    if (!herd_config_int(group, name, otherwise, min, max, &count, err))
        return false;
    *value = (uint64_t)count;
    return true;
}

static bool read_period(struct herd_group *group, const char *name, const char *otherwise,
                        int64_t *ns, struct herd_error *err)
{
    return herd_config_duration(group, name, otherwise, ns, err) &&
           (*ns <= DURATION_MAX_NS ||
            herd_config_fail(group, name, err, "must be at most \"36500d\""));
}

static bool read_sizes(struct settings *s, struct herd_group *group, struct herd_error *err)
{
    if (!herd_config_size(group, "line", "4k", &s->limits.line_bytes, err))
        return false;
    if (s->limits.line_bytes < LINE_MIN || s->limits.line_bytes > LINE_MAX_BYTES)
        return herd_config_fail(group, "line", err, "must be \"128\" to \"64k\"");
    if (!herd_config_size(group, "memory", "0", &s->limits.memory_bytes, err))
        return false;
    uint64_t memory = s->limits.memory_bytes;
    if (memory != 0 && (memory < MEMORY_MIN || memory > MEMORY_MAX))
        return herd_config_fail(group, "memory", err,
                                "must be \"0\" (no limit), or \"1m\" to \"1048576g\"");
    return true;
}

static bool read_limits(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *group = config_group(config, "limits", err);
    return group && read_sizes(s, group, err) &&
           read_count(group, "commands", 0, 0, INT_LIMIT, &s->limits.commands, err) &&
           read_count(group, "connections", 10000, 1, CONNECTIONS_MAX, &s->limits.connections,
                      err) &&
           read_period(group, "idle", "15m", &s->limits.idle_ns, err) &&
           read_count(group, "clients", 10000000, 1, INT_LIMIT, &s->limits.clients, err) &&
           read_period(group, "max_ahead", "1d", &s->limits.max_ahead_ns, err) &&
           read_period(group, "forget_after", "0", &s->limits.forget_after_ns, err);
}

/* ---- link ---- */

static bool read_tls_file(struct herd_group *group, const char *name, const char **path,
                          struct herd_error *err)
{
    return herd_config_path(group, name, "", path, err) &&
           (!**path ||
            herd_config_fail(group, name, err, "links over TLS are not in this version yet"));
}

static bool read_link(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *group = config_group(config, "link", err);
    return group && read_tls_file(group, "psk_file", &s->link.psk_file, err) &&
           read_tls_file(group, "cert_file", &s->link.cert_file, err) &&
           read_tls_file(group, "key_file", &s->link.key_file, err) &&
           read_tls_file(group, "ca_file", &s->link.ca_file, err) &&
           herd_config_bool(group, "plaintext", false, &s->link.plaintext, err);
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

static bool read_places(struct settings *s, struct config *config, struct herd_error *err)
{
    struct herd_group *group = config_group(config, "places", err);
    if (!group || !herd_config_string(group, "provider", "geojson", &s->places.provider, err))
        return false;
    struct herd_text name = {s->places.provider, strlen(s->places.provider)};
    if (!at_name_valid(name))
        return herd_config_fail(group, "provider", err, "must be the name of a provider");
    return herd_config_float(group, "max_radius_km", 50.0, RADIUS_MIN_KM, RADIUS_MAX_KM,
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
                read_limits(settings, config, err) && read_link(settings, config, err) &&
                servers_check_plain(settings, config, err) && read_log(settings, config, err) &&
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
