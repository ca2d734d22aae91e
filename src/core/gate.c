/* Failures of requests that were under way when the breaker opened change nothing any more; an
 * answer closes it, whichever request it is to. */
#include "core/gate.h"

#include <assert.h>

#define DAY_NS (INT64_C(86400) * 1000000000)

static double burst(const struct gate *gate)
{
    return gate->settings.rate > 1 ? gate->settings.rate : 1;
}

void gate_init(struct gate *gate, const struct gate_settings *settings)
{
    assert(settings->rate >= 0 && settings->pause_ns >= 0);
    *gate = (struct gate){.settings = *settings, .filled_ns = INT64_MIN, .day = INT64_MIN};
    gate->tokens = burst(gate);
}

/* ---- the budget ---- */

static void fill(struct gate *gate, int64_t now_ns)
{
    double most = burst(gate);
    if (gate->filled_ns != INT64_MIN && now_ns > gate->filled_ns)
        gate->tokens += (double)(now_ns - gate->filled_ns) / 1e9 * gate->settings.rate;
    gate->filled_ns = now_ns;
    if (gate->tokens < most)
        return;
    gate->tokens = most;
    gate->rate_spoken = false;
}

/* By any change of the day, so that a clock that was set right does not cost the budget of years.
 */
static void turn_day(struct gate *gate, int64_t wall_ns)
{
    int64_t day = wall_ns / DAY_NS;
    if (day == gate->day)
        return;
    gate->day = day;
    gate->today = 0;
    gate->day_spoken = false;
}

static struct gate_said refuse(enum gate_word word, bool *spoken)
{
    struct gate_said said = {.word = word, .news = !*spoken};
    *spoken = true;
    return said;
}

static struct gate_said spend(struct gate *gate, int64_t now_ns, int64_t wall_ns)
{
    bool by_rate = gate->settings.rate > 0, by_day = gate->settings.per_day > 0;
    if (by_rate)
        fill(gate, now_ns);
    if (by_day)
        turn_day(gate, wall_ns);
    if (by_day && gate->today >= gate->settings.per_day)
        return refuse(GATE_DAY, &gate->day_spoken);
    if (by_rate && gate->tokens < 1)
        return refuse(GATE_RATE, &gate->rate_spoken);
    gate->tokens -= by_rate;
    gate->today += by_day;
    return (struct gate_said){.word = GATE_PASS};
}

static void give_back(struct gate *gate)
{
    gate->tokens = gate->tokens + 1 < burst(gate) ? gate->tokens + 1 : burst(gate);
    gate->today -= gate->today > 0;
}

/* ---- the breaker ---- */

struct gate_said gate_ask(struct gate *gate, int64_t now_ns, int64_t wall_ns)
{
    if (gate->open && (gate->trying || now_ns < gate->again_ns))
        return (struct gate_said){.word = GATE_OPEN};
    struct gate_said said = spend(gate, now_ns, wall_ns);
    if (said.word == GATE_PASS && gate->open) {
        gate->trying = true;
        said.word = GATE_TRY;
    }
    return said;
}

static enum gate_change answered(struct gate *gate)
{
    bool was_open = gate->open;
    gate->open = gate->trying = false;
    gate->in_a_row = 0;
    return was_open ? GATE_CLOSED : GATE_SAME;
}

static enum gate_change failed(struct gate *gate, bool tried, int64_t now_ns)
{
    bool was_open = gate->open;
    if (gate->settings.failures == 0 || (was_open && !tried))
        return GATE_SAME;
    if (!was_open && ++gate->in_a_row < gate->settings.failures)
        return GATE_SAME;
    gate->open = true;
    gate->again_ns = now_ns + gate->settings.pause_ns;
    return was_open ? GATE_SAME : GATE_OPENED;
}

enum gate_change gate_end(struct gate *gate, enum gate_word asked, enum gate_end end,
                          int64_t now_ns)
{
    bool tried = asked == GATE_TRY && gate->trying;
    assert(asked == GATE_PASS || asked == GATE_TRY);
    if (end == GATE_ANSWERED)
        return answered(gate);
    if (end == GATE_UNASKED)
        give_back(gate);
    if (tried)
        gate->trying = false; /* who comes next may try */
    return end == GATE_FAILED ? failed(gate, tried, now_ns) : GATE_SAME;
}
