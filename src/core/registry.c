/* The table of built-in modules is the file modules.def, read twice. configure says of each name
 * whether it is in (HERD_WITH_iamat is 1 or 0), so one that was left out is named nowhere, and the
 * linker leaves it where it lies. */
#include "core/registry.h"

#include "base/memory.h"
#include "core/loader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PASTE(a, b) a##b
#define PICK(a, b)  PASTE(a, b)
#define EXTERN_0(name)
#define EXTERN_1(name) extern const struct herd_module herd_module_##name;
#define ITEM_0(name)
#define ITEM_1(name) &herd_module_##name,

/* With HERD_BARE there is none, for a test. */
#ifdef HERD_BARE
#undef EXTERN_1
#undef ITEM_1
#define EXTERN_1(name)
#define ITEM_1(name)
#endif

#define HERD_MODULE(name) PICK(EXTERN_, HERD_WITH_##name)(name)
#include "modules.def"
#undef HERD_MODULE

/* Ends with NULL, for there may be none. */
#define HERD_MODULE(name) PICK(ITEM_, HERD_WITH_##name)(name)
static const struct herd_module *const built_in[] = {
#include "modules.def"
    NULL};
#undef HERD_MODULE

static struct {
    struct loaded *modules;
    size_t count, started; /* modules[0] to modules[started - 1] are */
    struct dispatch *dispatch;
} registry;

/* ---- registering ---- */

/* Which one that is, for messages. */
static const char *origin(const struct loaded *loaded)
{
    return loaded->file != NULL ? loaded->file : "built in";
}

