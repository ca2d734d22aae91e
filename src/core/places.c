/* A search is one allocation that lives until the provider has answered, also if the client has
 * gone by then, of which the provider is told if it likes to be. Whatever the provider hands over,
 * the first empty line behind it is the end of the answer. */
#include "core/places.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct herd_search {
    struct herd_request *request; /* NULL: the client has gone */
    void (*cancelled)(void *arg); /* the provider's; NULL: it need not know, or knows */
    void *arg;
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
    const struct herd_query query = {lat_deg, lon_deg, radius_km, bound};
    search->request = herd_defer(req, on_cancel, search);
    if (places.provider != NULL)
        places.provider->search(search, &query);
    else
        herd_search_fail(search, "UNKNOWN_ERROR", "there is no provider of places");
    return HERD_LATER;
}

/* Copies the text with each run of newlines as one, none at its end, and no CR outside strings.
 * False: there is no memory for that. */
static bool reply_squeezed(struct herd_request *req, struct herd_text json)
{
    bool in_string = false, escaped = false, newline = false;
    char *to = memory_try(json.len + 1);
    size_t n = 0;
    if (to == NULL)
        return false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.bytes[i];
        if (c == '\r' && !in_string)
            continue;
        if (c == '\n') {
            newline = true;
            continue;
        }
        if (newline && n > 0)
            to[n++] = '\n';
        newline = false;
        to[n++] = c;
        if (c == '"' && !escaped)
            in_string = !in_string;
        escaped = in_string && c == '\\' && !escaped;
    }
    herd_reply(req, (struct herd_text){to, n});
    free(to);
    return true;
}

static void finish(struct herd_search *search)
{
    if (search->request != NULL) {
        reply(search->request, "\n\n");
        herd_done(search->request);
    }
    free(search);
}

void herd_search_answer(struct herd_search *search, struct herd_text json)
{
    if (search->request == NULL || reply_squeezed(search->request, json))
        finish(search);
    else
        herd_search_fail(search, "UNKNOWN_ERROR", "out of memory");
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
