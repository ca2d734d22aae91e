/* Prints the figures: the list of them is made once, and each form writes it in its own way. */
#include "bench/report.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* One figure. Names end in their unit. */
struct figure {
    const char *group; /* NULL: none */
    const char *name;
    double value; /* NAN: it is not known */
    int decimals;
};

#define FIGURES_MOST 64

struct figures {
    struct figure all[FIGURES_MOST];
    size_t count;
};

static const struct {
    const char *name;
    double percent;
} percentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99},
};
#define PERCENTILES (sizeof percentiles / sizeof percentiles[0])

static void add(struct figures *figures, const char *group, const char *name, double value,
                int decimals)
{
    assert(figures->count < FIGURES_MOST);
    figures->all[figures->count++] = (struct figure){group, name, value, decimals};
}

static void add_latencies(struct figures *figures, const char *group, const struct histogram *h)
{
    add(figures, group, "min", (double)h->min / 1e3, 1);
    add(figures, group, "mean", histogram_mean(h) / 1e3, 1);
    for (size_t i = 0; i < PERCENTILES; i++)
        add(figures, group, percentiles[i].name,
            (double)histogram_percentile(h, percentiles[i].percent) / 1e3, 1);
    add(figures, group, "max", (double)h->max / 1e3, 1);
}

static void add_load(struct figures *figures, const struct report *report)
{
    const struct command *command = report->command;
    add(figures, NULL, "connections", (double)command->connections, 0);
    add(figures, NULL, "idle", (double)command->idle, 0);
    add(figures, NULL, "depth", (double)command->depth, 0);
    add(figures, NULL, "threads", (double)command->threads, 0);
    add(figures, NULL, "ids", (double)command->ids, 0);
    add(figures, NULL, "rate", command->rate, 3);
}

/* Below 0: not known. */
static double of_ns(int64_t ns, double unit_ns)
{
    return ns < 0 ? (double)NAN : (double)ns / unit_ns;
}

static void add_converge(struct figures *figures, const struct converge_result *result)
{
    add(figures, "converge", "converged_ms", of_ns(result->converged_ns, 1e6), 3);
    add(figures, "converge", "checked_ms", of_ns(result->checked_ns, 1e6), 3);
    add(figures, "converge", "missing", (double)result->missing, 0);
    add_latencies(figures, "answer_us", &result->answer_ns);
    add_latencies(figures, "hop_us", &result->hop_ns);
}

static double seconds_of(const struct tally *tally)
{
    return (double)(tally->last_ns - tally->first_ns) / 1e9;
}

static void collect(struct figures *figures, const struct report *report)
{
    const struct tally *tally = &report->tally;
    double s = seconds_of(tally);
    figures->count = 0;
    add_load(figures, report);
    add(figures, NULL, "seconds", s, 3);
    add(figures, NULL, "answers", (double)tally->answers, 0);
    add(figures, NULL, "answers_per_s", s > 0 ? (double)tally->answers / s : 0, 1);
    add(figures, "errors", "invalid", (double)tally->invalid, 0);
    add(figures, "errors", "dropped", (double)(tally->dropped + report->idle_lost), 0);
    add(figures, "errors", "unanswered", (double)tally->lost, 0);
    add(figures, "errors", "unsent", (double)tally->unsent, 0);
    add_latencies(figures, "latency_us", &tally->latency_ns);
    add(figures, NULL, "own_cpu_s", (double)report->own_cpu_ns / 1e9, 3);
    if (report->command->converge)
        add_converge(figures, &report->converge);
}

bool report_has_errors(const struct report *report)
{
    assert(report);
    const struct tally *tally = &report->tally;
    return tally->invalid + tally->dropped + tally->lost + tally->unsent + report->idle_lost > 0 ||
           tally->answers == 0;
}

/* ---- JSON ---- */

static void print_json_string(const char *text, FILE *out)
{
    putc('"', out);
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == '"' || *text == '\\')
            fprintf(out, "\\u%04x", (unsigned char)*text);
        else
            putc(*text, out);
    }
    putc('"', out);
}

static void print_value(double value, int decimals, const char *unknown, FILE *out)
{
    if (isnan(value))
        fputs(unknown, out);
    else
        fprintf(out, "%.*f", decimals, value);
}

static void print_json_group(const struct figures *figures, const char *group, FILE *out)
{
    const char *before = "";
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        if (figure->group != group)
            continue;
        fprintf(out, "%s\"%s\":", before, figure->name);
        print_value(figure->value, figure->decimals, "null", out);
        before = ",";
    }
}

static void print_json_cpu(const struct report *report, FILE *out)
{
    fputs(",\"cpu\":[", out);
    for (size_t i = 0; i < report->command->pid_count; i++) {
        fprintf(out, "%s{\"pid\":%d,\"seconds\":", i > 0 ? "," : "", report->command->pids[i]);
        print_value(of_ns(report->cpu_ns[i], 1e9), 6, "null", out);
        putc('}', out);
    }
    putc(']', out);
}

static void print_json(const struct report *report, const struct figures *figures, FILE *out)
{
    fprintf(out, "{\"work\":\"%s\",\"servers\":[", report->command->work->name);
    for (size_t i = 0; i < report->targets->count; i++) {
        fputs(i > 0 ? "," : "", out);
        print_json_string(report->targets->all[i].name, out);
    }
    fputs("],", out);
    print_json_group(figures, NULL, out);
    const char *last = NULL;
    for (size_t i = 0; i < figures->count; i++) {
        const char *group = figures->all[i].group;
        if (group == NULL || group == last)
            continue;
        fprintf(out, ",\"%s\":{", group);
        print_json_group(figures, group, out);
        putc('}', out);
        last = group;
    }
    print_json_cpu(report, out);
    fputs("}\n", out);
}

