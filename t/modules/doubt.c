/* A provider that asks and then thinks better of it, at each moment there is; the radius says
 * at which. Its answer tells how often check and done were called, and what check saw. */
#include <herd/module.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum when {
    NEVER = 1,
    AT_ONCE,       /* and again */
    WHEN_CHECKED,  /* check runs, or has run, and done has not */
    WHEN_GONE,     /* the client, who is answered then */
    LONG_AFTER_IT, /* the same, but herd is asked to tell when it is too late */
};

struct ask {
    struct herd_search *search; /* NULL: it is answered */
    struct herd_fetching *fetching;
    struct herd_timer *timer;
    unsigned when, checks, dones;
    bool cancelled, unsent;
    char error[64];
    sem_t checked;
};

static const char *url;
static int dones, checks, gone;

static void check(void *arg, const struct herd_response *response)
{
    struct ask *ask = arg;
    ask->checks++;
    ask->cancelled = response->cancelled;
    ask->unsent = response->unsent;
    snprintf(ask->error, sizeof ask->error, "%s", response->error != NULL ? response->error : "");
    herd_count(checks, 1);
    sem_post(&ask->checked);
}

static void answer(struct ask *ask)
{
    char json[200];
    int len = snprintf(json, sizeof json,
                       "{\"results\":[],\"status\":\"OK\",\"checks\":%u,\"dones\":%u,"
                       "\"cancelled\":%s,\"unsent\":%s,\"error\":\"%s\"}",
                       ask->checks, ask->dones, ask->cancelled ? "true" : "false",
                       ask->unsent ? "true" : "false", ask->error);
    herd_search_answer(ask->search, &(struct herd_answer){.json = {json, (size_t)len}});
}

static void done(void *arg)
{
    struct ask *ask = arg;
    ask->dones++;
    herd_count(dones, 1);
    if (ask->search != NULL)
        answer(ask);
    if (ask->timer != NULL)
        herd_timer_destroy(ask->timer);
    sem_destroy(&ask->checked);
    free(ask);
}

static void on_gone(void *arg)
{
    struct ask *ask = arg;
    herd_count(gone, 1);
    herd_fetch_cancel(ask->fetching);
    herd_search_fail(ask->search, "UNKNOWN_ERROR", "nobody reads it");
    ask->search = NULL;
}

/* Until the client goes somebody has to see to it; here the time does. */
static void on_time(void *arg)
{
    struct ask *ask = arg;
    herd_search_on_cancel(ask->search, on_gone, ask);
}

static void doubt(struct ask *ask)
{
    switch (ask->when) {
    case AT_ONCE:
        herd_fetch_cancel(ask->fetching);
        herd_fetch_cancel(ask->fetching);
        break;
    case WHEN_CHECKED:
        while (sem_wait(&ask->checked) != 0)
            ;
        herd_fetch_cancel(ask->fetching);
        break;
    case WHEN_GONE:
        herd_search_on_cancel(ask->search, on_gone, ask);
        break;
    case LONG_AFTER_IT:
        herd_search_on_cancel(ask->search, on_gone, ask);
        herd_search_on_cancel(ask->search, NULL, NULL);
        ask->timer = herd_timer_create(on_time, ask);
        herd_timer_set(ask->timer, INT64_C(1000000000));
        break;
    default:
        break;
    }
}

static void search(struct herd_search *search, const struct herd_query *query)
{
    struct ask *ask = calloc(1, sizeof *ask);
    if (ask == NULL) {
        herd_search_fail(search, "UNKNOWN_ERROR", "out of memory");
        return;
    }
    ask->search = search;
    ask->when = (unsigned)query->radius_km;
    sem_init(&ask->checked, 0, 0);
    ask->fetching = herd_fetch(&(struct herd_fetch){
        .url = url,
        .body_max = 1000,
        .connect_ns = INT64_C(20000000000),
        .total_ns = INT64_C(20000000000),
        .check = check,
        .done = done,
        .arg = ask,
    });
    doubt(ask);
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    checks = herd_counter("doubt_checks");
    dones = herd_counter("doubt_dones");
    gone = herd_counter("doubt_gone");
    return herd_config_string(group, "url", "http://127.0.0.1/", &url, err);
}

static const struct herd_provider provider = {
    .name = "doubt",
    .search = search,
    .fetches = true,
};

HERD_MODULE_EXPORT(doubt) = {
    .abi = HERD_ABI,
    .name = "doubt",
    .version = "0.1",
    .summary = "asks, and takes it back",
    .group = "places.doubt",
    .provider = &provider,
    .configure = configure,
};
