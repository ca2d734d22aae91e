/* Memory that only grows and never moves: a stretch of address space that is reserved at once and
 * taken piece by piece. So a place in it can be named by its distance from the beginning, in fewer
 * bits than a pointer has, and looked at by a thread that holds no lock. What is taken costs memory
 * only where it is written to. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct arena {
    char *base; /* at a multiple of 2 MiB */
    char *mapped;
    size_t reserved;      /* from base on */
    pthread_mutex_t lock; /* of what follows */
    size_t usable;        /* from the beginning */
    size_t taken;
};

/* Reserves so many bytes, or fewer where the system does not let twice that many be had: the other
 * half is for whoever else needs addresses. Main thread. */
void arena_init(struct arena *arena, size_t bytes);
/* Frees all that was taken. */
void arena_fini(struct arena *arena);

/* Takes bytes that are 0, at a multiple of alignment, a power of two. They are never given back.
 * NULL: there is no memory, or nothing left of what was reserved. Any thread. */
void *arena_take(struct arena *arena, size_t bytes, size_t alignment);

/* How much was taken, from the beginning. Any thread. */
size_t arena_taken(struct arena *arena);

/* Whether some more could be taken, which is seen to. Any thread. */
bool arena_has_room(struct arena *arena);

#endif
