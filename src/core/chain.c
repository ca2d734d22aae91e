/* A provider whose name is none of libconfig's has no group, and so its defaults. */
#include "core/chain.h"

#include "base/memory.h"
#include "core/registry.h"
#include "core/scan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX     1000000.0
#define PER_DAY_MAX  999999999 /* what the file can write */
#define FAILURES_MAX 1000000
#define PERIOD_MAX   (INT64_C(36500) * 86400 * 1000000000)

/* As the file would say it. */
static void print_period(char *to, size_t room, int64_t ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"d", INT64_C(86400000000000)},
                 {"h", INT64_C(3600000000000)},
                 {"m", INT64_C(60000000000)},
                 {"s", INT64_C(1000000000)},
                 {"ms", 1000000}};
    size_t i = 0;
    while (i < 4 && ns % units[i].ns != 0)
        i++;
    snprintf(to, room, "%" PRId64 "%s", ns / units[i].ns, ns > 0 ? units[i].name : "");
}

static bool read_period(struct herd_group *group, const char *name, const char *otherwise,
                        int64_t *ns, struct herd_error *err)
{
    return herd_config_duration(group, name, otherwise, ns, err) &&
           (*ns <= PERIOD_MAX || herd_config_fail(group, name, err, "must be at most \"36500d\""));
}

static bool read_group(struct chain_link *link, struct herd_group *group, struct herd_error *err)
{
    int decimals, per_day, failures;
    char keep[32];
    print_period(keep, sizeof keep, link->provider->keep_ns);
    if (!read_period(group, "keep", keep, &link->keep_ns, err) ||
        !herd_config_int(group, "decimals", (int)link->provider->decimals, 0, 9, &decimals, err) ||
        !herd_config_float(group, "rate", 0.0, 0.0, RATE_MAX, &link->gate.rate, err) ||
        !herd_config_int(group, "per_day", 0, 0, PER_DAY_MAX, &per_day, err) ||
        !herd_config_int(group, "failures", 5, 0, FAILURES_MAX, &failures, err) ||
        !read_period(group, "pause", "30s", &link->gate.pause_ns, err))
        return false;
    link->decimals = (unsigned)decimals;
    link->gate.per_day = (unsigned)per_day;
    link->gate.failures = (unsigned)failures;
    return true;
}

static bool read_link(struct chain_link *link, const struct herd_provider *provider,
                      struct config *config, struct herd_error *err)
{
    char path[128];
    *link = (struct chain_link){.provider = provider,
                                .keep_ns = provider->keep_ns,
                                .decimals = provider->decimals,
                                .gate = {.failures = 5, .pause_ns = INT64_C(30000000000)}};
    if (!scan_is_name(provider->name, strlen(provider->name)))
        return true;
    snprintf(path, sizeof path, "places.%s", provider->name);
    struct herd_group *group = config_group(config, path, err);
    return group != NULL && read_group(link, group, err);
}

static bool is_in(const struct chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->count; i++)
        if (strcmp(chain->links[i].provider->name, name) == 0)
            return true;
    return false;
}

/* A herd built without the default provider serves all but searches, as long as nobody names one.
 */
static bool add(struct chain *chain, const char *name, const char *setting, const struct chain *all,
                struct config *config, struct herd_error *err)
{
    struct herd_group *places = config_group(config, "places", err);
    struct herd_error why;
    const struct herd_provider *provider = registry_provider(name, &why);
    if (provider == NULL)
        return !herd_config_given(places, setting) ||
               herd_config_fail(places, setting, err, "%s", why.text);
    if (is_in(chain, name))
        return herd_config_fail(places, setting, err, "%s stands there twice", name);
    for (size_t i = 0; i < all->count; i++)
        if (all->links[i].provider == provider)
            chain->links[chain->count++] = all->links[i];
    return true;
}

static bool choose(struct chain *chain, const struct settings *settings, const struct chain *all,
                   struct config *config, struct herd_error *err)
{
    size_t count = settings->places.provider_count;
    chain->links = memory_zeroed(count + 1, sizeof *chain->links);
    if (count == 0)
        return add(chain, settings->places.provider, "provider", all, config, err);
    for (size_t i = 0; i < count; i++)
        if (!add(chain, settings->places.providers[i], "providers", all, config, err))
            return false;
    return true;
}

bool chain_read(struct chain *chain, const struct settings *settings, struct config *config,
                struct herd_error *err)
{
    struct chain all = {.links = NULL};
    const struct herd_provider *provider;
    bool good = true;
    for (size_t at = 0; good && (provider = registry_next_provider(&at)) != NULL; all.count++) {
        all.links = memory_resize(all.links, (all.count + 1) * sizeof *all.links);
        good = read_link(&all.links[all.count], provider, config, err);
    }
    good = good && choose(chain, settings, &all, config, err);
    free(all.links);
    return good;
}

void chain_free(struct chain *chain)
{
    free(chain->links);
    *chain = (struct chain){.links = NULL};
}

bool chain_check(const struct chain *chain, struct herd_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct herd_provider *provider = chain->links[i].provider;
        if (provider->check != NULL && !provider->check(err))
            return false;
    }
    return true;
}

bool chain_fetches(const struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->links[i].provider->fetches)
            return true;
    return false;
}
