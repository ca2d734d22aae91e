/* A binary heap, ordered by time and then by the order of adding. */
#include "events.h"

#include "base/memory.h"

#include <stdlib.h>

static bool before(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void events_add(struct events *events, int64_t at_ns, void (*run)(struct world *, unsigned),
                unsigned which)
{
    if (events->count == events->room) {
        events->room = events->room ? events->room * 2 : 256;
        events->heap = memory_resize(events->heap, events->room * sizeof *events->heap);
    }
    struct event event = {at_ns, events->added++, run, which};
    size_t i = events->count++;
    for (; i > 0 && before(&event, &events->heap[(i - 1) / 2]); i = (i - 1) / 2)
        events->heap[i] = events->heap[(i - 1) / 2];
    events->heap[i] = event;
}

bool events_take(struct events *events, int64_t until_ns, struct event *event)
{
    if (events->count == 0 || events->heap[0].at_ns > until_ns)
        return false;
    *event = events->heap[0];
    struct event last = events->heap[--events->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < events->count; i = child) {
        if (child + 1 < events->count && before(&events->heap[child + 1], &events->heap[child]))
            child++;
        if (!before(&events->heap[child], &last))
            break;
        events->heap[i] = events->heap[child];
    }
    events->heap[i] = last;
    return true;
}

void events_free(struct events *events)
{
    free(events->heap);
    *events = (struct events){0};
}
