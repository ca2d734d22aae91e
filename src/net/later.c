/* Commands that are answered later: herd_defer, herd_done and herd_done_invalid of the public door.
 * The copy holds its own line, for the one that was read lies in the worker's buffer, and what was
 * answered already, so that the whole answer leaves in one write. */
#include "base/memory.h"
#include "base/misuse.h"
#include "net/connection.h"

#include <stdlib.h>
#include <string.h>

/* The fields point into the line; they are to point into the copy of it. */
static void copy_line(struct line *line, const struct line *from, char *copy)
{
    const char *old = from->text.bytes;
    *line = *from;
    memcpy(copy, old, line->text.len);
    for (size_t i = 0; i < LINE_FIELDS && i < line->count; i++)
        line->field[i].bytes = copy + (line->field[i].bytes - old);
    line->text.bytes = copy;
}

struct herd_request *herd_defer(struct herd_request *req, void (*cancelled)(void *), void *arg)
{
    misuse_unless(req->neighbour == NULL, "herd_defer of a neighbour's command");
    struct client_request *now = (struct client_request *)req;
    struct connection *connection = now->connection;
    misuse_unless(connection != NULL && connection_later(connection) == NULL,
                  "herd_defer twice of one command");
    struct later *later = memory_zeroed(1, sizeof *later + req->line->text.len);
    later->copy.request = *req;
    later->copy.request.out = &later->out;
    later->copy.request.news = &connection->clients->news;
    later->copy.connection = connection;
    later->resume = (struct errand){.run = connection_resume, .arg = connection};
    later->cancelled = cancelled;
    later->arg = arg;
    copy_line(&later->parted, req->line, later->line);
    later->copy.request.line = &later->parted;
    later->copy.request.client.len = 0;
    size_t said = buffer_len(req->out) - now->begins;
    buffer_add(&later->out, buffer_at(req->out) + now->begins, said);
    later->out.lost = later->out.lost || req->out->lost;
    req->out->to -= said;
    req->out = NULL;
    connection_backlog(connection)->later = later;
    return &later->copy.request;
}

void herd_done(struct herd_request *deferred)
{
    struct later *later = (struct later *)deferred;
    misuse_unless(!later->done, "herd_done twice of one command");
    later->done = true;
    if (later->copy.connection == NULL)
        later_free(later, false);
    else
        worker_put_off(later->copy.connection->clients->worker, &later->resume);
}

/* What was replied before is no part of that answer. The module that takes invalid commands answers
 * at once: a herd_defer of the copy would be noticed. */
void herd_done_invalid(struct herd_request *deferred)
{
    struct later *later = (struct later *)deferred;
    misuse_unless(!later->done, "herd_done_invalid of a command that is done");
    if (later->copy.connection != NULL) {
        buffer_take(&later->out, buffer_len(&later->out));
        if (dispatch_invalid(later->copy.connection->clients->service->dispatch, deferred) !=
            HERD_OK)
            later->copy.connection->closing = true; /* as connection.c does */
    }
    herd_done(deferred);
}

/* A client that has gone: one who asked to be told is told and forgets the copy; else it waits for
 * herd_done. */
void later_free(struct later *later, bool cancel)
{
    if (cancel && !later->done) {
        later->copy.connection = NULL;
        if (later->cancelled == NULL)
            return;
        later->cancelled(later->arg);
    }
    buffer_free(&later->out);
    free(later);
}
