/* What the clients of the faults' tests say. Each report is a random one of the ids', told to any
 * server, so that clients wander; a quarter bears whole seconds, so that ties are common; some are
 * old, some are told again. The rate is kept by the whole load: what one server does not take now
 * the others are told, as clients who cannot reach a server go to the next. */
#include "load.h"

#include "base/clock.h"
#include "base/memory.h"
#include "sim/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define RETRY_NS  (SECOND_NS / 50)
#define EVENTS    64
#define DEBT_S    0.5 /* of the rate: what is due and not taken for so long is not made up for */

static void on_answer(void *arg, struct conn *conn, const struct slot *slot, struct herd_text line);

static struct conn_listener listener_of(struct load *load)
{
    return (struct conn_listener){on_answer, load};
}

void load_init(struct load *load, size_t ids, size_t conns_each, uint64_t seed)
{
    assert(load->server_count > 0 && conns_each > 0);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->random = seed;
    load->conn_count = load->server_count * conns_each;
    load->conns = memory_zeroed(load->conn_count, sizeof *load->conns);
    for (size_t i = 0; i < load->conn_count; i++) {
        load->conns[i].server = i % load->server_count;
        load->conns[i].to = &load->servers[i % load->server_count].address;
        load->conns[i].fd = -1;
    }
    for (size_t i = 0; i < load->server_count; i++)
        load->names[i] = (struct herd_text){load->servers[i].name, strlen(load->servers[i].name)};
    ledger_init(&load->ledger, ids, load->server_count, load->names);
}

void load_fini(struct load *load)
{
    for (size_t i = 0; i < load->conn_count; i++)
        conn_free(&load->conns[i]);
    free(load->conns);
    ledger_fini(&load->ledger);
    close(load->epoll);
}

