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
#include "wire/decimal.h"

#define NS_PER_S           UINT64_C(1000000000)
#define NS_DIGITS          9
#define TEN                10 /* digits of seconds */
#define U64_DIGITS         19 /* that any uint64_t has room for */
#define EIGHT_DIGITS       UINT64_C(100000000)
#define ASCII_ZEROS        UINT64_C(0x3030303030303030)
#define TIME_MOST_S        UINT64_C(9223372035)
#define TIME_MOST_DECIMALS 18

static size_t count_digits(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && masks_is_digit(*p))
        p++;
    return (size_t)(p - from);
}

/* Only decimals may be so long. */
static bool split_long(struct herd_text text, struct decimal *d)
{
    const char *end = text.bytes + text.len;
    size_t whole = count_digits(text.bytes, end);

    *d = (struct decimal){{text.bytes, whole}, {text.bytes + whole, 0}};
    if (whole == 0 || whole == text.len)
        return whole > 0;

    const char *point = text.bytes + whole;
    d->fraction = (struct herd_text){point + 1, count_digits(point + 1, end)};
    return *point == '.' && d->fraction.len > 0 && whole + 1 + d->fraction.len == text.len;
}

static bool split(struct herd_text text, struct decimal *d)
{
    assert(text.bytes != NULL || text.len == 0);
    if (text.len > MASKS_MAX)
        return split_long(text, d);
    return decimal_part(text, masks_others(text.bytes, text.len), d);
}

/* Eight digits at once: each multiplication puts neighbours together, to four pairs, two fours, one
 * eight. (Lemire, "Quickly parsing eight digits", 2018, after Mula.) */
static inline uint64_t value_of_eight(const char *digits)
{
    const uint64_t low_pairs = UINT64_C(0x000000ff000000ff);
    uint64_t pairs = bytes_load(digits) - ASCII_ZEROS;

    pairs = pairs * 10 + (pairs >> 8);
    return ((pairs & low_pairs) * (100 + (UINT64_C(1000000) << 32)) +
            (pairs >> 16 & low_pairs) * (1 + (UINT64_C(10000) << 32))) >>
           32;
}

/* Whether these are eight digits: the high half of each byte is 3, also when 6 is added to it. */
static inline bool are_eight(const char *digits)
{
    uint64_t word = bytes_load(digits);
    const uint64_t highs = 0xf0 * MASKS_EACH;
    return ((word & highs) | ((word + 6 * MASKS_EACH) & highs) >> 4) == 0x33 * MASKS_EACH;
}

/* The whole number of at most 19 digits. */
static uint64_t value_of(const char *digits, size_t n)
{
    const char *end = digits + n;
    uint64_t value = 0;

    assert(n <= U64_DIGITS);
    if (n >= 8) {
        value = value_of_eight(digits);
        digits += 8;
    }
    if (n >= 16) {
        value = value * EIGHT_DIGITS + value_of_eight(digits);
        digits += 8;
    }
    for (; digits < end; digits++)
        value = value * 10 + ((unsigned char)*digits - (unsigned)'0');
    return value;
}

/* The whole number of any digits, or false if it is above most. */
static bool read_digits(struct herd_text digits, uint64_t most, uint64_t *value)
{
    uint64_t sum = 0;

    if (digits.len <= U64_DIGITS) {
        *value = value_of(digits.bytes, digits.len);
        return *value <= most;
    }
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
    static const uint32_t unit[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                    10000,      1000,      100,      10,      1};
    size_t n = fraction.len < NS_DIGITS ? fraction.len : NS_DIGITS;

    return value_of(fraction.bytes, n) * unit[n];
}

static inline unsigned value_of_one(char digit)
{
    return (unsigned char)digit - (unsigned)'0';
}

/* Most times and differences end in a point and nine decimals, and these in a bit a word long each:
 * looked at so, a number costs a third of what parting it byte by byte does. False: it does not end
 * so. */
static inline bool read_nanoseconds(const char *point, uint64_t *ns)
{
    if (point[0] != '.' || !masks_is_digit(point[1]) || !are_eight(point + 2))
        return false;
    *ns = value_of_one(point[1]) * EIGHT_DIGITS + value_of_eight(point + 2);
    return true;
}

/* Ten digits of seconds, which times have from 2001 to 2286, and nine decimals. */
static inline bool read_usual_time(struct herd_text text, uint64_t *ns)
{
    const char *p = text.bytes;
    if (text.len != TEN + 1 + NS_DIGITS || !are_eight(p) || !masks_is_digit(p[8]) ||
        !masks_is_digit(p[9]) || !read_nanoseconds(p + TEN, ns))
        return false;
    *ns += (value_of_eight(p) * 100 + value_of_one(p[8]) * 10 + value_of_one(p[9])) * NS_PER_S;
    return true;
}

