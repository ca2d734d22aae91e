/* From a report at one server to another's answer for it. The other is asked one question after the
 * other, the next when the last is answered, so the figure has the grain of one answer, and
 * includes it. More of them at once would make the grain finer and the servers slower, where all
 * share the processors of one machine. */
#include "base/clock.h"
#include "base/memory.h"
#include "bench/ask.h"
#include "bench/converge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct hops {
    struct ask from, to;
    struct work_plan plan;
    struct work_source source;
    char *request;
    const struct converge_until *until;
    struct converge_result *result;
};

/* Reports the source's id; the answer counts from sent_ns. */
static bool report(struct hops *hops, int64_t *sent_ns, struct herd_error *err)
{
    struct herd_text answer;
    unsigned char kind;
    bool good;
    int64_t wall_ns = clock_wall_ns();
    if (hops->source.time_ns < wall_ns)
        hops->source.time_ns = wall_ns;
    size_t len = work_iamat.build(&hops->source, hops->request, &kind);
    *sent_ns = clock_now_ns();
    if (!ask_send(&hops->from, hops->request, len, err) ||
        !ask_answer(&hops->from, &work_iamat, kind, &answer, &good, err))
        return false;
    histogram_add(&hops->result->answer_ns, (uint64_t)(clock_now_ns() - *sent_ns));
    return good ||
           herd_fail(err, "%s answers %.*s", hops->from.name, (int)(answer.len - 1), answer.bytes);
}

/* Or until somebody wants the end: then there is no figure. */
static bool wait_until_there(struct hops *hops, int64_t sent_ns, struct herd_error *err)
{
    unsigned char kind;
    bool there = false;
    size_t len = work_whatsat.build(&hops->source, hops->request, &kind);
    while (!there) {
        if (!ask_send(&hops->to, hops->request, len, err) ||
            !converge_answer(&hops->to, hops->source.time_ns, &there, err))
            return false;
        if (!there && atomic_load(hops->until->hurry))
            return true;
        if (!there && clock_now_ns() - sent_ns > hops->until->patience_ns)
            return herd_fail(err, "--converge: %s does not learn of %.*s", hops->to.name,
                             (int)hops->plan.id_len, hops->request + strlen("WHATSAT "));
    }
    histogram_add(&hops->result->hop_ns, (uint64_t)(clock_now_ns() - sent_ns));
    return true;
}

static bool measure(struct hops *hops, uint64_t reports, int64_t gap_ns, struct herd_error *err)
{
    const struct timespec gap = {gap_ns / 1000000000, gap_ns % 1000000000};
    for (uint64_t i = 0; i < reports && !atomic_load(hops->until->hurry); i++) {
        int64_t sent_ns;
        hops->source.first = i % hops->plan.ids;
        if (!report(hops, &sent_ns, err) || !wait_until_there(hops, sent_ns, err))
            return false;
        nanosleep(&gap, NULL);
    }
    return true;
}

bool hops_measure(struct converge_result *result, const struct target *from,
                  const struct target *to, const struct work_plan *plan, uint64_t reports,
                  int64_t gap_ns, const struct converge_until *until, struct herd_error *err)
{
    assert(result && from && to && from != to && plan && reports > 0 && gap_ns >= 0 && until);
    struct hops hops = {.plan = *plan, .result = result, .until = until};
    strcpy(hops.plan.question, CONVERGE_QUESTION);
    hops.plan.newest_ns = NULL;
    hops.source = (struct work_source){.plan = &hops.plan, .count = 1, .in_order = true};
    hops.request = memory_alloc(work_request_max(&work_whatsat, plan));
    result->from = from->name;
    result->to = to->name;
    bool good = ask_open(&hops.from, from, err) && ask_open(&hops.to, to, err) &&
                measure(&hops, reports, gap_ns, err);
    ask_close(&hops.from);
    ask_close(&hops.to);
    free(hops.request);
    return good;
}
