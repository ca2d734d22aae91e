/* Bytes that grow at the end and are taken from the front. Not shared between threads. One that
 * memory ran out for is lost: what is added then it does not hold, and its owner, who looks when
 * the bytes are to be used, gives up what they were for. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <herd/module.h>

#include <assert.h>

struct buffer {
    char *bytes; /* start of the allocation; NULL while nothing is held */
    size_t from; /* first byte not yet taken */
    size_t to;   /* behind the last byte */
    size_t room; /* size of the allocation */
    bool lost;   /* something is missing, until it is freed */
};

/* How many bytes are held, and where they begin. */
static inline size_t buffer_len(const struct buffer *b)
{
    assert(b->from <= b->to && b->to <= b->room);
    return b->to - b->from;
}

static inline char *buffer_at(const struct buffer *b)
{
    assert((b->bytes == NULL) == (b->room == 0));
    /* NULL + 0 is undefined in C, whatever the machine makes of it. */
    return b->bytes != NULL ? b->bytes + b->from : NULL;
}

/* Makes room for n more bytes at the end and returns where they go; buffer_grew says how many were
 * written. For few bytes: this is memory that must be had. */
char *buffer_make_room(struct buffer *b, size_t n);

static inline char *buffer_reserve(struct buffer *b, size_t n)
{
    assert(b->from <= b->to && b->to <= b->room);
    return b->bytes != NULL && b->room - b->to >= n ? b->bytes + b->to : buffer_make_room(b, n);
}

static inline void buffer_grew(struct buffer *b, size_t n)
{
    assert(n <= b->room - b->to);
    b->to += n;
}

void buffer_add(struct buffer *b, const void *bytes, size_t n);

/* Takes n bytes from the front; when none is left the allocation stays. */
void buffer_take(struct buffer *b, size_t n);

/* Empties and frees. */
void buffer_free(struct buffer *b);

#endif
