/* What the configuration says of TLS, as far as the settings alone do not show whether it is well:
 * the files that they name, and where links lead to. Main thread. */
#ifndef CORE_SECURE_H
#define CORE_SECURE_H

#include "core/settings.h"
#include "net/tls.h"

/* The TLS of one server (its index in settings): of its links and of its clients, NULL where there
 * is none. False: err says file, line and setting, and neither is left. */
bool secure_open(const struct settings *settings, size_t server, struct tls **links,
                 struct tls **clients, struct herd_error *err);

/* Whether secure_open would take the files for that server, or (-1) for each. */
bool secure_check(const struct settings *settings, int server, struct herd_error *err);

#endif
