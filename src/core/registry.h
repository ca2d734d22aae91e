/* The modules of this server: the built-in ones, in the order of modules/modules.def. Main thread;
 * what it hands out is read-only and any thread's. */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "core/config.h"
#include "herd/dispatch.h"

#include <stdio.h>

/* Registers the modules' commands and providers. False: err says which module and why. */
bool registry_open(struct herd_error *err);
/* Stops the modules that were started, in reverse order, and forgets all. */
void registry_close(void);

/* Lets each module read its group. Opens nothing. */
bool registry_configure(struct config *config, struct herd_error *err);
bool registry_start(struct herd_error *err);

const struct dispatch *registry_dispatch(void);

/* The provider of that name; NULL: there is none, and err names those there are. */
const struct herd_provider *registry_provider(const char *name, struct herd_error *err);

/* Modules, versions and verbs (-V). */
void registry_print(FILE *out);

#endif