/* ---- CSV ---- */

static void print_csv(const struct report *report, const struct figures *figures, FILE *out)
{
    const struct command *command = report->command;
    fputs("work,servers", out);
    for (size_t i = 0; i < figures->count; i++)
        fprintf(out, ",%s%s%s", figures->all[i].group ? figures->all[i].group : "",
                figures->all[i].group ? "." : "", figures->all[i].name);
    for (size_t i = 0; i < command->pid_count; i++)
        fprintf(out, ",cpu_s.%d", command->pids[i]);
    fprintf(out, "\n%s,%zu", command->work->name, report->targets->count);
    for (size_t i = 0; i < figures->count; i++) {
        putc(',', out);
        print_value(figures->all[i].value, figures->all[i].decimals, "", out);
    }
    for (size_t i = 0; i < command->pid_count; i++) {
        putc(',', out);
        print_value(of_ns(report->cpu_ns[i], 1e9), 6, "", out);
    }
    putc('\n', out);
}

/* ---- text ---- */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_latencies(const char *title, const struct histogram *h, FILE *out)
{
    fprintf(out, "%-12s mean %.1f us\n", title, histogram_mean(h) / 1e3);
    for (size_t i = 0; i < PERCENTILES; i++)
        fprintf(out, "  %-10s %.1f us\n", percentiles[i].name,
                (double)histogram_percentile(h, percentiles[i].percent) / 1e3);
    fprintf(out, "  %-10s %.1f us\n", "max", (double)h->max / 1e3);
}

static void print_head(const struct report *report, FILE *out)
{
    const struct command *c = report->command;
    fprintf(out,
            "%s: %" PRIu64 " connection%s to %zu server%s, depth %" PRIu64 ", %" PRIu64
            " thread%s, %" PRIu64 " id%s",
            c->work->name, c->connections, plural(c->connections), report->targets->count,
            plural(report->targets->count), c->depth, c->threads, plural(c->threads), c->ids,
            plural(c->ids));
    if (c->rate > 0)
        fprintf(out, ", %.10g requests/s", c->rate);
    if (c->idle > 0)
        fprintf(out, ", %" PRIu64 " idle connection%s", c->idle, plural(c->idle));
    putc('\n', out);
}

static void print_cpu(const struct report *report, FILE *out)
{
    const struct command *c = report->command;
    double s = seconds_of(&report->tally), answers = (double)report->tally.answers;
    fprintf(out, "%-12s %.1f %% of a processor\n", "own CPU",
            s > 0 ? (double)report->own_cpu_ns / 1e7 / s : 0);
    for (size_t i = 0; i < c->pid_count; i++) {
        if (report->cpu_ns[i] < 0)
            fprintf(out, "CPU of %-5d unknown: the process is gone\n", c->pids[i]);
        else
            fprintf(out, "CPU of %-5d %.1f %% of a processor, %.3f us an answer\n", c->pids[i],
                    s > 0 ? (double)report->cpu_ns[i] / 1e7 / s : 0,
                    answers > 0 ? (double)report->cpu_ns[i] / 1e3 / answers : 0);
    }
}

static void print_agreement(const struct converge_result *result, FILE *out)
{
    if (result->checked_ns < 0) {
        fprintf(out, "%-12s not known: it was ended before\n", "converged");
        fprintf(out, "%-12s %" PRIu64 " seen, not all was checked\n", "missing", result->missing);
        return;
    }
    fprintf(out, "%-12s %.3f ms after the last answer every server knew all\n", "converged",
            (double)result->converged_ns / 1e6);
    fprintf(out, "%-12s %" PRIu64 " seen, %.3f ms until all was checked\n", "missing",
            result->missing, (double)result->checked_ns / 1e6);
}

static void print_converge(const struct converge_result *result, FILE *out)
{
    uint64_t answer = histogram_percentile(&result->answer_ns, 50);
    uint64_t hop = histogram_percentile(&result->hop_ns, 50);
    print_agreement(result, out);
    fprintf(out, "a report at %s until %s answers for it: %.2f times its answer\n", result->from,
            result->to, answer > 0 ? (double)hop / (double)answer : 0);
    print_latencies("answer", &result->answer_ns, out);
    print_latencies("there", &result->hop_ns, out);
}

static void print_text(const struct report *report, FILE *out)
{
    const struct tally *tally = &report->tally;
    double s = seconds_of(tally);
    print_head(report, out);
    fprintf(out, "%-12s %" PRIu64 " in %.3f s\n", "answers", tally->answers, s);
    fprintf(out, "%-12s %.1f /s\n", "throughput", s > 0 ? (double)tally->answers / s : 0);
    fprintf(out,
            "%-12s %" PRIu64 " invalid, %" PRIu64 " dropped, %" PRIu64 " unanswered, %" PRIu64
            " unsent\n",
            "errors", tally->invalid, tally->dropped + report->idle_lost, tally->lost,
            tally->unsent);
    print_latencies("latency", &tally->latency_ns, out);
    print_cpu(report, out);
    if (report->command->converge)
        print_converge(&report->converge, out);
}

void report_print(const struct report *report, FILE *out)
{
    assert(report && out);
    struct figures figures;
    collect(&figures, report);
    if (report->command->format == COMMAND_JSON)
        print_json(report, &figures, out);
    else if (report->command->format == COMMAND_CSV)
        print_csv(report, &figures, out);
    else
        print_text(report, out);
}
