/* Allocation that never fails: without memory a server can answer nobody, so the process says so
 * and aborts, and the core shows who had it all. What must be refused politely instead (clients
 * over limits.memory) is counted before it comes here. Any thread. */
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No stdio and no log: both would want memory. */
_Noreturn void memory_gone(void)
{
    static const char text[] = "herd: error: out of memory\n";

    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    abort();
}

void *memory_alloc(size_t bytes)
{
    /* malloc(0) may be NULL, and a caller that gets NULL from here would be right to be surprised.
     */
    void *p = malloc(bytes > 0 ? bytes : 1);

    if (p == NULL)
        memory_gone();
    return p;
}

void *memory_zeroed(size_t count, size_t bytes)
{
    void *p = count > 0 && bytes > 0 ? calloc(count, bytes) : calloc(1, 1);

    if (p == NULL)
        memory_gone();
    return p;
}

void *memory_resize(void *old, size_t bytes)
{
    void *p = realloc(old, bytes > 0 ? bytes : 1);

    if (p == NULL)
        memory_gone();
    return p;
}

void *memory_aligned(size_t alignment, size_t bytes)
{
    assert(bytes > 0 && bytes % alignment == 0);
    void *p = aligned_alloc(alignment, bytes);

    if (p == NULL)
        memory_gone();
    return p;
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
