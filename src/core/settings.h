/* What the configuration file says, read once at start-up into plain values: servers, adjacency,
 * limits, TLS, log. The file is read by config.c, the values are checked here. Main thread;
 * read-only afterwards.
 *
 * Setting                default      from             to
 * servers                (needed)     1                a list of groups
 *   name                 (needed)     1 to 64 bytes of [A-Za-z0-9._-], each once
 *   host                 (needed)     1                255 printable bytes without blanks
 *   port                 (needed)     1                65535
 *   peer_port            0            0 (none)         65535; needed by a server with neighbours
 *   tls_port             0            0 (none)         65535; needs tls.cert_file
 * adjacency              ( )          groups of server (a name) and talks_to (an array of names)
 * workers                0            0 (processors)   256
 * pid_file               ""           "": none
 * load_modules           [ ]          paths; relative ones from the file's folder
 * limits                 ...          core/limits.h
 * link.psk_file          ""           "": none; not beside the next three
 * link.cert_file, key_file, ca_file   ""    all three or none; %n: the server's name
 * link.plaintext         false
 * tls.cert_file, key_file   ""        both or neither; %n: the server's name
 * log.file               "%n.log"     not empty; "-": standard error; "syslog": syslog(3)
 * log.level              "info"       debug, info, warn, error
 * log.messages           true
 * log.format             "text"       text, json
 * places.provider        "geojson"    a name of the same form as a server's
 * places.providers       [ ]          up to 16 of them; not beside places.provider
 * places.cache           "16m"        "0" (nothing)    "1048576g"
 * places.max_radius_km   50.0         0.001            20100.0
 * places.max_items       20           1                60
 * places.max_inclusive   false
 *
 * No two of all ports and peer ports may be the same on the same host; hosts are the same if they
 * are the same address or, but for case, the same name; "localhost" is 127.0.0.1; a wildcard
 * ("0.0.0.0", "::", "*") is the same as any. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "base/log.h"
#include "core/limits.h"

struct server_settings {
    const char *name;
    const char *host;
    int port;
    int peer_port; /* 0: has no neighbours and none given */
    int tls_port;  /* 0: none */
};

struct link_settings { /* one pair of neighbours */
    int dialler;       /* indices of servers */
    int acceptor;
};

struct settings {
    struct server_settings *servers;
    size_t server_count;
    struct link_settings *links; /* each pair once, in the file's order */
    size_t link_count;
    int workers; /* 0: the processors */
    const char *pid_file;
    const char **load_modules;
    size_t load_module_count;
    struct limits limits;
    struct {
        struct herd_group *group;
        const char *psk_file, *cert_file, *key_file, *ca_file; /* "": none; %n not yet replaced */
        bool plaintext;
    } link;
    struct {
        struct herd_group *group;
        const char *cert_file, *key_file; /* "": none; %n not yet replaced */
    } tls;                                /* for clients */
    struct log_config log; /* file as written, %n not yet replaced (control_path does that) */
    struct {
        const char *provider;   /* NULL: there are */
        const char **providers; /* none: there is the one above */
        size_t provider_count;
        uint64_t cache_bytes;
        double max_radius_km;
        int max_items;
        bool max_inclusive;
    } places;
};

/* Reads and checks everything but the modules' groups. False: err says file, line and setting;
 * nothing is left allocated. Texts live as long as config. */
bool settings_read(struct settings *settings, struct config *config, struct herd_error *err);
void settings_free(struct settings *settings);

/* Whether links are to go over TLS. */
static inline bool settings_links_secure(const struct settings *settings)
{
    return *settings->link.psk_file || *settings->link.cert_file;
}

/* The index of the server of that name, or -1. */
int settings_server(const struct settings *settings, const char *name);

#endif