static bool add_commands(const struct herd_module *module, struct herd_error *err)
{
    const struct herd_command *command = module->commands;
    for (; command != NULL && command->verb != NULL; command++)
        if (!dispatch_add(registry.dispatch, command, module->name, err))
            return false;
    return true;
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Whether a group lies in another: a setting could be both's then. */
static bool lies_in(const char *group, const char *other)
{
    size_t len = strlen(other);
    return strncmp(group, other, len) == 0 && group[len] == '.';
}

/* Names that two modules must not share; verbs are the dispatcher's to compare. */
static bool check_clash(const struct herd_module *module, const struct loaded *other,
                        struct herd_error *err)
{
    const struct herd_module *there = other->module;
    if (is_same(module->name, there->name))
        return herd_fail(err, "there is a module %s already (%s)", module->name, origin(other));
    if (is_same(module->group, there->group))
        return herd_fail(err, "module %s: the group \"%s\" is module %s's (%s)", module->name,
                         module->group, there->name, origin(other));
    if (module->group != NULL && there->group != NULL &&
        (lies_in(module->group, there->group) || lies_in(there->group, module->group)))
        return herd_fail(err, "module %s: the group \"%s\" overlaps \"%s\", module %s's (%s)",
                         module->name, module->group, there->group, there->name, origin(other));
    if (module->provider != NULL && there->provider != NULL &&
        is_same(module->provider->name, there->provider->name))
        return herd_fail(err, "module %s: the provider %s is module %s's (%s)", module->name,
                         module->provider->name, there->name, origin(other));
    return true;
}

/* Takes over what was loaded, whether it is good or not. */
static bool add(const struct loaded *loaded, struct herd_error *err)
{
    const struct herd_module *module = loaded->module;
    size_t before = registry.count++;
    registry.modules = memory_resize(registry.modules, registry.count * sizeof *loaded);
    registry.modules[before] = *loaded;
    for (size_t i = 0; i < before; i++)
        if (!check_clash(module, &registry.modules[i], err))
            return false;
    return add_commands(module, err);
}

bool registry_open(struct herd_error *err)
{
    assert(registry.dispatch == NULL);
    registry.dispatch = dispatch_create();
    for (size_t i = 0; built_in[i] != NULL; i++) {
        struct loaded loaded = {.module = built_in[i]};
        if (!loader_check(built_in[i], err) || !add(&loaded, err))
            return false;
    }
    return true;
}

bool registry_load(const char *file, const struct config *config, struct herd_error *err)
{
    assert(registry.dispatch != NULL && registry.started == 0);
    struct loaded loaded = {.module = NULL};
    struct herd_error why;
    if (!loader_open(&loaded, file, config, err))
        return false;
    return add(&loaded, &why) || herd_fail(err, "%s: %s", file, why.text);
}

void registry_close(void)
{
    assert(registry.started == 0);
    if (registry.dispatch != NULL)
        dispatch_destroy(registry.dispatch);
    registry.dispatch = NULL;
    while (registry.count > 0)
        loader_close(&registry.modules[--registry.count]);
    free(registry.modules);
    registry.modules = NULL;
}

/* ---- the modules' life ---- */

/* What a loaded module says went wrong need not say whose fault that is. */
static bool blame(const struct loaded *loaded, const char *what, const struct herd_error *why,
                  struct herd_error *err)
{
    const char *name = loaded->module->name;
    if (why->text[0] == '\0')
        return herd_fail(err, "module %s (%s): %s failed and does not say why", name,
                         origin(loaded), what);
    if (loaded->file == NULL)
        return herd_fail(err, "%s", why->text);
    return herd_fail(err, "%s (%s of module %s, %s)", why->text, what, name, loaded->file);
}

static bool configure(struct config *config, const struct loaded *loaded, struct herd_error *err)
{
    const struct herd_module *module = loaded->module;
    struct herd_error why = {.text = ""};
    if (module->group == NULL)
        return true;
    struct herd_group *group = config_group(config, module->group, err);
    if (group == NULL)
        return false;
    return module->configure == NULL || module->configure(group, &why) ||
           blame(loaded, "configure", &why, err);
}

bool registry_configure(struct config *config, struct herd_error *err)
{
    for (size_t i = 0; i < registry.count; i++)
        if (!configure(config, &registry.modules[i], err))
            return false;
    return true;
}

bool registry_start(struct herd_error *err)
{
    struct herd_error why = {.text = ""};
    for (; registry.started < registry.count; registry.started++) {
        const struct loaded *loaded = &registry.modules[registry.started];
        if (loaded->module->start != NULL && !loaded->module->start(&why))
            return blame(loaded, "start", &why, err);
    }
    return true;
}

void registry_stop(void)
{
    while (registry.started > 0) {
        const struct herd_module *module = registry.modules[--registry.started].module;
        if (module->stop != NULL)
            module->stop();
    }
}

void registry_worker_start(void)
{
    for (size_t i = 0; i < registry.count; i++)
        if (registry.modules[i].module->worker_start != NULL)
            registry.modules[i].module->worker_start();
}

void registry_worker_stop(void)
{
    for (size_t i = registry.count; i-- > 0;)
        if (registry.modules[i].module->worker_stop != NULL)
            registry.modules[i].module->worker_stop();
}

/* ---- asking ---- */

const struct dispatch *registry_dispatch(void)
{
    return registry.dispatch;
}

const struct herd_provider *registry_provider(const char *name, struct herd_error *err)
{
    char known[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < registry.count; i++) {
        const struct herd_provider *provider = registry.modules[i].module->provider;
        if (provider == NULL)
            continue;
        if (strcmp(provider->name, name) == 0)
            return provider;
        if (len < sizeof known)
            len += (size_t)snprintf(known + len, sizeof known - len, " %s", provider->name);
    }
    herd_fail(err, "no provider \"%s\"; there are:%s", name, len > 0 ? known : " none");
    return NULL;
}

const struct herd_provider *registry_next_provider(size_t *at)
{
    while (*at < registry.count) {
        const struct herd_provider *provider = registry.modules[(*at)++].module->provider;
        if (provider != NULL)
            return provider;
    }
    return NULL;
}

static void print_command(const struct herd_command *command, FILE *out)
{
    const char *side = command->from == HERD_CLIENT ? "clients" : "neighbours";
    bool used = command->usage != NULL && command->usage[0] != '\0';
    if (command->verb[0] == '\0')
        return; /* it takes what has no verb */
    fprintf(out, "           %s: %s%s%s\n", side, command->verb, used ? " " : "",
            used ? command->usage : "");
}

void registry_print(FILE *out)
{
    for (size_t i = 0; i < registry.count; i++) {
        const struct loaded *loaded = &registry.modules[i];
        const struct herd_module *module = loaded->module;
        fprintf(out, "%-10s %-6s %s\n", module->name, module->version, module->summary);
        if (loaded->file != NULL)
            fprintf(out, "           file: %s\n", loaded->file);
        for (const struct herd_command *c = module->commands; c != NULL && c->verb != NULL; c++)
            print_command(c, out);
        if (module->provider != NULL)
            fprintf(out, "           provider: %s\n", module->provider->name);
    }
}
