/* The places service: it takes WHATSAT's searches to the providers that the configuration names,
 * one after the other until one has an answer, and cuts that to what was asked for. */
#ifndef CORE_PLACES_H
#define CORE_PLACES_H

#include "core/chain.h"

/* Opens the providers of the chain, which outlives them; an empty one lets every search fail.
 * False: err says why, and none is open. Main thread, before the workers run. */
bool places_open(const struct settings *settings, const struct chain *chain,
                 struct herd_error *err);
void places_close(void);

#endif
