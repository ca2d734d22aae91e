/* The connections of a worker as a whole: taking them, their deadlines, their end. */
#include "net/clients.h"

#include "base/log.h"
#include "base/metrics.h"
#include "net/connection.h"

#include <assert.h>
#include <unistd.h>

#define LINGER_NS (INT64_C(2) * 1000000000) /* after the last answer, to read what still comes */
#define HURRY_NS  (INT64_C(1) * 1000000000) /* an answer must be taken, when the server stops */
#define TOKEN_NS  (INT64_C(10) * 1000000)   /* those who wait for tokens are not looked at sooner */

static void on_tokens(evutil_socket_t fd, short what, void *arg);

static void on_told(void *arg)
{
    owed_send(arg);
}

void clients_init(struct clients *clients, struct worker *worker, struct clients_service *service)
{
    clients->worker = worker;
    clients->service = service;
    worker->sockets.told_all = on_told;
    worker->sockets.arg = clients;
    deadlines_init(&clients->due[DUE_LINGER], LINGER_NS);
    deadlines_init(&clients->due[DUE_COMMAND], service->idle_ns);
    deadlines_init(&clients->due[DUE_RENEWED], service->idle_ns > 0 ? 1 : 0);
    deadlines_init(&clients->due[DUE_HANDSHAKE], service->line_ns);
    deadlines_init(&clients->due[DUE_LINE], service->line_ns);
    deadlines_init(&clients->due[DUE_ANSWER], service->answer_ns);
    deadlines_init(&clients->due[DUE_NEVER], 0);
    deadlines_init(&clients->due[DUE_TOKEN], 0);
    event_assign(&clients->tokens, worker->base, -1, 0, on_tokens, clients);
}

void clients_expect(struct clients *clients)
{
    atomic_fetch_add(&clients->service->open, 1);
    atomic_fetch_add(&clients->count, 1);
}

static void uncount(struct clients *clients)
{
    atomic_fetch_sub(&clients->service->open, 1);
    if (atomic_fetch_sub(&clients->count, 1) == 1 && clients->ending)
        clients->gone(clients->gone_arg);
}

static void take(struct clients *clients, int fd, const struct address *from, bool tls)
{
    struct clients_service *service = clients->service;
    struct addresses_entry *entry;
    if (clients->ending || !addresses_enter(service->addresses, from, &entry)) {
        metric_add(refused_address, !clients->ending);
        close(fd);
        uncount(clients);
        return;
    }
    const struct transport *io = tls ? tls_accept(service->tls, fd) : &transport_plain;
    metric_add(connections_accepted, 1);
    connection_open(clients, fd, from, io, entry);
}

void clients_take(struct clients *clients, int fd, const struct address *from)
{
    take(clients, fd, from, false);
}

void clients_take_tls(struct clients *clients, int fd, const struct address *from)
{
    take(clients, fd, from, true);
}

void clients_left(struct clients *clients)
{
    metric_add(connections_closed, 1);
    uncount(clients);
}

static struct connection *of_deadline(struct deadline *deadline)
{
    return (struct connection *)((char *)deadline - offsetof(struct connection, deadline));
}

void clients_second(struct clients *clients)
{
    int64_t now_ns = clock_now_ns();
    for (size_t i = 0; i < DUE_KINDS; i++) {
        struct deadline *due;
        while ((due = deadline_due(&clients->due[i], now_ns)) != NULL)
            connection_overdue(of_deadline(due));
    }
}

/* ---- those that wait for tokens ---- */

void clients_slow(struct clients *clients, int64_t in_ns)
{
    int64_t us = (in_ns > TOKEN_NS ? in_ns : TOKEN_NS) / 1000, at_ns = clock_now_ns() + us * 1000;
    if (event_pending(&clients->tokens, EV_TIMEOUT, NULL) && clients->tokens_ns <= at_ns)
        return;
    clients->tokens_ns = at_ns;
    event_add(&clients->tokens, &(struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000});
}

/* Each has its turn once; who needs more goes to the queue's end. */
static void on_tokens(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct clients *clients = arg;
    struct deadlines *waiting = &clients->due[DUE_TOKEN];
    struct deadline *last = TAILQ_LAST(&waiting->queue, deadline_queue), *one = NULL;
    while (one != last) {
        one = TAILQ_FIRST(&waiting->queue);
        connection_go_on(of_deadline(one)); /* which may free it */
    }
}

/* ---- the end ---- */

/* Those that wait for their answers to be taken have less time now. */
static void hurry(struct clients *clients)
{
    struct deadline *one;
    int64_t ends_ns = clock_now_ns() + HURRY_NS;
    struct deadlines *answer = &clients->due[DUE_ANSWER];
    bool never = answer->after_ns == 0;
    TAILQ_FOREACH (one, &answer->queue, entry)
        if (never || one->ends_ns > ends_ns)
            one->ends_ns = ends_ns;
    if (never || answer->after_ns > HURRY_NS)
        answer->after_ns = HURRY_NS;
}

/* One that begins to linger goes to a queue that was looked at already. */
static void end_all(struct clients *clients, bool now)
{
    for (size_t i = 0; i < DUE_KINDS; i++) {
        struct deadline *one, *next;
        for (one = TAILQ_FIRST(&clients->due[i].queue); one != NULL; one = next) {
            next = TAILQ_NEXT(one, entry);
            connection_end(of_deadline(one), now);
        }
    }
}

void clients_end(struct clients *clients, bool patient, void (*gone)(void *), void *arg)
{
    bool first = !clients->ending;
    assert(clients->owed.count == 0);
    clients->ending = true;
    clients->gone = gone;
    clients->gone_arg = arg;
    if (!patient)
        hurry(clients);
    if (first && atomic_load(&clients->count) == 0) {
        gone(arg);
        return;
    }
    end_all(clients, !patient);
}

void clients_fini(struct clients *clients)
{
    event_del(&clients->tokens);
    for (size_t i = 0; i < DUE_KINDS; i++)
        while (!TAILQ_EMPTY(&clients->due[i].queue))
            connection_close(of_deadline(TAILQ_FIRST(&clients->due[i].queue)));
}
