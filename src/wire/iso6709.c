/* Where a client says it is. The text itself is what herd keeps and passes on; the degrees are only
 * computed to look for places. So whether a text is one is decided on its digits, never on a
 * rounded double, and every server of a herd decides alike. Pure; any thread. */
#include "wire/iso6709.h"

#include <assert.h>

#include "wire/decimal.h"
#include "wire/number.h"

_Static_assert(HERD_LOCATION_MAX <= MASKS_MAX, "one mask speaks of a whole location");

static bool is_sign(char c)
{
    return c == '+' || c == '-';
}

/* The most that a coordinate may be. */
static const struct herd_text most_lat = {"90", 2}, most_lon = {"180", 3};

/* Whether a decimal is at most this whole number, decided on the digits. */
static inline bool is_within(const struct decimal *d, struct herd_text most)
{
    struct herd_text whole = d->whole;

    for (; whole.len > most.len && whole.bytes[0] == '0'; whole.len--)
        whole.bytes++;
    if (whole.len != most.len)
        return whole.len < most.len;
    for (size_t i = 0; i < most.len; i++)
        if (whole.bytes[i] != most.bytes[i])
            return whole.bytes[i] < most.bytes[i];
    for (size_t i = 0; i < d->fraction.len; i++)
        if (d->fraction.bytes[i] != '0')
            return false;
    return true;
}

/* Where the first of these bytes stands; behind the text if there is none. */
static inline size_t next_other(struct herd_text text, uint64_t others)
{
    return others != 0 ? (size_t)(unsigned)__builtin_ctzll(others) : text.len;
}

static void compute(char sign, struct herd_text digits, double *deg)
{
    if (deg == NULL)
        return;
    bool ok = number_decimal_parse(digits, deg);
    assert(ok);
    (void)ok;
    if (sign == '-')
        *deg = -*deg;
}

/* Takes a coordinate from behind its sign on, and its bits out of those of the bytes that are no
 * digits. Returns where it ends, or 0 if it is none or too great. */
static inline size_t take_angle(struct herd_text text, size_t from, uint64_t *others,
                                struct herd_text most)
{
    struct decimal d;
    size_t end = next_other(text, *others);
    d.whole = (struct herd_text){text.bytes + from, end - from};
    d.fraction = (struct herd_text){text.bytes + end, 0};
    if (end == from)
        return 0;
    if (end < text.len && text.bytes[end] == '.') {
        *others &= *others - 1;
        size_t point = end;
        end = next_other(text, *others);
        d.fraction = (struct herd_text){text.bytes + point + 1, end - point - 1};
        if (d.fraction.len == 0)
            return 0;
    }
    *others &= *others - 1;
    return is_within(&d, most) ? end : 0;
}

bool iso6709_parse(struct herd_text text, double *lat_deg, double *lon_deg)
{
    assert(text.bytes != NULL || text.len == 0);
    if (text.len < 4 || text.len > HERD_LOCATION_MAX || !is_sign(text.bytes[0]))
        return false;

    uint64_t others = masks_others(text.bytes, text.len) & ~UINT64_C(1);
    size_t second = take_angle(text, 1, &others, most_lat);
    if (second == 0 || second == text.len || !is_sign(text.bytes[second]) ||
        take_angle(text, second + 1, &others, most_lon) != text.len)
        return false;
    compute(text.bytes[0], (struct herd_text){text.bytes + 1, second - 1}, lat_deg);
    compute(text.bytes[second], (struct herd_text){text.bytes + second + 1, text.len - second - 1},
            lon_deg);
    return true;
}
