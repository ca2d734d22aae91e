/* A client's bytes on a real connection, over a pair of sockets and a loop that the target turns,
 * in pieces as the input says. A slow reading of the same lines says what may be answered to each:
 * one line, or for WHATSAT the line and its JSON, in order, and nothing else; and what the store
 * holds in the end is of the wire's forms. The input: two bytes that say what the server is like
 * and where the pieces end, then the bytes. */
#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "core/places.h"
#include "net/connection.h"
#include "records.h"

#define HEAD      2
#define MOST      (48 * 1024) /* bytes, which the sockets hold whatever the answers are */
#define SERVER    "Goloman"
#define DAY_NS    (INT64_C(86400) * 1000000000)
#define TURNS_MAX 100000

extern const struct herd_module herd_module_iamat, herd_module_invalid, herd_module_whatsat;

/* What the server is like, by the bits of the first byte. */
#define SHORT_LINES 1  /* limits.line is 128 */
#define LATER       2  /* the provider answers a turn later */
#define BOUND_TIME  4  /* max_ahead is a day */
#define FEW_CLIENTS 8  /* limits.clients is 2 */
#define FEW_LINES   16 /* limits.commands is 3 */
#define STOPS       32 /* in the middle of the bytes the server stops taking new commands */
#define LEAVES      64 /* there the client goes, without a word */
#define COMMANDS    3

static struct {
    struct worker_hooks hooks;
    struct worker **workers;
    struct dispatch *dispatch;
    struct clients_service service;
    struct clients clients;
    struct address from;
    int client;
    unsigned like;
    struct buffer answers;
    struct herd_search *search; /* to be answered a turn later */
} all;

/* ---- the places ---- */

static void answer_search(struct herd_search *search)
{
    static const char json[] = "{\n\n\"results\":\r\n[{\"a\":\"\\\"\r\"}]\n\n\n}\n\n";
    const uint32_t end = (uint32_t)(strchr(json, '}') + 1 - json);
    herd_search_answer(search, &(struct herd_answer){{json, sizeof json - 1}, 1, &end});
}

static void search(struct herd_search *search, const struct herd_query *query)
{
    must(query->bound == 20 && query->radius_km > 0);
    must(query->radius_km <= 50 && query->lat_deg >= -90 && query->lat_deg <= 90);
    must(query->lon_deg >= -180 && query->lon_deg <= 180 && all.search == NULL);
    if (query->radius_km == 7)
        herd_search_fail(search, "UNKNOWN_ERROR", "seven \"\\\n\x01\xff");
    else if (all.like & LATER)
        all.search = search;
    else
        answer_search(search);
}

static const struct herd_provider provider = {.name = "fuzz", .search = search};
static struct chain_link only = {.provider = &provider};
static const struct chain chain = {&only, 1};

/* ---- the server ---- */

/* In place of worker_put_off (ld's --wrap), which wants the thread to be a worker's own, as this
 * one is not: what is the thread's knows no worker. */
void __wrap_worker_put_off(struct worker *worker, struct errand *errand);
void __wrap_worker_put_off(struct worker *worker, struct errand *errand)
{
    if (errand->waiting != NULL)
        return;
    must(worker == NULL || worker == all.workers[0]);
    worker = all.workers[0];
    errand->waiting = &worker->errands;
    TAILQ_INSERT_TAIL(&worker->errands, errand, entry);
}

static void prepare(void)
{
    const struct herd_module *modules[] = {&herd_module_iamat, &herd_module_invalid,
                                           &herd_module_whatsat};
    static const struct settings settings = {.places = {.max_radius_km = 50, .max_items = 20}};
    struct herd_error err;
    if (all.workers != NULL)
        return;
    all.dispatch = dispatch_create();
    for (size_t i = 0; i < 3; i++)
        must(dispatch_add(all.dispatch, &modules[i]->commands[0], modules[i]->name, &err));
    all.workers = workers_create(1, &all.hooks, &err);
    must(all.workers != NULL && places_open(&settings, &chain, &err));
    must(address_resolve(&all.from, "127.0.0.1", 1, &err));
}

static size_t line_bytes(void)
{
    return all.like & SHORT_LINES ? 128 : 4096;
}

static void open_connection(void)
{
    struct store_config config = {
        .key = {1, 2}, .stripes = 4, .clients_max = all.like & FEW_CLIENTS ? 2 : 0};
    int pair[2];
    all.service = (struct clients_service){
        .store = store_create(&config),
        .dispatch = all.dispatch,
        .server = SERVER,
        .line_bytes = line_bytes(),
        .commands_max = all.like & FEW_LINES ? COMMANDS : 0,
        .max_ahead_ns = all.like & BOUND_TIME ? DAY_NS : 0,
    };
    memset(&all.clients, 0, sizeof all.clients);
    clients_init(&all.clients, all.workers[0], &all.service);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    all.client = pair[0];
    clients_expect(&all.clients);
    clients_take(&all.clients, pair[1], &all.from);
}

static void take_answers(void)
{
    ssize_t n = all.client >= 0;
    while (n > 0) {
        n = recv(all.client, buffer_reserve(&all.answers, 65536), 65536, 0);
        if (n > 0)
            buffer_grew(&all.answers, (size_t)n);
    }
}

