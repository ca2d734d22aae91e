/* Lines and their fields, as WIRE.md parts them. Pure; any thread. */
#ifndef WIRE_LINE_H
#define WIRE_LINE_H

#include <herd/module.h>

#define LINE_FIELDS 8 /* fields that are kept: the first seven, and the last */

struct line {
    struct herd_text text; /* less its line end */
    size_t count;          /* fields in all */
    struct herd_text
        field[LINE_FIELDS]; /* slot LINE_FIELDS - 1 holds the last field when there are more */
};

/* The length of the first line of these bytes with its LF, or 0 if none ends in them. */
size_t line_length(const char *bytes, size_t len);

/* Parts one line, with its LF or without (the last of the input), into its fields. The texts point
 * into bytes. */
void line_parse(struct line *line, const char *bytes, size_t len);

/* Field i, or an empty text where it is not kept (see LINE_FIELDS) or not there. */
struct herd_text line_field(const struct line *line, size_t i);

/* Whether two texts have the same bytes; whether a text is this word. */
bool text_equal(struct herd_text a, struct herd_text b);
bool text_is(struct herd_text text, const char *word);

#endif
