/* herd-places import: see import.h. It is all or nothing: what is imported is in the place of the
 * old file when all of it is, and on the disk; whatever ends it earlier, a signal too, leaves the
 * old one as it was, and nothing beside it. */
#include "places/import.h"

#include "base/clock.h"
#include "db.h"
#include "db_make.h"
#include "json.h"
#include "places/replace.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

#define BAD_NAMED 20 /* records that are no place are named, as many as this */
#define TELL_NS   500000000
#define ERASE     "\r\033[K"

static volatile sig_atomic_t signalled;

struct work {
    const struct import *import;
    struct source source;
    struct reader reader;
    struct grown line;
    uint64_t read, bad;
    bool tells, terminal;
    int64_t told_ns;
};

/* ---- signals: what ends a program leaves no half of a file ---- */

/* A read that begins just behind a signal would wait for ever: it is interrupted once a second. */
static void note_signal(int signal)
{
    if (signal != SIGALRM)
        signalled = signal;
    alarm(1);
}

static void catch_signals(void)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
        struct sigaction before, action = {.sa_handler = note_signal};

        /* nohup means it */
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(ending[i], &action, NULL);
    }
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = note_signal}, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write that fails is an error like any other */
}

/* Now that all is cleaned up, what the signal would have done. */
static void end_by_signal(void)
{
    if (!signalled)
        return;
    alarm(0);
    signal(signalled, SIG_DFL);
    raise(signalled);
}

/* ---- telling how far it is ---- */

static void erase(const struct work *work)
{
    if (work->tells && work->terminal)
        fputs(ERASE, stderr);
}

static void tell(struct work *work, uint64_t stored)
{
    int64_t now_ns = clock_now_ns();

    if (!work->tells || now_ns - work->told_ns < TELL_NS)
        return;
    work->told_ns = now_ns;
    erase(work);
    if (stored > 0)
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 " places stored", stored, work->read);
    else if (work->source.size > 0)
        fprintf(stderr, "%" PRIu64 " places read, %.0f %% of the file", work->read,
                100.0 * (double)work->source.taken / (double)work->source.size);
    else
        fprintf(stderr, "%" PRIu64 " places read", work->read);
    fputs(work->terminal ? "" : "\n", stderr);
    fflush(stderr);
}

static bool go_on(void *arg, uint64_t stored)
{
    tell(arg, stored);
    return !signalled;
}

/* ---- reading ---- */

static const char *name_of(const struct work *work)
{
    return strcmp(work->import->from, "-") == 0 ? "standard input" : work->import->from;
}

static bool fail_here(const struct work *work, struct herd_error *err, const char *why)
{
    return herd_fail(err, "%s:%" PRIu64 ": %s", name_of(work), work->reader.line, why);
}

static void name_bad(struct work *work, const char *why)
{
    work->bad++;
    if (work->bad > BAD_NAMED)
        return;
    erase(work);
    fprintf(stderr, "%s:%" PRIu64 ": %s\n", name_of(work), work->reader.line, why);
    if (work->bad == BAD_NAMED)
        fprintf(stderr, "%s: more that are no places are only counted\n", name_of(work));
}

/* Makes the entry that is stored, and looks whether it is JSON, whoever put it together. */
static enum reader_result render(struct work *work, const struct place *place,
                                 struct herd_error *err)
{
    struct herd_error why;
    struct herd_text line;

    grown_clear(&work->line);
    place_render(place, &work->line);
    if (work->line.failed) {
        herd_fail(err, "no memory");
        return READER_FAILED;
    }
    if (work->line.len > DB_LINE_MAX) {
        herd_fail(err, "its entry is longer than %d bytes", DB_LINE_MAX);
        return READER_BAD;
    }
    line = (struct herd_text){work->line.bytes, work->line.len};
    if (json_check(line, &why))
        return READER_PLACE;
    herd_fail(err, "%s", strncmp(why.text, "line 1: ", 8) == 0 ? why.text + 8 : why.text);
    return READER_BAD;
}

static bool next_place(void *arg, struct db_place *to, struct herd_error *err)
{
    struct work *work = arg;
    struct herd_error why = {{0}};
    struct place place;
    enum reader_result result;

    for (;;) {
        result = reader_next(&work->reader, &place, &why);
        if (result == READER_PLACE)
            result = render(work, &place, &why);
        if (result == READER_END)
            return false;
        if (result == READER_FAILED || (result == READER_BAD && work->import->strict))
            return fail_here(work, err, why.text);
        if (result == READER_PLACE)
            break;
        name_bad(work, why.text);
        if (signalled)
            return fail_here(work, err, "interrupted");
    }
    work->read++;
    *to = (struct db_place){place.lat_deg, place.lon_deg, {work->line.bytes, work->line.len}};
    return true;
}

/* ---- from the beginning to the end ---- */

static bool make(struct work *work, struct replace *replace, struct herd_error *err)
{
    const struct db_source source = {
        .next = next_place, .go_on = go_on, .arg = work, .made_by = "herd-places " PACKAGE_VERSION};
    uint64_t stored;
    bool made = db_make(replace->made, &source, &stored, err);

    erase(work);
    if (made && stored == 0)
        made = herd_fail(err, "%s: no place in it", name_of(work));
    if (!made || signalled) {
        replace_give_up(replace);
        return made && herd_fail(err, "interrupted");
    }
    return replace_finish(replace, err);
}

static bool run(struct work *work, struct herd_error *err)
{
    struct replace replace;
    bool good;

    if (!source_open(&work->source, work->import->from, err))
        return false;
    work->reader = (struct reader){.format = work->import->format, .source = &work->source};
    good = replace_begin(&replace, work->import->to, err) && make(work, &replace, err);
    reader_fini(&work->reader);
    source_close(&work->source);
    free(work->line.bytes);
    return good;
}

int import_run(const struct import *import)
{
    struct work work = {.import = import, .terminal = isatty(STDERR_FILENO) == 1};
    struct herd_error err = {{0}};
    int64_t began_ns = clock_now_ns();
    bool good;

    assert(import && import->from && import->to);
    work.tells = work.terminal || import->verbose;
    catch_signals();
    good = run(&work, &err);
    if (work.bad > 0)
        fprintf(stderr, "%s: %" PRIu64 " that are no places\n", name_of(&work), work.bad);
    if (!good) {
        fprintf(stderr, "herd-places: %s\n", err.text);
        end_by_signal();
        return EXIT_FAILURE;
    }
    printf("%" PRIu64 " places in %s, in %.1f s\n", work.read, import->to,
           (double)(clock_now_ns() - began_ns) / 1e9);
    return EXIT_SUCCESS;
}
