/* How far it is. */
#include "bench/progress.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#define ERASE "\r\033[K"

void progress_init(struct progress *progress, bool always, bool never)
{
    assert(progress);
    bool terminal = isatty(STDERR_FILENO) == 1;
    *progress = (struct progress){.on = !never && (always || terminal), .terminal = terminal};
}

void progress_begin(struct progress *progress, const char *what)
{
    assert(progress && what);
    progress->what = what;
    progress->from_ns = progress->last_ns = clock_now_ns();
    progress->last_answers = 0;
}

void progress_tell(struct progress *progress, uint64_t answers, uint64_t errors)
{
    assert(progress && progress->what);
    int64_t now_ns = clock_now_ns(), since_ns = now_ns - progress->last_ns;
    if (!progress->on || since_ns <= 0)
        return;
    double rate = (double)(answers - progress->last_answers) * 1e9 / (double)since_ns;
    fprintf(stderr, "%s%s: %.0f s, %.0f/s, %llu answers, %llu errors%s",
            progress->terminal ? ERASE : "", progress->what,
            (double)(now_ns - progress->from_ns) / 1e9, rate, (unsigned long long)answers,
            (unsigned long long)errors, progress->terminal ? "" : "\n");
    fflush(stderr);
    progress->last_ns = now_ns;
    progress->last_answers = answers;
}

void progress_end(struct progress *progress)
{
    assert(progress);
    if (progress->on && progress->terminal)
        fputs(ERASE, stderr);
}
