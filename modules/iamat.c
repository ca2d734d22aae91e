/* IAMAT client location time: a client says where it is. The answer is the AT line, also for a
 * report that is older than the one held, or equal to it: the client cannot know what others have
 * said. */
#include <herd/module.h>

#include <string.h>

static bool read_report(const struct herd_request *req, struct herd_report *report)
{
    const char *server = herd_server_name(req);
    report->server = (struct herd_text){server, strlen(server)};
    report->client = herd_field(req, 1);
    report->location = herd_field(req, 2);
    report->time = herd_field(req, 3);
    if (report->client.len > HERD_CLIENT_MAX ||
        !herd_location_parse(report->location, NULL, NULL) ||
        !herd_time_parse(report->time, &report->time_ns))
        return false;
    report->diff_ns = herd_clock_ns(req) - report->time_ns;
    return true;
}

static enum herd_result iamat(struct herd_request *req)
{
    struct herd_report report;
    if (!read_report(req, &report))
        return HERD_INVALID;
    enum herd_put result = herd_report_put(req, &report);
    if (result == HERD_PUT_FULL || result == HERD_PUT_AHEAD)
        return HERD_INVALID;
    herd_reply_at(req, &report);
    return HERD_OK;
}

static const struct herd_command commands[] = {
    {.verb = "IAMAT",
     .min_fields = 4,
     .max_fields = 4,
     .from = HERD_CLIENT,
     .run = iamat,
     .usage = "client location time",
     .client = 1},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(iamat) = {
    .abi = HERD_ABI,
    .name = "iamat",
    .version = "1.0",
    .summary = "takes the location of a client",
    .commands = commands,
};
