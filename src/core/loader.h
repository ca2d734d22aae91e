/* Opens a module's shared object, and looks at what it brings before anybody uses it. Main thread.
 */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include "core/config.h"

/* A module of this server: built in (file and handle are NULL), or loaded. */
struct loaded {
    const struct herd_module *module;
    const char *file; /* as load_modules names it */
    void *handle;
};

/* Opens the file, which must live as long as what is loaded. What the core reads of config it has
 * read, and no module yet: hence it is known what groups are herd's own. False: err says why,
 * beginning with the file, and nothing is open. */
bool loader_open(struct loaded *loaded, const char *file, const struct config *config,
                 struct herd_error *err);
void loader_close(struct loaded *loaded);

/* Whether a module is what herd can use: its ABI, which is looked at before all else, its name, its
 * commands and its provider. False: err says what is wrong. */
bool loader_check(const struct herd_module *module, struct herd_error *err);

#endif
