/* Sessions of a link with somebody who says anything: a stranger, or a neighbour that has proved
 * itself, that dials or is dialled. What the link says is well-formed whatever is said to it; who
 * has not proved itself changes nothing and is told nothing; the store holds records of the wire's
 * forms; and an honest neighbour that comes afterwards learns all of it. The input: a byte that
 * says who it is, then the bytes, which are cut at each byte 1; the byte behind that says what
 * happens there. */
#include "fuzz.h"

#include "base/buffer.h"
#include "base/log.h"
#include "herd/hello.h"
#include "herd/link.h"
#include "records.h"

#define MS        INT64_C(1000000)
#define SECOND    (1000 * MS)
#define OURS      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define THEIRS    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HELLO     "HELLO 1 Hands Goloman " THEIRS " 1520000000.0 4 HAVE -\n"
#define ROOM      65536
#define CUT       1
#define READS_MAX 10

/* By the bits of the first byte. */
#define DIALS   1 /* this server dials the neighbour */
#define PROVES  2 /* each session begins with a good HELLO */
#define NARROW  4 /* one stripe, whose journal is packed and whose records grow stale early */
#define FORGETS 8 /* forget_after is ten seconds */

extern const struct herd_module herd_module_at;

/* A server with one neighbour. */
struct side {
    struct link_host host;
    struct neighbour *neighbour;
    struct link *link;
};

static struct dispatch *dispatch;
static struct side here;
static unsigned like; /* the first byte */
static int64_t now_ns;
static struct buffer in, out; /* of the session */
static uint64_t pos[NEIGHBOUR_STRIPES_MAX];

static unsigned stripes(void)
{
    return like & NARROW ? 1 : 4;
}

static struct link_time at_time(void)
{
    return (struct link_time){now_ns, 1520000000 * SECOND + now_ns};
}

/* ---- what a link says ---- */

static void check_hello(struct herd_text line, bool dials)
{
    struct hello hello;
    struct herd_error err;
    must(hello_parse(&hello, line, &err));
    must(text_is(hello.from, "Goloman") && text_is(hello.to, "Hands"));
    must(memcmp(hello.epoch.bytes, OURS, EPOCH_BYTES) == 0 && hello.stripes == stripes());
    must(hello.have.len == 0 || hello.have.len == EPOCH_BYTES);
    must(dials || hello.have.len == 0 || link_is_proved(here.link));
}

static void check_mark(const struct line *line)
{
    unsigned stripe;
    uint64_t to;
    must(line->count == 3 && number_count_parse(line->field[1], &stripe) && stripe < stripes());
    must(number_u64_parse(line->field[2], &to) && to >= pos[stripe]);
    must(to <= stripe_tail(store_stripe(here.host.store, stripe)));
    pos[stripe] = to;
}

static void check_update(const struct line *line)
{
    struct herd_report report = {.server = line->field[1],
                                 .client = line->field[3],
                                 .location = line->field[4],
                                 .time = line->field[5]};
    uint64_t count = 0;
    must(line->count == 7 && text_is(line->field[6], "Goloman"));
    must(number_diff_parse(line->field[2], &report.diff_ns));
    must(number_time_parse(report.time, &report.time_ns));
    records_check_one(&count, &report);
}

static void check_line(const struct line *line, bool first)
{
    int64_t clock_ns;
    must(line->count > 0);
    if (text_is(line->field[0], "HELLO")) {
        must(first);
        check_hello(line->text, neighbour_dialled(here.neighbour));
        return;
    }
    must(!first && link_is_proved(here.link));
    if (text_is(line->field[0], "AT"))
        check_update(line);
    else if (text_is(line->field[0], "MARK"))
        check_mark(line);
    else
        must((text_is(line->field[0], "PING") || text_is(line->field[0], "PONG")) &&
             line->count == 2 && number_time_parse(line->field[1], &clock_ns));
}

