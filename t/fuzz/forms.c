/* The forms of the wire, against a plain reading of the same rules: what is a time, a location, a
 * difference, a number; that what parses prints the same again, that nanoseconds compare as the
 * texts do, and that an AT line parses into what was printed. The input is texts, one a line. */
#include "fuzz.h"

#include "records.h"

#include <limits.h>
#include <math.h>

#define TEXTS 6

/* ---- a decimal, digit by digit ---- */

struct plain {
    bool good;       /* digits, or digits, a point and digits */
    size_t point;    /* digits before the point */
    size_t decimals; /* and behind it */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct plain read_plain(struct herd_text text)
{
    struct plain p = {false, 0, 0};
    while (p.point < text.len && is_digit(text.bytes[p.point]))
        p.point++;
    if (p.point == 0 || p.point == text.len)
        return p.good = p.point > 0, p;
    while (p.point + 1 + p.decimals < text.len && is_digit(text.bytes[p.point + 1 + p.decimals]))
        p.decimals++;
    p.good = text.bytes[p.point] == '.' && p.decimals > 0 && p.point + 1 + p.decimals == text.len;
    return p;
}

/* The nanoseconds of a plain decimal, further digits cut off; 2^100 for all that is more. */
static __int128 plain_ns(struct herd_text text, struct plain p)
{
    const __int128 most = (__int128)1 << 100;
    __int128 ns = 0;
    for (size_t i = 0; i < p.point + 9; i++) {
        size_t at = i < p.point ? i : i + 1;
        ns = ns * 10 + (at < text.len ? text.bytes[at] - '0' : 0);
        if (ns > most)
            return most;
    }
    return ns;
}

/* The text of a plain decimal, for strtod and strtoull. */
static char *terminated(struct herd_text text)
{
    char *copy = malloc(text.len + 1);
    must(copy != NULL);
    memcpy(copy, text.bytes, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* ---- times ---- */

static bool check_time(struct herd_text text, int64_t *time_ns)
{
    struct plain p = read_plain(text);
    __int128 ns = plain_ns(text, p);
    bool good = p.good && text.len <= HERD_LOCATION_MAX && p.decimals <= 18 &&
                ns <= (__int128)9223372035 * 1000000000;
    char printed[NUMBER_TIME_MAX];
    must(number_time_parse(text, time_ns) == good);
    if (!good)
        return false;
    must(*time_ns == (int64_t)ns);
    unsigned decimals = number_time_decimals(text);
    bool as_text = (p.point > 1 && text.bytes[0] == '0') || p.decimals > 9;
    must(decimals == (as_text ? NUMBER_AS_TEXT : p.decimals));
    if (as_text)
        return true;
    size_t n = number_time_print(printed, *time_ns, decimals);
    must(text_equal((struct herd_text){printed, n}, text));
    return true;
}

/* Digit k of a time, k = 0 the units of seconds, below 0 the decimals. */
static char digit_at(struct herd_text text, struct plain p, int k)
{
    long at = (long)p.point - 1 - k + (k < 0);
    return at >= 0 && at < (long)text.len ? text.bytes[at] : '0';
}

/* Nanoseconds compare as the texts do, digit for digit. */
static void check_order(struct herd_text a, int64_t a_ns, struct herd_text b, int64_t b_ns)
{
    struct plain pa = read_plain(a), pb = read_plain(b);
    int order = 0;
    for (int k = HERD_LOCATION_MAX; k >= -9 && order == 0; k--)
        order = digit_at(a, pa, k) - digit_at(b, pb, k);
    must((order > 0) - (order < 0) == (a_ns > b_ns) - (a_ns < b_ns));
}

static bool check_diff(struct herd_text text, int64_t *diff_ns)
{
    const __int128 most = (__int128)INT64_MAX;
    struct herd_text digits = {text.bytes + 1, text.len > 0 ? text.len - 1 : 0};
    bool sign = text.len > 0 && (text.bytes[0] == '+' || text.bytes[0] == '-');
    bool negative = sign && text.bytes[0] == '-';
    struct plain p = read_plain(sign ? digits : (struct herd_text){"", 0});
    __int128 ns = p.good ? plain_ns(digits, p) : 0;
    bool good = p.good && p.decimals == 9 && (p.point == 1 || digits.bytes[0] != '0') &&
                ns <= most + negative && (!negative || ns > 0);
    char printed[NUMBER_DIFF_MAX];
    must(number_diff_parse(text, diff_ns) == good);
    if (!good)
        return false;
    must(*diff_ns == (int64_t)(negative ? -ns : ns));
    size_t n = number_diff_print(printed, *diff_ns);
    must(text_equal((struct herd_text){printed, n}, text));
    return true;
}

/* ---- numbers ---- */

static void check_decimal(struct herd_text text)
{
    char *copy = terminated(text);
    double expected = strtod(copy, NULL), value;
    bool good = read_plain(text).good && !isinf(expected);
    must(number_decimal_parse(text, &value) == good);
    must(!good || value == expected);
    free(copy);
}

static void check_integers(struct herd_text text)
{
    struct plain p = read_plain(text);
    char printed[20];
    uint64_t wide = 0;
    unsigned count = 0;
    __int128 ns = plain_ns(text, p), whole = ns / 1000000000;
    bool good = p.good && p.decimals == 0 && ns < (__int128)1 << 100 && whole <= UINT64_MAX;
    must(number_u64_parse(text, &wide) == good);
    must(number_count_parse(text, &count) == (good && whole <= UINT_MAX));
    if (!good)
        return;
    must(wide == (uint64_t)whole && (whole > UINT_MAX || count == (unsigned)whole));
    size_t n = number_u64_print(printed, wide);
    must(n <= text.len && memcmp(text.bytes + text.len - n, printed, n) == 0);
}

/* ---- locations ---- */

/* A coordinate with its sign: of the form, and within the range, decided on the digits. */
static bool is_coordinate(struct herd_text text, unsigned most)
{
    struct herd_text digits = {text.bytes + 1, text.len > 0 ? text.len - 1 : 0};
    if (text.len == 0 || (text.bytes[0] != '+' && text.bytes[0] != '-'))
        return false;
    struct plain p = read_plain(digits);
    unsigned whole = 0;
    bool more = false;
    for (size_t i = 0; i < p.point; i++)
        whole = whole > 1000 ? whole : whole * 10 + (unsigned)(digits.bytes[i] - '0');
    for (size_t i = 0; i < p.decimals; i++)
        more = more || digits.bytes[p.point + 1 + i] != '0';
    return p.good && (whole < most || (whole == most && !more));
}

static bool check_location(struct herd_text text)
{
    size_t second = 1;
    double lat = 0, lon = 0;
    while (second < text.len && text.bytes[second] != '+' && text.bytes[second] != '-')
        second++;
    struct herd_text first = {text.bytes, second < text.len ? second : text.len};
    struct herd_text rest = {text.bytes + first.len, text.len - first.len};
    bool good = text.len <= HERD_LOCATION_MAX && is_coordinate(first, 90) &&
                is_coordinate(rest, 180);
    must(iso6709_parse(text, NULL, NULL) == good);
    must(iso6709_parse(text, &lat, &lon) == good);
    if (!good)
        return false;
    char *copy = terminated(text), *end;
    must(lat == strtod(copy, &end) && end == copy + second && lon == strtod(end, NULL));
    must(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180);
    free(copy);
    return true;
}

/* ---- AT ---- */

static bool is_field(struct herd_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (memchr(" \t\r\n\f\v", text.bytes[i], 6) != NULL)
            return false;
    return text.len > 0;
}

/* The texts as a report, if each is of its form. */
static void check_at(const struct herd_text *texts)
{
    char at[HERD_AT_MAX];
    struct herd_report report = {
        .server = texts[0], .client = texts[2], .location = texts[3], .time = texts[4]};
    if (!at_name_valid(report.server) || !number_diff_parse(texts[1], &report.diff_ns) ||
        !is_field(report.client) || report.client.len > HERD_CLIENT_MAX ||
        !iso6709_parse(report.location, NULL, NULL) ||
        !number_time_parse(report.time, &report.time_ns))
        return;
    size_t n = at_print(at, &report);
    must(n <= HERD_AT_MAX);
    char *line = fuzz_copy(at, n);
    records_check_line(line, n, &report);
    free(line);
}

static void check_name(struct herd_text text)
{
    bool good = text.len >= 1 && text.len <= HERD_NAME_MAX;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        good = good && (is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c != '\0' && strchr("._-", c) != NULL));
    }
    must(at_name_valid(text) == good);
}

/* Each text in memory of its own, with nothing behind it. */
static size_t split(const char *bytes, size_t len, struct herd_text *texts)
{
    size_t count = 0;
    while (count < TEXTS) {
        const char *end = memchr(bytes, '\n', len);
        size_t n = end != NULL ? (size_t)(end - bytes) : len;
        texts[count++] = (struct herd_text){fuzz_copy(bytes, n), n};
        if (end == NULL)
            break;
        bytes += n + 1;
        len -= n + 1;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct herd_text texts[TEXTS];
    int64_t ns[TEXTS], diff_ns;
    bool timed[TEXTS];
    size_t count = split((const char *)bytes, len, texts);
    for (size_t i = 0; i < count; i++) {
        timed[i] = check_time(texts[i], &ns[i]);
        for (size_t j = 0; timed[i] && j < i; j++)
            if (timed[j])
                check_order(texts[i], ns[i], texts[j], ns[j]);
        check_diff(texts[i], &diff_ns);
        check_decimal(texts[i]);
        check_integers(texts[i]);
        check_location(texts[i]);
        check_name(texts[i]);
    }
    if (count >= 5)
        check_at(texts);
    for (size_t i = 0; i < count; i++)
        free((char *)texts[i].bytes);
    return 0;
}
