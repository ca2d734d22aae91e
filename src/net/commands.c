/* The answers of all the lines of a read gather in the worker's output and leave together, behind
 * the last; but if they grow large they are written on the way, and a client that does not take
 * them stops the lines behind. */
#include "net/commands.h"

#include "base/log.h"
#include "base/metrics.h"

#include <assert.h>

#define OUTPUT_MAX  (256 * 1024) /* bytes of answers that are written though lines are left */
#define EXCERPT_MAX 64           /* bytes of a line that is too long that go back */

static bool is_over_long(const struct connection *c, const char *bytes, size_t len)
{
    size_t end = len;
    if (end > 0 && bytes[end - 1] == '\n')
        end--;
    if (end > 0 && bytes[end - 1] == '\r')
        end--;
    return end > c->clients->service->line_bytes;
}

static void fill_request(struct connection *c, struct client_request *command)
{
    const struct clients_service *service = c->clients->service;
    command->connection = c;
    command->begins = buffer_len(&c->clients->worker->output);
    command->request.out = &c->clients->worker->output;
    command->request.store = service->store;
    command->request.news = &c->clients->news;
    command->request.server = service->server;
    command->request.neighbour = NULL;
    command->request.connection = c->number;
    command->request.session = 0;
    command->request.clock_ns = c->clients->clock_ns++;
    command->request.max_ahead_ns = service->max_ahead_ns;
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
    buffer_add(out, buffer_at(&c->later->out), buffer_len(&c->later->out));
    worker_cancel(&c->resume);
    later_free(c->later, false);
    c->later = NULL;
    if (log_messages())
        log_answer(c, out, begins);
}

static void count_command(struct connection *c)
{
    const struct clients_service *service = c->clients->service;
    metric_add(commands, 1);
    c->commands++;
    if (service->commands_max > 0 && c->commands >= service->commands_max)
        c->closing = true;
}

static void execute(struct connection *c, struct client_request *command, bool valid)
{
    const struct dispatch *dispatch = c->clients->service->dispatch;
    if (log_messages())
        log_message(c->number, "Message received:", command->request.line.text);
    count_command(c);
    enum herd_result result = valid ? dispatch_run(dispatch, HERD_CLIENT, &command->request)
                                    : dispatch_invalid(dispatch, &command->request);
    assert((result == HERD_LATER) == (c->later != NULL));
    if (result == HERD_INVALID) /* no module answers it, and a client must not wait for one */
        c->closing = true;
    if (c->later != NULL && c->later->done)
        commands_finish_later(c);
    else if (c->later == NULL && log_messages())
        log_answer(c, command->request.out, command->begins);
}

/* One line, with its end or without. */
static void execute_line(struct connection *c, const char *bytes, size_t len)
{
    struct client_request command;
    line_parse(&command.request.line, bytes, len);
    bool valid = !is_over_long(c, bytes, len);
    if (valid && command.request.line.count == 0)
        return;
    if (!valid) {
        line_parse(&command.request.line, bytes, len < EXCERPT_MAX ? len : EXCERPT_MAX);
        command.request.line.text = (struct herd_text){bytes, EXCERPT_MAX};
        c->closing = true;
    }
    fill_request(c, &command);
    execute(c, &command, valid);
}

size_t commands_execute(struct connection *c, const char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len && c->later == NULL && !c->closing) {
        size_t n = line_length(bytes + done, len - done);
        if (n == 0 && (c->eof || is_over_long(c, bytes + done, len - done)))
            n = len - done;
        if (n == 0)
            break;
        execute_line(c, bytes + done, n);
        done += n;
        if (buffer_len(&c->clients->worker->output) <= OUTPUT_MAX)
            continue;
        c->gone = !connection_write(c);
        if (c->gone || buffer_len(&c->unwritten) > 0)
            break;
    }
    return done;
}