/* Whole lines; the last may be cut where the link has ended. */
static void check_output(void)
{
    size_t n;
    struct line line;
    for (size_t at = 0; at < buffer_len(&out); at += n) {
        n = line_next(&line, buffer_at(&out) + at, buffer_len(&out) - at);
        if (n == 0)
            must(link_state(here.link) == LINK_ENDED);
        if (n == 0)
            break;
        check_line(&line, at == 0);
    }
    must(link_is_proved(here.link) || neighbour_dialled(here.neighbour) || buffer_len(&out) == 0);
}

static size_t say(size_t room)
{
    size_t n = link_output(here.link, buffer_reserve(&out, room), room, at_time());
    must(n <= room);
    buffer_grew(&out, n);
    return n;
}

/* ---- what it hears ---- */

static uint64_t held(void)
{
    return store_clients(here.host.store);
}

static void hear(const char *bytes, size_t len)
{
    uint64_t before = held();
    bool proved = link_is_proved(here.link);
    buffer_add(&in, bytes, len);
    /* from a copy, so that a byte read too many is seen */
    size_t there = buffer_len(&in);
    char *copy = fuzz_copy(buffer_at(&in), there);
    size_t n = link_input(here.link, copy, there, at_time());
    free(copy);
    must(n <= there && (n == 0 || buffer_at(&in)[n - 1] == '\n'));
    buffer_take(&in, n);
    must(proved || link_is_proved(here.link) || held() == before);
    must(link_state(here.link) == LINK_ENDED || buffer_len(&in) <= LINK_LINE_MAX);
}

static void wake(void *arg)
{
    (void)arg;
}

static void open_session(void)
{
    bool dials = neighbour_dialled(here.neighbour);
    memset(pos, 0, sizeof pos);
    here.link = link_open(&here.host, dials ? here.neighbour : NULL, at_time(), wake, NULL);
    if (like & PROVES)
        hear(HELLO, sizeof HELLO - 1);
    must(!(like & PROVES) || link_state(here.link) == LINK_UP);
}

static void close_session(void)
{
    /* As much as there is to say; not for ever, for a PING comes each second. */
    for (int i = 0; i < 1000 && say(ROOM) > 0; i++)
        ;
    check_output();
    link_close(here.link);
    buffer_free(&in);
    buffer_free(&out);
}

/* ---- what happens ---- */

static void report(char client)
{
    char time[32];
    int n = snprintf(time, sizeof time, "%lld", (long long)(1520000000 + now_ns / SECOND));
    struct herd_report report = {.server = {"Goloman", 7},
                                 .client = {&client, 1},
                                 .location = {"+1-2", 4},
                                 .time = {time, (size_t)n}};
    must(number_time_parse(report.time, &report.time_ns));
    uint64_t news = 0;
    store_put(here.host.store, store_hash(here.host.store, report.client), &report, 0,
              at_time().clock_ns, &news);
    store_announce(here.host.store, news);
}

/* What a server asks of a link to know when to come back to it. */
static void ask(void)
{
    bool silent = link_silent(here.link, at_time());
    must(link_deadline_ns(here.link) >= 0);
    must(!silent || link_state(here.link) == LINK_ENDED || link_deadline_ns(here.link) <= now_ns);
    /* What it reads it may pass over and say nothing, but not for ever. */
    for (int i = 0; link_pending(here.link) && link_state(here.link) == LINK_UP; i++) {
        if (say(ROOM) > 0)
            break;
        must(i < READS_MAX);
    }
}

static void happen(char what)
{
    if (what >= 'A' && what <= 'Z')
        report(what);
    else if (what == 'm')
        for (int c = 128; c < 256; c++)
            report((char)c);
    else if (what == 'd')
        store_forget(here.host.store, 100, at_time().clock_ns);
    else if (what == 'a')
        ask();
    else if (what >= '0' && what <= '9')
        now_ns += (what - '0') * 200 * MS;
    else if (what == 'n')
        close_session(), open_session();
    else if (what == 'f')
        neighbour_forget(here.neighbour);
    else
        say(what == 'o' ? ROOM : (size_t)(unsigned char)what);
}

