/* Reads the command line. What an option may be stands in one table, which getopt_long's tables are
 * made of; what the options mean together is checked once all are read. */
#include "bench/command.h"

#include "wire/number.h"

#include <assert.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "  -c COUNT         connections, over all servers (50)\n"
    "  -P DEPTH         requests that a connection has on their way at once (1)\n"
    "  -t THREADS       threads of the load (1)\n"
    "  -k IDS           clients that are reported and asked for (100000)\n"
    "  -d SECONDS       how long (10)\n"
    "  -N REQUESTS      or how many requests\n"
    "  -r RATE          requests a second over all connections; latency counts from\n"
    "                   when each was due. Without: as fast as they are answered\n"
    "  -w WORK          what is asked (iamat)\n"
    "  -f FILE          the servers of a configuration file\n"
    "  -n NAME          of those, the server of that name; may be given again\n"
    "  -o FORMAT        text, json or csv\n"
    "  -q               say nothing while it runs\n"
    "  -v, -h           print the version; print this\n"
    "  --warm-up S      seconds of the same before it counts (1)\n"
    "  --patience S     seconds without an answer, or other news, to wait for (10)\n"
    "  --fill           report each id once before\n"
    "  --no-fill        do not, though the work asks for what must be there\n"
    "  --reads PERCENT  of a mix, how many ask (50)\n"
    "  --radius KM      what WHATSAT asks for (0)\n"
    "  --bound COUNT    and how many places at the most (0)\n"
    "  --prefix TEXT    what ids begin with (client-)\n"
    "  --id-length LEN  bytes of an id (20)\n"
    "  --seed NUMBER    another order of ids and places (1)\n"
    "  --idle COUNT     further connections, which ask once and then are silent\n"
    "  --cpu PID        tell this process's CPU time too; may be given again\n"
    "  --progress       say each second how far it is, also where nobody sits\n"
    "  --converge       then also how long until all servers of FILE know all, and\n"
    "                   how long from a report at one server to another's answer\n"
    "  --from NAME      that one server (the first)\n"
    "  --to NAME        and that other (the last)\n"
    "  --reports COUNT  how often (1000)\n"
    "  --gap MS         milliseconds between reports (3)\n";

enum type { COUNT, DECIMAL, TEXT, FLAG, OTHER };

/* Options with a long name only have a letter that nobody can write. */
enum { LONG = 256 };

struct choice {
    int letter;
    const char *name; /* NULL: it has a letter */
    enum type type;
    size_t offset;   /* of its field in struct command */
    double min, max; /* of a number */
};

#define AT(field) offsetof(struct command, field)

static const struct choice choices[] = {
    {'c', NULL, COUNT, AT(connections), 1, 1000000},
    {'P', NULL, COUNT, AT(depth), 1, 65536},
    {'t', NULL, COUNT, AT(threads), 1, 256},
    {'k', NULL, COUNT, AT(ids), 1, 999999999},
    {'d', NULL, DECIMAL, AT(seconds), 0.001, 1e6},
    {'N', NULL, COUNT, AT(requests), 1, 1e15},
    {'r', NULL, DECIMAL, AT(rate), 0.001, 1e9},
    {'w', NULL, OTHER, 0, 0, 0},
    {'f', NULL, TEXT, AT(file), 0, 0},
    {'n', NULL, OTHER, 0, 0, 0},
    {'o', NULL, OTHER, 0, 0, 0},
    {'q', NULL, FLAG, AT(quiet), 0, 0},
    {'v', NULL, FLAG, AT(version), 0, 0},
    {'h', NULL, FLAG, AT(help), 0, 0},
    {LONG + 0, "warm-up", DECIMAL, AT(warm_up_s), 0, 1e6},
    {LONG + 1, "patience", DECIMAL, AT(patience_s), 0.001, 1e6},
    {LONG + 2, "fill", FLAG, AT(want_fill), 0, 0},
    {LONG + 3, "no-fill", FLAG, AT(no_fill), 0, 0},
    {LONG + 4, "reads", COUNT, AT(reads), 0, 100},
    {LONG + 5, "radius", TEXT, AT(radius), 0, 0},
    {LONG + 6, "bound", TEXT, AT(bound), 0, 0},
    {LONG + 7, "prefix", TEXT, AT(prefix), 0, 0},
    {LONG + 8, "id-length", COUNT, AT(id_len), 1, HERD_CLIENT_MAX},
    {LONG + 9, "seed", COUNT, AT(seed), 0, 1e15},
    {LONG + 10, "idle", COUNT, AT(idle), 1, 1000000},
    {LONG + 11, "cpu", OTHER, 0, 0, 0},
    {LONG + 12, "progress", FLAG, AT(progress), 0, 0},
    {LONG + 13, "converge", FLAG, AT(converge), 0, 0},
    {LONG + 14, "from", TEXT, AT(from), 0, 0},
    {LONG + 15, "to", TEXT, AT(to), 0, 0},
    {LONG + 16, "reports", COUNT, AT(reports), 1, 1e9},
    {LONG + 17, "gap", DECIMAL, AT(gap_ms), 0, 1e6},
};
#define CHOICES (sizeof choices / sizeof choices[0])