static void turn(void)
{
    struct herd_search *search = all.search;
    event_base_loop(all.workers[0]->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    worker_run_errands(all.workers[0]);
    take_answers();
    if (search != NULL) {
        all.search = NULL;
        answer_search(search);
    }
}

static bool is_open(void)
{
    return atomic_load(&all.clients.count) > 0;
}

/* The pieces' lengths follow from one byte: all at once, byte for byte, or of any lengths. */
/* All that was asked to end does so in few turns. */
static void wait_for_end(void)
{
    for (unsigned i = 0; is_open(); i++) {
        must(i < TURNS_MAX);
        turn();
    }
    take_answers();
    if (all.search != NULL)
        turn(); /* nobody waits for it any more */
}

static void nothing(void *arg)
{
    (void)arg;
}

/* The pieces' lengths follow from one byte: all at once, byte for byte, or of any lengths. */
static void talk(const char *bytes, size_t len, uint8_t pieces)
{
    uint32_t random = pieces;
    for (size_t done = 0; done < len && is_open();) {
        random = random * 1664525 + 1013904223;
        size_t n = pieces == 0 ? len : pieces < 8 ? pieces : 1 + (random >> 16) % (pieces * 4U);
        if (n > len - done)
            n = len - done;
        if (send(all.client, bytes + done, n, MSG_NOSIGNAL) != (ssize_t)n)
            return; /* it was closed behind a line that was too long */
        done += n;
        if (all.like & LEAVES && done > len / 2)
            return;
        turn();
        if (all.like & STOPS && done > len / 2)
            clients_end(&all.clients, true, nothing, NULL);
    }
}

static void hang_up(void)
{
    if (all.like & LEAVES) {
        take_answers();
        close(all.client);
        all.client = -1;
    } else {
        shutdown(all.client, SHUT_WR);
    }
    wait_for_end();
}

static void close_connection(void)
{
    records_check(all.service.store);
    clients_fini(&all.clients);
    store_destroy(all.service.store);
    if (all.client >= 0)
        close(all.client);
    buffer_free(&all.answers);
    must(all.search == NULL);
}

/* ---- what may be answered ---- */

/* The next line of the answers, less its LF, which must be there. */
static struct herd_text next_answer(size_t *at)
{
    const char *from = buffer_at(&all.answers) + *at;
    size_t left = buffer_len(&all.answers) - *at;
    const char *end = left > 0 ? memchr(from, '\n', left) : NULL;
    must(end != NULL);
    *at += (size_t)(end - from) + 1;
    return (struct herd_text){from, (size_t)(end - from)};
}

static bool is_echo(struct herd_text answer, struct herd_text line)
{
    return answer.len == line.len + 2 && memcmp(answer.bytes, "? ", 2) == 0 &&
           memcmp(answer.bytes + 2, line.bytes, line.len) == 0;
}

static void check_at(struct herd_text answer, const struct line *asked, size_t fields)
{
    struct herd_report report = {.server = {SERVER, sizeof SERVER - 1}};
    struct line line;
    line_parse(&line, answer.bytes, answer.len);
    must(line.count == 6 && number_diff_parse(line.field[2], &report.diff_ns));
    report.client = line.field[3];
    report.location = line.field[4];
    report.time = line.field[5];
    must(iso6709_parse(report.location, NULL, NULL));
    must(number_time_parse(report.time, &report.time_ns));
    records_check_line(answer.bytes, answer.len, &report);
    for (size_t i = 0; i < fields; i++)
        must(text_equal(line.field[3 + i], asked->field[1 + i]));
}

static bool is_good_report(const struct line *line)
{
    int64_t time_ns;
    return line->count == 4 && line->field[1].len <= HERD_CLIENT_MAX &&
           iso6709_parse(line->field[2], NULL, NULL) && number_time_parse(line->field[3], &time_ns);
}

static void check_search(const struct line *asked, size_t *at)
{
    double radius_km;
    unsigned bound;
    struct herd_text json = next_answer(at);
    must(asked->count == 4 && number_decimal_parse(asked->field[2], &radius_km));
    must(number_count_parse(asked->field[3], &bound) && radius_km < 50 && bound < 20);
    must(json.len > 0 && json.bytes[0] == '{');
    while (next_answer(at).len > 0)
        ;
}

static void check_one(const struct line *line, size_t *at)
{
    bool report = text_is(line->field[0], "IAMAT") && is_good_report(line);
    struct herd_text answer = next_answer(at);
    if (is_echo(answer, line->text)) {
        must(!report || all.like & (BOUND_TIME | FEW_CLIENTS));
    } else if (text_is(line->field[0], "WHATSAT")) {
        check_at(answer, line, 1);
        check_search(line, at);
    } else {
        must(report);
        check_at(answer, line, 3);
    }
}

/* Whether no more need be answered: who leaves, or asks a server that stops, has some answers. */
static bool is_enough(size_t at)
{
    return all.like & (STOPS | LEAVES) && at == buffer_len(&all.answers);
}

static void check_answers(const char *bytes, size_t len)
{
    size_t at = 0, commands = 0;
    bool closed = false;
    while (len > 0 && !closed && !is_enough(at)) {
        const char *end = memchr(bytes, '\n', len);
        size_t n = end != NULL ? (size_t)(end - bytes) + 1 : len;
        struct line line;
        line_parse(&line, bytes, n);
        closed = line.text.len > line_bytes();
        if (closed)
            must(is_echo(next_answer(&at), (struct herd_text){bytes, 64}));
        else if (line.count > 0)
            check_one(&line, &at);
        commands += line.count > 0;
        closed = closed || (all.like & FEW_LINES && commands == COMMANDS);
        bytes += n;
        len -= n;
    }
    must(at == buffer_len(&all.answers));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < HEAD || len > MOST)
        return 0;
    prepare();
    all.like = bytes[0];
    open_connection();
    talk((const char *)bytes + HEAD, len - HEAD, bytes[1]);
    hang_up();
    check_answers((const char *)bytes + HEAD, len - HEAD);
    close_connection();
    return 0;
}