static void talk(const char *bytes, size_t len)
{
    while (len > 0) {
        const char *cut = memchr(bytes, CUT, len);
        size_t n = cut != NULL ? (size_t)(cut - bytes) : len;
        hear(bytes, n);
        if (cut == NULL)
            break;
        if (n + 1 < len)
            happen(bytes[n + 1]);
        n += n + 1 < len ? 2 : 1;
        bytes += n;
        len -= n;
    }
}

/* ---- an honest neighbour ---- */

static void set_side(struct side *side, const char *name, const char *epoch, const char *other,
                     bool dials)
{
    const struct store_config config = {.key = {1, 2},
                                        .stripes = stripes(),
                                        .stale = like & NARROW ? 1000 : 0,
                                        .forget_after_ns = like & FORGETS ? 10 * SECOND : 0};
    memset(side, 0, sizeof *side);
    side->neighbour = neighbour_create(other, dials);
    side->host = (struct link_host){.store = store_create(&config),
                                    .dispatch = dispatch,
                                    .server = name,
                                    .neighbours = &side->neighbour,
                                    .neighbour_count = 1};
    link_set_epoch(&side->host, epoch);
}

static void clear_side(struct side *side)
{
    neighbour_destroy(side->neighbour);
    store_destroy(side->host.store);
}

static size_t pass(struct side *from, struct side *to)
{
    static char bytes[ROOM];
    size_t n = link_output(from->link, bytes, sizeof bytes, at_time());
    must(link_input(to->link, bytes, n, at_time()) == n);
    return n;
}

static bool is_held(void *arg, const struct herd_report *report)
{
    struct store *store = arg;
    struct herd_report there;
    struct herd_room room;
    must(store_get(store, store_hash(store, report->client), report->client, 0, &there, &room));
    must(there.time_ns == report->time_ns && there.diff_ns == report->diff_ns &&
         text_equal(there.server, report->server) && text_equal(there.location, report->location) &&
         text_equal(there.time, report->time));
    return true;
}

static void meet_honest(void)
{
    struct side there;
    bool dials = neighbour_dialled(here.neighbour);
    set_side(&there, "Hands", "cccccccccccccccccccccccccccccccc", "Goloman", !dials);
    here.link = link_open(&here.host, dials ? here.neighbour : NULL, at_time(), wake, NULL);
    there.link = link_open(&there.host, dials ? NULL : there.neighbour, at_time(), wake, NULL);
    while (pass(&here, &there) + pass(&there, &here) > 0)
        ;
    must(link_state(here.link) == LINK_UP && link_state(there.link) == LINK_UP);
    link_close(here.link);
    link_close(there.link);
    must(like & FORGETS || store_clients(there.host.store) == held());
    struct feed *feed = feed_open(here.host.store, 0, NULL, wake, NULL);
    while (feed_read(feed, now_ns, at_time().clock_ns, is_held, there.host.store) != FEED_IDLE)
        ;
    feed_close(feed);
    clear_side(&there);
}

static void prepare(void)
{
    const struct log_config quiet = {.file = "/dev/null", .level = HERD_LOG_ERROR};
    struct herd_error err;
    if (dispatch != NULL)
        return;
    must(log_open(&quiet, &err));
    dispatch = dispatch_create();
    must(dispatch_add(dispatch, &herd_module_at.commands[0], "at", &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 1)
        return 0;
    prepare();
    now_ns = SECOND;
    like = bytes[0];
    set_side(&here, "Goloman", OURS, "Hands", like & DIALS);
    report('A');
    open_session();
    talk((const char *)bytes + 1, len - 1);
    close_session();
    records_check(here.host.store);
    meet_honest();
    clear_side(&here);
    return 0;
}
