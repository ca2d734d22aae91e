/* One request as libcurl has it, its "easy handle": which URLs are taken, whose certificates are
 * trusted, what is asked for, and what is said when it fails. The upstream thread's, but for
 * herd_fetch_check of the public door. */
#ifndef NET_EASY_H
#define NET_EASY_H

#include "net/fetch.h"
#include "net/trust.h"

#include <curl/curl.h>

/* Makes fetch->easy, which is upstream.c's to run, and to free by easy_free. trusts: what was read
 * so far. Returns what went wrong, which may stand in err, and which names no path, for it may
 * reach clients; NULL: nothing. fetch->easy may be there all the same. */
const char *easy_create(struct herd_fetching *fetch, struct trust **trusts, struct herd_error *err);

/* Frees fetch->easy and what belongs to it, and wipes what may be secret. */
void easy_free(struct herd_fetching *fetch);

/* Why it ended so, in words that do not hold the URL; NULL: it went well. */
const char *easy_explain(const struct herd_fetching *fetch, CURLcode code);

#endif
