/* The table of built-in modules is the file modules.def, read twice. */
#include "core/registry.h"

#include <assert.h>
#include <string.h>

#define HERD_MODULE(name) extern const struct herd_module herd_module_##name;
#include "modules/modules.def"
#undef HERD_MODULE

#define HERD_MODULE(name) &herd_module_##name,
static const struct herd_module *const modules[] = {
#include "modules/modules.def"
};
#undef HERD_MODULE

#define MODULES (sizeof modules / sizeof modules[0])

static struct dispatch *dispatch;
static size_t started; /* modules[0] to modules[started - 1] */

static bool add_commands(const struct herd_module *module, struct herd_error *err)
{
    const struct herd_command *command = module->commands;
    for (; command != NULL && command->verb != NULL; command++)
        if (!dispatch_add(dispatch, command, module->name, err))
            return false;
    return true;
}

bool registry_open(struct herd_error *err)
{
    assert(dispatch == NULL);
    dispatch = dispatch_create();
    for (size_t i = 0; i < MODULES; i++) {
        if (modules[i]->abi != HERD_ABI)
            return herd_fail(err, "module %s: built for ABI %u, not %u", modules[i]->name,
                             modules[i]->abi, HERD_ABI);
        if (!add_commands(modules[i], err))
            return false;
    }
    return true;
}

void registry_close(void)
{
    while (started > 0)
        if (modules[--started]->stop != NULL)
            modules[started]->stop();
    if (dispatch != NULL)
        dispatch_destroy(dispatch);
    dispatch = NULL;
}

bool registry_configure(struct config *config, struct herd_error *err)
{
    for (size_t i = 0; i < MODULES; i++) {
        if (modules[i]->group == NULL)
            continue;
        struct herd_group *group = config_group(config, modules[i]->group, err);
        if (group == NULL)
            return false;
        if (modules[i]->configure != NULL && !modules[i]->configure(group, err))
            return false;
    }
    return true;
}

bool registry_start(struct herd_error *err)
{
    for (; started < MODULES; started++)
        if (modules[started]->start != NULL && !modules[started]->start(err))
            return false;
    return true;
}

const struct dispatch *registry_dispatch(void)
{
    return dispatch;
}

const struct herd_provider *registry_provider(const char *name, struct herd_error *err)
{
    char known[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < MODULES; i++) {
        const struct herd_provider *provider = modules[i]->provider;
        if (provider == NULL)
            continue;
        if (strcmp(provider->name, name) == 0)
            return provider;
        if (len < sizeof known)
            len += (size_t)snprintf(known + len, sizeof known - len, " %s", provider->name);
    }
    herd_fail(err, "no provider \"%s\"; there are:%s", name, known);
    return NULL;
}

void registry_print(FILE *out)
{
    for (size_t i = 0; i < MODULES; i++) {
        const struct herd_module *module = modules[i];
        const struct herd_command *command = module->commands;
        fprintf(out, "%-10s %-6s %s\n", module->name, module->version, module->summary);
        for (; command != NULL && command->verb != NULL; command++)
            if (command->verb[0] != '\0')
                fprintf(out, "           %s: %s %s\n",
                        command->from == HERD_CLIENT ? "clients" : "neighbours", command->verb,
                        command->usage);
        if (module->provider != NULL)
            fprintf(out, "           provider: %s\n", module->provider->name);
    }
}