/* ---- one option ---- */

/* How messages call it. */
static const char *title_of(const struct choice *choice, char room[32])
{
    if (choice->name != NULL)
        snprintf(room, 32, "--%s", choice->name);
    else
        snprintf(room, 32, "-%c", choice->letter);
    return room;
}

static struct herd_text text_of(const char *string)
{
    return (struct herd_text){string, strlen(string)};
}

static bool take_number(void *field, const struct choice *choice, const char *value,
                        const char *title, struct herd_error *err)
{
    uint64_t count = 0;
    double number = 0;
    bool good = choice->type == COUNT ? number_u64_parse(text_of(value), &count)
                                      : number_decimal_parse(text_of(value), &number);
    if (choice->type == COUNT)
        number = (double)count;
    if (!good || number < choice->min || number > choice->max)
        return herd_fail(err, "%s: %s is not a number within %.15g to %.15g", title, value,
                         choice->min, choice->max);
    if (choice->type == COUNT)
        *(uint64_t *)field = count;
    else
        *(double *)field = number;
    return true;
}

static bool take_format(struct command *command, const char *value, struct herd_error *err)
{
    static const char *const names[] = {"text", "json", "csv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(value, names[i]) == 0) {
            command->format = (enum command_format)i;
            return true;
        }
    }
    return herd_fail(err, "-o takes text, json or csv");
}

static const struct work *find_work(const struct works *works, const char *name)
{
    for (size_t i = 0; i < works->count; i++)
        if (strcmp(works->all[i]->name, name) == 0)
            return works->all[i];
    return NULL;
}

static bool take_pid(struct command *command, const char *value, struct herd_error *err)
{
    unsigned pid = 0;
    if (!number_count_parse(text_of(value), &pid) || pid < 1 || pid > INT32_MAX)
        return herd_fail(err, "--cpu: %s is not the number of a process", value);
    if (command->pid_count == COMMAND_MOST)
        return herd_fail(err, "--cpu: more than %d processes", COMMAND_MOST);
    command->pids[command->pid_count++] = (int)pid;
    return true;
}

static bool take_other(struct command *command, const struct choice *choice, const char *value,
                       const struct works *works, struct herd_error *err)
{
    switch (choice->letter) {
    case 'w':
        command->work = find_work(works, value);
        return command->work != NULL || herd_fail(err, "-w: there is no work %s", value);
    case 'o':
        return take_format(command, value, err);
    case 'n':
        if (command->name_count == COMMAND_MOST)
            return herd_fail(err, "-n: more than %d servers", COMMAND_MOST);
        command->names[command->name_count++] = value;
        return true;
    default:
        return take_pid(command, value, err);
    }
}

static bool take(struct command *command, const struct choice *choice, const char *value,
                 const struct works *works, struct herd_error *err)
{
    char *field = (char *)command + choice->offset, title[32];
    switch (choice->type) {
    case FLAG:
        *(bool *)field = true;
        return true;
    case TEXT:
        *(const char **)field = value;
        return *value || herd_fail(err, "%s wants a value", title_of(choice, title));
    case OTHER:
        return take_other(command, choice, value, works, err);
    default:
        return take_number(field, choice, value, title_of(choice, title), err);
    }
}

/* ---- all of them ---- */

static void make_tables(struct option longs[CHOICES + 1], char shorts[2 * CHOICES + 2])
{
    char *end = shorts;
    *end++ = ':';
    for (size_t i = 0; i < CHOICES; i++) {
        const struct choice *choice = &choices[i];
        bool has_value = choice->type != FLAG;
        if (choice->name != NULL) {
            *longs++ = (struct option){choice->name, has_value, NULL, choice->letter};
        } else {
            *end++ = (char)choice->letter;
            if (has_value)
                *end++ = ':';
        }
    }
    *longs = (struct option){0};
    *end = '\0';
}

