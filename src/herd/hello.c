/* The one line that has more fields than a struct line keeps, so it is parted here. */
#include "herd/hello.h"

#include "wire/at.h"
#include "wire/line.h"
#include "wire/number.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Takes the next field off the front of *rest; an empty text at the end. */
static struct herd_text next_field(struct herd_text *rest)
{
    static const char white[] = " \t\r\n\f\v";
    while (rest->len > 0 && memchr(white, *rest->bytes, 6) != NULL)
        rest->bytes++, rest->len--;
    struct herd_text field = {rest->bytes, 0};
    while (rest->len > 0 && memchr(white, *rest->bytes, 6) == NULL)
        rest->bytes++, rest->len--, field.len++;
    return field;
}

static bool is_epoch(struct herd_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (memchr("0123456789abcdef", text.bytes[i], 16) == NULL)
            return false;
    return text.len == EPOCH_BYTES;
}

static bool parse_have(struct hello *hello, struct herd_text rest, struct herd_error *err)
{
    hello->have_stripes = 0;
    hello->have = next_field(&rest);
    struct herd_text field = next_field(&rest);
    if (text_is(hello->have, "-") && field.len == 0) {
        hello->have.len = 0;
        return true;
    }
    if (!is_epoch(hello->have))
        return herd_fail(err, "HELLO: HAVE names no epoch");
    for (; field.len > 0; field = next_field(&rest)) {
        if (hello->have_stripes == NEIGHBOUR_STRIPES_MAX ||
            !number_u64_parse(field, &hello->pos[hello->have_stripes]))
            return herd_fail(err, "HELLO: HAVE has a bad place");
        hello->have_stripes++;
    }
    return true;
}

bool hello_parse(struct hello *hello, struct herd_text line, struct herd_error *err)
{
    struct herd_text rest = line;
    unsigned version;
    if (!text_is(next_field(&rest), "HELLO"))
        return herd_fail(err, "the first line is no HELLO");
    if (!number_count_parse(next_field(&rest), &version))
        return herd_fail(err, "HELLO: no version");
    if (version != HELLO_VERSION)
        return herd_fail(err, "HELLO: version %u, not %d", version, HELLO_VERSION);
    hello->from = next_field(&rest);
    hello->to = next_field(&rest);
    if (!at_name_valid(hello->from) || !at_name_valid(hello->to))
        return herd_fail(err, "HELLO: no server's name");
    hello->epoch = next_field(&rest);
    if (!is_epoch(hello->epoch))
        return herd_fail(err, "HELLO: no epoch");
    if (!number_time_parse(next_field(&rest), &hello->clock_ns))
        return herd_fail(err, "HELLO: no clock");
    if (!number_count_parse(next_field(&rest), &hello->stripes) || hello->stripes == 0 ||
        hello->stripes > NEIGHBOUR_STRIPES_MAX)
        return herd_fail(err, "HELLO: stripes must be 1 to %d", NEIGHBOUR_STRIPES_MAX);
    if (!text_is(next_field(&rest), "HAVE"))
        return herd_fail(err, "HELLO: no HAVE");
    return parse_have(hello, rest, err);
}

size_t hello_print(char *to, const char *from, struct neighbour *neighbour, const char *epoch,
                   int64_t clock_ns, unsigned stripes, const char *have_epoch)
{
    char clock[NUMBER_TIME_MAX];
    size_t clock_len = number_time_print(clock, clock_ns, 9);
    int n = snprintf(to, HELLO_BYTES_MAX, "HELLO %d %s %s %.*s %.*s %u ", HELLO_VERSION, from,
                     neighbour_name(neighbour), EPOCH_BYTES, epoch, (int)clock_len, clock, stripes);
    assert(n > 0 && n + NEIGHBOUR_HAVE_MAX + 1 <= HELLO_BYTES_MAX);
    size_t len = (size_t)n + neighbour_have(neighbour, have_epoch, to + n);
    to[len++] = '\n';
    return len;
}
