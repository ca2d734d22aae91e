/* Who waits for places is an asker: one allocation that lives until it is answered or its client
 * has gone, and of the latter, if the answer is already on its way from another thread, until that
 * comes. Whatever a provider hands over, the first empty line behind it is the end of the answer.
 */
#include "core/places.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "core/search.h"
#include "herd/request.h"
#include "net/worker.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What askers are given in a turn: each has a copy of its answer until the next turn sends it, and
 * of those who have joined one search there may be as many as there are clients. */
#define GIVEN_MAX ((size_t)256 << 10)

struct asker {
    struct share share;           /* first: told gets a pointer to it */
    TAILQ_ENTRY(asker) entry;     /* of those who have their answer, */
    bool ready;                   /* if it is one of them */
    struct herd_request *request; /* NULL: the client has gone */
    double lat_deg, lon_deg, radius_km;
    unsigned bound, at;       /* at: the provider, by its number in the chain */
    enum search_step how;     /* it came to wait for that */
    struct answer *failure;   /* of the last one that was asked; NULL: none, or no memory for it */
    bool failed;              /* one was asked and failed */
    enum search_step refusal; /* and else why the last one was not asked */
};

/* A worker's. */
static _Thread_local struct {
    TAILQ_HEAD(askers, asker) askers;
    struct errand give;
} ready;

static struct {
    const struct chain *chain;
    size_t open; /* of the chain */
    double radius_max_km;
    unsigned bound_max;
    bool inclusive;
} places;

/* ---- opening ---- */

static bool open_chain(const struct chain *chain, struct herd_error *err)
{
    for (; places.open < chain->count; places.open++) {
        const struct herd_provider *provider = chain->links[places.open].provider;
        if (provider->open != NULL && !provider->open(err))
            return false;
    }
    return true;
}

static void close_chain(void)
{
    while (places.open > 0) {
        const struct herd_provider *provider = places.chain->links[--places.open].provider;
        if (provider->close != NULL)
            provider->close();
    }
}

bool places_open(const struct settings *settings, const struct chain *chain, struct herd_error *err)
{
    places.chain = chain;
    places.radius_max_km = settings->places.max_radius_km;
    places.bound_max = (unsigned)settings->places.max_items;
    places.inclusive = settings->places.max_inclusive;
    if (chain->count == 0)
        log_event(HERD_LOG_WARN, 0,
                  "places.%s: no such provider is built in; searches for places will fail",
                  settings->places.provider);
    if (!open_chain(chain, err)) {
        close_chain();
        return false;
    }
    search_open(chain, settings->places.cache_bytes, places.bound_max);
    return true;
}

void places_close(void)
{
    search_close();
    close_chain();
}

bool herd_places_radius_valid(double radius_km)
{
    return radius_km < places.radius_max_km ||
           (places.inclusive && radius_km <= places.radius_max_km);
}

bool herd_places_bound_valid(unsigned bound)
{
    return bound < places.bound_max || (places.inclusive && bound <= places.bound_max);
}

/* ---- answering ---- */

static void reply(struct herd_request *req, const char *text)
{
    herd_reply(req, (struct herd_text){text, strlen(text)});
}

static void reply_failure(struct herd_request *req, const char *status, const char *message)
{
    struct answer *failure = answer_create_failure(status, message);
    metric_add(searches_failed, 1);
    if (failure != NULL)
        herd_reply(req, answer_cut(failure, 1).head);
    else
        reply(req, "{\"html_attributions\":[],\"results\":[],\"status\":\"UNKNOWN_ERROR\", "
                   "\"error_message\":\"out of memory\"}");
    answer_release(failure);
    reply(req, "\n\n");
}

static void note(const struct herd_request *req, unsigned provider, enum search_step how)
{
    char text[HERD_NAME_MAX + 16];
    if (!log_messages())
        return;
    int len = snprintf(text, sizeof text, "%s (%s)", places.chain->links[provider].provider->name,
                       how == SEARCH_ASKED  ? "asked"
                       : how == SEARCH_KEPT ? "kept"
                                            : "joined");
    log_subject(req->connection, "Places from", (struct herd_text){text, (size_t)len});
}

/* The caller has its answer no longer. Returns its bytes. */
static size_t reply_answer(struct herd_request *req, struct answer *answer, unsigned bound)
{
    struct answer_parts parts = answer_cut(answer, bound);
    size_t bytes = parts.head.len + parts.tail.len;
    herd_reply(req, parts.head);
    herd_reply(req, parts.tail);
    reply(req, "\n\n");
    answer_release(answer);
    return bytes;
}

static void finish(struct asker *asker)
{
    herd_done(asker->request);
    answer_release(asker->failure);
    free(asker);
}

static size_t give(struct asker *asker)
{
    note(asker->request, asker->at, asker->how);
    size_t bytes = reply_answer(asker->request, asker->share.answer, asker->bound);
    finish(asker);
    return bytes;
}

static void leave_ready(struct asker *asker)
{
    TAILQ_REMOVE(&ready.askers, asker, entry);
    asker->ready = false;
}

