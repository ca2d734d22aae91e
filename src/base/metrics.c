/* Counting without sharing. Each thread gets a block at its first count and alone writes it, with
 * plain loads and stores that are atomic only so that a reader never sees half a number; the lock
 * guards the list of blocks. A thread that ends leaves its block behind, as its counts stay true;
 * threads are few and long-lived, so nothing piles up. */
#include "base/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"

#define CACHE_LINE 64

struct block {
    char before[CACHE_LINE]; /* a neighbour on the heap may be another thread's */
    _Atomic uint64_t count[METRIC_COUNT];
    char after[CACHE_LINE];
    struct block *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;
static _Thread_local struct block *own;

static const char *const names[METRIC_COUNT] = {
#define METRIC(name, help) #name,
#include "base/metrics.def"
#undef METRIC
};

static void join(void)
{
    own = memory_zeroed(1, sizeof *own);
    pthread_mutex_lock(&lock);
    own->next = blocks;
    blocks = own;
    pthread_mutex_unlock(&lock);
}

void metrics_add(enum metric which, uint64_t n)
{
    assert((unsigned)which < METRIC_COUNT);
    if (own == NULL)
        join();

    /* Not fetch_add, whose locked instruction would buy nothing: nobody else writes here. */
    _Atomic uint64_t *count = &own->count[which];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

uint64_t metrics_sum(enum metric which)
{
    uint64_t sum = 0;

    assert((unsigned)which < METRIC_COUNT);
    pthread_mutex_lock(&lock);
    for (struct block *b = blocks; b != NULL; b = b->next)
        sum += atomic_load_explicit(&b->count[which], memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    return sum;
}

const char *metrics_name(enum metric which)
{
    assert((unsigned)which < METRIC_COUNT);
    return names[which];
}

void metrics_fini(void)
{
    pthread_mutex_lock(&lock);
    while (blocks != NULL) {
        struct block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
    own = NULL;
    pthread_mutex_unlock(&lock);
}
