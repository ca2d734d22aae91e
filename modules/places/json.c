/* JSON, cut in its own bytes: see json.h. The only file that knows cJSON, which decodes strings and
 * numbers; it sees but single ones, of texts that have passed json_check. */
#include "json.h"

#include "json_check.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <string.h>

struct herd_text json_trim(struct herd_text text)
{
    const char *from, *end;

    assert(text.bytes);
    end = text.bytes + text.len;
    from = json_skip_space(json_skip_mark(text), end);
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

/* The value that comes next, and whether there is one. */
static bool take_value(struct json_walk *walk, struct herd_text *value)
{
    const char *from = json_skip_space(walk->at, walk->end), *stop;

    if (from == walk->end)
        return false;
    stop = json_skip_value(from, walk->end);
    assert(stop && "the text has passed json_check");
    if (!stop)
        return false;
    *value = (struct herd_text){from, (size_t)(stop - from)};
    walk->at = json_skip_space(stop, walk->end);
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

bool json_is_strings(struct herd_text value)
{
    struct herd_text element;
    struct json_walk walk;

    if (json_kind(value) != JSON_ARRAY)
        return false;
    walk = json_enter(value);
    while (json_next_element(&walk, &element)) {
        if (json_kind(element) != JSON_STRING)
            return false;
    }
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
