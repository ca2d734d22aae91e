/* The modules of this server: the built-in ones, in the order of modules/modules.def, and behind
 * them those that load_modules names. Main thread, but for the workers' hooks; what it hands out is
 * read-only and any thread's. */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "core/config.h"
#include "herd/dispatch.h"

#include <stdio.h>

/* Registers the built-in modules' commands and providers. False: err says which module and why. */
bool registry_open(struct herd_error *err);
/* Forgets all, and closes what was loaded. Modules that were started have been stopped. */
void registry_close(void);

/* Loads a file, which lives as long as the registry. Of config, the core has read all that it
 * reads. False: err says why, beginning with the file. */
bool registry_load(const char *file, const struct config *config, struct herd_error *err);

/* Lets each module read its group. Opens nothing. */
bool registry_configure(struct config *config, struct herd_error *err);

/* Starts the modules (false: err says which and why), and stops those that were started, in reverse
 * order. */
bool registry_start(struct herd_error *err);
void registry_stop(void);

/* The modules' hooks: on each worker's thread, before its first turn and after its last. */
void registry_worker_start(void);
void registry_worker_stop(void);

const struct dispatch *registry_dispatch(void);

/* The provider of that name; NULL: there is none, and err names those there are. */
const struct herd_provider *registry_provider(const char *name, struct herd_error *err);

/* The next provider, from *at on, which begins with 0; NULL: there are no more. */
const struct herd_provider *registry_next_provider(size_t *at);

/* Modules, versions, verbs and files (-V). */
void registry_print(FILE *out);

#endif
