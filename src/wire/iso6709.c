/* Where a client says it is. The text itself is what herd keeps and passes on; the degrees are only
 * computed to look for places. So whether a text is one is decided on its digits, never on a
 * rounded double, and every server of a herd decides alike. Pure; any thread. */
#include "wire/iso6709.h"

#include <assert.h>
#include <string.h>

#include "wire/number.h"

/* One coordinate: a sign and an unsigned decimal, which need not be well formed yet. */
struct angle {
    bool negative;
    struct herd_text digits;
};

static bool is_sign(char c)
{
    return c == '+' || c == '-';
}

/* Splits at the second sign. What lies between the signs is judged by number_decimal_parse. */
static bool split(struct herd_text text, struct angle *lat, struct angle *lon)
{
    size_t at = 1;

    if (text.len < 4 || text.len > HERD_LOCATION_MAX || !is_sign(text.bytes[0]))
        return false;
    while (at < text.len && !is_sign(text.bytes[at]))
        at++;
    if (at == text.len)
        return false;
    *lat = (struct angle){text.bytes[0] == '-', {text.bytes + 1, at - 1}};
    *lon = (struct angle){text.bytes[at] == '-', {text.bytes + at + 1, text.len - at - 1}};
    return true;
}

/* Whether a well-formed decimal is at most this whole number, decided on the digits. */
static bool is_within(struct herd_text digits, const char *most)
{
    const char *p = digits.bytes;
    const char *end = p + digits.len;

    while (p < end && *p == '0')
        p++;
    const char *point = memchr(p, '.', (size_t)(end - p));
    size_t whole = (size_t)((point != NULL ? point : end) - p);
    if (whole != strlen(most))
        return whole < strlen(most);
    int order = memcmp(p, most, whole);
    if (order != 0 || point == NULL)
        return order <= 0;
    for (p = point + 1; p < end; p++)
        if (*p != '0')
            return false;
    return true;
}

static bool read_angle(const struct angle *angle, const char *most, double *deg)
{
    double value;

    if (!number_decimal_parse(angle->digits, &value) || !is_within(angle->digits, most))
        return false;
    if (deg != NULL)
        *deg = angle->negative ? -value : value;
    return true;
}

bool iso6709_parse(struct herd_text text, double *lat_deg, double *lon_deg)
{
    struct angle lat, lon;

    assert(text.bytes != NULL || text.len == 0);
    return split(text, &lat, &lon) && read_angle(&lat, "90", lat_deg) &&
           read_angle(&lon, "180", lon_deg);
}
