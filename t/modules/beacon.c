/* Puts a record of its own into the store each few milliseconds, without any client; the first
 * worker does, and reads it back. */
#include <herd/module.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const char *client;
static int put, bad;
static int64_t every_ns;
static unsigned long long stamp;
static struct herd_worker *_Atomic owner;
static struct herd_timer *timer;

static struct herd_text text(const char *string)
{
    return (struct herd_text){string, strlen(string)};
}

static bool is(struct herd_text a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.bytes, b, a.len) == 0;
}

/* Nothing that would break a line gets in. */
static bool refuses(void)
{
    struct herd_report wrong[] = {
        {.client = text("a b"), .location = text("+1-1"), .time = text("1")},
        {.client = text(""), .location = text("+1-1"), .time = text("1")},
        {.client = text("a"), .location = text("1-1"), .time = text("1")},
        {.client = text("a"), .location = text("+1-1"), .time = text("-1")},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (herd_put(&wrong[i]) != HERD_PUT_INVALID)
            return false;
    return true;
}

static void on_time(void *arg)
{
    (void)arg;
    char time[32];
    struct herd_report found;
    struct herd_room room;
    snprintf(time, sizeof time, "%llu", ++stamp);
    struct herd_report report = {
        .client = text(client), .location = text("+34-118"), .time = text(time)};
    enum herd_put result = herd_put(&report);
    if (result <= HERD_PUT_NEWER && refuses() && herd_get(text(client), &found, &room) &&
        is(found.time, time))
        herd_count(put, 1);
    else
        herd_count(bad, 1);
    herd_timer_set(timer, every_ns);
}

static void worker_start(void)
{
    struct herd_worker *none = NULL;
    if (!atomic_compare_exchange_strong(&owner, &none, herd_worker()))
        return;
    timer = herd_timer_create(on_time, NULL);
    herd_timer_set(timer, every_ns);
}

static void worker_stop(void)
{
    if (atomic_load(&owner) == herd_worker())
        herd_timer_destroy(timer);
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    put = herd_counter("beacon_put");
    bad = herd_counter("beacon_bad");
    return herd_config_string(group, "client", "beacon", &client, err) &&
           herd_config_duration(group, "every", "20ms", &every_ns, err);
}

HERD_MODULE_EXPORT(beacon) = {
    .abi = HERD_ABI,
    .name = "beacon",
    .version = "0.1",
    .summary = "is somewhere",
    .group = "beacon",
    .configure = configure,
    .worker_start = worker_start,
    .worker_stop = worker_stop,
};
