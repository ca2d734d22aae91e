/* To ask a million ids of five servers takes longer than the herd has to agree. So some ids are
 * asked first, until all is well with them: those are as good as all for saying when. Then all are,
 * and those that are not well again and again: if there was one, its being well is what counts. */
#include "check.h"

#include "base/clock.h"
#include "base/memory.h"
#include "sim/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLE     4000
#define PAUSE_NS   2000000
#define ANSWERS_NS 60000000000 /* for all of a round */

/* What a server has said of a client. */
struct heard {
    uint64_t hash; /* 0: nothing */
    bool less;     /* than what is owed */
    bool answered;
};

struct check {
    struct load *load;
    uint32_t *ids; /* of this round */
    size_t count;
    struct heard *heard; /* server by server */
    size_t next[SERVERS_MAX];
    size_t waiting;
    struct verdict *verdict;
};

static bool judged(const struct check *check, size_t server)
{
    return check->load->servers[server].state == SERVER_UP;
}

/* FNV-1a: nobody here wants two lines to collide. */
static uint64_t hash_of(struct herd_text line)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < line.len; i++)
        hash = (hash ^ (unsigned char)line.bytes[i]) * UINT64_C(1099511628211);
    return hash | 1;
}

static void give_example(struct check *check, size_t server, uint32_t id, struct herd_text line,
                         const struct said *owed)
{
    char *to = check->verdict->example;
    if (to[0] == '\0')
        snprintf(to, sizeof check->verdict->example,
                 "%s was to know t%07u as of %.*s by %.*s, difference %lld ns, and says: %.*s",
                 check->load->servers[server].name, id, (int)owed->time.len, owed->time.bytes,
                 (int)owed->server.len, owed->server.bytes, (long long)owed->diff_ns,
                 (int)(line.len < 200 ? line.len : 200), line.bytes);
}

static void on_heard(void *arg, const struct conn *conn, const struct slot *slot,
                     struct herd_text line)
{
    struct check *check = arg;
    struct said said, owed;
    char room[REPORT_TEXT_MAX];
    check->waiting--;
    if (line.bytes == NULL)
        return;
    struct heard *heard = &check->heard[conn->server * check->count + slot->index];
    bool known = said_parse(&said, line);
    heard->answered = true;
    heard->hash = known ? hash_of(line) : 0;
    heard->less = !ledger_paid(&check->load->ledger, slot->id, known ? &said : NULL, &owed, room);
    if (heard->less)
        give_example(check, conn->server, slot->id, line, &owed);
}

static bool ask_some(struct check *check)
{
    bool more = false;
    for (size_t i = 0; i < check->load->server_count; i++) {
        struct conn *conn;
        while (judged(check, i) && check->next[i] < check->count &&
               (conn = load_conn(check->load, i)) != NULL) {
            size_t index = check->next[i]++;
            check->waiting++;
            conn_ask(conn, check->ids[index], (uint32_t)index);
        }
        more |= judged(check, i) && check->next[i] < check->count;
    }
    return more;
}

/* Asks all servers for the ids of this round. A server that does not answer is given up. */
static void ask_all(struct check *check)
{
    struct load *load = check->load;
    int64_t until_ns = clock_now_ns() + ANSWERS_NS;
    free(check->heard);
    check->heard = memory_zeroed(check->count * load->server_count, sizeof *check->heard);
    memset(check->next, 0, sizeof check->next);
    load->heard = on_heard;
    load->heard_arg = check;
    while ((ask_some(check) || check->waiting > 0) && clock_now_ns() < until_ns)
        load_turn(load, 1);
    for (size_t i = 0; i < load->server_count && check->waiting > 0; i++)
        load_hang_up(load, i);
    assert(check->waiting == 0);
    load->heard = NULL;
}

/* Keeps those of the ids that are not well, and counts what is wrong with them. */
static void judge(struct check *check)
{
    struct verdict *verdict = check->verdict;
    size_t bad = 0;
    verdict->lost = verdict->differing = verdict->unanswered = 0;
    for (size_t i = 0; i < check->count; i++) {
        const struct heard *first = NULL;
        bool differs = false;
        size_t wrong = verdict->lost + verdict->unanswered;
        for (size_t s = 0; s < check->load->server_count; s++) {
            const struct heard *heard = &check->heard[s * check->count + i];
            if (!judged(check, s))
                continue;
            verdict->unanswered += !heard->answered;
            verdict->lost += heard->less;
            first = first != NULL ? first : heard;
            differs |= heard->hash != first->hash;
        }
        verdict->differing += differs;
        if (differs || verdict->lost + verdict->unanswered > wrong)
            check->ids[bad++] = check->ids[i];
    }
    check->count = bad;
}

/* Round after round, until all these ids are well or time is up. True: some were not at first. */
static bool ask_until_well(struct check *check, int64_t until_ns, int64_t *well_ns)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    for (bool waited = false;; waited = true) {
        check->verdict->example[0] = '\0';
        ask_all(check);
        judge(check);
        *well_ns = clock_now_ns();
        if (check->count == 0 || (waited && *well_ns > until_ns))
            return waited;
        nanosleep(&pause, NULL);
    }
}

/* All of them, or some at random. */
static void choose(struct check *check, size_t count)
{
    size_t all = check->load->ledger.ids;
    check->count = count < all ? count : all;
    for (size_t i = 0; i < check->count; i++)
        check->ids[i] = (uint32_t)(count < all ? random_below(&check->load->random, all) : i);
}

void check_run(struct load *load, int64_t since_ns, int64_t patience_ns, struct verdict *verdict)
{
    assert(load->rate == 0 && load->fill == 0);
    struct check check = {.load = load, .verdict = verdict};
    int64_t until_ns = since_ns + patience_ns, sample_ns, all_ns;
    *verdict = (struct verdict){.asked = load->ledger.ids, .equal_ns = -1};
    check.ids = memory_alloc(load->ledger.ids * sizeof *check.ids);
    choose(&check, SAMPLE);
    ask_until_well(&check, until_ns, &sample_ns);
    choose(&check, load->ledger.ids);
    bool waited = ask_until_well(&check, until_ns, &all_ns);
    if (check.count == 0)
        verdict->equal_ns = (waited ? all_ns : sample_ns) - since_ns;
    free(check.ids);
    free(check.heard);
}
