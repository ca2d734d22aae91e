/* sim: runs schedules of random events against herd's own store and links, and says which of them
 * end in disagreement.
 *
 *     sim [-g five|two|random|forget|move|slow] [-n servers] [-s first seed] [-c count] [-b rule]
 * [-f] [-v]
 *
 * One line for each seed that fails, and one at the end; exit status 1 if any failed. -f: the first
 * that fails is the last. SEED=n in the environment runs that one with a trace. -b, in sim-broken
 * alone: the rule that herd breaks (herd/broken.h). */
#include "base/log.h"
#include "base/metrics.h"
#include "herd/broken.h"
#include "judge.h"
#include "schedule.h"
#include "slow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_NS (60 * SECOND) /* to agree in after healing */
#define LOOK_NS   (500 * MS)
/* By then most of what was delayed has come, and links that are silent are dropped. */
#define LATE_NS   (6 * SECOND)

struct options {
    const char *graph;
    unsigned servers;
    uint64_t first, count;
    bool trace;
    bool once; /* is enough to fail */
};

#ifdef HERD_BROKEN
enum broken broken_rule;

static bool break_rule(const char *name)
{
    static const char *const names[] = {
        [BROKEN_skip_by_peer] = "skip_by_peer",
        [BROKEN_bits_outlive_sessions] = "bits_outlive_sessions",
        [BROKEN_ignore_epoch] = "ignore_epoch",
        [BROKEN_no_tiebreak] = "no_tiebreak",
        [BROKEN_late_mark_any_epoch] = "late_mark_any_epoch",
        [BROKEN_clock_check_on_merge] = "clock_check_on_merge",
        [BROKEN_sweep_marks_early] = "sweep_marks_early",
        [BROKEN_sweep_jumps_to_tail] = "sweep_jumps_to_tail",
        [BROKEN_never_sweep] = "never_sweep",
        [BROKEN_pos_outlives_store] = "pos_outlives_store",
        [BROKEN_same_epoch] = "same_epoch",
        [BROKEN_mark_runs_ahead] = "mark_runs_ahead",
        [BROKEN_index_outlives_packing] = "index_outlives_packing",
    };
    for (size_t i = 1; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            broken_rule = (enum broken)i;
            return true;
        }
    return false;
}

static bool is_broken(void)
{
    return broken_rule != BROKEN_none;
}
#else
static bool break_rule(const char *name)
{
    (void)name;
    return false;
}

static bool is_broken(void)
{
    return false;
}
#endif

/* Then all is marked too; but of records that were only moved together, which nobody is told before
 * something changes. A broken rule is to be seen by what the servers hold. */
static bool is_settled(const struct world *world, const struct judge *judge, struct herd_error *why)
{
    return judge_agreed(judge, why) &&
           (world->settings.moves || is_broken() || judge_marked(world, why));
}

/* It must be there twice, as something late may yet come. */
static bool settle(struct world *world, const struct judge *judge, struct herd_error *why)
{
    int64_t until_ns = world->now_ns + SETTLE_NS;
    world_run(world, world->now_ns + LATE_NS);
    while (!is_settled(world, judge, why)) {
        if (world->now_ns >= until_ns)
            return false;
        world_run(world, world->now_ns + LOOK_NS);
    }
    world_run(world, world->now_ns + 2 * LOOK_NS);
    return is_settled(world, judge, why);
}

static bool run_schedule(struct world *world, struct herd_error *why)
{
    schedule_run(world);
    struct judge *judge = judge_create(world);
    schedule_heal(world);
    bool good = settle(world, judge, why);
    judge_destroy(judge);
    return good;
}

