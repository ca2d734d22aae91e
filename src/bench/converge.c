/* Waits until all servers know all. There is no way to ask a server whether it does but to ask it
 * for each id, and that takes longer than the herd needs to agree. So the ids that were reported
 * last are asked for first: once the herd has those, it has nearly always all, and what counts is
 * the moment when the last id that was seen to be missing was found. The rest of the asking is the
 * proof, and has a time of its own. */
#include "bench/converge.h"

#include "base/clock.h"
#include "base/memory.h"
#include "bench/ask.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE   64
#define RECENT_NS 100000000 /* asked for first */
#define PAUSE_NS  100000    /* servers on this machine want to run too */

/* How far one server is. */
struct check {
    struct ask ask;
    size_t at;                 /* the next id in the order */
    uint32_t waiting[AT_ONCE]; /* ids in question: those missing, then new ones */
    size_t missing, count;
};

struct checks {
    struct check *all;
    size_t count;
    struct work_plan plan;
    uint32_t *order; /* of ids: the most recent first */
    size_t order_len;
    char *requests;
    struct converge_result *result;
    int64_t last_ns, found_ns; /* the load's last answer; the last id found */
};

bool converge_answer(struct ask *ask, int64_t time_ns, bool *there, struct herd_error *err)
{
    assert(ask && there && err);
    struct herd_text answer;
    char time[WORK_TIME_LEN];
    bool good = false;
    if (!ask_answer(ask, &work_whatsat, WORK_WHATSAT, &answer, &good, err))
        return false;
    work_put_time(time, time_ns);
    const char *end = memchr(answer.bytes, '\n', answer.len);
    *there = good && end - answer.bytes >= WORK_TIME_LEN &&
             memcmp(end - WORK_TIME_LEN, time, WORK_TIME_LEN) == 0;
    return true;
}

static void make_order(struct checks *checks)
{
    const struct work_plan *plan = &checks->plan;
    int64_t recent_ns = 0;
    for (uint64_t id = 0; id < plan->ids; id++)
        if (plan->newest_ns[id] > recent_ns)
            recent_ns = plan->newest_ns[id];
    recent_ns -= RECENT_NS;
    checks->order = memory_alloc(plan->ids * sizeof *checks->order);
    for (uint64_t id = 0; id < plan->ids; id++)
        if (plan->newest_ns[id] != 0 && plan->newest_ns[id] > recent_ns)
            checks->order[checks->order_len++] = (uint32_t)id;
    for (uint64_t id = 0; id < plan->ids; id++)
        if (plan->newest_ns[id] != 0 && plan->newest_ns[id] <= recent_ns)
            checks->order[checks->order_len++] = (uint32_t)id;
}

static bool open_all(struct checks *checks, const struct targets *targets, struct herd_error *err)
{
    checks->all = memory_zeroed(targets->count, sizeof *checks->all);
    for (; checks->count < targets->count; checks->count++)
        if (!ask_open(&checks->all[checks->count].ask, &targets->all[checks->count], err))
            return false;
    checks->requests = memory_alloc(AT_ONCE * work_request_max(&work_whatsat, &checks->plan));
    return true;
}

static void close_all(struct checks *checks)
{
    for (size_t i = 0; i < checks->count; i++)
        ask_close(&checks->all[i].ask);
    free(checks->all);
    free(checks->order);
    free(checks->requests);
}

static bool send_questions(struct checks *checks, struct check *check, struct herd_error *err)
{
    struct work_source source = {.plan = &checks->plan, .count = 1, .in_order = true};
    char *at = checks->requests;
    unsigned char kind;
    check->count = check->missing;
    while (check->count < AT_ONCE && check->at < checks->order_len)
        check->waiting[check->count++] = checks->order[check->at++];
    for (size_t i = 0; i < check->count; i++) {
        source.first = check->waiting[i];
        at += work_whatsat.build(&source, at, &kind);
    }
    return ask_send(&check->ask, checks->requests, (size_t)(at - checks->requests), err);
}

/* Keeps those that are still missing. */
static bool take_answers(struct checks *checks, struct check *check, struct herd_error *err)
{
    size_t old = check->missing;
    check->missing = 0;
    for (size_t i = 0; i < check->count; i++) {
        uint32_t id = check->waiting[i];
        bool there = false;
        if (!converge_answer(&check->ask, checks->plan.newest_ns[id], &there, err))
            return false;
        checks->result->missing += !there && i >= old;
        if (!there)
            check->waiting[check->missing++] = id;
        else if (i < old)
            checks->result->converged_ns = clock_now_ns() - checks->last_ns;
    }
    if (check->missing < check->count)
        checks->found_ns = clock_now_ns();
    return true;
}

/* One batch at each server. all_done: every server knows all; none_found: nobody knew more. */
static bool go_round(struct checks *checks, bool *all_done, bool *none_found,
                     struct herd_error *err)
{
    int64_t found_ns = checks->found_ns;
    *all_done = true;
    for (size_t i = 0; i < checks->count; i++) {
        struct check *check = &checks->all[i];
        if (check->missing == 0 && check->at == checks->order_len)
            continue;
        if (!send_questions(checks, check, err) || !take_answers(checks, check, err))
            return false;
        *all_done &= check->missing == 0 && check->at == checks->order_len;
    }
    *none_found = checks->found_ns == found_ns;
    return true;
}

static bool complain(const struct checks *checks, struct herd_error *err)
{
    size_t i = 0;
    while (checks->all[i].missing == 0)
        i++;
    struct work_source source = {.plan = &checks->plan};
    char id[HERD_CLIENT_MAX];
    work_put_id(&source, id, checks->all[i].waiting[0]);
    return herd_fail(err, "--converge: %s does not learn of %.*s", checks->all[i].ask.name,
                     (int)checks->plan.id_len, id);
}

static bool wait_for_all(struct checks *checks, const struct converge_until *until,
                         struct herd_error *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    bool all_done = false, none_found = false;
    checks->found_ns = clock_now_ns();
    while (!all_done) {
        if (atomic_load(until->hurry)) {
            checks->result->converged_ns = checks->result->checked_ns = -1;
            return true;
        }
        if (!go_round(checks, &all_done, &none_found, err))
            return false;
        if (all_done || !none_found)
            continue;
        if (clock_now_ns() - checks->found_ns > until->patience_ns)
            return complain(checks, err);
        nanosleep(&pause, NULL);
    }
    checks->result->checked_ns = clock_now_ns() - checks->last_ns;
    return true;
}

bool converge_wait(struct converge_result *result, const struct targets *targets,
                   const struct work_plan *plan, int64_t last_ns,
                   const struct converge_until *until, struct herd_error *err)
{
    assert(result && targets && plan && plan->newest_ns && until && err);
    struct checks checks = {.plan = *plan, .result = result, .last_ns = last_ns};
    strcpy(checks.plan.question, CONVERGE_QUESTION);
    make_order(&checks);
    bool good = checks.order_len > 0 || herd_fail(err, "--converge: nothing was reported");
    good = good && open_all(&checks, targets, err) && wait_for_all(&checks, until, err);
    close_all(&checks);
    return good;
}
