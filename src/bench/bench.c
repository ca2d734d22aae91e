/* From the command line to the figures: servers, connections, then one phase after the other, and
 * the report. Owns all that there is one of. Main thread, which waits while others load; a signal
 * that asks for the end brings it early, with the figures so far. */
#include "bench/bench.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/output.h"
#include "bench/command.h"
#include "bench/converge.h"
#include "bench/load.h"
#include "bench/report.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static atomic_bool hurry;

struct bench {
    struct works works;
    struct command command;
    struct targets targets;
    struct targets everyone;        /* with --converge: all servers of the configuration */
    const struct target *from, *to; /* two of them */
    struct work_plan plan;
    struct load load;
    struct progress progress;
    struct report report;
    struct tally early; /* of the warm-up; its errors count */
};

static void ask_for_end(int signal)
{
    (void)signal;
    atomic_store(&hurry, true);
}

static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = ask_for_end, .sa_flags = SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void gather_works(struct works *works, const struct work *const *more, size_t more_count)
{
    static const struct work *const own[] = {&work_iamat, &work_whatsat, &work_mix};
    const size_t own_count = sizeof own / sizeof own[0];
    const struct work **all = memory_alloc((own_count + more_count) * sizeof *all);
    memcpy(all, own, sizeof own);
    for (size_t i = 0; i < more_count; i++)
        all[own_count + i] = more[i];
    *works = (struct works){all, own_count + more_count};
}

static bool find_targets(struct bench *bench, struct herd_error *err)
{
    const struct command *command = &bench->command;
    bool good = true;
    if (command->file != NULL)
        good = targets_add_file(&bench->targets, command->file, command->names, command->name_count,
                                err);
    for (size_t i = 0; good && i < command->server_count; i++)
        good = targets_add(&bench->targets, command->servers[i], err);
    if (good && command->connections < bench->targets.count)
        return herd_fail(err, "-c: fewer connections than servers");
    return good;
}

static bool find_server(const struct targets *all, const char *name, size_t otherwise,
                        const struct target **target, struct herd_error *err)
{
    int index = name != NULL ? targets_find(all, name) : (int)otherwise;
    if (index < 0)
        return herd_fail(err, "--from, --to: there is no server %s", name);
    *target = &all->all[index];
    return true;
}

/* The servers whose agreement is waited for. */
static bool find_everyone(struct bench *bench, struct herd_error *err)
{
    const struct command *command = &bench->command;
    struct targets *all = &bench->everyone;
    if (!targets_add_file(all, command->file, NULL, 0, err) ||
        !find_server(all, command->from, 0, &bench->from, err) ||
        !find_server(all, command->to, all->count - 1, &bench->to, err))
        return false;
    bench->plan.newest_ns = memory_zeroed(command->ids, sizeof *bench->plan.newest_ns);
    return bench->from != bench->to ||
           herd_fail(err, "--converge wants two servers, not %s twice", bench->from->name);
}

static void make_plan(struct work_plan *plan, const struct command *command)
{
    size_t prefix = strlen(command->prefix);
    assert(prefix < command->id_len && command->id_len <= sizeof plan->id);
    memset(plan->id, '0', command->id_len);
    memcpy(plan->id, command->prefix, prefix);
    plan->id_len = command->id_len;
    plan->ids = command->ids;
    plan->reads = (unsigned)command->reads;
    plan->seed = command->seed;
    snprintf(plan->question, sizeof plan->question, " %s %s", command->radius, command->bound);
}

/* ---- phases ---- */

static int64_t ns_of(double seconds)
{
    return (int64_t)(seconds * 1e9);
}

static void run_phase(struct bench *bench, const char *title, struct phase phase,
                      struct tally *total)
{
    phase.hurry = &hurry;
    phase.patience_ns = ns_of(bench->command.patience_s);
    progress_begin(&bench->progress, title);
    load_run(&bench->load, &phase, &bench->progress, total);
}

/* A connection that is closed takes the rest of its ids with it, which nobody has sent. */
static bool check_fill(const struct tally *tally, uint64_t ids, struct herd_error *err)
{
    unsigned long long stored = tally->answers - tally->invalid;
    unsigned long long missing = ids > stored ? ids - stored : 0;
    if (tally->dropped > 0)
        return herd_fail(err, "of %llu ids %llu could not be stored; connections closed: %llu",
                         (unsigned long long)ids, missing, (unsigned long long)tally->dropped);
    return tally->invalid + tally->lost == 0 ||
           herd_fail(err, "of %llu ids %llu could not be stored", (unsigned long long)ids, missing);
}

static bool fill(struct bench *bench, struct herd_error *err)
{
    const struct command *command = &bench->command;
    struct tally *tally = memory_alloc(sizeof *tally);
    run_phase(bench, "filling", (struct phase){.work = command->fill, .in_order = true}, tally);
    bool good = check_fill(tally, command->ids, err);
    free(tally);
    return good;
}

