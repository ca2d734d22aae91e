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

/* Whether a decimal is at most this whole number, decided on the digits. */
static bool is_within(const struct decimal *d, unsigned most)
{
    const char *end = d->whole.bytes + d->whole.len;
    unsigned whole = 0;

    for (const char *p = d->whole.bytes; p < end; p++) {
        whole = whole * 10 + ((unsigned char)*p - (unsigned)'0');
        if (whole > most)
            return false;
    }
    for (size_t i = 0; whole == most && i < d->fraction.len; i++)
        if (d->fraction.bytes[i] != '0')
            return false;
    return true;
}

/* A coordinate behind its sign. */
static bool is_angle(struct herd_text digits, uint64_t others, unsigned most)
{
    struct decimal d;
    return decimal_part(digits, others, &d) && is_within(&d, most);
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

/* The second sign is the first or the second of the bytes behind the first sign that are no digits,
 * as there is a point before it or none. Returns where it stands, or 0. */
static size_t second_sign(struct herd_text text, uint64_t others)
{
    for (int i = 0; i < 2 && others != 0; i++, others &= others - 1) {
        size_t at = (size_t)(unsigned)__builtin_ctzll(others);
        if (is_sign(text.bytes[at]))
            return at;
    }
    return 0;
}

bool iso6709_parse(struct herd_text text, double *lat_deg, double *lon_deg)
{
    assert(text.bytes != NULL || text.len == 0);
    if (text.len < 4 || text.len > HERD_LOCATION_MAX || !is_sign(text.bytes[0]))
        return false;

    uint64_t others = masks_others(text.bytes, text.len);
    size_t second = second_sign(text, others & ~UINT64_C(1));
    if (second == 0 || second + 1 == text.len)
        return false;

    struct herd_text lat = {text.bytes + 1, second - 1};
    struct herd_text lon = {text.bytes + second + 1, text.len - second - 1};
    uint64_t lat_others = (others & ((UINT64_C(1) << second) - 1)) >> 1;
    if (!is_angle(lat, lat_others, 90) || !is_angle(lon, others >> (second + 1), 180))
        return false;
    compute(text.bytes[0], lat, lat_deg);
    compute(text.bytes[second], lon, lon_deg);
    return true;
}
