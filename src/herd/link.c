/* One session of a link: its begin, what it hears, its times; what it says stands in link_output.c.
 * The hard thing is what a MARK means: we have all of one of the neighbour's stripes up to pos.
 * What came before it is merged first, then the place moves: lines are taken in order, so that is
 * so. And the place is moved only in the feed that the session began with. */
#include "herd/link_state.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "herd/ahead.h"
#include "herd/broken.h"
#include "herd/hello.h"
#include "herd/request.h"
#include "wire/number.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLIES_MAX 65536 /* a neighbour that asks for more without reading is dropped */
#define PONGS_MAX   1024  /* bytes of replies that wait, beyond which a PING is not answered */
#define COMPLAIN_NS (INT64_C(1) * 1000000000) /* bad lines are logged once in so long */

static void end(struct link *link, const char *why)
{
    if (link->state != LINK_ENDED)
        herd_fail(&link->reason, "%s", why);
    link->state = LINK_ENDED;
}

void link_set_epoch(struct link_host *host, const char *epoch)
{
    for (int half = 0; half < 2; half++) {
        char digits[EPOCH_BYTES / 2 + 1] = "";
        memcpy(digits, epoch + half * EPOCH_BYTES / 2, EPOCH_BYTES / 2);
        atomic_store(&host->epoch[half], strtoull(digits, NULL, 16));
    }
}

/* Read while it changes it is neither the old one nor the new, which is as good as one that is
 * gone. */
static void print_epoch(struct link_host *host, char epoch[EPOCH_BYTES + 1])
{
    snprintf(epoch, EPOCH_BYTES + 1, "%016" PRIx64 "%016" PRIx64, atomic_load(&host->epoch[0]),
             atomic_load(&host->epoch[1]));
}

static void say_hello(struct link *link, const char *have_epoch, struct link_time time)
{
    char epoch[EPOCH_BYTES + 1];
    print_epoch(link->host, epoch);
    char *to = buffer_reserve(&link->replies, HELLO_BYTES_MAX);
    size_t n = hello_print(to, link->host->server, link->neighbour, epoch, time.clock_ns,
                           store_stripes(link->host->store), have_epoch);
    buffer_grew(&link->replies, n);
}

struct link *link_open(struct link_host *host, struct neighbour *dialled, struct link_time time,
                       void (*wake)(void *), void *arg)
{
    assert(wake != NULL);
    struct link *link = memory_zeroed(1, sizeof *link);
    link->host = host;
    link->neighbour = dialled;
    link->dialler = dialled != NULL;
    link->wake = wake;
    link->wake_arg = arg;
    link->opened_ns = link->heard_ns = link->sent_ns = time.now_ns;
    link->complained_ns = time.now_ns - COMPLAIN_NS;
    if (dialled != NULL)
        say_hello(link, NULL, time);
    return link;
}

void link_close(struct link *link)
{
    if (link->feed != NULL)
        feed_close(link->feed);
    if (link->by & RECORD_LINKS)
        atomic_fetch_and(&link->host->bits, ~link->by);
    if (link->session != 0)
        neighbour_end(link->neighbour, link->session);
    buffer_free(&link->replies);
    free(link);
}

void link_prove(struct link *link, const char *name)
{
    assert(link->state == LINK_NEW);
    link->proved = name;
}

/* ---- what is heard ---- */

static void check_clock(struct link *link, int64_t theirs_ns, struct link_time time)
{
    int64_t apart_ns = theirs_ns - time.clock_ns;
    if (link->warned_of_clock || (apart_ns <= LINK_CLOCKS_NS && apart_ns >= -LINK_CLOCKS_NS))
        return;
    link->warned_of_clock = true;
    log_event(HERD_LOG_WARN, 0, "The clock of server %s differs by %.0f s",
              neighbour_name(link->neighbour), (double)apart_ns / 1e9);
}

static struct neighbour *find_neighbour(const struct link *link, struct herd_text name)
{
    for (size_t i = 0; i < link->host->neighbour_count; i++) {
        struct neighbour *neighbour = link->host->neighbours[i];
        if (text_is(name, neighbour_name(neighbour)))
            return neighbour;
    }
    return NULL;
}

/* Where the neighbour's place in our feed is: NULL for the beginning. */
static const uint64_t *place_of(const struct link *link, struct hello *hello)
{
    unsigned stripes = store_stripes(link->host->store);
    char epoch[EPOCH_BYTES + 1];
    print_epoch(link->host, epoch);
    bool ours = hello->have.len == EPOCH_BYTES &&
                memcmp(hello->have.bytes, epoch, EPOCH_BYTES) == 0;
    if (BROKEN(ignore_epoch) && hello->have.len > 0)
        ours = true;
    if (!ours || hello->have_stripes != stripes)
        return NULL;
    for (unsigned i = 0; i < stripes; i++)
        if (hello->pos[i] > stripe_tail(store_stripe(link->host->store, i)) &&
            !BROKEN(ignore_epoch))
            hello->pos[i] = 0;
    return hello->pos;
}

