/* A growing run of bytes: answers wait in one for their socket, unfinished lines for their end. It
 * belongs to whoever holds the struct, on that one thread. The one hard thing is when to move what
 * is left to the front rather than grow: only when enough was taken that the moving is paid for, or
 * a slow reader would make every append a copy. And memory may run out where nobody could be told:
 * the buffer is lost then, as a stream of stdio fails, and says so when it is looked at. */
#include "base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Small, as most connections that hold anything hold half a line. */
#define SMALLEST 256

static void check(const struct buffer *b)
{
    assert(b != NULL);
    assert(b->from <= b->to && b->to <= b->room);
    assert((b->bytes == NULL) == (b->room == 0));
    (void)b;
}

static void move_to_front(struct buffer *b, size_t len)
{
    memmove(b->bytes, b->bytes + b->from, len);
    b->from = 0;
    b->to = len;
}

/* False: there is no memory, which cannot be where it must be had. */
static bool grow(struct buffer *b, size_t len, size_t n, bool must)
{
    size_t room = b->room > 0 ? 2 * b->room : SMALLEST;

    assert(n <= SIZE_MAX / 4 && len <= SIZE_MAX / 4);
    while (room < len + n)
        room *= 2;

    /* Not realloc, which would also copy the bytes already taken. */
    char *bytes = must ? memory_alloc(room) : memory_try(room);
    if (bytes == NULL)
        return false;
    if (len > 0)
        memcpy(bytes, b->bytes + b->from, len);
    free(b->bytes);
    b->bytes = bytes;
    b->from = 0;
    b->to = len;
    b->room = room;
    return true;
}

static bool make_room(struct buffer *b, size_t n, bool must)
{
    check(b);
    size_t len = buffer_len(b);

    if (b->bytes != NULL && b->room - b->to >= n)
        return true;
    /* Each byte taken pays for at most four moved. */
    if (b->bytes == NULL || b->room - len < n || b->from < len / 4)
        return grow(b, len, n, must);
    move_to_front(b, len);
    return true;
}

char *buffer_make_room(struct buffer *b, size_t n)
{
    make_room(b, n, true);
    assert(b->room - b->to >= n);
    return b->bytes + b->to;
}

void buffer_add(struct buffer *b, const void *bytes, size_t n)
{
    assert(bytes != NULL || n == 0);
    if (n == 0)
        return;
    b->lost = b->lost || !make_room(b, n, false);
    if (b->lost)
        return;
    memcpy(b->bytes + b->to, bytes, n);
    buffer_grew(b, n);
}

void buffer_take(struct buffer *b, size_t n)
{
    assert(n <= buffer_len(b));
    b->from += n;
    if (b->from == b->to)
        b->from = b->to = 0;
}

void buffer_free(struct buffer *b)
{
    check(b);
    free(b->bytes);
    *b = (struct buffer){0};
}
