/* Lines and fields, where they lie in whatever they were read into: nothing is copied. The one hard
 * thing is that it is done for every byte that anybody sends, so it is one pass over a table. Pure;
 * any thread. */
#include "wire/line.h"

#include <assert.h>
#include <string.h>

/* The six bytes of WIRE.md, and never isspace, which asks the locale. NUL is no white space. */
static const bool white[256] = {
    [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, ['\f'] = true, ['\v'] = true,
};

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

void line_parse(struct line *line, const char *bytes, size_t len)
{
    assert(line != NULL && (bytes != NULL || len == 0));
    len = strip_end(bytes, len);
    *line = (struct line){.text = {bytes, len}};

    size_t i = 0;
    size_t count = 0;
    for (;;) {
        while (i < len && white[(unsigned char)bytes[i]])
            i++;
        if (i == len)
            break;
        size_t from = i;
        while (i < len && !white[(unsigned char)bytes[i]])
            i++;
        /* Each field behind the seventh overwrites the one before it, so that the last stays. */
        size_t slot = count < LINE_FIELDS - 1 ? count : LINE_FIELDS - 1;
        line->field[slot] = (struct herd_text){bytes + from, i - from};
        count++;
    }
    line->count = count;
}

struct herd_text line_field(const struct line *line, size_t i)
{
    assert(line != NULL);
    if (i < line->count) {
        if (i < LINE_FIELDS - 1)
            return line->field[i];
        if (i == line->count - 1)
            return line->field[LINE_FIELDS - 1];
    }
    return (struct herd_text){"", 0};
}

bool text_equal(struct herd_text a, struct herd_text b)
{
    assert((a.bytes != NULL || a.len == 0) && (b.bytes != NULL || b.len == 0));
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

bool text_is(struct herd_text text, const char *word)
{
    assert(word != NULL);
    return text_equal(text, (struct herd_text){word, strlen(word)});
}
