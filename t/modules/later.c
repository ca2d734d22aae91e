/* LATER milliseconds word: answers "LATER word" after so long, with a timer; of the word "?" it
 * finds out then that it is invalid. A client that goes first is counted. What every module that
 * answers later has to do stands here: forget the request when the client goes, and destroy what
 * would call back. */
#include <herd/module.h>

#include <stdlib.h>

struct wait {
    struct herd_request *request;
    struct herd_timer *timer;
};

static int answered, gone;
static int64_t most_ns;
static const char *word;
static bool polite;
static int repeat;
static double factor;
static uint64_t room_bytes;

static void forget(struct wait *wait)
{
    herd_timer_destroy(wait->timer);
    free(wait);
}

static void on_time(void *arg)
{
    struct wait *wait = arg;
    for (int i = 0; i < repeat; i++) {
        herd_reply(wait->request, (struct herd_text){"LATER ", 6});
        herd_reply(wait->request, herd_field(wait->request, 2));
        herd_reply(wait->request, (struct herd_text){"\n", 1});
    }
    herd_count(answered, 1);
    if (herd_field(wait->request, 2).bytes[0] == '?')
        herd_done_invalid(wait->request);
    else
        herd_done(wait->request);
    forget(wait);
}

static void on_gone(void *arg)
{
    herd_count(gone, 1);
    forget(arg);
}

static enum herd_result later(struct herd_request *req)
{
    unsigned ms;
    if (!herd_count_parse(herd_field(req, 1), &ms))
        return HERD_INVALID;
    if (ms * INT64_C(1000000) > most_ns) {
        herd_reply(req, (struct herd_text){"never\n", 6}); /* which is taken back */
        return HERD_INVALID;
    }
    struct wait *wait = calloc(1, sizeof *wait);
    if (wait == NULL)
        return HERD_INVALID;
    wait->request = herd_defer(req, on_gone, wait);
    wait->timer = herd_timer_create(on_time, wait);
    herd_timer_set(wait->timer, (int64_t)(ms * factor * 1e6));
    return HERD_LATER;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    answered = herd_counter("later_answered");
    gone = herd_counter("later_gone");
    if (!herd_config_duration(group, "most", "1m", &most_ns, err) ||
        !herd_config_string(group, "word", "LATER", &word, err) ||
        !herd_config_bool(group, "polite", false, &polite, err) ||
        !herd_config_int(group, "repeat", 1, 1, 9, &repeat, err) ||
        !herd_config_float(group, "factor", 1.0, 0.0, 10.0, &factor, err) ||
        !herd_config_size(group, "room", "4k", &room_bytes, err))
        return false;
    if (polite && !herd_config_given(group, "word"))
        return herd_config_fail(group, "polite", err, "needs a word");
    return true;
}

static const struct herd_command commands[] = {
    {.verb = "LATER",
     .min_fields = 3,
     .max_fields = 3,
     .from = HERD_CLIENT,
     .run = later,
     .usage = "milliseconds word"},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(later) = {
    .abi = HERD_ABI,
    .name = "later",
    .version = "0.1",
    .summary = "answers later",
    .group = "later",
    .commands = commands,
    .configure = configure,
};
