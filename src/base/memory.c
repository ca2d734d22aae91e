/* Where malloc has nothing left a server gives up what it can, a connection or a report, and goes
 * on. But a letter to another thread of 40 bytes, say, has nobody who could be told; for all of
 * those there is a reserve, addresses and the right to use them of which but a page is touched, so
 * it costs nothing until then. One of them that is refused twice gives it back to the system and
 * asks again; until it is there again (memory_recover, each second) what may fail does, or those
 * who have connections would use it up, and the server lets nobody new in. So what is asked for
 * meanwhile is little, and only when even that cannot be had does the process say so and abort, and
 * the core shows who had it all. Before the reserve is there, while the server starts, it exits
 * with 1: there is nothing yet to be lost. Any thread.
 *
 * A limit that kills (of a cgroup) is not seen here: limits.memory is the answer to that. */
#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RESERVE_BYTES ((size_t)4 << 20)
#define TRIES         100 /* so often what must be had is asked for again, and so long between */
#define PAUSE_US      10000

struct reserve {
    bool mapped; /* or had from malloc */
};

static _Atomic(struct reserve *) reserve; /* NULL: given up, or not yet laid in */
static atomic_bool serving;               /* it was laid in once */
static atomic_bool is_short;
static _Atomic uint64_t failures;

/* No stdio and no log: both would want memory. */
_Noreturn void memory_gone(void)
{
    static const char text[] = "herd: error: out of memory\n";

    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    if (atomic_load(&serving))
        abort();
    _exit(1);
}

/* ---- the reserve ---- */

/* Where memory was out, malloc may hold all the system gives, and most of it be free. */
static struct reserve *have_reserve(void)
{
    void *mapped = mmap(NULL, RESERVE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct reserve *have = mapped != MAP_FAILED ? mapped : malloc(RESERVE_BYTES);
    if (have != NULL)
        have->mapped = mapped != MAP_FAILED;
    return have;
}

static void free_reserve(struct reserve *have)
{
    if (have != NULL && have->mapped)
        munmap(have, RESERVE_BYTES);
    else
        free(have);
}

static void give_up_reserve(void)
{
    free_reserve(atomic_exchange(&reserve, NULL));
}

bool memory_reserve(void)
{
    assert(atomic_load(&reserve) == NULL);
    atomic_store(&reserve, have_reserve());
    atomic_store(&is_short, false);
    atomic_store(&serving, atomic_load(&reserve) != NULL);
    return atomic_load(&serving);
}

bool memory_recover(void)
{
    if (!atomic_load(&is_short))
        return true;
    struct reserve *have = have_reserve(), *none = NULL;
    if (have == NULL)
        return false;
    atomic_store(&is_short, false); /* first: make_way says the opposite when it has given it up */
    if (!atomic_compare_exchange_strong(&reserve, &none, have))
        free_reserve(have);
    return true;
}

void memory_release(void)
{
    atomic_store(&serving, false);
    atomic_store(&is_short, false);
    give_up_reserve();
}

bool memory_short(void)
{
    return atomic_load_explicit(&is_short, memory_order_relaxed);
}

void memory_failed(void)
{
    atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
    atomic_store(&is_short, true);
}

uint64_t memory_failures(void)
{
    return atomic_load_explicit(&failures, memory_order_relaxed);
}

/* ---- what may fail ---- */

/* Not from what the reserve was. */
static bool may_try(void)
{
    return atomic_load_explicit(&reserve, memory_order_relaxed) != NULL ||
           !atomic_load_explicit(&serving, memory_order_relaxed);
}

void *memory_try(size_t bytes)
{
    /* malloc(0) may be NULL, and a caller that gets NULL from here would be right to be surprised.
     */
    void *p = may_try() ? malloc(bytes > 0 ? bytes : 1) : NULL;

    if (p == NULL)
        memory_failed();
    return p;
}

void *memory_try_zeroed(size_t bytes)
{
    void *p = may_try() ? calloc(1, bytes > 0 ? bytes : 1) : NULL;

    if (p == NULL)
        memory_failed();
    return p;
}

/* ---- what may not ---- */

/* Before it is asked for again: another may have given something back already; then the reserve is
 * given up, and then others have some time. Ends the process where that does not help. */
static void make_way(unsigned *tries)
{
    if (*tries > 0)
        give_up_reserve();
    memory_failed();
    if (!atomic_load(&serving) || *tries == TRIES)
        memory_gone();
    if (*tries > 1)
        usleep(PAUSE_US);
    ++*tries;
}

void *memory_alloc(size_t bytes)
{
    unsigned tries = 0;
    void *p;

    while ((p = malloc(bytes > 0 ? bytes : 1)) == NULL)
        make_way(&tries);
    return p;
}

void *memory_zeroed(size_t count, size_t bytes)
{
    bool some = count > 0 && bytes > 0;
    unsigned tries = 0;
    void *p;

    while ((p = some ? calloc(count, bytes) : calloc(1, 1)) == NULL)
        make_way(&tries);
    return p;
}

void *memory_resize(void *old, size_t bytes)
{
    unsigned tries = 0;
    void *p;

    while ((p = realloc(old, bytes > 0 ? bytes : 1)) == NULL)
        make_way(&tries);
    return p;
}

void *memory_aligned(size_t alignment, size_t bytes)
{
    assert(bytes > 0 && bytes % alignment == 0);
    unsigned tries = 0;
    void *p;

    while ((p = aligned_alloc(alignment, bytes)) == NULL)
        make_way(&tries);
    return p;
}

void *memory_apart(size_t count, size_t bytes)
{
    size_t all;
    bool fits = !__builtin_mul_overflow(count, bytes, &all) && all <= SIZE_MAX - MEMORY_LINE;
    assert(fits && all > 0);
    (void)fits;
    all = (all + MEMORY_LINE - 1) / MEMORY_LINE * MEMORY_LINE;
    return memset(memory_aligned(MEMORY_LINE, all), 0, all);
}

char *memory_string(const char *text)
{
    assert(text != NULL);
    return memory_string_of(text, strlen(text));
}

char *memory_string_of(const char *bytes, size_t len)
{
    assert(bytes != NULL || len == 0);
    char *copy = memory_alloc(len + 1);

    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}
