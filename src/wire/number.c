/* Numbers of the wire. Each parser takes exactly the texts that its header names: no blanks, no
 * tails, no exponent, and no integer that wraps. Times and differences never pass through floating
 * point, as a double has no room for the nanoseconds of this century. The one hard thing is
 * decimals: they mean what strtod says, but strtod asks the locale what a point looks like. Short
 * ones are computed here, exactly; long ones go to strtod_l. Pure; any thread. */
#include "wire/number.h"

#include <assert.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define NS_PER_S           UINT64_C(1000000000)
#define NS_DIGITS          9
#define TIME_MOST_S        UINT64_C(9223372035)
#define TIME_MOST_DECIMALS 18

/* Digits, or digits, a point and digits, parted. */
struct decimal {
    struct herd_text whole;
    struct herd_text fraction; /* empty: there is no point */
};

static size_t count_digits(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return (size_t)(p - from);
}

static bool split(struct herd_text text, struct decimal *d)
{
    assert(text.bytes != NULL || text.len == 0);
    if (text.len == 0)
        return false;

    const char *end = text.bytes + text.len;
    size_t whole = count_digits(text.bytes, end);
    *d = (struct decimal){{text.bytes, whole}, {text.bytes + whole, 0}};
    if (whole == 0 || whole == text.len)
        return whole > 0;

    const char *point = text.bytes + whole;
    d->fraction = (struct herd_text){point + 1, count_digits(point + 1, end)};
    return *point == '.' && d->fraction.len > 0 && whole + 1 + d->fraction.len == text.len;
}

/* The whole number of some digits, or false if it is above most. */
static bool read_digits(struct herd_text digits, uint64_t most, uint64_t *value)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.bytes[i] - '0');
        if (sum > most / 10 || sum * 10 > most - digit)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

/* The first nine digits of a fraction as nanoseconds. */
static uint64_t read_fraction(struct herd_text fraction)
{
    uint64_t ns = 0;

    for (size_t i = 0; i < NS_DIGITS; i++)
        ns = ns * 10 + (i < fraction.len ? (uint64_t)(fraction.bytes[i] - '0') : 0);
    return ns;
}

bool number_time_parse(struct herd_text text, int64_t *time_ns)
{
    struct decimal d;
    uint64_t s;

    assert(time_ns != NULL);
    if (text.len > HERD_LOCATION_MAX || !split(text, &d) || d.fraction.len > TIME_MOST_DECIMALS ||
        !read_digits(d.whole, TIME_MOST_S, &s))
        return false;

    uint64_t ns = s * NS_PER_S + read_fraction(d.fraction);
    if (ns > TIME_MOST_S * NS_PER_S)
        return false;
    *time_ns = (int64_t)ns;
    return true;
}

/* 0 and 0.5 begin with their only nought, which leads nothing. */
static bool has_leading_zero(const struct decimal *d)
{
    return d->whole.len > 1 && d->whole.bytes[0] == '0';
}

unsigned number_time_decimals(struct herd_text text)
{
    struct decimal d;

    if (!split(text, &d) || has_leading_zero(&d) || d.fraction.len > NS_DIGITS)
        return NUMBER_AS_TEXT;
    return (unsigned)d.fraction.len;
}

