/* Counting without sharing. Each thread gets a block at its first count; the lock guards the list
 * of blocks. A thread that ends leaves its block behind, as its counts stay true; threads are few
 * and long-lived, so nothing piles up. */
#include "base/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define NAME_MAX 64 /* bytes of a name */

struct block {
    char before[MEMORY_LINE]; /* a neighbour on the heap may be another thread's */
    struct metrics_block own;
    char after[MEMORY_LINE];
    struct block *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;
_Thread_local struct metrics_block *metrics_here;

static const char *const names[METRIC_COUNT] = {
#define METRIC(name, help) #name,
#include "base/metrics.def"
#undef METRIC
};

static struct {
    char names[HERD_COUNTERS_MAX][NAME_MAX + 1];
    int count;
    bool sealed; /* other threads read the names now */
} modules;

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return len > 0 && len <= NAME_MAX && name[len] == '\0';
}

/* What else stands in the status line (core/status.c). */
static bool is_in_status(const char *name)
{
    static const char *const members[] = {"server", "uptime_s", "clients", "memory_bytes"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (strcmp(members[i], name) == 0)
            return true;
    return false;
}

int metrics_own(const char *name, struct herd_error *err)
{
    assert(name != NULL && err != NULL);
    int which = 0;
    while (which < metrics_count() && strcmp(metrics_name(which), name) != 0)
        which++;
    if (which < METRIC_COUNT || is_in_status(name))
        return (herd_fail(err, "the counter %s is herd's own", name), -1);
    if (which < metrics_count())
        return which;
    if (!is_name(name))
        return (herd_fail(err, "\"%s\" is no name for a counter", name), -1);
    if (modules.sealed)
        return (herd_fail(err, "the counter %s comes after the start", name), -1);
    if (modules.count == HERD_COUNTERS_MAX)
        return (herd_fail(err, "no more than %d counters: %s", HERD_COUNTERS_MAX, name), -1);
    strcpy(modules.names[modules.count++], name);
    return which;
}

void metrics_seal(void)
{
    modules.sealed = true;
}

int metrics_count(void)
{
    return METRIC_COUNT + modules.count;
}

void metrics_join(void)
{
    struct block *block = memory_zeroed(1, sizeof *block);
    pthread_mutex_lock(&lock);
    block->next = blocks;
    blocks = block;
    pthread_mutex_unlock(&lock);
    metrics_here = &block->own;
}

uint64_t metrics_sum(int which)
{
    uint64_t sum = 0;

    assert(which >= 0 && which < metrics_count());
    pthread_mutex_lock(&lock);
    for (struct block *b = blocks; b != NULL; b = b->next)
        sum += atomic_load_explicit(&b->own.count[which], memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    return sum;
}

const char *metrics_name(int which)
{
    assert(which >= 0 && which < metrics_count());
    return which < METRIC_COUNT ? names[which] : modules.names[which - METRIC_COUNT];
}

void metrics_fini(void)
{
    pthread_mutex_lock(&lock);
    while (blocks != NULL) {
        struct block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
    metrics_here = NULL;
    pthread_mutex_unlock(&lock);
}
