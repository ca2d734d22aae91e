/* A report as the witness makes it, and the order in which reports replace each other. The order is
 * written here a second time, from what the manual promises and not with herd's own functions: one
 * that judges must not ask the accused. Pure. */
#ifndef TORTURE_REPORT_H
#define TORTURE_REPORT_H

#include <herd/module.h>

#include <stdint.h>

#define REPORT_TEXT_MAX 64 /* "location time" */
#define ID_LEN          8  /* "t0000000" */

/* Its texts are printed anew each time: a million of them are remembered for each server. */
struct report {
    int64_t time_ns;
    int64_t diff_ns; /* what the server that heard it said */
    uint32_t place;
    bool whole; /* its time is written without decimals */
    bool set;
};

/* What a line `AT server diff client location time` says. */
struct said {
    struct herd_text server, client, location, time, rest; /* rest: from the client on */
    int64_t time_ns, diff_ns;
};

/* Writes "location time" and returns its length. */
size_t report_print(const struct report *report, char *to);

/* The report as a server of that name would say it; its texts lie in room (REPORT_TEXT_MAX). */
void report_said(const struct report *report, struct herd_text server, char *room,
                 struct said *said);

/* False: this is no AT line. */
bool said_parse(struct said *said, struct herd_text line);

/* Less than 0, 0, or more: a is replaced by b, is b, replaces b. */
int said_compare(const struct said *a, const struct said *b);

/* Whether the two are one report of a client: a repeat is answered, and not stored. */
bool said_repeats(const struct said *a, const struct said *b);

#endif
