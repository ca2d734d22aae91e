/* The links of a worker as a whole: those it dials, those it was given, their end. */
#include "net/links.h"

#include "base/memory.h"
#include "net/dial.h"
#include "net/peer.h"

#include <stdlib.h>
#include <unistd.h>

#define END_NS (INT64_C(1) * 1000000000) /* to send what is there to send when the server stops */

void links_init(struct links *links, struct links_service *service, unsigned index)
{
    links->service = service;
    links->worker = service->workers[index];
    TAILQ_INIT(&links->unproved);
    TAILQ_INIT(&links->proved);
    links->dials = memory_zeroed(service->host.neighbour_count + 1, sizeof *links->dials);
    for (size_t i = index; i < service->host.neighbour_count; i += service->worker_count)
        if (neighbour_dialled(service->host.neighbours[i]))
            dial_init(&links->dials[links->dial_count++], links, service->host.neighbours[i],
                      &service->addresses[i]);
}

void links_start(struct links *links)
{
    for (size_t i = 0; i < links->dial_count; i++)
        dial_start(&links->dials[i]);
}

void links_take(struct links *links, int fd, const struct address *from)
{
    if (links->ending_ns != 0)
        close(fd);
    else
        peer_open(links, fd, NULL, from);
}

void links_drop(struct links *links, uint32_t session, const char *why)
{
    struct peer *peer;
    TAILQ_FOREACH (peer, &links->proved, entry)
        if (link_session(peer->link) == session) {
            peer_close(peer, why);
            return;
        }
}

static void drop_all(struct links *links, const char *why)
{
    while (!TAILQ_EMPTY(&links->proved))
        peer_close(TAILQ_FIRST(&links->proved), why);
    while (!TAILQ_EMPTY(&links->unproved))
        peer_close(TAILQ_FIRST(&links->unproved), why);
}

void links_reopen(void *arg)
{
    struct links *links = arg;
    drop_all(links, "the clock stepped");
    for (size_t i = 0; i < links->dial_count; i++)
        neighbour_forget(
            links->dials[i].neighbour); /* it has no HELLO under way that tells the old place */
}

void links_second(struct links *links)
{
    struct peer *peer;
    TAILQ_FOREACH (peer, &links->proved, entry)
        peer_second(peer);
    if (links->ending_ns != 0 && links->count > 0 && clock_now_ns() >= links->ending_ns)
        drop_all(links, "the server stops");
}

void links_end(struct links *links, void (*gone)(void *), void *arg)
{
    struct peer *peer;
    links->gone = gone;
    links->gone_arg = arg;
    links->ending_ns = clock_now_ns() + END_NS;
    for (size_t i = 0; i < links->dial_count; i++)
        dial_stop(&links->dials[i]);
    if (links->count == 0) {
        gone(arg);
        return;
    }
    TAILQ_FOREACH (peer, &links->proved, entry)
        peer_end(peer);
    while (!TAILQ_EMPTY(&links->unproved))
        peer_close(TAILQ_FIRST(&links->unproved), "the server stops");
}

void links_fini(struct links *links)
{
    for (size_t i = 0; i < links->dial_count; i++)
        dial_stop(&links->dials[i]);
    if (links->ending_ns == 0)
        links->ending_ns = 1; /* nothing is dialled again */
    links->count++;           /* and nobody is told */
    drop_all(links, "the server stops");
}

void links_release(struct links *links)
{
    free(links->dials);
    links->dials = NULL;
}