static bool prove(struct link *link, const struct hello *hello)
{
    struct neighbour *neighbour = find_neighbour(link, hello->from);
    if (!text_is(hello->to, link->host->server))
        return herd_fail(&link->reason, "it takes this server for another");
    if (link->host->proves && link->proved == NULL)
        return herd_fail(&link->reason, "it has not proved its name");
    if (link->proved != NULL && !text_is(hello->from, link->proved))
        return herd_fail(&link->reason, "it calls itself another than %s, who it has proved to be",
                         link->proved);
    if (neighbour == NULL)
        return herd_fail(&link->reason, "it is no neighbour");
    if (link->dialler && neighbour != link->neighbour)
        return herd_fail(&link->reason, "another server answers");
    if (!link->dialler && neighbour_dialled(neighbour))
        return herd_fail(&link->reason, "this server dials it, not it us");
    link->neighbour = neighbour;
    return true;
}

/* Only links that came up have numbers, so that strangers cannot use them up. */
static uint32_t draw_session(struct link_host *host)
{
    uint32_t session;
    do
        session = (atomic_fetch_add(&host->sessions, 1) + 1) & ~RECORD_LINKS;
    while (session == 0);
    return session;
}

/* What the store knows a session by: a bit of its own, or its number where all bits are given. */
static uint32_t draw_bit(struct link_host *host, uint32_t session)
{
    uint32_t given = atomic_load(&host->bits), bit;
    do {
        bit = ~given & (given + 1);
        if (bit == RECORD_LINKS || BROKEN(skip_by_peer))
            return session;
    } while (!atomic_compare_exchange_weak(&host->bits, &given, given | bit));
    return RECORD_LINKS | bit;
}

static void on_hello(struct link *link, struct herd_text line, struct link_time time)
{
    struct hello hello;
    if (!hello_parse(&hello, line, &link->reason) || !prove(link, &hello)) {
        link->state = LINK_ENDED;
        return;
    }
    memcpy(link->epoch, hello.epoch.bytes, EPOCH_BYTES);
    link->session = draw_session(link->host);
    link->by = draw_bit(link->host, link->session);
    link->replaced = neighbour_begin(link->neighbour, link->session, link->epoch, hello.stripes);
    if (!link->dialler)
        say_hello(link, link->epoch, time);
    if (BROKEN(skip_by_peer))
        link->by = UINT32_C(0x40000000) + (uint32_t)neighbour_name(link->neighbour)[0];
    link->feed = feed_open(link->host->store, link->by, place_of(link, &hello), link->wake,
                           link->wake_arg);
    link->state = LINK_UP;
    metric_add(links_opened, 1);
    check_clock(link, hello.clock_ns, time);
}

static bool on_mark(struct link *link, const struct line *line)
{
    unsigned stripe;
    uint64_t pos;
    if (line->count != 3 || !number_count_parse(line_field(line, 1), &stripe) ||
        stripe >= NEIGHBOUR_STRIPES_MAX || !number_u64_parse(line_field(line, 2), &pos))
        return false;
    neighbour_mark(link->neighbour, link->session, link->epoch, stripe, pos);
    return true;
}

/* Of a PONG, which is never lost for want of memory. */
#define CLOCK_BYTES_MAX (NUMBER_TIME_MAX + 8)

static void add_clock(struct buffer *out, const char *verb, int64_t clock_ns)
{
    buffer_reserve(out, CLOCK_BYTES_MAX);
    buffer_add(out, verb, strlen(verb));
    buffer_grew(out, number_time_print(buffer_reserve(out, NUMBER_TIME_MAX), clock_ns, 9));
    buffer_add(out, "\n", 1);
}

static bool on_clock(struct link *link, const struct line *line, bool ping, struct link_time time)
{
    int64_t clock_ns;
    if (line->count != 2 || !number_time_parse(line_field(line, 1), &clock_ns))
        return false;
    check_clock(link, clock_ns, time);
    if (ping && buffer_len(&link->replies) < PONGS_MAX)
        add_clock(&link->replies, "PONG ", time.clock_ns);
    return true;
}