bool number_time_parse(struct herd_text text, int64_t *time_ns)
{
    struct decimal d;
    uint64_t s, usual_ns;

    assert(time_ns != NULL);
    if (read_usual_time(text, &usual_ns) && usual_ns <= TIME_MOST_S * NS_PER_S) {
        *time_ns = (int64_t)usual_ns;
        return true;
    }
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

    assert(text.len > 0 && text.len <= HERD_LOCATION_MAX);
    /* From 2001 to 2286 seconds have ten digits, so the point of most stands there. */
    if (text.len > TEN + 1 && text.len <= TEN + 1 + NS_DIGITS && text.bytes[TEN] == '.' &&
        text.bytes[0] != '0')
        return (unsigned)(text.len - TEN - 1);
    if (!split(text, &d) || has_leading_zero(&d) || d.fraction.len > NS_DIGITS)
        return NUMBER_AS_TEXT;
    return (unsigned)d.fraction.len;
}

/* Eight digits of a value below 10^8, the first in the lowest byte: two fours, four pairs and eight
 * digits are parted at once; the divisions are multiplications that are exact in their range.
 * (Khuong, "How to print integers really fast", 2017.) */
static inline uint64_t digits_of_eight(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t high = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    uint64_t pairs = high | (fours - 100 * high) << 16;
    uint64_t tens = (pairs * 103 >> 10) & UINT64_C(0x000f000f000f000f);

    assert(value < EIGHT_DIGITS);
    return tens | (pairs - 10 * tens) << 8;
}

static inline void print_eight(char *to, uint32_t value)
{
    bytes_store(to, digits_of_eight(value) + ASCII_ZEROS);
}

/* A value below 10^8 without leading zeros. */
static size_t print_short(char *to, uint32_t value)
{
    uint64_t digits = digits_of_eight(value);
    size_t skipped = value != 0 ? (size_t)(unsigned)__builtin_ctzll(digits) / 8 : 7;

    digits = (digits + ASCII_ZEROS) >> 8 * skipped;
    for (size_t i = 0; i < 8 - skipped; i++, digits >>= 8)
        to[i] = (char)digits;
    return 8 - skipped;
}

size_t number_u64_print(char *to, uint64_t value)
{
    assert(to != NULL);
    if (value < 10) {
        *to = (char)('0' + value);
        return 1;
    }
    if (value < EIGHT_DIGITS)
        return print_short(to, (uint32_t)value);
    size_t n = number_u64_print(to, value / EIGHT_DIGITS);
    print_eight(to + n, (uint32_t)(value % EIGHT_DIGITS));
    return n + 8;
}

/* A value below 100. */
static inline void print_two(char *to, uint32_t value)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
}

/* Whole seconds: of a difference mostly one digit, of a time ten. */
static inline size_t print_seconds(char *to, uint64_t s)
{
    if (s < 10) {
        *to = (char)('0' + s);
        return 1;
    }
    if (s < 10 * EIGHT_DIGITS || s >= 100 * EIGHT_DIGITS)
        return number_u64_print(to, s);
    print_two(to, (uint32_t)(s / EIGHT_DIGITS));
    print_eight(to + 2, (uint32_t)(s % EIGHT_DIGITS));
    return TEN;
}

/* Has room for nine decimals, and writes them also where fewer count. */
static inline size_t print_ns(char *to, uint64_t ns, unsigned decimals)
{
    size_t n = print_seconds(to, ns / NS_PER_S);
    uint32_t rest = (uint32_t)(ns % NS_PER_S);

    assert(decimals <= NS_DIGITS);
    to[n] = '.';
    to[n + 1] = (char)('0' + rest / EIGHT_DIGITS);
    print_eight(to + n + 2, rest % EIGHT_DIGITS);
    return decimals > 0 ? n + 1 + decimals : n;
}

size_t number_time_print(char *to, int64_t time_ns, unsigned decimals)
{
    assert(to != NULL && time_ns >= 0);
    size_t n = print_ns(to, (uint64_t)time_ns, decimals);
    assert(n <= NUMBER_TIME_MAX);
    return n;
}

/* One digit of seconds. */
static inline bool read_usual_diff(struct herd_text text, uint64_t *ns)
{
    const char *p = text.bytes;
    if (text.len != 2 + 1 + NS_DIGITS || !masks_is_digit(p[1]) || !read_nanoseconds(p + 2, ns))
        return false;
    *ns += value_of_one(p[1]) * NS_PER_S;
    return true;
}

bool number_diff_parse(struct herd_text text, int64_t *diff_ns)
{
    struct decimal d;
    uint64_t s, usual_ns;

    assert(diff_ns != NULL);
    if (text.len < 1 || text.len > NUMBER_DIFF_MAX)
        return false;
    bool negative = text.bytes[0] == '-';
    if (!negative && text.bytes[0] != '+')
        return false;
    if (read_usual_diff(text, &usual_ns) && usual_ns != 0) {
        *diff_ns = negative ? -(int64_t)usual_ns : (int64_t)usual_ns;
        return true;
    }

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
