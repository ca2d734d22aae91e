/* What is to happen when, in virtual time: a heap. Events of the same time happen in the order in
 * which they were added, so that a schedule runs the same way each time. */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

struct event {
    int64_t at_ns;
    uint64_t order;
    void (*run)(struct world *world, unsigned which);
    unsigned which;
};

struct events {
    struct event *heap;
    size_t count, room;
    uint64_t added;
};

void events_add(struct events *events, int64_t at_ns, void (*run)(struct world *, unsigned),
                unsigned which);
/* Takes the first one out. False: there is none at or before until_ns. */
bool events_take(struct events *events, int64_t until_ns, struct event *event);
void events_free(struct events *events);

#endif
