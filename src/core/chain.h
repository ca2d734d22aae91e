/* The providers of places that the configuration names, in the order in which they are asked, and
 * what it says of each: how long answers are kept, how positions are rounded, and how often it may
 * be asked. Those settings every provider has, in the group of its name, and they are read here.
 * Main thread; read-only afterwards.
 *
 * Setting                default      from             to
 * places.NAME.keep       its own      "0"              "36500d"
 * places.NAME.decimals   its own      0 (exact)        9
 * places.NAME.rate       0.0          0 (any)          1000000.0
 * places.NAME.per_day    0            0 (any)          999999999
 * places.NAME.failures   5            0 (none)         1000000
 * places.NAME.pause      "30s"        "0"              "36500d" */
#ifndef CORE_CHAIN_H
#define CORE_CHAIN_H

#include "core/config.h"
#include "core/gate.h"
#include "core/settings.h"

struct chain_link {
    const struct herd_provider *provider;
    int64_t keep_ns;
    unsigned decimals; /* 0: positions are not rounded */
    struct gate_settings gate;
};

struct chain {
    struct chain_link *links;
    size_t count; /* 0: there is none, for the default one is not built in */
};

/* Reads the settings of all providers of the registry, and finds those that are named. False: err
 * says what is wrong. */
bool chain_read(struct chain *chain, const struct settings *settings, struct config *config,
                struct herd_error *err);
void chain_free(struct chain *chain);

/* Has each provider look whether what it needs is there. False: err says what is not. */
bool chain_check(const struct chain *chain, struct herd_error *err);

/* Whether any of them needs upstream. */
bool chain_fetches(const struct chain *chain);

#endif