static bool scan(struct command *command, int argc, char **argv, const struct works *works,
                 struct herd_error *err)
{
    struct option longs[CHOICES + 1];
    char shorts[2 * CHOICES + 2];
    int letter;
    make_tables(longs, shorts);
    optind = 0; /* glibc's way to begin anew */
    opterr = 0;
    while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (letter == '?' && optopt > 0 && optopt < LONG)
            return herd_fail(err, "unknown option -%c", optopt);
        if (letter == '?')
            return herd_fail(err, "unknown option %s", argv[optind - 1]);
        if (letter == ':')
            return herd_fail(err, "option %s wants a value", argv[optind - 1]);
        size_t i = 0;
        while (choices[i].letter != letter)
            i++;
        if (!take(command, &choices[i], optarg, works, err))
            return false;
    }
    for (; optind < argc; optind++) {
        if (command->server_count == COMMAND_MOST)
            return herd_fail(err, "more than %d servers", COMMAND_MOST);
        command->servers[command->server_count++] = argv[optind];
    }
    return true;
}

/* ---- what they mean together ---- */

static bool check_ids(const struct command *command, struct herd_error *err)
{
    size_t prefix = strlen(command->prefix), digits = 1;
    if (strcspn(command->prefix, " \t\r\n\f\v") != prefix)
        return herd_fail(err, "--prefix: white space cannot stand in an id");
    for (uint64_t rest = command->ids - 1; rest >= 10; rest /= 10)
        digits++;
    return prefix + digits <= command->id_len ||
           herd_fail(err, "--id-length: %zu bytes of prefix and %zu digits do not fit into %u",
                     prefix, digits, (unsigned)command->id_len);
}

static bool check_question(const struct command *command, struct herd_error *err)
{
    double radius;
    unsigned bound;
    if (strlen(command->radius) > 20 || !number_decimal_parse(text_of(command->radius), &radius))
        return herd_fail(err, "--radius: %s is not a number of kilometres", command->radius);
    return (strlen(command->bound) <= 20 && number_count_parse(text_of(command->bound), &bound)) ||
           herd_fail(err, "--bound: %s is not a number of places", command->bound);
}

static bool check_servers(const struct command *command, struct herd_error *err)
{
    if (command->file == NULL && command->server_count == 0)
        return herd_fail(err, "no server is named: HOST:PORT, or -f FILE");
    if (command->file != NULL && command->server_count > 0)
        return herd_fail(err, "-f and HOST:PORT do not go together");
    if (command->file == NULL && (command->name_count > 0 || command->converge))
        return herd_fail(err, "%s wants -f FILE", command->converge ? "--converge" : "-n");
    if (!command->converge && (command->from || command->to))
        return herd_fail(err, "--from and --to want --converge");
    return true;
}

static bool check_load(const struct command *command, struct herd_error *err)
{
    if (command->threads > command->connections)
        return herd_fail(err, "-t: more threads than connections");
    if (command->want_fill && command->no_fill)
        return herd_fail(err, "--fill and --no-fill do not go together");
    if (command->converge && command->ids < command->connections)
        return herd_fail(err, "--converge wants at least as many ids as connections");
    return true;
}

static void set_defaults(struct command *command, const struct works *works)
{
    *command = (struct command){.connections = 50,
                                .depth = 1,
                                .threads = 1,
                                .ids = 100000,
                                .warm_up_s = 1,
                                .patience_s = 10,
                                .work = works->all[0],
                                .seed = 1,
                                .id_len = 20,
                                .prefix = "client-",
                                .reads = 50,
                                .radius = "0",
                                .bound = "0",
                                .reports = 1000,
                                .gap_ms = 3};
}

static void choose_fill(struct command *command, const struct works *works)
{
    const struct work *work = command->work;
    if (!command->no_fill && work->fill != NULL)
        command->fill = find_work(works, work->fill);
    else if (command->want_fill)
        command->fill = work;
}

bool command_parse(struct command *command, int argc, char **argv, const struct works *works,
                   struct herd_error *err)
{
    assert(command && argc > 0 && argv && works && works->count > 0 && err);
    set_defaults(command, works);
    if (!scan(command, argc, argv, works, err))
        return false;
    command->task = command->help ? COMMAND_HELP : command->version ? COMMAND_VERSION : COMMAND_RUN;
    if (command->task != COMMAND_RUN)
        return true;
    if (command->seconds == 0 && command->requests == 0)
        command->seconds = 10;
    choose_fill(command, works);
    return check_servers(command, err) && check_load(command, err) && check_ids(command, err) &&
           check_question(command, err);
}

void command_help(FILE *out, const char *program, const struct works *works)
{
    assert(out && program && works);
    fprintf(out, "usage: %s [OPTION ...] HOST:PORT ... | -f FILE [-n NAME ...]\n\n%s\nworks:\n",
            program, help);
    for (size_t i = 0; i < works->count; i++)
        fprintf(out, "  %-16s %s\n", works->all[i]->name, works->all[i]->summary);
}
