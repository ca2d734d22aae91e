/* JSON, cut in its own bytes: see json.h. The only file that knows cJSON, which decodes strings and
 * numbers.
 *
 * The hard thing is what cJSON 1.7.15 lets pass: bad UTF-8, control bytes, 01, \u with
 * any four bytes, text after the end, a byte order mark before any value that it is handed. So
 * json_check reads every byte itself, and cJSON sees but single strings and numbers that passed. It
 * also judges the grammar itself: cJSON would build and free the whole value for that, 2 us for a
 * place of 200 bytes instead of 0.3, and writes a global when it does. */
#include "json.h"

#include <assert.h>
#include <cjson/cJSON.h>
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

/* The length of the UTF-8 sequence that begins here, 0 if it is none (Unicode 15, table 3-7). */
static size_t measure_utf8(const unsigned char *s, size_t left)
{
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
        len = measure_utf8((const unsigned char *)scan->at, (size_t)(scan->end - scan->at));
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

static const char *skip_space(const char *at, const char *end)
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

static const char *skip_mark(struct herd_text text)
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
    *at = skip_space(*at, end);
    return judge_word(at, end, ":");
}

/* An array, or with names an object. *at is at its bracket. */
static bool judge_many(const char **at, const char *end, bool named)
{
    char close = named ? '}' : ']';

    *at = skip_space(*at + 1, end);
    if (*at < end && **at == close) {
        ++*at;
        return true;
    }
    do {
        *at = skip_space(*at, end);
        if ((named && !judge_name(at, end)) || !judge_value(at, end))
            return false;
        *at = skip_space(*at, end);
    } while (judge_word(at, end, ","));
    if (*at == end || **at != close)
        return false;
    ++*at;
    return true;
}

/* Behind the value that begins at *at, or where it ceases to be one: false. */
static bool judge_value(const char **at, const char *end)
{
    *at = skip_space(*at, end);
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
    scan.at = skip_mark(text);
    scan.end = end;
    stop = skip_space(scan.at, end);
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
    stop = skip_space(stop, end);
    if (stop != end)
        return fail_at(text, stop, "text after the end", err);
    return true;
}

struct herd_text json_trim(struct herd_text text)
{
    const char *from, *end;

    assert(text.bytes);
    end = text.bytes + text.len;
    from = skip_space(skip_mark(text), end);
    while (end > from && strchr(" \t\r\n", end[-1]))
        end--;
    return (struct herd_text){from, (size_t)(end - from)};
}

enum json_kind json_kind(struct herd_text value)
{
    assert(value.len > 0);
    switch (value.bytes[0]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

struct json_walk json_enter(struct herd_text value)
{
    assert(json_kind(value) == JSON_OBJECT || json_kind(value) == JSON_ARRAY);
    assert(value.len >= 2);
    return (struct json_walk){value.bytes + 1, value.bytes + value.len - 1};
}

/* Behind the value that begins at `at`, in a text that has passed json_check. cJSON would tell it
 * too, at the price of building and freeing the value at each level of a walk: 15,430 real places
 * took 250 ms to load instead of 110. */
static const char *skip_value(const char *at, const char *end)
{
    struct scan scan = {.at = at, .end = end};

    do {
        if (!scan_token(&scan))
            return NULL;
    } while (scan.at < end && (scan.depth > 0 || islower((unsigned char)*scan.at)));
    return scan.at;
}

/* The value that comes next, and whether there is one. */
static bool take_value(struct json_walk *walk, struct herd_text *value)
{
    const char *from = skip_space(walk->at, walk->end), *stop;

    if (from == walk->end)
        return false;
    stop = skip_value(from, walk->end);
    assert(stop && "the text has passed json_check");
    if (!stop)
        return false;
    *value = (struct herd_text){from, (size_t)(stop - from)};
    walk->at = skip_space(stop, walk->end);
    return true;
}

static void skip_byte(struct json_walk *walk, char byte)
{
    if (walk->at < walk->end && *walk->at == byte)
        walk->at++;
}

bool json_next_element(struct json_walk *walk, struct herd_text *value)
{
    assert(walk && value);
    if (!take_value(walk, value))
        return false;
    skip_byte(walk, ',');
    return true;
}

bool json_next_member(struct json_walk *walk, struct herd_text *key, struct herd_text *value)
{
    assert(walk && key && value);
    if (!take_value(walk, key))
        return false;
    assert(json_kind(*key) == JSON_STRING);
    skip_byte(walk, ':');
    if (!take_value(walk, value))
        return false;
    skip_byte(walk, ',');
    return true;
}

size_t json_member(struct herd_text object, const char *name, struct herd_text *value)
{
    struct json_walk walk = json_enter(object);
    struct herd_text key, found;
    size_t count = 0;

    assert(name && value && json_kind(object) == JSON_OBJECT);
    while (json_next_member(&walk, &key, &found)) {
        if (json_says(key, name)) {
            *value = found;
            count++;
        }
    }
    return count;
}

/* A decoded \u0000 would end the string before its end. */
static bool says_escaped(struct herd_text string, const char *text)
{
    cJSON *decoded;
    bool same;

    if (memmem(string.bytes, string.len, "\\u0000", 6))
        return false;
    decoded = cJSON_ParseWithLengthOpts(string.bytes, string.len, NULL, false);
    same = decoded && strcmp(decoded->valuestring, text) == 0;
    cJSON_Delete(decoded);
    return same;
}

bool json_says(struct herd_text string, const char *text)
{
    assert(text);
    if (json_kind(string) != JSON_STRING)
        return false;
    assert(string.len >= 2);
    if (memchr(string.bytes, '\\', string.len))
        return says_escaped(string, text);
    return string.len - 2 == strlen(text) && memcmp(string.bytes + 1, text, string.len - 2) == 0;
}

bool json_string(struct herd_text value, char *to, size_t room)
{
    cJSON *decoded;
    size_t len;

    assert(to && room > 0);
    if (json_kind(value) != JSON_STRING)
        return false;
    decoded = cJSON_ParseWithLengthOpts(value.bytes, value.len, NULL, false);
    if (!decoded)
        return false;
    len = strnlen(decoded->valuestring, room - 1);
    while (len > 0 && ((unsigned char)decoded->valuestring[len] & 0xC0) == 0x80)
        len--; /* not in the middle of a character */
    memcpy(to, decoded->valuestring, len);
    to[len] = '\0';
    cJSON_Delete(decoded);
    return true;
}

bool json_number(struct herd_text value, double *number)
{
    cJSON *parsed;

    assert(number);
    if (json_kind(value) != JSON_NUMBER)
        return false;
    parsed = cJSON_ParseWithLengthOpts(value.bytes, value.len, NULL, false);
    if (!parsed)
        return false;
    *number = parsed->valuedouble;
    cJSON_Delete(parsed);
    return true;
}
