/* JSON, cut in its own bytes. A provider's answer and a user's file pass through herd unchanged, so
 * values are not copied out of a tree and printed again: they are found where they lie, as slices
 * of the text.
 *
 * json_check comes first, on the whole text; the other functions are for slices of a text that
 * passed it, and assert what it proved. No state is kept: any thread; but no two at the same time
 * in json_says, json_member, json_string and json_number (cJSON notes its last error in a global
 * that nobody reads). */
#ifndef PLACES_JSON_H
#define PLACES_JSON_H

#include <herd/module.h>

/* Deeper than anything real, and well within cJSON's own limit of 1000, so that the reason given is
 * a clear one. */
#define JSON_DEPTH_MAX 500

/* A number longer than this is refused: cJSON reads no more of it. */
#define JSON_NUMBER_MAX 63

/* Whether the text is one JSON value (RFC 8259) and nothing else. Stricter than cJSON: bad UTF-8,
 * control bytes other than HT, LF and CR, numbers such as 01, and text after the end are refused. A
 * UTF-8 byte order mark may come first. False: err says "line N: why". */
bool json_check(struct herd_text text, struct herd_error *err);

/* The length of the UTF-8 sequence of several bytes that begins there, within so many bytes (at
 * least 1); 0: none does. */
size_t json_utf8(const char *at, size_t left);

/* The value alone, without the white space around it and without a byte order mark. */
struct herd_text json_trim(struct herd_text text);

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum json_kind json_kind(struct herd_text value);

/* Whether it is an array of nothing but strings. */
bool json_is_strings(struct herd_text value);

/* A walk through an object or an array, in the order of the text. */
struct json_walk {
    const char *at, *end;
};

/* Begins a walk. value is an object or an array; json_kind tells. */
struct json_walk json_enter(struct herd_text value);

/* The next member, its key with the quotes, or the next element. False: there are no more. */
bool json_next_member(struct json_walk *walk, struct herd_text *key, struct herd_text *value);
bool json_next_element(struct json_walk *walk, struct herd_text *value);

/* How many members of the object have that name; *value is the last of them, and left alone if
 * there is none. Unlike in cJSON, Results is not results. */
size_t json_member(struct herd_text object, const char *name, struct herd_text *value);

/* Whether a string (with its quotes) says text, however it is escaped. Anything but a string:
 * false. */
bool json_says(struct herd_text string, const char *text);

/* What a string says, in UTF-8, cut to room and ended with NUL (as at a \u0000 in it). False: it is
 * no string; nothing is written. */
bool json_string(struct herd_text value, char *to, size_t room);

/* The number; beyond the range of a double it is infinite. False: it is no number. */
bool json_number(struct herd_text value, double *number);

#endif
