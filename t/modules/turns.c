/* TURNS: has things done later that the page on modules puts in an order, and answers with the
 * order in which they were done. One worker, one client. */
#include <herd/module.h>

#include <stdio.h>
#include <string.h>

static struct herd_request *asked; /* NULL: nobody asks now */
static struct herd_cursor *cursor;
static struct herd_timer *of_command, *of_work;
static char done[64];

static void note(const char *what)
{
    if (asked != NULL)
        snprintf(done + strlen(done), sizeof done - strlen(done), " %s", what);
}

static void on_timer(void *arg)
{
    note(arg);
}

static void put_off_again(void *arg)
{
    (void)arg;
    herd_reply(asked, (struct herd_text){done + 1, strlen(done) - 1});
    herd_reply(asked, (struct herd_text){" work-again\n", 12});
    herd_done(asked);
    asked = NULL;
}

static void put_off(void *arg)
{
    (void)arg;
    note("work");
    herd_put_off(put_off_again, NULL);
    herd_timer_set(of_work, 0);
}

static bool take(void *arg, const struct herd_report *report)
{
    int64_t time_ns;
    (void)arg;
    return herd_time_parse(report->time, &time_ns);
}

static void changed(void *arg)
{
    note("changed");
    herd_cursor_read(cursor, take, arg);
}

static enum herd_result turns(struct herd_request *req)
{
    const struct herd_report report = {
        .client = herd_field(req, 1), .location = {"+1-1", 4}, .time = {"5", 1}};
    asked = herd_defer(req, NULL, NULL);
    done[0] = '\0';
    herd_timer_set(of_command, 0);
    herd_put(&report);
    herd_put_off(put_off, NULL);
    return HERD_LATER;
}

static void worker_start(void)
{
    cursor = herd_cursor_open(changed, NULL);
    of_command = herd_timer_create(on_timer, "timer");
    of_work = herd_timer_create(on_timer, "timer-of-work");
}

static void worker_stop(void)
{
    herd_cursor_close(cursor);
    herd_timer_destroy(of_command);
    herd_timer_destroy(of_work);
}

static const struct herd_command commands[] = {
    {.verb = "TURNS", .min_fields = 2, .max_fields = 2, .from = HERD_CLIENT, .run = turns},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(turns) = {
    .abi = HERD_ABI,
    .name = "turns",
    .version = "0.1",
    .summary = "tells in what order things are done",
    .commands = commands,
    .worker_start = worker_start,
    .worker_stop = worker_stop,
};
