/* witness: keeps a load of reports on a herd, remembers what each server has acknowledged, and says
 * after a fault what is lost and when all servers were equal. The tests of faults tell it what
 * happens, a line each, and it answers each with a line.
 *
 *     witness [-k ids] [-c connections to each server] [-s seed] NAME=ADDRESS:PORT...
 *
 *     rate N           reports a second; 0: none; max: as many as are taken
 *     fill             each id is told once; answered when all are acknowledged
 *     down NAME        it was killed: what it acknowledged does not count any more
 *     away NAME        it stands still: it is not asked, but what it acknowledged counts
 *     up NAME          it is there (again)
 *     forgive NAME     what it acknowledges from now on does not count
 *     trust NAME       it counts again
 *     drain            no more reports; answered when all are answered
 *     over             the fault is over now
 *     check SECONDS    reads all servers until all is well; no longer than that since it was over
 *     figures          what was counted since they were last asked for
 *
 * ADDRESS is an IPv4 one. Ends with its input. */
#include "base/clock.h"
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS   1
#define DRAIN_NS  INT64_C(10000000000)
#define SECOND_NS 1e9

struct witness {
    struct load load;
    int64_t over_ns;
    bool input_ended;
};

static int usage(void)
{
    fprintf(stderr, "usage: witness [-k ids] [-c connections] [-s seed] NAME=ADDRESS:PORT...\n");
    return 2;
}

static bool add_server(struct load *load, const char *text)
{
    struct server *server = &load->servers[load->server_count];
    char host[64];
    unsigned short port;
    if (load->server_count == SERVERS_MAX ||
        sscanf(text, "%64[^=]=%63[0-9.]:%hu", server->name, host, &port) != 3 ||
        inet_pton(AF_INET, host, &server->address.sin_addr) != 1)
        return false;
    server->address.sin_family = AF_INET;
    server->address.sin_port = htons(port);
    load->server_count++;
    return true;
}

/* ---- commands ---- */

static bool drain(struct witness *witness)
{
    int64_t until_ns = clock_now_ns() + DRAIN_NS;
    load_set_rate(&witness->load, 0);
    while (load_waiting(&witness->load) > 0 && clock_now_ns() < until_ns)
        load_turn(&witness->load, WAIT_MS);
    return load_waiting(&witness->load) == 0;
}

/* What is not acknowledged, as its connection was lost, is not told again: faults come later. */
static bool fill(struct witness *witness)
{
    struct load *load = &witness->load;
    uint64_t before = load->figures.acknowledged;
    load->fill = (uint32_t)load->ledger.ids;
    return drain(witness) && load->figures.acknowledged - before == load->ledger.ids;
}

static void check(struct witness *witness, double seconds)
{
    struct verdict verdict;
    check_run(&witness->load, witness->over_ns, (int64_t)(seconds * SECOND_NS), &verdict);
    printf("ok asked=%zu lost=%zu differing=%zu unanswered=%zu equal_s=%.3f example=%s\n",
           verdict.asked, verdict.lost, verdict.differing, verdict.unanswered,
           verdict.equal_ns < 0 ? -1 : (double)verdict.equal_ns / SECOND_NS, verdict.example);
}

static void print_figures(struct load *load)
{
    const struct figures *f = &load->figures;
    printf("ok acknowledged=%" PRIu64 " refused=%" PRIu64 " wrong=%" PRIu64 " unanswered=%" PRIu64
           " unsent=%" PRIu64 " lost=%" PRIu64 " due=%.0f loaded_s=%.3f\n",
           f->acknowledged, f->refused, f->wrong, f->unanswered, f->unsent, f->lost, f->due,
           (double)f->loaded_ns / SECOND_NS);
    load->figures = (struct figures){0};
}

static bool set_state(struct load *load, const char *verb, const char *name)
{
    size_t i = 0;
    while (i < load->server_count && strcmp(name, load->servers[i].name) != 0)
        i++;
    if (i == load->server_count)
        return false;
    if (strcmp(verb, "forgive") == 0 || strcmp(verb, "trust") == 0) {
        load->servers[i].forgiven = verb[0] == 'f';
        return true;
    }
    static const char *const verbs[] = {
        [SERVER_UP] = "up", [SERVER_AWAY] = "away", [SERVER_DOWN] = "down"};
    for (unsigned state = 0; state < 3; state++)
        if (strcmp(verb, verbs[state]) == 0) {
            load_set_state(load, i, (enum server_state)state);
            return true;
        }
    return false;
}

static void obey(struct witness *witness, const char *line)
{
    char verb[16] = "", arg[65] = "";
    bool good = sscanf(line, "%15s %64s", verb, arg) >= 1;
    if (strcmp(verb, "check") == 0) {
        check(witness, atof(arg));
        return;
    }
    if (strcmp(verb, "figures") == 0) {
        print_figures(&witness->load);
        return;
    }
    if (strcmp(verb, "rate") == 0)
        load_set_rate(&witness->load, strcmp(arg, "max") == 0 ? -1 : atof(arg));
    else if (strcmp(verb, "over") == 0)
        witness->over_ns = clock_now_ns();
    else if (strcmp(verb, "drain") == 0)
        good = drain(witness);
    else if (strcmp(verb, "fill") == 0)
        good = fill(witness);
    else
        good = good && set_state(&witness->load, verb, arg);
    puts(good ? "ok" : "failed");
}

/* One line at a time: whoever asks waits for the answer. */
static void read_command(struct witness *witness)
{
    char line[256];
    if (fgets(line, sizeof line, stdin) == NULL)
        witness->input_ended = true;
    else
        obey(witness, line);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct witness witness;
    size_t ids = 10000, conns = 4;
    uint64_t seed = 1;
    int option;
    while ((option = getopt(argc, argv, "k:c:s:")) != -1) {
        if (option == 'k')
            ids = strtoul(optarg, NULL, 10);
        else if (option == 'c')
            conns = strtoul(optarg, NULL, 10);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            return usage();
    }
    for (; optind < argc; optind++)
        if (!add_server(&witness.load, argv[optind]))
            return usage();
    if (witness.load.server_count == 0 || ids == 0 || ids > 9999999 || conns == 0)
        return usage();
    load_init(&witness.load, ids, conns, seed);
    load_watch(&witness.load, STDIN_FILENO);
    witness.over_ns = clock_now_ns();
    while (!witness.input_ended)
        if (load_turn(&witness.load, WAIT_MS))
            read_command(&witness);
    load_fini(&witness.load);
    return 0;
}
