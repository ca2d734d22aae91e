/* Lines and their fields, as WIRE.md parts them. Pure; any thread. */
#ifndef WIRE_LINE_H
#define WIRE_LINE_H

#include <herd/module.h>

#include "base/bytes.h"

#include <assert.h>
#include <string.h>

#define LINE_FIELDS 8 /* fields that are kept: the first seven, and the last */

struct line {
    struct herd_text text; /* less its line end */
    size_t count;          /* fields in all */
    struct herd_text
        field[LINE_FIELDS]; /* slot LINE_FIELDS - 1 holds the last field when there are more */
};

/* The length of the first line of these bytes with its LF, or 0 if none ends in them. */
size_t line_length(const char *bytes, size_t len);

/* line_length and line_parse in one pass. 0: no line ends in these bytes, and *line says nothing.
 */
size_t line_next(struct line *line, const char *bytes, size_t len);

/* Parts one line, with its LF or without (the last of the input), into its fields. The texts point
 * into bytes. */
void line_parse(struct line *line, const char *bytes, size_t len);

/* Field i, or an empty text where it is not kept (see LINE_FIELDS) or not there. */
static inline struct herd_text line_field(const struct line *line, size_t i)
{
    assert(line != NULL);
    if (i < LINE_FIELDS - 1 && i < line->count)
        return line->field[i];
    if (i >= LINE_FIELDS - 1 && i + 1 == line->count)
        return line->field[LINE_FIELDS - 1];
    return (struct herd_text){"", 0};
}

/* Whether two texts have the same bytes; whether a text is this word. */
static inline bool text_equal(struct herd_text a, struct herd_text b)
{
    assert((a.bytes != NULL || a.len == 0) && (b.bytes != NULL || b.len == 0));
    return a.len == b.len && bytes_equal(a.bytes, b.bytes, a.len);
}

static inline bool text_is(struct herd_text text, const char *word)
{
    assert(word != NULL);
    return text_equal(text, (struct herd_text){word, strlen(word)});
}

#endif
