/* Whether a text is JSON, by its own reading of every byte and of the grammar: see json.h.
 *
 * The hard thing is what cJSON 1.7.15 lets pass: bad UTF-8, control bytes, 01, \u with any four
 * bytes, text after the end, a byte order mark before any value that it is handed. So all bytes are
 * read here before it sees the first. The grammar is judged here too: cJSON would build and free
 * the whole value for that, which takes twice as long in all, and writes a global when it does,
 * which the threads of a provider must not share. */
#include "json_check.h"

#include "json.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

struct scan {
    const char *at, *end;
    unsigned depth;
    const char *why; /* what is wrong at `at`; NULL: nothing so far */
};

static bool refuse(struct scan *scan, const char *why)
{
    scan->why = why;
    return false;
}

/* Unicode 15, table 3-7. */
size_t json_utf8(const char *at, size_t left)
{
    const unsigned char *s = (const unsigned char *)at;
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    size_t len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;

    if (s[0] < 0xC2 || s[0] > 0xF4 || len > left || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

/* Over one character of a string or of what stands between values. */
static bool scan_character(struct scan *scan)
{
    unsigned char byte = (unsigned char)*scan->at;
    size_t len = 1;

    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r')
        return refuse(scan, "a control byte");
    if (byte >= 0x80)
        len = json_utf8(scan->at, (size_t)(scan->end - scan->at));
    if (len == 0)
        return refuse(scan, "bytes that are not UTF-8");
    scan->at += len;
    return true;
}

/* Over the backslash and what it binds, so that \" does not end the string. cJSON knows the
 * escapes, but takes any four bytes behind \u. */
static bool scan_escape(struct scan *scan)
{
    size_t left = (size_t)(scan->end - scan->at);

    assert(*scan->at == '\\');
    if (left > 1 && scan->at[1] == 'u') {
        for (size_t i = 2; i < 6; i++) {
            if (i >= left || !isxdigit((unsigned char)scan->at[i]))
                return refuse(scan, "an escape without four hexadecimal digits");
        }
    }
    scan->at++;
    return scan->at == scan->end || scan_character(scan);
}

static bool scan_string(struct scan *scan)
{
    assert(*scan->at == '"');
    scan->at++;
    while (scan->at < scan->end && *scan->at != '"') {
        if (!(*scan->at == '\\' ? scan_escape(scan) : scan_character(scan)))
            return false;
    }
    if (scan->at == scan->end)
        return refuse(scan, "a string without its end");
    scan->at++;
    return true;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? and nothing that could go on. */
static bool scan_number(struct scan *scan)
{
    const char *at = scan->at, *end = scan->end, *from;

    if (*at == '-')
        at++;
    from = at;
    at = at < end && *at == '0' ? at + 1 : skip_digits(at, end);
    if (at == from)
        return refuse(scan, "a number without digits");
    if (at < end && *at == '.') {
        from = at + 1;
        at = skip_digits(from, end);
        if (at == from)
            return refuse(scan, "a number without digits behind its point");
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        from = at + 1;
        if (from < end && (*from == '+' || *from == '-'))
            from++;
        at = skip_digits(from, end);
        if (at == from)
            return refuse(scan, "a number without digits in its exponent");
    }
    if (at < end && *at != '\0' && strchr("0123456789+-.eE", *at))
        return refuse(scan, "a number that is none");
    if (at - scan->at > JSON_NUMBER_MAX)
        return refuse(scan, "a number of more than 63 bytes");
    scan->at = at;
    return true;
}

static bool scan_token(struct scan *scan)
{
    char byte = *scan->at;

    if (byte == '"')
        return scan_string(scan);
    if (byte == '-' || (byte >= '0' && byte <= '9'))
        return scan_number(scan);
    if ((byte == '{' || byte == '[') && ++scan->depth > JSON_DEPTH_MAX)
        return refuse(scan, "arrays and objects nested more than 500 deep");
    if ((byte == '}' || byte == ']') && scan->depth > 0)
        scan->depth--;
    return scan_character(scan);
}

const char *json_skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

static bool fail_at(struct herd_text text, const char *at, const char *why, struct herd_error *err)
{
    size_t line = 1;

    assert(at >= text.bytes && at <= text.bytes + text.len);
    for (const char *p = text.bytes; p < at; p++)
        line += *p == '\n';
    return herd_fail(err, "line %zu: %s", line, why);
}

const char *json_skip_mark(struct herd_text text)
{
    bool marked = text.len >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0;

    return marked ? text.bytes + 3 : text.bytes;
}

/* ---- grammar: over what the scan has passed, so nesting and the bytes are known to be good ----
 */

static bool judge_value(const char **at, const char *end);

static unsigned read_hex4(const char *at)
{
    unsigned value = 0;

    for (size_t i = 0; i < 4; i++) {
        unsigned digit = (unsigned char)at[i];

        assert(isxdigit((int)digit));
        value = value * 16 + (isdigit((int)digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

/* A surrogate comes in pairs, the high one first. *at is at the u. */
static bool judge_unicode(const char **at, const char *end)
{
    unsigned unit = read_hex4(*at + 1);

    *at += 5;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    if (unit >= 0xDC00 || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return false;
    unit = read_hex4(*at + 2);
    *at += 6;
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

static bool judge_string(const char **at, const char *end)
{
    for (++*at; **at != '"';) {
        const char *stop = *at;

        assert(*at < end);
        while (*stop != '"' && *stop != '\\')
            stop++;
        *at = stop;
        if (*stop == '"')
            break;
        if (!strchr("\"\\/bfnrtu", *++*at))
            return false;
        if (**at != 'u')
            ++*at;
        else if (!judge_unicode(at, end))
            return false;
    }
    ++*at;
    return true;
}

static bool judge_word(const char **at, const char *end, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(end - *at) < len || memcmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

/* The name of a member and its colon. */
static bool judge_name(const char **at, const char *end)
{
    if (*at == end || **at != '"' || !judge_string(at, end))
        return false;
    *at = json_skip_space(*at, end);
    return judge_word(at, end, ":");
}

/* An array, or with names an object. *at is at its bracket. */
static bool judge_many(const char **at, const char *end, bool named)
{
    char close = named ? '}' : ']';

    *at = json_skip_space(*at + 1, end);
    if (*at < end && **at == close) {
        ++*at;
        return true;
    }
    do {
        *at = json_skip_space(*at, end);
        if ((named && !judge_name(at, end)) || !judge_value(at, end))
            return false;
        *at = json_skip_space(*at, end);
    } while (judge_word(at, end, ","));
    if (*at == end || **at != close)
        return false;
    ++*at;
    return true;
}

/* Behind the value that begins at *at, or where it ceases to be one: false. */
static bool judge_value(const char **at, const char *end)
{
    *at = json_skip_space(*at, end);
    if (*at == end)
        return false;
    switch (**at) {
    case '{':
        return judge_many(at, end, true);
    case '[':
        return judge_many(at, end, false);
    case '"':
        return judge_string(at, end);
    case 't':
        return judge_word(at, end, "true");
    case 'f':
        return judge_word(at, end, "false");
    case 'n':
        return judge_word(at, end, "null");
    default:
        if (**at != '-' && !isdigit((unsigned char)**at))
            return false;
        while (*at < end && **at != '\0' && strchr("0123456789+-.eE", **at))
            ++*at;
        return true;
    }
}

bool json_check(struct herd_text text, struct herd_error *err)
{
    const char *end, *stop;
    struct scan scan = {0};

    assert(text.bytes && err);
    end = text.bytes + text.len;
    scan.at = json_skip_mark(text);
    scan.end = end;
    stop = json_skip_space(scan.at, end);
    if (stop == end)
        return herd_fail(err, "it is empty");
    while (scan.at < end && scan_token(&scan))
        ;
    if (scan.why)
        return fail_at(text, scan.at, scan.why, err);
    if (scan.depth > 0)
        return fail_at(text, end, "it ends too early", err);
    if (!judge_value(&stop, end))
        return fail_at(text, stop, "not JSON from here on", err);
    stop = json_skip_space(stop, end);
    if (stop != end)
        return fail_at(text, stop, "text after the end", err);
    return true;
}

/* Behind the value that begins at `at`, in a text that has passed json_check. cJSON would tell it
 * too, at the price of building and freeing the value at each level of a walk: 15,430 real places
 * took 250 ms to load instead of 110. */
const char *json_skip_value(const char *at, const char *end)
{
    struct scan scan = {.at = at, .end = end};

    do {
        if (!scan_token(&scan))
            return NULL;
    } while (scan.at < end && (scan.depth > 0 || islower((unsigned char)*scan.at)));
    return scan.at;
}
