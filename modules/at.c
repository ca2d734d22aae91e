/* AT server difference client location time [names] sender: a neighbour says where a client is.
 * What it says is merged whatever its stamp; only a sender that is not the neighbour itself breaks
 * the protocol. Nobody else may say AT: from a client it is an invalid command, as no table of
 * clients' commands has it. */
#include <herd/module.h>

#include <string.h>

static bool read_report(const struct herd_request *req, struct herd_report *report)
{
    report->server = herd_field(req, 1);
    report->client = herd_field(req, 3);
    report->location = herd_field(req, 4);
    report->time = herd_field(req, 5);
    return herd_name_valid(report->server) &&
           herd_difference_parse(herd_field(req, 2), &report->diff_ns) &&
           report->client.len <= HERD_CLIENT_MAX &&
           herd_location_parse(report->location, NULL, NULL) &&
           herd_time_parse(report->time, &report->time_ns);
}

static enum herd_result at(struct herd_request *req)
{
    struct herd_text sender = herd_field(req, herd_field_count(req) - 1);
    const char *neighbour = herd_neighbour_name(req);
    struct herd_report report;
    if (sender.len != strlen(neighbour) || memcmp(sender.bytes, neighbour, sender.len) != 0)
        return HERD_END;
    if (!read_report(req, &report))
        return HERD_INVALID;
    herd_report_put(req, &report);
    return HERD_OK;
}

static const struct herd_command commands[] = {
    {.verb = "AT",
     .min_fields = 7,
     .from = HERD_PEER,
     .run = at,
     .usage = "server difference client location time [names] sender",
     .client = 3},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(at) = {
    .abi = HERD_ABI,
    .name = "at",
    .version = "1.0",
    .summary = "takes the locations that neighbours know",
    .commands = commands,
};
