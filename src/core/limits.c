/* Reads the group limits. Ranges are in limits.h. Main thread. */
#include "core/limits.h"

#define COUNT_MAX       999999999 /* what the file can write */
#define CONNECTIONS_MAX 1000000
#define RATE_MAX        1000000
#define LINE_MIN        128
#define LINE_MAX_BYTES  65536
#define UNREAD_MIN      (UINT64_C(1) << 10)
#define UNREAD_MAX      (UINT64_C(16) << 20)
#define BUFFERS_MIN     (UINT64_C(64) << 10)
#define MEMORY_MIN      (UINT64_C(1) << 20)
#define MEMORY_MAX      (UINT64_C(1) << 50)
#define DURATION_MAX_NS (INT64_C(36500) * 86400 * 1000000000)

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

/* means: min and max as the file writes them. */
static bool read_size(struct herd_group *group, const char *name, const char *otherwise,
                      uint64_t min, uint64_t max, const char *means, uint64_t *bytes,
                      struct herd_error *err)
{
    return herd_config_size(group, name, otherwise, bytes, err) &&
           ((*bytes >= min && *bytes <= max) ||
            herd_config_fail(group, name, err, "must be %s", means));
}

/* The same, and "0" for no limit. */
static bool read_size_or_none(struct herd_group *group, const char *name, const char *otherwise,
                              uint64_t min, uint64_t max, const char *means, uint64_t *bytes,
                              struct herd_error *err)
{
    return herd_config_size(group, name, otherwise, bytes, err) &&
           (*bytes == 0 || (*bytes >= min && *bytes <= max) ||
            herd_config_fail(group, name, err, "must be \"0\" (no limit), or %s", means));
}

static bool read_sizes(struct limits *limits, struct herd_group *group, struct herd_error *err)
{
    return read_size(group, "line", "4k", LINE_MIN, LINE_MAX_BYTES, "\"128\" to \"64k\"",
                     &limits->line_bytes, err) &&
           read_size(group, "unread", "256k", UNREAD_MIN, UNREAD_MAX, "\"1k\" to \"16m\"",
                     &limits->unread_bytes, err) &&
           read_size_or_none(group, "buffers", "64m", BUFFERS_MIN, MEMORY_MAX,
                             "\"64k\" to \"1048576g\"", &limits->buffers_bytes, err) &&
           read_size_or_none(group, "memory", "0", MEMORY_MIN, MEMORY_MAX, "\"1m\" to \"1048576g\"",
                             &limits->memory_bytes, err);
}

static bool read_counts(struct limits *limits, struct herd_group *group, struct herd_error *err)
{
    return read_count(group, "commands", 0, 0, COUNT_MAX, &limits->commands, err) &&
           read_count(group, "connections", 10000, 1, CONNECTIONS_MAX, &limits->connections, err) &&
           read_count(group, "address_connections", 1000, 0, CONNECTIONS_MAX,
                      &limits->address_connections, err) &&
           read_count(group, "unproved", 64, 1, CONNECTIONS_MAX, &limits->unproved, err) &&
           read_count(group, "rate", 0, 0, RATE_MAX, &limits->rate, err) &&
           read_count(group, "burst", 100, 1, RATE_MAX, &limits->burst, err) &&
           read_count(group, "id", HERD_CLIENT_MAX, 1, HERD_CLIENT_MAX, &limits->id_bytes, err) &&
           read_count(group, "clients", 10000000, 1, COUNT_MAX, &limits->clients, err);
}

bool limits_read(struct limits *limits, struct config *config, struct herd_error *err)
{
    struct herd_group *group = config_group(config, "limits", err);
    return group && read_sizes(limits, group, err) && read_counts(limits, group, err) &&
           read_period(group, "line_time", "10s", &limits->line_ns, err) &&
           read_period(group, "answer_time", "10s", &limits->answer_ns, err) &&
           read_period(group, "idle", "15m", &limits->idle_ns, err) &&
           read_period(group, "max_ahead", "1d", &limits->max_ahead_ns, err) &&
           read_period(group, "forget_after", "0", &limits->forget_after_ns, err);
}