/* What is given is sent before this runs again. */
static void give_some(void *arg)
{
    (void)arg;
    struct asker *asker;
    for (size_t given = 0; given < GIVEN_MAX; given += give(asker)) {
        asker = TAILQ_FIRST(&ready.askers);
        if (asker == NULL)
            return;
        leave_ready(asker);
    }
    worker_put_off(worker_here(), &ready.give);
}

/* It has its answer, and will be given it. */
static void enter_ready(struct asker *asker)
{
    if (ready.give.run == NULL) {
        ready.give.run = give_some;
        TAILQ_INIT(&ready.askers);
    }
    asker->ready = true;
    TAILQ_INSERT_TAIL(&ready.askers, asker, entry);
    worker_put_off(worker_here(), &ready.give);
}

/* Nobody is left to ask. What a provider that was asked has said goes before why others were not.
 */
static void give_up(struct asker *asker)
{
    char why[128];
    const char *name = places.chain->links[asker->at - 1].provider->name;
    if (asker->failure != NULL) {
        metric_add(searches_failed, 1);
        reply_answer(asker->request, answer_hold(asker->failure), 1);
    } else if (asker->failed || asker->refusal == SEARCH_NO_MEMORY) {
        reply_failure(asker->request, "UNKNOWN_ERROR", "out of memory");
    } else if (asker->refusal == SEARCH_SPENT) {
        snprintf(why, sizeof why, "the budget of %s is used up", name);
        reply_failure(asker->request, "OVER_QUERY_LIMIT", why);
    } else {
        snprintf(why, sizeof why, "%s fails, and is not asked for a while", name);
        reply_failure(asker->request, "UNKNOWN_ERROR", why);
    }
    finish(asker);
}

/* ---- asking ---- */

static double round_to(double deg, unsigned decimals)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    assert(decimals < sizeof powers / sizeof powers[0]);
    return decimals > 0 ? round(deg * powers[decimals]) / powers[decimals] : deg;
}

static struct question make_question(unsigned provider, double lat_deg, double lon_deg,
                                     double radius_km)
{
    unsigned decimals = places.chain->links[provider].decimals;
    return (struct question){.provider = provider,
                             .lat_deg = round_to(lat_deg, decimals),
                             .lon_deg = round_to(lon_deg, decimals),
                             .radius_km = radius_km};
}

/* From the provider on that it stands at. The asker may be gone when this returns. */
static void walk(struct asker *asker)
{
    for (; asker->at < places.chain->count; asker->at++) {
        struct question question = make_question(asker->at, asker->lat_deg, asker->lon_deg,
                                                 asker->radius_km);
        asker->how = SEARCH_ASKED; /* told may run before search_enter returns */
        enum search_step step = search_enter(&asker->share, &question);
        if (step == SEARCH_ASKED)
            return;
        asker->how = step;
        if (step == SEARCH_KEPT)
            enter_ready(asker);
        if (step == SEARCH_KEPT || step == SEARCH_JOINED)
            return;
        asker->refusal = step;
    }
    give_up(asker);
}

static void told(struct share *share)
{
    struct asker *asker = (struct asker *)share;
    if (asker->request == NULL) {
        answer_release(share->answer);
        answer_release(asker->failure);
        free(asker);
    } else if (!share->failed) {
        enter_ready(asker);
    } else {
        answer_release(asker->failure);
        asker->failure = share->answer;
        asker->failed = true;
        asker->at++;
        walk(asker);
    }
}

static void on_cancel(void *arg)
{
    struct asker *asker = arg;
    metric_add(searches_cancelled, 1);
    asker->request = NULL;
    if (asker->ready) {
        leave_ready(asker);
        answer_release(asker->share.answer);
    } else if (!search_leave(&asker->share)) {
        return;
    }
    answer_release(asker->failure);
    free(asker);
}

/* Whether it was answered at once, by what the first provider once said. */
static bool reply_kept(struct herd_request *req, double lat_deg, double lon_deg, double radius_km,
                       unsigned bound)
{
    if (places.chain->links[0].keep_ns == 0)
        return false;
    struct question question = make_question(0, lat_deg, lon_deg, radius_km);
    struct answer *answer = search_kept(&question);
    if (answer == NULL)
        return false;
    note(req, 0, SEARCH_KEPT);
    reply_answer(req, answer, bound);
    return true;
}

enum herd_result herd_places_search(struct herd_request *req, double lat_deg, double lon_deg,
                                    double radius_km, unsigned bound)
{
    metric_add(searches, 1);
    if (bound == 0 || radius_km == 0) {
        reply(req, "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}\n\n");
        return HERD_OK;
    }
    if (places.chain->count == 0) {
        reply_failure(req, "UNKNOWN_ERROR", "there is no provider of places");
        return HERD_OK;
    }
    if (reply_kept(req, lat_deg, lon_deg, radius_km, bound))
        return HERD_OK;
    struct asker *asker = memory_try_zeroed(sizeof *asker);
    if (asker == NULL) {
        reply_failure(req, "UNKNOWN_ERROR", "out of memory");
        return HERD_OK;
    }
    asker->share.worker = worker_here();
    asker->share.told = told;
    asker->lat_deg = lat_deg, asker->lon_deg = lon_deg, asker->radius_km = radius_km;
    asker->bound = bound;
    asker->request = herd_defer(req, on_cancel, asker);
    walk(asker);
    return HERD_LATER;
}