/* Writes exactly so many digits, the lowest of the value. */
static void print_digits(char *to, uint64_t value, size_t digits)
{
    while (digits > 0) {
        to[--digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

size_t number_u64_print(char *to, uint64_t value)
{
    size_t digits = 1;

    assert(to != NULL);
    for (uint64_t rest = value; rest >= 10; rest /= 10)
        digits++;
    print_digits(to, value, digits);
    return digits;
}

static size_t print_ns(char *to, uint64_t ns, unsigned decimals)
{
    char fraction[NS_DIGITS];
    size_t n = number_u64_print(to, ns / NS_PER_S);

    assert(decimals <= NS_DIGITS);
    if (decimals == 0)
        return n;
    to[n++] = '.';
    print_digits(fraction, ns % NS_PER_S, NS_DIGITS);
    memcpy(to + n, fraction, decimals);
    return n + decimals;
}

size_t number_time_print(char *to, int64_t time_ns, unsigned decimals)
{
    assert(to != NULL && time_ns >= 0);
    size_t n = print_ns(to, (uint64_t)time_ns, decimals);
    assert(n <= NUMBER_TIME_MAX);
    return n;
}

bool number_diff_parse(struct herd_text text, int64_t *diff_ns)
{
    struct decimal d;
    uint64_t s;

    assert(diff_ns != NULL);
    if (text.len < 1 || text.len > NUMBER_DIFF_MAX)
        return false;
    bool negative = text.bytes[0] == '-';
    if (!negative && text.bytes[0] != '+')
        return false;

    /* The most is what int64_t has on that side of zero: one more below than above. */
    uint64_t most = (uint64_t)INT64_MAX + negative;
    if (!split((struct herd_text){text.bytes + 1, text.len - 1}, &d) || has_leading_zero(&d) ||
        d.fraction.len != NS_DIGITS || !read_digits(d.whole, most / NS_PER_S, &s))
        return false;
    uint64_t ns = s * NS_PER_S + read_fraction(d.fraction);
    if (ns > most || (negative && ns == 0))
        return false;
    *diff_ns = negative ? -(int64_t)(ns - 1) - 1 : (int64_t)ns;
    return true;
}

size_t number_diff_print(char *to, int64_t diff_ns)
{
    assert(to != NULL);
    bool negative = diff_ns < 0;
    uint64_t ns = negative ? 0 - (uint64_t)diff_ns : (uint64_t)diff_ns;

    to[0] = negative ? '-' : '+';
    size_t n = 1 + print_ns(to + 1, ns, NS_DIGITS);
    assert(n <= NUMBER_DIFF_MAX);
    return n;
}

/* Clinger's fast path ("How to read floating point numbers accurately", 1990): a whole number below
 * 2^53 and a power of ten up to 10^22 are doubles exactly, so one division rounds once, as strtod
 * would. */
static bool compute_short(const struct decimal *d, double *value)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t whole, fraction;

    if (FLT_EVAL_METHOD != 0 || d->whole.len + d->fraction.len > 15)
        return false;
    if (!read_digits(d->whole, UINT64_MAX, &whole) ||
        !read_digits(d->fraction, UINT64_MAX, &fraction))
        return false;
    for (size_t i = 0; i < d->fraction.len; i++)
        whole *= 10;
    *value = (double)(whole + fraction) / power[d->fraction.len];
    return true;
}

/* In glibc the C locale is a constant: asking for it by name allocates nothing. */
static double compute_long(struct herd_text text)
{
    char room[128];
    char *copy = room;

    if (text.len < sizeof room) {
        memcpy(room, text.bytes, text.len);
        room[text.len] = '\0';
    } else {
        copy = memory_string_of(text.bytes, text.len);
    }

    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    assert(c != (locale_t)0);
    double value = strtod_l(copy, NULL, c);
    freelocale(c);
    if (copy != room)
        free(copy);
    return value;
}

bool number_decimal_parse(struct herd_text text, double *value)
{
    struct decimal d;
    double read;

    assert(value != NULL);
    if (!split(text, &d))
        return false;
    if (!compute_short(&d, &read))
        read = compute_long(text);
    if (isinf(read))
        return false;
    *value = read;
    return true;
}

bool number_u64_parse(struct herd_text text, uint64_t *value)
{
    assert(value != NULL && (text.bytes != NULL || text.len == 0));
    if (text.len == 0 || count_digits(text.bytes, text.bytes + text.len) != text.len)
        return false;
    return read_digits(text, UINT64_MAX, value);
}

bool number_count_parse(struct herd_text text, unsigned *value)
{
    uint64_t wide;

    assert(value != NULL);
    if (!number_u64_parse(text, &wide) || wide > UINT_MAX)
        return false;
    *value = (unsigned)wide;
    return true;
}
