/* What a link says: replies first, then what its feed has, with the MARKs behind it, and a PING
 * when there was nothing for a second. A MARK means that the neighbour has all of a stripe up to
 * pos, so it is written behind the lines that it covers, on the same stream; in list mode up to 100
 * ms later, in a sweep at its end and never before. */
#include "base/bytes.h"
#include "base/log.h"
#include "base/metrics.h"
#include "herd/broken.h"
#include "herd/link_state.h"
#include "wire/at.h"
#include "wire/number.h"

#include <string.h>

#define MARK_MAX 32 /* bytes of a MARK line */
#define PING_MAX 32 /* bytes of a PING line */
#define AT_MAX   (HERD_AT_MAX + HERD_NAME_MAX + 2)

_Static_assert(LINK_ROOM_MIN >= AT_MAX && LINK_ROOM_MIN >= MARK_MAX, "any line but HELLO fits");

struct output {
    struct link *link;
    size_t server_len; /* of this server's name */
    char *to;
    size_t used, room;
    unsigned updates;
};

static void put_replies(struct output *out)
{
    struct buffer *replies = &out->link->replies;
    size_t n = buffer_len(replies);
    if (n > out->room)
        n = out->room;
    if (n == 0)
        return;
    memcpy(out->to, buffer_at(replies), n);
    buffer_take(replies, n);
    out->used += n;
}

static bool put_update(void *arg, const struct herd_report *report)
{
    struct output *out = arg;
    struct link *link = out->link;
    if (out->room - out->used < AT_MAX)
        return false;
    char *at = out->to + out->used;
    at += at_print(at, report);
    *at++ = ' ';
    bytes_copy(at, link->host->server, out->server_len);
    at += out->server_len;
    *at++ = '\n';
    out->used = (size_t)(at - out->to);
    out->updates++;
    return true;
}

/* Not where they are put: there a stripe is locked, and who logs may have to wait for the log. */
static void note_updates(const struct output *out)
{
    const char *name = neighbour_name(out->link->neighbour);
    metric_add(updates_sent, out->updates);
    if (log_messages())
        for (unsigned i = 0; i < out->updates; i++)
            log_subject(0, "Propagated location to", (struct herd_text){name, strlen(name)});
}

/* Marks the places that moved. False: not all, for want of room. */
static bool put_marks(struct output *out)
{
    struct link *link = out->link;
    for (uint64_t rest = feed_moved(link->feed); rest != 0; rest &= rest - 1) {
        unsigned stripe = (unsigned)__builtin_ctzll(rest);
        if (out->room - out->used < MARK_MAX)
            return false;
        memcpy(out->to + out->used, "MARK ", 5);
        out->used += 5;
        out->used += number_u64_print(out->to + out->used, stripe);
        out->to[out->used++] = ' ';
        uint64_t pos = feed_pos(link->feed, stripe);
        if (BROKEN(mark_runs_ahead))
            pos = stripe_tail(store_stripe(link->host->store, stripe));
        out->used += number_u64_print(out->to + out->used, pos);
        out->to[out->used++] = '\n';
        feed_marked(link->feed, stripe);
        metric_add(marks_sent, 1);
    }
    link->mark_ns = 0;
    return true;
}

/* Marks that are due come behind the updates, so that what the neighbour has told is marked too;
 * but before them where these have left no room the last time. */
static void put_feed(struct output *out, struct link_time time)
{
    struct link *link = out->link;
    bool due = link->mark_ns != 0 && time.now_ns >= link->mark_ns;
    enum feed_result result;
    if (due && link->marks_first) {
        if (!put_marks(out))
            return;
        due = false;
    }
    if (due)
        feed_catch_up(link->feed);
    do
        result = feed_read(link->feed, time.now_ns, time.clock_ns, put_update, out);
    while (result == FEED_SWEPT && put_marks(out));
    note_updates(out);
    link->marks_first = due && !put_marks(out);
    bool rest = feed_moved(link->feed) != 0 || feed_told(link->feed);
    if (rest && link->mark_ns == 0)
        link->mark_ns = time.now_ns + (result == FEED_SWEPT ? 0 : LINK_MARK_NS);
}

static void put_ping(struct output *out, struct link_time time)
{
    if (out->room - out->used < PING_MAX)
        return;
    memcpy(out->to + out->used, "PING ", 5);
    out->used += 5 + number_time_print(out->to + out->used + 5, time.clock_ns, 9);
    out->to[out->used++] = '\n';
}

size_t link_output(struct link *link, char *to, size_t room, struct link_time time)
{
    struct output out = {link, strlen(link->host->server), to, 0, room, 0};
    if (link->state == LINK_ENDED)
        return 0;
    put_replies(&out);
    if (link->state == LINK_UP && buffer_len(&link->replies) == 0) {
        put_feed(&out, time);
        if (out.used == 0 && time.now_ns - link->sent_ns >= LINK_PING_NS)
            put_ping(&out, time);
    }
    if (out.used > 0)
        link->sent_ns = time.now_ns;
    return out.used;
}

bool link_pending(const struct link *link)
{
    return link->state != LINK_ENDED &&
           (buffer_len(&link->replies) > 0 || (link->feed != NULL && feed_pending(link->feed)));
}
