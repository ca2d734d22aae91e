/* One file describes the whole herd, so paths of certificates have %n in them, and a server asks
 * for its own neighbours' keys alone. */
#include "core/secure.h"

#include "base/memory.h"
#include "core/control.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Both ends of each of the server's links; the caller frees it. */
static struct tls_neighbour *list_neighbours(const struct settings *s, int self, size_t *count)
{
    struct tls_neighbour *all = memory_zeroed(s->link_count + 1, sizeof *all);
    *count = 0;
    for (size_t i = 0; i < s->link_count; i++) {
        const struct link_settings *link = &s->links[i];
        if (link->dialler == self)
            all[(*count)++] = (struct tls_neighbour){s->servers[link->acceptor].name, true};
        else if (link->acceptor == self)
            all[(*count)++] = (struct tls_neighbour){s->servers[link->dialler].name, false};
    }
    return all;
}

static struct tls *open_by_keys(const struct settings *s, struct tls_links *links,
                                const char **setting, struct herd_error *err)
{
    links->psk_file = s->link.psk_file;
    return tls_for_links(links, setting, err);
}

static struct tls *open_by_certificates(const struct settings *s, struct tls_links *links,
                                        const char **setting, struct herd_error *err)
{
    char *cert_file = control_path(s->link.cert_file, links->self);
    char *key_file = control_path(s->link.key_file, links->self);
    char *ca_file = control_path(s->link.ca_file, links->self);
    links->cert_file = cert_file;
    links->key_file = key_file;
    links->ca_file = ca_file;
    struct tls *tls = tls_for_links(links, setting, err);
    free(cert_file);
    free(key_file);
    free(ca_file);
    return tls;
}

static bool open_links(const struct settings *s, size_t server, struct tls **tls,
                       struct herd_error *err)
{
    struct tls_links links = {.self = s->servers[server].name};
    struct herd_error why;
    const char *setting = NULL;
    if (!settings_links_secure(s))
        return true;
    struct tls_neighbour *all = list_neighbours(s, (int)server, &links.count);
    links.neighbours = all;
    *tls = *s->link.psk_file ? open_by_keys(s, &links, &setting, &why)
                             : open_by_certificates(s, &links, &setting, &why);
    free(all);
    return *tls != NULL || herd_config_fail(s->link.group, setting, err, "%s", why.text);
}

static bool open_clients(const struct settings *s, size_t server, struct tls **tls,
                         struct herd_error *err)
{
    const char *name = s->servers[server].name, *setting = NULL;
    struct herd_error why;
    if (s->servers[server].tls_port == 0)
        return true;
    char *cert_file = control_path(s->tls.cert_file, name);
    char *key_file = control_path(s->tls.key_file, name);
    *tls = tls_for_clients(cert_file, key_file, &setting, &why);
    free(cert_file);
    free(key_file);
    return *tls != NULL || herd_config_fail(s->tls.group, setting, err, "%s", why.text);
}

bool secure_open(const struct settings *settings, size_t server, struct tls **links,
                 struct tls **clients, struct herd_error *err)
{
    assert(settings && server < settings->server_count && links && clients && err);
    *links = *clients = NULL;
    if (open_links(settings, server, links, err) && open_clients(settings, server, clients, err))
        return true;
    tls_free(*links);
    *links = NULL;
    return false;
}

bool secure_check(const struct settings *settings, int server, struct herd_error *err)
{
    size_t from = server >= 0 ? (size_t)server : 0;
    size_t to = server >= 0 ? from + 1 : settings->server_count;
    for (size_t i = from; i < to; i++) {
        struct tls *links, *clients;
        if (!secure_open(settings, i, &links, &clients, err))
            return false;
        tls_free(links);
        tls_free(clients);
    }
    return true;
}
