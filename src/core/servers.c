/* Reads and checks servers and adjacency. Every mistake that can be seen in the file alone is
 * refused here, before anything is opened, and is told at the line where it stands. The one hard
 * thing is to know when two hosts are the same without asking a resolver: addresses are compared as
 * addresses, names as text. Only whether a host is a loopback one the resolver is asked, as at the
 * start. Main thread. */
#include "core/servers.h"

#include "base/memory.h"
#include "net/address.h"
#include "wire/at.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535
#define HOST_MAX 255

/* A host in the one form in which hosts are compared. */
struct host {
    enum { HOST_NAME, HOST_IP4, HOST_IP6, HOST_ANY } kind;
    struct in_addr ip4;
    struct in6_addr ip6;
    const char *name;
};

/* A port somebody will listen on, and the setting that says so. */
struct endpoint {
    struct host host;
    int port;
    size_t server;
    const char *setting;
};

/* What the checks below share. */
struct reader {
    struct settings *settings;
    struct herd_group **groups; /* of servers */
    struct endpoint *endpoints;
    size_t endpoint_count;
    struct herd_error *err;
};

static struct host parse_host(const char *text)
{
    struct host host = {.kind = HOST_NAME, .name = text};
    if (strcasecmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (strcmp(text, "*") == 0)
        host.kind = HOST_ANY;
    else if (inet_pton(AF_INET, text, &host.ip4) == 1)
        host.kind = host.ip4.s_addr == htonl(INADDR_ANY) ? HOST_ANY : HOST_IP4;
    else if (inet_pton(AF_INET6, text, &host.ip6) == 1)
        host.kind = IN6_IS_ADDR_UNSPECIFIED(&host.ip6) ? HOST_ANY : HOST_IP6;
    if (host.kind == HOST_IP6 && IN6_IS_ADDR_V4MAPPED(&host.ip6)) {
        host.kind = HOST_IP4;
        memcpy(&host.ip4, &host.ip6.s6_addr[12], sizeof(host.ip4));
    }
    return host;
}

static bool is_same_host(const struct host *a, const struct host *b)
{
    if (a->kind == HOST_ANY || b->kind == HOST_ANY)
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind == HOST_IP4)
        return a->ip4.s_addr == b->ip4.s_addr;
    if (a->kind == HOST_IP6)
        return IN6_ARE_ADDR_EQUAL(&a->ip6, &b->ip6);
    return strcasecmp(a->name, b->name) == 0;
}

/* A name that is not known now may be another machine's later. */
static bool is_loopback(const struct server_settings *server)
{
    struct address address;
    struct herd_error unknown;
    return address_resolve(&address, server->host, server->peer_port, &unknown) &&
           address_is_loopback(&address);
}

/* ---- servers ---- */

static bool read_name(struct reader *r, size_t i)
{
    struct server_settings *server = &r->settings->servers[i];
    struct herd_group *group = r->groups[i];
    if (!herd_config_string(group, "name", "", &server->name, r->err))
        return false;
    struct herd_text name = {server->name, strlen(server->name)};
    if (name.len == 0)
        return herd_config_fail(group, "name", r->err, "missing or empty");
    if (!at_name_valid(name))
        return herd_config_fail(group, "name", r->err,
                                "a server's name has 1 to 64 bytes of [A-Za-z0-9._-]");
    for (size_t k = 0; k < i; k++) {
        if (strcmp(r->settings->servers[k].name, server->name) == 0)
            return herd_config_fail(group, "name", r->err, "servers.[%zu] is named %s too", k,
                                    server->name);
    }
    return true;
}

static bool read_host(struct reader *r, size_t i)
{
    struct server_settings *server = &r->settings->servers[i];
    struct herd_group *group = r->groups[i];
    if (!herd_config_string(group, "host", "", &server->host, r->err))
        return false;
    if (!*server->host)
        return herd_config_fail(group, "host", r->err, "missing or empty");
    bool good = strlen(server->host) <= HOST_MAX;
    for (const char *p = server->host; *p; p++)
        good = good && isgraph((unsigned char)*p);
    return good || herd_config_fail(group, "host", r->err,
                                    "a host has 1 to 255 printable bytes without blanks");
}

/* Notes a port, and refuses one that is taken. */
static bool claim_port(struct reader *r, size_t i, const char *setting, int port)
{
    const char *host = r->settings->servers[i].host;
    struct endpoint claim = {parse_host(host), port, i, setting};
    for (size_t k = 0; k < r->endpoint_count; k++) {
        const struct endpoint *other = &r->endpoints[k];
        if (other->port == port && is_same_host(&other->host, &claim.host))
            return herd_config_fail(r->groups[i], setting, r->err,
                                    "%s:%d is taken by servers.[%zu].%s", host, port, other->server,
                                    other->setting);
    }
    r->endpoints[r->endpoint_count++] = claim;
    return true;
}

static bool read_ports(struct reader *r, size_t i)
{
    struct server_settings *server = &r->settings->servers[i];
    struct herd_group *group = r->groups[i];
    if (!herd_config_given(group, "port"))
        return herd_config_fail(group, "port", r->err, "missing");
    if (!herd_config_int(group, "port", 0, 1, PORT_MAX, &server->port, r->err) ||
        !herd_config_int(group, "peer_port", 0, 0, PORT_MAX, &server->peer_port, r->err) ||
        !herd_config_int(group, "tls_port", 0, 0, PORT_MAX, &server->tls_port, r->err))
        return false;
    return claim_port(r, i, "port", server->port) &&
           (!server->peer_port || claim_port(r, i, "peer_port", server->peer_port)) &&
           (!server->tls_port || claim_port(r, i, "tls_port", server->tls_port));
}

