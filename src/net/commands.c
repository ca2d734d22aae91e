/* The answers of all the lines of a read gather in the worker's output and leave together, at the
 * end of the turn; but if they are more than limits.unread they are written on the way, and a
 * client that does not take them stops the lines behind. */
#include "net/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "herd/ahead.h"

#include <assert.h>

#define EXCERPT_MAX 64 /* bytes of a line that is too long that go back */

static bool is_over_long(const struct connection *c, const char *bytes, size_t len)
{
    size_t end = len;
    if (end > 0 && bytes[end - 1] == '\n')
        end--;
    if (end > 0 && bytes[end - 1] == '\r')
        end--;
    return end > c->clients->service->line_bytes;
}

/* What all commands of a read have in common. */
static void prepare(struct connection *c, struct client_request *command)
{
    const struct clients_service *service = c->clients->service;
    command->connection = c;
    command->request = (struct herd_request){.store = service->store,
                                             .news = &c->clients->news,
                                             .server = service->server,
                                             .connection = c->number,
                                             .max_ahead_ns = service->max_ahead_ns};
}

static void log_answer(const struct connection *c, const struct buffer *out, size_t begins)
{
    size_t len = buffer_len(out) - begins;
    const char *bytes = buffer_at(out) + begins;
    while (len > 0 && bytes[len - 1] == '\n')
        len--;
    log_message(c->number, "Response sent:", (struct herd_text){bytes, len});
}

void commands_finish_later(struct connection *c)
{
    struct buffer *out = &c->clients->worker->output;
    size_t begins = buffer_len(out);
    struct later *later = connection_later(c);
    buffer_add(out, buffer_at(&later->out), buffer_len(&later->out));
    out->lost = out->lost || later->out.lost;
    worker_cancel(&later->resume);
    later_free(later, false);
    c->backlog->later = NULL;
    if (log_messages())
        log_answer(c, out, begins);
}

static void count_command(struct connection *c)
{
    const struct clients_service *service = c->clients->service;
    metric_add(commands, 1);
    c->commands++;
    if (service->commands_max == 0 || c->commands < service->commands_max)
        return;
    metric_add(connections_spent, 1);
    c->closing = true;
}

/* Whether the connection's address has a token for a command. While the server stops, what has come
 * in is answered without. */
static bool may_spend(struct connection *c)
{
    struct clients *clients = c->clients;
    int64_t in_ns = 0;
    if (!clients->ending)
        in_ns = addresses_spend(clients->service->addresses, c->address, clock_now_ns());
    c->slowed = in_ns > 0;
    if (c->slowed)
        clients_slow(clients, in_ns);
    return !c->slowed;
}

/* False: not yet, for want of a token. */
static bool execute(struct connection *c, struct client_request *command,
                    const struct ahead_line *line, bool valid)
{
    if (c->clients->service->rate && !may_spend(c))
        return false;
    const struct dispatch *dispatch = c->clients->service->dispatch;
    struct herd_request *request = &command->request;
    request->out = &c->clients->worker->output;
    command->begins = buffer_len(request->out);
    request->line = &line->line;
    request->client = line->client;
    request->hash = line->hash;
    request->clock_ns = c->clients->clock_ns++;
    if (log_messages())
        log_message(c->number, "Message received:", line->line.text);
    count_command(c);
    enum herd_result result = valid ? dispatch_run(dispatch, line->command, request)
                                    : dispatch_invalid(dispatch, request);
    struct later *later = connection_later(c);
    assert((result == HERD_LATER) == (later != NULL));
    if (result == HERD_INVALID) /* no module answers it, and a client must not wait for one */
        c->closing = true;
    if (later != NULL && later->done)
        commands_finish_later(c);
    else if (later == NULL && log_messages())
        log_answer(c, request->out, command->begins);
    return true;
}

/* Whether the next line may be executed. */
static bool goes_on(struct connection *c)
{
    const struct buffer *out = &c->clients->worker->output;
    if (buffer_len(out) > c->clients->service->unread_bytes)
        owed_send(c->clients); /* to others */
    if (buffer_len(out) > c->clients->service->unread_bytes)
        c->gone = !connection_write(c);
    return connection_later(c) == NULL && !c->closing && !c->gone && !c->slowed &&
           !connection_has_unwritten(c);
}

static size_t execute_ahead(struct connection *c, struct client_request *command,
                            const struct ahead *ahead)
{
    size_t done = 0;
    for (unsigned i = 0; i < ahead->count; i++) {
        if (ahead->lines[i].line.count > 0 && !execute(c, command, &ahead->lines[i], true))
            break;
        done += ahead->lines[i].bytes;
        if (!goes_on(c))
            break;
    }
    return done;
}

/* The last line of the input, without an end, or one that is too long, which goes back in part.
 * Returns its bytes, or 0 if it is neither and only not there yet. */
static size_t execute_odd(struct connection *c, struct client_request *command, const char *bytes,
                          size_t len)
{
    struct ahead_line odd = {.command = NULL};
    size_t n = line_length(bytes, len);
    if (n == 0)
        n = len;
    if (is_over_long(c, bytes, n)) {
        line_parse(&odd.line, bytes, n < EXCERPT_MAX ? n : EXCERPT_MAX);
        odd.line.text = (struct herd_text){bytes, EXCERPT_MAX};
        if (!execute(c, command, &odd, false))
            return 0;
        metric_add(lines_too_long, 1);
        c->closing = true;
        return n;
    }
    if (!c->eof)
        return 0;
    line_parse(&odd.line, bytes, n);
    odd.command = dispatch_find(c->clients->service->dispatch, HERD_CLIENT, &odd.line);
    if (odd.line.count > 0 && !execute(c, command, &odd, true))
        return 0;
    return n;
}

size_t commands_execute(struct connection *c, const char *bytes, size_t len)
{
    const struct clients_service *service = c->clients->service;
    struct client_request command;
    struct ahead ahead;
    size_t done = 0, n = 1;
    prepare(c, &command);
    c->slowed = false;
    log_moment_begin();
    while (done < len && n > 0 && goes_on(c)) {
        ahead_read(&ahead, service->dispatch, HERD_CLIENT, service->store, service->line_bytes,
                   bytes + done, len - done);
        n = ahead.count > 0 ? execute_ahead(c, &command, &ahead)
                            : execute_odd(c, &command, bytes + done, len - done);
        done += n;
    }
    log_moment_end();
    return done;
}