static void warm_up(struct bench *bench)
{
    const struct command *command = &bench->command;
    struct phase phase = {.work = command->work, .rate = command->rate};
    phase.lasts_ns = ns_of(command->warm_up_s);
    run_phase(bench, "warming up", phase, &bench->early);
}

static bool prepare(struct bench *bench, struct herd_error *err)
{
    if (bench->command.fill != NULL && !fill(bench, err))
        return false;
    if (bench->command.warm_up_s > 0)
        warm_up(bench);
    return true;
}

/* What was lost in the warm-up is missing in what is measured, and would not be seen there. */
static void add_early(struct tally *tally, const struct tally *early)
{
    tally->invalid += early->invalid;
    tally->dropped += early->dropped;
    tally->lost += early->lost;
}

/* CPU time that the process has used, all its threads together. -1: there is no such process. */
static int64_t cpu_of(int pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return -1;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void measure(struct bench *bench)
{
    const struct command *command = &bench->command;
    struct report *report = &bench->report;
    int64_t before_ns[COMMAND_MOST];
    struct phase phase = {.work = command->work,
                          .lasts_ns = ns_of(command->seconds),
                          .requests = command->requests,
                          .rate = command->rate};
    for (size_t i = 0; i < command->pid_count; i++)
        before_ns[i] = cpu_of(command->pids[i]);
    int64_t own_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    run_phase(bench, command->work->name, phase, &report->tally);
    report->own_cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
    for (size_t i = 0; i < command->pid_count; i++) {
        int64_t now_ns = cpu_of(command->pids[i]);
        report->cpu_ns[i] = now_ns < 0 || before_ns[i] < 0 ? -1 : now_ns - before_ns[i];
    }
    report->idle_lost = load_count_lost_idle(&bench->load);
    add_early(&report->tally, &bench->early);
}

/* After a load that was not taken whole, servers that do not know all of it would be no news. */
static bool converge(struct bench *bench, struct herd_error *err)
{
    const struct command *command = &bench->command;
    struct converge_result *result = &bench->report.converge;
    const struct converge_until until = {ns_of(command->patience_s), &hurry};
    int64_t last_ns = bench->report.tally.last_ns;
    if (report_has_errors(&bench->report))
        return herd_fail(err, "--converge: not every request of the load was answered well");
    return converge_wait(result, &bench->everyone, &bench->plan, last_ns, &until, err) &&
           hops_measure(result, bench->from, bench->to, &bench->plan, command->reports,
                        ns_of(command->gap_ms / 1e3), &until, err);
}

/* ---- all of it ---- */

/* Sockets that --converge will open: to every server, and to two of them. */
static size_t count_late(const struct bench *bench)
{
    return bench->command.converge ? bench->everyone.count + 2 : 0;
}

static bool run(struct bench *bench, struct herd_error *err)
{
    const struct command *command = &bench->command;
    const struct work *first = command->work;
    if (!find_targets(bench, err) || (command->converge && !find_everyone(bench, err)))
        return false;
    if (first->fill != NULL)
        first = command->fill != NULL ? command->fill : first;
    make_plan(&bench->plan, command);
    progress_init(&bench->progress, command->progress, command->quiet);
    catch_signals();
    if (!load_allow((unsigned)command->threads,
                    command->connections + command->idle + count_late(bench), err) ||
        !load_open(&bench->load, &bench->targets, &bench->plan, (unsigned)command->threads,
                   command->connections, (unsigned)command->depth, err) ||
        (command->idle > 0 &&
         !load_open_idle(&bench->load, &bench->targets, first, command->idle, err)) ||
        !prepare(bench, err))
        return false;
    measure(bench);
    return !command->converge || converge(bench, err);
}

static int run_and_report(struct bench *bench)
{
    struct herd_error err;
    bool good = run(bench, &err);
    bench->report.command = &bench->command;
    bench->report.targets = &bench->targets;
    if (good)
        report_print(&bench->report, stdout);
    else
        fprintf(stderr, "herd-bench: %s\n", err.text);
    load_close(&bench->load);
    targets_free(&bench->targets);
    targets_free(&bench->everyone);
    free(bench->plan.newest_ns);
    return good && !report_has_errors(&bench->report) ? 0 : 1;
}

int bench_main(int argc, char **argv, const struct work *const *more, size_t more_count)
{
    assert(argc > 0 && argv && (more || more_count == 0));
    struct herd_error err;
    int status = 0;
    struct bench *bench = memory_zeroed(1, sizeof *bench);
    gather_works(&bench->works, more, more_count);
    if (!command_parse(&bench->command, argc, argv, &bench->works, &err)) {
        fprintf(stderr, "herd-bench: %s\n", err.text);
        status = 1;
    } else if (bench->command.task == COMMAND_HELP) {
        command_help(stdout, "herd-bench", &bench->works);
    } else if (bench->command.task == COMMAND_VERSION) {
        printf("herd-bench %s\n", PACKAGE_VERSION);
    } else {
        status = run_and_report(bench);
    }
    if (output_end("herd-bench") != 0)
        status = 1;
    free((void *)bench->works.all);
    free(bench);
    return status;
}
