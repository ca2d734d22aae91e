/* The side of the public door that needs no sockets: what handlers ask of a request, of the wire's
 * forms and of the store. Each function's contract stands in <herd/module.h>. */
#include "base/log.h"
#include "base/metrics.h"
#include "base/misuse.h"
#include "herd/broken.h"
#include "herd/request.h"
#include "wire/at.h"
#include "wire/iso6709.h"
#include "wire/number.h"

#include <assert.h>

struct herd_text herd_line(const struct herd_request *req)
{
    return req->line->text;
}

size_t herd_field_count(const struct herd_request *req)
{
    return req->line->count;
}

struct herd_text herd_field(const struct herd_request *req, size_t i)
{
    return line_field(req->line, i);
}

void herd_reply(struct herd_request *req, struct herd_text text)
{
    misuse_unless(req->out != NULL, "herd_reply to a command after herd_defer");
    buffer_add(req->out, text.bytes, text.len);
}

const char *herd_server_name(const struct herd_request *req)
{
    return req->server;
}

const char *herd_neighbour_name(const struct herd_request *req)
{
    return req->neighbour;
}

int64_t herd_clock_ns(const struct herd_request *req)
{
    return req->clock_ns;
}

bool herd_location_parse(struct herd_text text, double *lat_deg, double *lon_deg)
{
    return iso6709_parse(text, lat_deg, lon_deg);
}

bool herd_time_parse(struct herd_text text, int64_t *time_ns)
{
    return number_time_parse(text, time_ns);
}

bool herd_difference_parse(struct herd_text text, int64_t *diff_ns)
{
    return number_diff_parse(text, diff_ns);
}

bool herd_decimal_parse(struct herd_text text, double *value)
{
    return number_decimal_parse(text, value);
}

bool herd_count_parse(struct herd_text text, unsigned *value)
{
    return number_count_parse(text, value);
}

bool herd_name_valid(struct herd_text text)
{
    return at_name_valid(text);
}

/* A negative number is what a counter got that could not be had. */
int herd_counter(const char *name)
{
    struct herd_error why;
    int counter = metrics_own(name, &why);
    if (counter < 0)
        log_event(HERD_LOG_WARN, 0, "Not counted: %s", why.text);
    return counter;
}

void herd_count(int counter, uint64_t n)
{
    if (counter >= 0)
        metrics_add(counter, n);
}

static bool is_ahead(const struct herd_request *req, int64_t time_ns, int64_t limit_ns)
{
    return limit_ns > 0 && time_ns - limit_ns > req->clock_ns;
}

static bool has_size(struct herd_text text, size_t max)
{
    return text.len - 1 < max;
}

_Static_assert(HERD_PUT_NEW < HERD_PUT_TIE && HERD_PUT_NEWER < HERD_PUT_TIE &&
                   HERD_PUT_TIE < HERD_PUT_OLDER,
               "up to TIE the store has changed");

static void count_put(bool client, enum herd_put result)
{
    static const enum metric clients[] = {
        METRIC_reports_new,     METRIC_reports_newer,   METRIC_reports_ties,
        METRIC_reports_older,   METRIC_reports_repeats, METRIC_reports_refused,
        METRIC_reports_refused, METRIC_reports_refused, METRIC_reports_refused};
    static const enum metric peers[] = {
        METRIC_merges_new,     METRIC_merges_newer,   METRIC_merges_ties,
        METRIC_merges_older,   METRIC_merges_repeats, METRIC_link_lines_bad,
        METRIC_link_lines_bad, METRIC_merges_dead,    METRIC_link_lines_bad};
    metrics_add(client ? clients[result] : peers[result], 1);
}

static uint64_t hash_of(const struct herd_request *req, struct herd_text client)
{
    if (client.bytes == req->client.bytes && client.len == req->client.len && client.len > 0)
        return req->hash;
    return store_hash(req->store, client);
}

/* What a module forgets or gets wrong most easily; that each text is of its form was the module's
 * to see, and is not looked at twice. Inline, so that the caller is the module's. */
static inline __attribute__((always_inline)) void check_report(const struct herd_report *report)
{
    misuse_unless(has_size(report->server, HERD_NAME_MAX) &&
                      has_size(report->client, HERD_CLIENT_MAX) &&
                      has_size(report->location, HERD_LOCATION_MAX) &&
                      has_size(report->time, HERD_LOCATION_MAX),
                  "herd_report_put of a text that is empty or too long");
    misuse_unless(report->time_ns > 0 || (report->time_ns == 0 && report->time.bytes[0] == '0'),
                  "herd_report_put of a time_ns that is not its time's");
}

enum herd_put herd_report_put(struct herd_request *req, const struct herd_report *report)
{
    bool client = req->session == 0;
    enum herd_put result = HERD_PUT_AHEAD;
    check_report(report);
    if (BROKEN(clock_check_on_merge) && !client && is_ahead(req, report->time_ns, 5000000000))
        return HERD_PUT_AHEAD;
    if (!client || !is_ahead(req, report->time_ns, req->max_ahead_ns))
        result = store_put(req->store, hash_of(req, report->client), report, req->session,
                           req->clock_ns, req->news);
    else
        metric_add(refused_ahead, 1);
    if (!client && result == HERD_PUT_FULL) {
        req->unkept = true; /* the link ends, and what it said comes again with the next */
        return result;
    }
    count_put(client, result);
    if (result <= HERD_PUT_TIE && log_messages())
        log_subject(req->connection, "Location updated for", report->client);
    return result;
}

bool herd_report_get(struct herd_request *req, struct herd_text client, struct herd_report *report,
                     struct herd_room *room)
{
    return store_get(req->store, hash_of(req, client), client, req->clock_ns, report, room);
}

void herd_reply_at(struct herd_request *req, const struct herd_report *report)
{
    misuse_unless(req->out != NULL, "herd_reply_at to a command after herd_defer");
    char *to = buffer_reserve(req->out, HERD_AT_MAX);
    size_t n = at_print(to, report);
    to[n] = '\n'; /* HERD_AT_MAX has room for it */
    buffer_grew(req->out, n + 1);
}
