/* Where the servers are, and how to get a connection to one. */
#include "bench/target.h"

#include "base/memory.h"
#include "core/settings.h"
#include "wire/number.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 5

static bool add(struct targets *targets, const char *name, const char *host, int port,
                struct herd_error *err)
{
    struct address address;
    if (!address_resolve(&address, host, port, err))
        return false;
    targets->all = memory_resize(targets->all, (targets->count + 1) * sizeof(struct target));
    targets->all[targets->count++] = (struct target){memory_string(name), address};
    return true;
}

bool targets_add(struct targets *targets, const char *host_port, struct herd_error *err)
{
    assert(targets && host_port && err);
    const char *colon = strrchr(host_port, ':');
    unsigned port = 0;
    if (colon == NULL || colon == host_port)
        return herd_fail(err, "\"%s\" is not of the form HOST:PORT", host_port);
    struct herd_text digits = {colon + 1, strlen(colon + 1)};
    if (!number_count_parse(digits, &port) || port < 1 || port > 65535)
        return herd_fail(err, "\"%s\": the port is not within 1 to 65535", host_port);
    const char *from = host_port;
    size_t len = (size_t)(colon - host_port);
    if (from[0] == '[' && len > 2 && from[len - 1] == ']') {
        from++;
        len -= 2;
    }
    char *host = memory_string_of(from, len);
    bool good = add(targets, host_port, host, (int)port, err);
    free(host);
    return good;
}

static bool add_server(struct targets *targets, const struct server_settings *server,
                       struct herd_error *err)
{
    return add(targets, server->name, server->host, server->port, err);
}

static bool add_named(struct targets *targets, const struct settings *settings, const char *file,
                      const char *name, struct herd_error *err)
{
    int index = settings_server(settings, name);
    if (index < 0)
        return herd_fail(err, "%s: there is no server %s", file, name);
    if (targets_find(targets, name) >= 0)
        return herd_fail(err, "-n: server %s is named twice", name);
    return add_server(targets, &settings->servers[index], err);
}

bool targets_add_file(struct targets *targets, const char *file, const char *const *names,
                      size_t name_count, struct herd_error *err)
{
    assert(targets && file && (names || name_count == 0) && err);
    struct settings settings;
    struct config *config = config_open(file, NULL, err);
    if (config == NULL)
        return false;
    bool good = settings_read(&settings, config, err);
    if (good) {
        for (size_t i = 0; good && i < name_count; i++)
            good = add_named(targets, &settings, file, names[i], err);
        for (size_t i = 0; good && name_count == 0 && i < settings.server_count; i++)
            good = add_server(targets, &settings.servers[i], err);
        settings_free(&settings);
    }
    config_close(config);
    return good;
}

int targets_find(const struct targets *targets, const char *name)
{
    assert(targets && name);
    for (size_t i = 0; i < targets->count; i++)
        if (strcmp(targets->all[i].name, name) == 0)
            return (int)i;
    return -1;
}

void targets_free(struct targets *targets)
{
    assert(targets);
    for (size_t i = 0; i < targets->count; i++)
        free(targets->all[i].name);
    free(targets->all);
    *targets = (struct targets){0};
}

int target_connect(const struct target *target, struct herd_error *err)
{
    assert(target && err);
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const int on = 1;
    struct sockaddr_storage to;
    socklen_t len = address_write(&target->address, &to);
    int fd = socket(target->address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return herd_fail(err, "socket: %s", strerror(errno)), -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&to, len) != 0) {
        const char *why = errno == EINPROGRESS ? "no answer in time" : strerror(errno);
        herd_fail(err, "cannot connect to %s: %s", target->name, why);
        close(fd);
        return -1;
    }
    return fd;
}
