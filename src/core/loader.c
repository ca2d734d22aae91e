/* A shared object is opened with RTLD_NOW, so that a function it wants and herd has not is an error
 * here and not at its first call, and RTLD_LOCAL, so that modules do not see each other's symbols.
 * Opening runs whatever code its author put there to run: what load_modules names is trusted. */
#include "core/loader.h"

#include "base/memory.h"
#include "core/object.h"
#include "core/scan.h"
#include "wire/at.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOL "herd_module"

/* ---- opening ---- */

/* What dlerror says, which often begins with the file's name. */
static const char *reason(const char *file)
{
    const char *text = dlerror();
    size_t len = strlen(file);
    if (text == NULL)
        return "no reason is known";
    if (strncmp(text, file, len) == 0 && strncmp(text + len, ": ", 2) == 0)
        text += len + 2;
    return text;
}

/* A name without a slash would be searched for among the system's libraries. */
static void *open_object(const char *file, struct herd_error *err)
{
    char *here = memory_alloc(strlen(file) + 3);
    void *handle = NULL;
    strcpy(here, strchr(file, '/') != NULL ? "" : "./");
    strcat(here, file);
    if (object_check(here, file, err) && (handle = dlopen(here, RTLD_NOW | RTLD_LOCAL)) == NULL)
        herd_fail(err, "%s: cannot be opened: %s", file, reason(here));
    free(here);
    return handle;
}

/* Below places each provider has its own group; all else that the core asks for, and what lies
 * below it, is the core's. */
static bool is_own_group(const struct config *config, const char *group)
{
    size_t len = strcspn(group, ".");
    if (strncmp(group, "places.", len + 1) == 0)
        len += 1 + strcspn(group + len + 1, ".");
    char *first = memory_string_of(group, len);
    bool known = config_is_known(config, first);
    free(first);
    return known;
}

static bool check_group(const struct herd_module *module, const struct config *config,
                        struct herd_error *err)
{
    return module->group == NULL || !is_own_group(config, module->group) ||
           herd_fail(err, "the group \"%s\" is herd's own", module->group);
}

bool loader_open(struct loaded *loaded, const char *file, const struct config *config,
                 struct herd_error *err)
{
    assert(loaded && file && config && err);
    struct herd_error why;
    loaded->file = file;
    loaded->handle = open_object(file, err);
    if (loaded->handle == NULL)
        return false;
    loaded->module = dlsym(loaded->handle, SYMBOL);
    if (loaded->module == NULL)
        herd_fail(err, "%s: has no symbol " SYMBOL, file);
    else if (!loader_check(loaded->module, &why) || !check_group(loaded->module, config, &why))
        herd_fail(err, "%s: %s", file, why.text);
    else
        return true;
    loader_close(loaded);
    return false;
}

void loader_close(struct loaded *loaded)
{
    if (loaded->handle != NULL)
        dlclose(loaded->handle);
    *loaded = (struct loaded){.module = NULL};
}

/* ---- looking ---- */

static bool is_name(const char *name)
{
    return name != NULL && at_name_valid((struct herd_text){name, strlen(name)});
}

static bool check_command(const struct herd_command *command, struct herd_error *err)
{
    if (strpbrk(command->verb, " \t\r\n\f\v") != NULL)
        return herd_fail(err, "its verb \"%s\" has blanks", command->verb);
    if (command->run == NULL)
        return herd_fail(err, "its command \"%s\" has no run", command->verb);
    if (command->from != HERD_CLIENT && command->from != HERD_PEER)
        return herd_fail(err, "its command \"%s\" is neither clients' nor neighbours'",
                         command->verb);
    if (command->max_fields != 0 && command->max_fields < command->min_fields)
        return herd_fail(err, "its command \"%s\" has a max_fields below its min_fields",
                         command->verb);
    return true;
}

static bool check_provider(const struct herd_provider *provider, struct herd_error *err)
{
    if (!is_name(provider->name))
        return herd_fail(err, "its provider has no name of 1 to 64 of [A-Za-z0-9._-]");
    if (provider->search == NULL)
        return herd_fail(err, "its provider %s has no search", provider->name);
    if (provider->keep_ns < 0 || provider->decimals > 9)
        return herd_fail(err, "its provider %s has a keep_ns below 0, or more than 9 decimals",
                         provider->name);
    return true;
}

/* Names as libconfig has them, with points between. */
static bool is_path(const char *group)
{
    do {
        size_t len = strcspn(group, ".");
        if (!scan_is_name(group, len))
            return false;
        group += len;
    } while (*group++ == '.');
    return true;
}

bool loader_check(const struct herd_module *module, struct herd_error *err)
{
    assert(module && err);
    if (module->abi == 0)
        return herd_fail(err, "does not say what ABI it is built for: .abi is not set");
    if (module->abi != HERD_ABI)
        return herd_fail(err, "is built for ABI %u; this herd's is %u", module->abi, HERD_ABI);
    if (!is_name(module->name))
        return herd_fail(err, "has no name of 1 to 64 of [A-Za-z0-9._-]");
    if (module->version == NULL || module->summary == NULL)
        return herd_fail(err, "module %s has no version, or no summary", module->name);
    if (module->group != NULL && !is_path(module->group))
        return herd_fail(err, "its group \"%s\" is no path of names", module->group);
    if (module->configure != NULL && module->group == NULL)
        return herd_fail(err, "module %s has a configure and no group", module->name);
    for (const struct herd_command *c = module->commands; c != NULL && c->verb != NULL; c++)
        if (!check_command(c, err))
            return false;
    return module->provider == NULL || check_provider(module->provider, err);
}
