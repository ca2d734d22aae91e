/* The places service: it takes WHATSAT's searches to the provider that the configuration names, and
 * its answers back. */
#ifndef CORE_PLACES_H
#define CORE_PLACES_H

#include "core/settings.h"

/* Chooses the provider and opens it (NULL: there is none, and every search fails). Main thread,
 * before the workers run. */
bool places_open(const struct settings *settings, const struct herd_provider *provider,
                 struct herd_error *err);
void places_close(void);

#endif