static bool read_servers(struct reader *r, struct herd_group *top)
{
    struct settings *settings = r->settings;
    size_t count = 0;
    if (!config_list(top, "servers", &r->groups, &count, r->err))
        return false;
    if (count == 0)
        return herd_config_fail(top, "servers", r->err, "missing or empty");
    settings->servers = memory_zeroed(count, sizeof(*settings->servers));
    settings->server_count = count;
    r->endpoints = memory_zeroed(3 * count, sizeof(*r->endpoints));
    for (size_t i = 0; i < count; i++) {
        if (!read_name(r, i) || !read_host(r, i) || !read_ports(r, i))
            return false;
    }
    return true;
}

/* ---- adjacency ---- */

/* A pair named again, in whichever direction, is the same link. */
static void add_link(struct settings *settings, int dialler, int acceptor)
{
    for (size_t i = 0; i < settings->link_count; i++) {
        const struct link_settings *link = &settings->links[i];
        if ((link->dialler == dialler && link->acceptor == acceptor) ||
            (link->dialler == acceptor && link->acceptor == dialler))
            return;
    }
    size_t room = (settings->link_count + 1) * sizeof(*settings->links);
    settings->links = memory_resize(settings->links, room);
    settings->links[settings->link_count++] = (struct link_settings){dialler, acceptor};
}

static bool need_peer_port(struct reader *r, int server)
{
    const struct server_settings *it = &r->settings->servers[server];
    return it->peer_port != 0 || herd_config_fail(r->groups[server], "peer_port", r->err,
                                                  "missing, and %s has neighbours", it->name);
}

static bool read_link(struct reader *r, struct herd_group *entry, int dialler, size_t i,
                      const char *name)
{
    char setting[32];
    snprintf(setting, sizeof(setting), "talks_to.[%zu]", i);
    int acceptor = settings_server(r->settings, name);
    if (acceptor < 0)
        return herd_config_fail(entry, setting, r->err, "no server is named \"%s\"", name);
    if (acceptor == dialler)
        return herd_config_fail(entry, setting, r->err, "%s would talk to itself", name);
    if (!need_peer_port(r, dialler) || !need_peer_port(r, acceptor))
        return false;
    add_link(r->settings, dialler, acceptor);
    return true;
}

static bool read_entry(struct reader *r, struct herd_group *entry)
{
    const char *name = NULL, **names = NULL;
    size_t count = 0;
    if (!herd_config_string(entry, "server", "", &name, r->err))
        return false;
    int dialler = settings_server(r->settings, name);
    if (!*name)
        return herd_config_fail(entry, "server", r->err, "missing or empty");
    if (dialler < 0)
        return herd_config_fail(entry, "server", r->err, "no server is named \"%s\"", name);
    if (!config_strings(entry, "talks_to", &names, &count, r->err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!read_link(r, entry, dialler, i, names[i]))
            return false;
    }
    return true;
}

static bool read_adjacency(struct reader *r, struct herd_group *top)
{
    struct herd_group **entries = NULL;
    size_t count = 0;
    if (!config_list(top, "adjacency", &entries, &count, r->err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!read_entry(r, entries[i]))
            return false;
    }
    return true;
}

bool servers_read(struct settings *settings, struct config *config, struct herd_error *err)
{
    assert(settings && !settings->servers && !settings->links && config && err);
    struct reader r = {.settings = settings, .err = err};
    struct herd_group *top = config_group(config, "", err);
    bool good = top && read_servers(&r, top) && read_adjacency(&r, top);
    free(r.endpoints);
    return good;
}

static bool need_loopback(struct reader *r, int server, int neighbour)
{
    const struct server_settings *it = &r->settings->servers[server];
    if (is_loopback(it))
        return true;
    return herd_config_fail(r->groups[server], "host", r->err,
                            "%s is no loopback address, and the link to %s would be plain; "
                            "give it keys (link.psk_file) or certificates, or allow that by "
                            "link.plaintext = true",
                            it->host, r->settings->servers[neighbour].name);
}

bool servers_check_links(struct settings *settings, struct config *config, struct herd_error *err)
{
    assert(settings && config && err);
    struct reader r = {.settings = settings, .err = err};
    struct herd_group *top = config_group(config, "", err);
    size_t count = 0;
    if (settings->link.plaintext || settings_links_secure(settings))
        return true;
    if (!top || !config_list(top, "servers", &r.groups, &count, err))
        return false;
    for (size_t i = 0; i < settings->link_count; i++) {
        const struct link_settings *link = &settings->links[i];
        if (!need_loopback(&r, link->dialler, link->acceptor) ||
            !need_loopback(&r, link->acceptor, link->dialler))
            return false;
    }
    return true;
}

bool servers_check_clients(struct settings *settings, struct config *config, struct herd_error *err)
{
    assert(settings && config && err);
    struct herd_group *top = config_group(config, "", err), **groups = NULL;
    size_t count = 0;
    if (*settings->tls.cert_file)
        return true;
    if (!top || !config_list(top, "servers", &groups, &count, err))
        return false;
    for (size_t i = 0; i < settings->server_count; i++)
        if (settings->servers[i].tls_port != 0)
            return herd_config_fail(groups[i], "tls_port", err,
                                    "needs a certificate and its key: tls.cert_file, tls.key_file");
    return true;
}
