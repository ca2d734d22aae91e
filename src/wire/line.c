/* Lines and fields, where they lie in whatever they were read into: nothing is copied. The one hard
 * thing is that it is done for every byte that anybody sends, so many are looked at at a time:
 * see masks.h. Pure; any thread. */
#include "wire/line.h"

#include <assert.h>
#include <string.h>

#include "wire/masks.h"

#define BLOCK (2 * MASKS_STEP) /* bytes looked at at a time */

size_t line_length(const char *bytes, size_t len)
{
    assert(bytes != NULL || len == 0);
    if (len == 0)
        return 0;

    const char *end = memchr(bytes, '\n', len);
    return end != NULL ? (size_t)(end - bytes) + 1 : 0;
}

/* A line's end is LF or CRLF; a CR that no LF follows is a byte of the line like any other white
 * space. */
static size_t strip_end(const char *bytes, size_t len)
{
    if (len > 0 && bytes[len - 1] == '\n') {
        len--;
        if (len > 0 && bytes[len - 1] == '\r')
            len--;
    }
    return len;
}

/* Both halves of a block as one. */
static inline struct masks_ends join(struct masks_ends low, struct masks_ends high)
{
    return (struct masks_ends){low.white | high.white << MASKS_STEP,
                               low.newline | high.newline << MASKS_STEP};
}

/* Up to sixteen bytes from `at` on. Where fewer are left, what lies behind them counts as white and
 * is not read: the last sixteen bytes there are are looked at. */
static inline struct masks_ends look_half(const char *bytes, size_t at, size_t len)
{
    size_t left = at < len ? len - at : 0;
    struct masks_ends ends = {0, 0};

    if (left >= MASKS_STEP)
        return masks_ends(bytes + at);
    if (len >= MASKS_STEP && left > 0) {
        ends = masks_ends(bytes + len - MASKS_STEP);
        ends.white >>= MASKS_STEP - left;
        ends.newline >>= MASKS_STEP - left;
    } else {
        for (size_t i = 0; i < left; i++) {
            ends.white |= (uint32_t)masks_is_white(bytes[at + i]) << i;
            ends.newline |= (uint32_t)(bytes[at + i] == '\n') << i;
        }
    }
    ends.white |= MASKS_BLOCK << left & MASKS_BLOCK;
    return ends;
}

static inline struct masks_ends look(const char *bytes, size_t at, size_t len)
{
    if (len - at >= BLOCK)
        return join(masks_ends(bytes + at), masks_ends(bytes + at + MASKS_STEP));
    return join(look_half(bytes, at, len), look_half(bytes, at + MASKS_STEP, len));
}

/* Takes the lowest bit out of a mask. */
static inline unsigned take_bit(uint32_t *mask)
{
    unsigned bit = (unsigned)__builtin_ctz(*mask);
    *mask &= *mask - 1;
    return bit;
}

/* Each field behind the seventh overwrites the one before it, so that the last stays. */
static inline struct herd_text *slot(struct line *line, size_t which)
{
    return &line->field[which < LINE_FIELDS - 1 ? which : LINE_FIELDS - 1];
}

/* Parts all these bytes, or those before the first LF, and returns how many that were. A field
 * begins and ends where white space changes to other bytes and back: at each bit that differs from
 * the one before it. Before the line there is white space, and behind it. */
static size_t part(struct line *line, const char *bytes, size_t len, bool to_newline)
{
    const char *from = NULL; /* of a field that has not ended */
    size_t count = 0;
    size_t end = len;
    uint32_t before = 1;

    for (size_t at = 0; at <= end; at += BLOCK) {
        struct masks_ends ends = look(bytes, at, len);
        if (to_newline && ends.newline != 0) {
            unsigned newline = (unsigned)__builtin_ctz(ends.newline);
            end = at + newline;
            ends.white |= UINT32_MAX << newline;
        }
        uint32_t edges = ends.white ^ (ends.white << 1 | before);
        before = ends.white >> (BLOCK - 1);
        if (from != NULL && edges != 0) {
            *slot(line, count++) = (struct herd_text){
                from, (size_t)(bytes + at + take_bit(&edges) - from)};
            from = NULL;
        }
        while (edges != 0) {
            from = bytes + at + take_bit(&edges);
            if (edges == 0)
                break;
            *slot(line, count++) = (struct herd_text){
                from, (size_t)(bytes + at + take_bit(&edges) - from)};
            from = NULL;
        }
    }
    assert(from == NULL);
    line->count = count;
    return end;
}

size_t line_next(struct line *line, const char *bytes, size_t len)
{
    assert(line != NULL && (bytes != NULL || len == 0));
    size_t end = part(line, bytes, len, true);
    if (end == len)
        return 0;
    line->text = (struct herd_text){bytes, strip_end(bytes, end + 1)};
    return end + 1;
}

void line_parse(struct line *line, const char *bytes, size_t len)
{
    assert(line != NULL && (bytes != NULL || len == 0));
    len = strip_end(bytes, len);
    line->text = (struct herd_text){bytes, len};
    part(line, bytes, len, false);
}
