/* COUNTED: how many changes of the store this server has seen, by a cursor on one of its workers.
 * The worker that was asked sends the question to the cursor's, and has the answer sent back. A
 * read takes at most `batch` changes, and goes on in a timer, as one would that waits for a socket.
 */
#include <herd/module.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int changes, batch, left;
static struct herd_worker *_Atomic owner;
static struct herd_cursor *cursor; /* these are the owner's */
static struct herd_timer *timer;
static uint64_t seen;

/* ---- the cursor's worker ---- */

static bool take(void *arg, const struct herd_report *report)
{
    (void)report;
    if ((*(int *)arg)-- == 0)
        return false;
    seen++;
    return true;
}

static void read_some(void *arg)
{
    (void)arg;
    int room = batch;
    uint64_t before = seen;
    if (herd_cursor_read(cursor, take, &room))
        herd_timer_set(timer, 1000000);
    herd_count(changes, seen - before);
}

static void worker_start(void)
{
    struct herd_worker *none = NULL;
    if (!atomic_compare_exchange_strong(&owner, &none, herd_worker()))
        return;
    cursor = herd_cursor_open(read_some, NULL);
    timer = herd_timer_create(read_some, NULL);
}

static void worker_stop(void)
{
    if (left || atomic_load(&owner) != herd_worker())
        return;
    herd_timer_destroy(timer);
    herd_cursor_close(cursor);
}

/* ---- the worker that was asked ---- */

struct question {
    struct herd_request *request; /* NULL: the client has gone */
    struct herd_worker *home;
    uint64_t answer;
};

static void on_gone(void *arg)
{
    ((struct question *)arg)->request = NULL;
}

static void answer(void *arg)
{
    struct question *question = arg;
    if (question->request != NULL) {
        char text[32];
        snprintf(text, sizeof text, "COUNTED %llu\n", (unsigned long long)question->answer);
        herd_reply(question->request, (struct herd_text){text, strlen(text)});
        herd_done(question->request);
    }
    free(question);
}

static void look(void *arg)
{
    struct question *question = arg;
    question->answer = seen;
    herd_worker_tell(question->home, answer, question);
}

static void ask(void *arg)
{
    herd_worker_tell(atomic_load(&owner), look, arg);
}

static enum herd_result counted(struct herd_request *req)
{
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL)
        return HERD_INVALID;
    question->home = herd_worker();
    question->request = herd_defer(req, on_gone, question);
    herd_put_off(ask, question);
    return HERD_LATER;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    changes = herd_counter("count_changes");
    return herd_config_int(group, "batch", 10, 1, 1000, &batch, err) &&
           herd_config_int(group, "leave_behind", 0, 0, 1, &left, err);
}

static const struct herd_command commands[] = {
    {.verb = "COUNTED", .min_fields = 1, .max_fields = 1, .from = HERD_CLIENT, .run = counted},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(count) = {
    .abi = HERD_ABI,
    .name = "count",
    .version = "0.1",
    .summary = "counts changes",
    .group = "extra.count",
    .commands = commands,
    .configure = configure,
    .worker_start = worker_start,
    .worker_stop = worker_stop,
};