void load_watch(struct load *load, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void lose(struct load *load, struct conn *conn)
{
    struct conn_listener listener = listener_of(load);
    load->figures.lost += conn_usable(conn);
    conn_lose(conn, &listener);
    conn->retry_ns = clock_now_ns() + RETRY_NS;
}

/* ---- answers ---- */

static void take_report(struct load *load, const struct conn *conn, const struct slot *slot,
                        struct herd_text line)
{
    struct said said;
    struct herd_text name = load->names[conn->server];
    if (line.len > 0 && line.bytes[0] == '?') {
        load->figures.refused++;
        return;
    }
    if (!said_parse(&said, line) || said.rest.len != slot->len ||
        memcmp(said.rest.bytes, slot->rest, slot->len) != 0 || said.server.len != name.len ||
        memcmp(said.server.bytes, name.bytes, name.len) != 0) {
        load->figures.wrong++;
        fprintf(stderr, "%s: asked IAMAT %.*s, said %.*s\n", name.bytes, (int)slot->len, slot->rest,
                (int)line.len, line.bytes);
        return;
    }
    struct report report = slot->report;
    report.diff_ns = said.diff_ns;
    if (!load->servers[conn->server].forgiven)
        ledger_note(&load->ledger, conn->server, slot->id, &report);
    load->figures.acknowledged++;
}

static void on_answer(void *arg, struct conn *conn, const struct slot *slot, struct herd_text line)
{
    struct load *load = arg;
    if (slot->question && load->heard != NULL)
        load->heard(load->heard_arg, conn, slot, line);
    else if (!slot->question && line.bytes == NULL)
        load->figures.unanswered++;
    else if (!slot->question)
        take_report(load, conn, slot, line);
}

/* ---- reports ---- */

static uint32_t make_report(struct load *load, struct report *report)
{
    unsigned kind = (unsigned)random_below(&load->random, 100);
    uint32_t id = (uint32_t)random_below(&load->random, load->ledger.ids);
    *report = (struct report){.place = (uint32_t)random_next(&load->random)};
    report->time_ns = clock_wall_ns();
    if (kind < 25) { /* many of the same second: the tie is broken by what else they say */
        report->time_ns -= report->time_ns % SECOND_NS;
        report->whole = kind % 2 == 0;
    } else if (kind < 35) {
        report->time_ns -= random_between(&load->random, 0, 10 * SECOND_NS);
    } else if (kind < 37) {
        report->time_ns += random_between(&load->random, 0, 2 * SECOND_NS);
    } else if (kind < 40 && load->last.time_ns % SECOND_NS != 0) {
        *report = load->last;
        return load->repeated;
    }
    load->last = *report;
    load->repeated = id;
    return id;
}

/* The next connection that has room, or NULL. */
static struct conn *next_conn(struct load *load)
{
    for (size_t i = 0; i < load->conn_count; i++) {
        struct conn *conn = &load->conns[load->turn++ % load->conn_count];
        if (conn_room(conn) > 0 && load->servers[conn->server].state == SERVER_UP)
            return conn;
    }
    return NULL;
}

static bool send_one(struct load *load)
{
    struct conn *conn = next_conn(load);
    struct report report;
    if (conn == NULL)
        return false;
    uint32_t id = make_report(load, &report);
    if (load->fill > 0)
        id = --load->fill;
    conn_report(conn, id, &report);
    return true;
}

static void send_due(struct load *load)
{
    int64_t now_ns = clock_now_ns();
    double seconds = (double)(now_ns - load->last_ns) / SECOND_NS;
    load->last_ns = now_ns;
    while (load->fill > 0 && send_one(load))
        ;
    if (load->rate == 0)
        return;
    load->figures.loaded_ns += (int64_t)(seconds * SECOND_NS);
    if (load->rate < 0) {
        for (size_t i = 0; i < load->conn_count * DEPTH && send_one(load); i++)
            ;
        return;
    }
    load->debt += seconds * load->rate;
    load->figures.due += seconds * load->rate;
    while (load->debt >= 1 && send_one(load))
        load->debt--;
    double most = load->rate * DEBT_S;
    if (load->debt > most) {
        load->figures.unsent += (uint64_t)(load->debt - most);
        load->debt = most;
    }
}

/* ---- turns ---- */

static void care_for(struct load *load, struct conn *conn, int64_t now_ns)
{
    enum server_state state = load->servers[conn->server].state;
    if (conn->fd < 0 && state == SERVER_UP && now_ns >= conn->retry_ns) {
        if (!conn_open(conn, load->epoll))
            lose(load, conn);
    } else if (conn_usable(conn) && buffer_len(&conn->out) > 0 && !conn->writing) {
        if (!conn_flush(conn, load->epoll))
            lose(load, conn);
    }
}

bool load_turn(struct load *load, int wait_ms)
{
    struct epoll_event events[EVENTS];
    struct conn_listener listener = listener_of(load);
    bool other = false;
    send_due(load);
    for (size_t i = 0; i < load->conn_count; i++)
        care_for(load, &load->conns[i], load->last_ns);
    int n = epoll_wait(load->epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < n; i++) {
        struct conn *conn = events[i].data.ptr;
        if (conn == NULL)
            other = true;
        else if (!conn_event(conn, events[i].events, load->epoll, &listener))
            lose(load, conn);
    }
    return other;
}

void load_set_rate(struct load *load, double rate)
{
    load->rate = rate;
    load->debt = 0;
    load->last_ns = clock_now_ns();
}

void load_hang_up(struct load *load, size_t server)
{
    for (size_t i = server; i < load->conn_count; i += load->server_count)
        lose(load, &load->conns[i]);
}

void load_set_state(struct load *load, size_t server, enum server_state state)
{
    load->servers[server].state = state;
    if (state != SERVER_DOWN)
        return;
    load_hang_up(load, server);
    ledger_empty(&load->ledger, server);
}

size_t load_waiting(const struct load *load)
{
    size_t waiting = load->fill;
    for (size_t i = 0; i < load->conn_count; i++)
        if (load->servers[load->conns[i].server].state == SERVER_UP)
            waiting += load->conns[i].waiting;
    return waiting;
}

struct conn *load_conn(struct load *load, size_t server)
{
    for (size_t i = server; i < load->conn_count; i += load->server_count)
        if (conn_room(&load->conns[i]) > 0)
            return &load->conns[i];
    return NULL;
}
