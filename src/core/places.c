/* A search is one allocation that lives until the provider has answered, also if the client has
 * gone by then, of which the provider is told if it likes to be. Whatever the provider hands over,
 * the first empty line behind it is the end of the answer. */
#include "core/places.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/misuse.h"
#include "core/answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct herd_search {
    struct herd_request *request; /* NULL: the client has gone */
    void (*cancelled)(void *arg); /* the provider's; NULL: it need not know, or knows */
    void *arg;
    unsigned bound; /* the asker's */
};

static struct {
    const struct herd_provider *provider;
    double radius_max_km;
    unsigned bound_max;
    bool inclusive;
} places;

bool places_open(const struct settings *settings, const struct herd_provider *provider,
                 struct herd_error *err)
{
    places.radius_max_km = settings->places.max_radius_km;
    places.bound_max = (unsigned)settings->places.max_items;
    places.inclusive = settings->places.max_inclusive;
    if (provider == NULL)
        log_event(HERD_LOG_WARN, 0,
                  "places.%s: no such provider is built in; searches for places will fail",
                  settings->places.provider);
    else if (provider->open != NULL && !provider->open(err))
        return false;
    places.provider = provider;
    return true;
}

void places_close(void)
{
    if (places.provider != NULL && places.provider->close != NULL)
        places.provider->close();
    places.provider = NULL;
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

static void reply(struct herd_request *req, const char *text)
{
    herd_reply(req, (struct herd_text){text, strlen(text)});
}

/* The provider may answer, so that the search is gone when it returns. */
static void tell_gone(struct herd_search *search)
{
    void (*cancelled)(void *) = search->cancelled;
    search->cancelled = NULL;
    if (cancelled != NULL)
        cancelled(search->arg);
}

static void on_cancel(void *arg)
{
    struct herd_search *search = arg;
    metric_add(searches_cancelled, 1);
    search->request = NULL;
    tell_gone(search);
}

void herd_search_on_cancel(struct herd_search *search, void (*cancelled)(void *), void *arg)
{
    assert(search != NULL);
    search->cancelled = cancelled;
    search->arg = arg;
    if (search->request == NULL)
        tell_gone(search);
}

enum herd_result herd_places_search(struct herd_request *req, double lat_deg, double lon_deg,
                                    double radius_km, unsigned bound)
{
    metric_add(searches, 1);
    if (bound == 0 || radius_km == 0) {
        reply(req, "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}\n\n");
        return HERD_OK;
    }
    struct herd_search *search = memory_zeroed(1, sizeof *search);
    const struct herd_query query = {lat_deg, lon_deg, radius_km, places.bound_max};
    search->bound = bound;
    search->request = herd_defer(req, on_cancel, search);
    if (places.provider != NULL)
        places.provider->search(search, &query);
    else
        herd_search_fail(search, "UNKNOWN_ERROR", "there is no provider of places");
    return HERD_LATER;
}

static void finish(struct herd_search *search)
{
    if (search->request != NULL) {
        reply(search->request, "\n\n");
        herd_done(search->request);
    }
    free(search);
}

static bool rise(const struct herd_answer *answer)
{
    uint32_t before = 0;
    for (size_t i = 0; i < answer->count; before = answer->ends[i++])
        if (answer->ends[i] <= before || answer->ends[i] > answer->json.len)
            return false;
    return true;
}

void herd_search_answer(struct herd_search *search, const struct herd_answer *given)
{
    misuse_unless(given->json.len <= UINT32_MAX && rise(given),
                  "herd_search_answer with ends that do not rise, or lie beyond the text");
    struct answer *answer = answer_create(given);
    if (answer == NULL) {
        herd_search_fail(search, "UNKNOWN_ERROR", "out of memory");
        return;
    }
    if (search->request != NULL) {
        struct answer_parts parts = answer_cut(answer, search->bound);
        herd_reply(search->request, parts.head);
        herd_reply(search->request, parts.tail);
    }
    answer_release(answer);
    finish(search);
}

/* The message is the provider's or the system's: only what a JSON string may hold stays as it is.
 */
static void reply_string(struct herd_request *req, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            reply(req, "\\");
        char one = c < 0x20 || c > 0x7e ? '?' : (char)c;
        herd_reply(req, (struct herd_text){&one, 1});
    }
}

void herd_search_fail(struct herd_search *search, const char *status, const char *message)
{
    struct herd_request *req = search->request;
    if (req != NULL) {
        metric_add(searches_failed, 1);
        reply(req, "{\"html_attributions\":[],\"results\":[],\"status\":\"");
        reply_string(req, status);
        reply(req, "\", \"error_message\":\"");
        reply_string(req, message);
        reply(req, "\"}");
    }
    finish(search);
}
