/* MISUSE what: does what the public door forbids, so that the server ends and says so. */
#include <herd/module.h>

#include <string.h>

static bool is(struct herd_request *req, const char *what)
{
    struct herd_text line = herd_line(req);
    return line.len == 7 + strlen(what) && memcmp(line.bytes + 7, what, line.len - 7) == 0;
}

static struct herd_text text(const char *string)
{
    return (struct herd_text){string, strlen(string)};
}

/* ---- answering ---- */

static enum herd_result defer_badly(struct herd_request *req)
{
    struct herd_request *deferred = herd_defer(req, NULL, NULL);
    if (is(req, "defer only"))
        return HERD_OK;
    if (is(req, "defer twice"))
        herd_defer(req, NULL, NULL);
    if (is(req, "defer the copy"))
        herd_defer(deferred, NULL, NULL);
    if (is(req, "reply late"))
        herd_reply(req, text("late\n"));
    if (is(req, "reply AT late"))
        herd_reply_at(req, &(struct herd_report){.time_ns = 0});
    herd_done(deferred);
    if (is(req, "done twice"))
        herd_done(deferred);
    herd_done_invalid(deferred);
    return HERD_LATER;
}

/* ---- reports ---- */

static enum herd_result put_badly(struct herd_request *req)
{
    static char id[HERD_CLIENT_MAX + 1];
    struct herd_report report = {.server = text("Goloman"),
                                 .client = text("c"),
                                 .location = text("+1-1"),
                                 .time = text("5"),
                                 .time_ns = INT64_C(5000000000)};
    if (is(req, "no server"))
        report.server.len = 0;
    else if (is(req, "long client"))
        report.client = (struct herd_text){memset(id, 'x', sizeof id), sizeof id};
    else if (is(req, "no time"))
        report.time.len = 0;
    else if (is(req, "no time_ns"))
        report.time_ns = 0;
    herd_report_put(req, &report);
    return HERD_OK;
}

/* ---- a worker's things ---- */

static struct herd_cursor *cursor;

static enum { GET, PUT, OPEN, READ, CLOSE } forbidden;
static void changed(void *arg);

static bool take(void *arg, const struct herd_report *report)
{
    struct herd_report found;
    struct herd_room room;
    if (forbidden == GET)
        return herd_get(report->client, &found, &room);
    else if (forbidden == PUT)
        herd_put(report);
    else if (forbidden == OPEN)
        herd_cursor_open(changed, NULL);
    else if (forbidden == READ)
        herd_cursor_read(cursor, take, arg);
    else
        herd_cursor_close(cursor);
    return true;
}

static void changed(void *arg)
{
    herd_cursor_read(cursor, take, arg);
}

static enum herd_result take_badly(struct herd_request *req)
{
    static const char *const what[] = {"take get", "take put", "take open", "take read",
                                       "take close"};
    struct herd_report report = {.client = text("c"), .location = text("+1-1"), .time = text("5")};
    for (forbidden = GET; !is(req, what[forbidden]);)
        forbidden++;
    cursor = herd_cursor_open(changed, NULL);
    herd_put(&report);
    return HERD_OK;
}

static void go_on(void *arg)
{
    herd_put_off(go_on, arg);
}

static enum herd_result go_on_for_ever(struct herd_request *req)
{
    herd_put_off(go_on, NULL);
    herd_reply(req, text("MISUSED\n"));
    return HERD_OK;
}

/* Which is only warned of. */
static enum herd_result count_late(struct herd_request *req)
{
    herd_reply(req, text(herd_counter("misuse_late") < 0 ? "REFUSED\n" : "COUNTED\n"));
    return HERD_OK;
}

static enum herd_result misuse(struct herd_request *req)
{
    if (is(req, "later only"))
        return HERD_LATER;
    if (is(req, "counter"))
        return count_late(req);
    if (herd_field_count(req) == 3 && herd_field(req, 1).len == 4 &&
        memcmp(herd_field(req, 1).bytes, "take", 4) == 0)
        return take_badly(req);
    if (is(req, "for ever"))
        return go_on_for_ever(req);
    if (is(req, "defer twice") || is(req, "defer only") || is(req, "defer the copy") ||
        is(req, "reply late") || is(req, "reply AT late") || is(req, "done twice") ||
        is(req, "done invalid"))
        return defer_badly(req);
    return put_badly(req);
}

static const struct herd_command commands[] = {
    {.verb = "MISUSE", .from = HERD_CLIENT, .run = misuse},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(misuse) = {
    .abi = HERD_ABI,
    .name = "misuse",
    .version = "0.1",
    .summary = "misuses the door",
    .commands = commands,
};