static bool on_command(struct link *link, const struct ahead_line *ahead, struct link_time time)
{
    struct herd_request request = {.line = &ahead->line,
                                   .client = ahead->client,
                                   .hash = ahead->hash,
                                   .out = &link->replies,
                                   .store = link->host->store,
                                   .news = &link->news,
                                   .server = link->host->server,
                                   .neighbour = neighbour_name(link->neighbour),
                                   .connection = 0,
                                   .session = link->by,
                                   .clock_ns = time.clock_ns};
    enum herd_result result = dispatch_run(link->host->dispatch, ahead->command, &request);
    if (result == HERD_END)
        end(link, "it broke the protocol");
    if (request.unkept || link->replies.lost)
        end(link, "out of memory");
    return result != HERD_INVALID;
}

static void complain(struct link *link, const struct line *line, struct link_time time)
{
    metric_add(link_lines_bad, 1);
    if (time.now_ns - link->complained_ns < COMPLAIN_NS)
        return;
    link->complained_ns = time.now_ns;
    log_quote(HERD_LOG_WARN, 0, line->text,
              "Server %s sent a malformed line, skipped:", neighbour_name(link->neighbour));
}

static bool on_verb(struct link *link, const struct ahead_line *ahead, struct link_time time)
{
    const struct line *line = &ahead->line;
    if (ahead->command != NULL)
        return on_command(link, ahead, time);
    if (text_is(line->field[0], "MARK"))
        return on_mark(link, line);
    if (text_is(line->field[0], "PING"))
        return on_clock(link, line, true, time);
    return text_is(line->field[0], "PONG") && on_clock(link, line, false, time);
}

/* The first line: HELLO. Returns the bytes of it, if it has come whole. */
static size_t hear_hello(struct link *link, const char *bytes, size_t len, struct link_time time)
{
    struct line line;
    size_t n = line_next(&line, bytes, len);
    if (n > HELLO_BYTES_MAX || (n == 0 && len > HELLO_BYTES_MAX)) {
        end(link, "its line is too long");
        return 0;
    }
    if (n > 0)
        on_hello(link, line.text, time);
    return n;
}

static size_t hear_lines(struct link *link, const char *bytes, size_t len, struct link_time time)
{
    struct ahead ahead;
    size_t done = 0;
    ahead_read(&ahead, link->host->dispatch, HERD_PEER, link->host->store, LINK_LINE_MAX - 1, bytes,
               len);
    if (ahead.count == 0 && (line_length(bytes, len) > 0 || len > LINK_LINE_MAX))
        end(link, "its line is too long");
    for (unsigned i = 0; i < ahead.count && link->state != LINK_ENDED; i++) {
        const struct ahead_line *line = &ahead.lines[i];
        if (line->line.count > 0 && !on_verb(link, line, time))
            complain(link, &line->line, time);
        if (buffer_len(&link->replies) > REPLIES_MAX)
            end(link, "it asks and does not read");
        done += line->bytes;
    }
    return done;
}

/* That this link's own place lags behind what it has told costs nothing: nobody is to be told. But
 * it has to be marked some time, or all of it would come back with the next session. */
static void announce(struct link *link, struct link_time time)
{
    feed_announce(link->feed, link->news);
    link->news = 0;
    if (link->mark_ns == 0)
        link->mark_ns = time.now_ns + LINK_MARK_NS;
}

size_t link_input(struct link *link, const char *bytes, size_t len, struct link_time time)
{
    size_t done = 0, n = 1;
    link->heard_ns = time.now_ns;
    while (n > 0 && link->state != LINK_ENDED) {
        n = link->state == LINK_NEW ? hear_hello(link, bytes + done, len - done, time)
                                    : hear_lines(link, bytes + done, len - done, time);
        done += n;
    }
    if (link->news != 0)
        announce(link, time);
    return done;
}

/* ---- what time it is ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t link_deadline_ns(const struct link *link)
{
    if (link->state != LINK_UP)
        return link->opened_ns + LINK_HELLO_NS;
    int64_t at = earlier(link->sent_ns + LINK_PING_NS, link->heard_ns + LINK_SILENCE_NS);
    return link->mark_ns != 0 ? earlier(at, link->mark_ns) : at;
}

bool link_silent(const struct link *link, struct link_time time)
{
    if (link->state == LINK_NEW)
        return time.now_ns - link->opened_ns >= LINK_HELLO_NS;
    return time.now_ns - link->heard_ns >= LINK_SILENCE_NS;
}

enum link_state link_state(const struct link *link)
{
    return link->state;
}

const char *link_reason(const struct link *link)
{
    return link->reason.text;
}

uint32_t link_session(const struct link *link)
{
    return link->session;
}

struct neighbour *link_neighbour(const struct link *link)
{
    return link->neighbour;
}

bool link_is_proved(const struct link *link)
{
    return link->feed != NULL;
}

uint32_t link_replaced(const struct link *link)
{
    return link->replaced;
}
