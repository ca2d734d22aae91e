/* Whether a provider of places may be asked just now: its budget (a rate, and so many a day) and
 * its breaker, which opens when the provider has failed so often in a row, and after a pause lets
 * one request through to see. Pure: the caller brings the times, and sees to it that one thread at
 * a time is here. */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct gate_settings {
    double rate;      /* requests a second, a second's worth of them (at least 1) at once; 0: any */
    unsigned per_day; /* of UTC; 0: any */
    unsigned failures; /* in a row that open the breaker; 0: none do */
    int64_t pause_ns;  /* that it stays open */
};

struct gate {
    struct gate_settings settings;
    double tokens;
    int64_t filled_ns, day;
    unsigned today;               /* requests */
    bool rate_spoken, day_spoken; /* it was said that the budget is used up */
    unsigned in_a_row;            /* failures */
    bool open;                    /* the breaker is: nobody gets through before again_ns, */
    bool trying;                  /* or while one does */
    int64_t again_ns;
};

enum gate_word { GATE_PASS, GATE_TRY, GATE_RATE, GATE_DAY, GATE_OPEN };
struct gate_said {
    enum gate_word word;
    bool news; /* the first of the refusals for want of budget, until there is some again */
};

void gate_init(struct gate *gate, const struct gate_settings *settings);

/* GATE_PASS and GATE_TRY: it may be asked, is counted as asked, and gate_end is owed; the latter is
 * the one request that an open breaker lets through. Else why not. now_ns only goes forward,
 * wall_ns is since 1970. */
struct gate_said gate_ask(struct gate *gate, int64_t now_ns, int64_t wall_ns);

/* How a request ended that was asked with that word: the provider answered, or failed, or neither
 * can be told, for nobody waited for it; or it was not asked after all, and what that took of the
 * budget is given back (if the day has turned since, to the new one). Whether the breaker opened by
 * that, or closed. */
enum gate_end { GATE_ANSWERED, GATE_FAILED, GATE_UNTOLD, GATE_UNASKED };
enum gate_change { GATE_SAME, GATE_OPENED, GATE_CLOSED };
enum gate_change gate_end(struct gate *gate, enum gate_word asked, enum gate_end end,
                          int64_t now_ns);

#endif
