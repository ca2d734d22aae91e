/* The servers of the herd and who talks to whom, as the configuration has them. A part of
 * settings_read. Main thread. */
#ifndef CORE_SERVERS_H
#define CORE_SERVERS_H

#include "core/settings.h"

/* Reads servers and adjacency. False: err says file, line and setting; what is allocated then
 * settings_free frees. */
bool servers_read(struct settings *settings, struct config *config, struct herd_error *err);

/* Refuses links that would be plain between other addresses than loopback, unless link.plaintext
 * allows them; names of hosts are looked up. Servers, adjacency and link must be read. */
bool servers_check_links(struct settings *settings, struct config *config, struct herd_error *err);

/* Refuses a tls_port without a certificate. Servers and tls must be read. */
bool servers_check_clients(struct settings *settings, struct config *config,
                           struct herd_error *err);

#endif