/* In the end all is forgotten everywhere; what is told then is known everywhere. */
static bool run_forget(struct world *world, struct herd_error *why)
{
    schedule_run(world);
    schedule_heal(world);
    world_run(world, world->now_ns + SETTLE_NS);
    for (unsigned i = 0; i < world->server_count; i++)
        for (int round = 0; round < 2; round++)
            store_forget(world->servers[i].store, 1000, server_clock_ns(&world->servers[i]));
    if (!judge_empty(world, why))
        return false;
    world->settings.forget_after_ns = 3600 * SECOND;
    for (unsigned i = 0; i < world->server_count; i++)
        store_limit(world->servers[i].store, 0, 0, world->settings.forget_after_ns);
    for (unsigned id = 0; id < world->settings.ids; id++)
        schedule_report(world, id);
    struct judge *judge = judge_create(world);
    bool good = settle(world, judge, why);
    judge_destroy(judge);
    return good;
}

static bool run_seed(const struct options *options, uint64_t seed, struct herd_error *why)
{
    bool good;
    struct world *world;
    if (strcmp(options->graph, "random") == 0)
        world = schedule_random(seed, options->servers, options->trace);
    else if (strcmp(options->graph, "two") == 0)
        world = schedule_two(seed, options->trace);
    else if (strcmp(options->graph, "forget") == 0)
        world = schedule_forget(seed, options->trace);
    else if (strcmp(options->graph, "move") == 0)
        world = schedule_move(seed, options->trace);
    else
        world = schedule_five(seed, options->trace);
    if (strcmp(options->graph, "forget") == 0)
        good = run_forget(world, why);
    else
        good = run_schedule(world, why);
    world_destroy(world);
    return good;
}

static int run_seeds(const struct options *options)
{
    uint64_t failed = 0, ran = 0;
    while (ran < options->count && !(failed && options->once)) {
        uint64_t seed = options->first + ran++;
        struct herd_error why;
        if (run_seed(options, seed, &why))
            continue;
        failed++;
        printf("seed %llu: %s\n", (unsigned long long)seed, why.text);
    }
    printf("%s: %llu of %llu seeds failed; %llu updates sent, %llu sweeps\n", options->graph,
           (unsigned long long)failed, (unsigned long long)ran,
           (unsigned long long)metrics_sum(METRIC_updates_sent),
           (unsigned long long)metrics_sum(METRIC_sweeps));
    return failed > 0;
}

static bool known_graph(const char *graph)
{
    return strcmp(graph, "five") == 0 || strcmp(graph, "two") == 0 ||
           strcmp(graph, "random") == 0 || strcmp(graph, "forget") == 0 ||
           strcmp(graph, "move") == 0 || strcmp(graph, "slow") == 0;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    const char *seed = getenv("SEED");
    for (int c; (c = getopt(argc, argv, "g:n:s:c:b:fv")) != -1;) {
        if (c == 'g' && known_graph(optarg))
            options->graph = optarg;
        else if (c == 'n')
            options->servers = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 's')
            options->first = strtoull(optarg, NULL, 10);
        else if (c == 'c')
            options->count = strtoull(optarg, NULL, 10);
        else if (c == 'f')
            options->once = true;
        else if (c == 'v')
            options->trace = true;
        else if (c != 'b' || !break_rule(optarg))
            return false;
    }
    if (seed != NULL) {
        options->first = strtoull(seed, NULL, 10);
        options->count = 1;
        options->trace = true;
    }
    return options->servers >= 2 && options->servers <= 500 && optind == argc;
}

int main(int argc, char **argv)
{
    struct options options = {.graph = "five", .servers = 100, .first = 1, .count = 1};
    struct log_config quiet = {.file = "/dev/null", .level = HERD_LOG_ERROR};
    struct herd_error err;
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr,
                "usage: sim [-g five|two|random|forget|move|slow] [-n servers] [-s first_seed] "
                "[-c count] [-b rule] [-f] [-v]\n");
        return 2;
    }
    if (!log_open(&quiet, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    int status = strcmp(options.graph, "slow") == 0 ? slow_run(options.first) : run_seeds(&options);
    log_close();
    metrics_fini();
    return status;
}
