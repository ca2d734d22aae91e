/* The connections of a worker as a whole: taking them, their deadlines, their end. */
#include "net/clients.h"

#include "base/log.h"
#include "base/metrics.h"
#include "net/connection.h"

#include <assert.h>
#include <unistd.h>

#define LINE_NS   (INT64_C(10) * 1000000000) /* a line must be whole */
#define ANSWER_NS (INT64_C(10) * 1000000000) /* an answer must be taken */
#define LINGER_NS (INT64_C(2) * 1000000000)  /* after the last answer, to read what still comes */
#define HURRY_NS  (INT64_C(1) * 1000000000)  /* an answer must be taken, when the server stops */

void clients_init(struct clients *clients, struct worker *worker, struct clients_service *service)
{
    clients->worker = worker;
    clients->service = service;
    deadlines_init(&clients->due[DUE_LINGER], LINGER_NS);
    deadlines_init(&clients->due[DUE_COMMAND], service->idle_ns);
    deadlines_init(&clients->due[DUE_LINE], LINE_NS);
    deadlines_init(&clients->due[DUE_ANSWER], ANSWER_NS);
    deadlines_init(&clients->due[DUE_NEVER], 0);
}

void clients_expect(struct clients *clients)
{
    atomic_fetch_add(&clients->service->open, 1);
    atomic_fetch_add(&clients->count, 1);
}

void clients_take(struct clients *clients, int fd, const struct address *from)
{
    metric_add(connections_accepted, 1);
    if (clients->ending) {
        close(fd);
        clients_left(clients);
        return;
    }
    connection_open(clients, fd, from);
}

void clients_left(struct clients *clients)
{
    metric_add(connections_closed, 1);
    atomic_fetch_sub(&clients->service->open, 1);
    if (atomic_fetch_sub(&clients->count, 1) == 1 && clients->ending)
        clients->gone(clients->gone_arg);
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

/* Those that wait for their answers to be taken have less time now. */
static void hurry(struct clients *clients)
{
    struct deadline *one;
    int64_t ends_ns = clock_now_ns() + HURRY_NS;
    struct deadlines *answer = &clients->due[DUE_ANSWER];
    TAILQ_FOREACH (one, &answer->queue, entry)
        if (one->ends_ns > ends_ns)
            one->ends_ns = ends_ns;
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
    for (size_t i = 0; i < DUE_KINDS; i++)
        while (!TAILQ_EMPTY(&clients->due[i].queue))
            connection_close(of_deadline(TAILQ_FIRST(&clients->due[i].queue)));
}
