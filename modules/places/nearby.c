/* A provider's answer comes from outside, whoever the provider is: it is read on the upstream
 * thread, where it holds up nobody, and the worker only passes on what is left of it.
 *
 * The hard thing is that what goes through is the provider's own bytes and yet nothing that a
 * client could stumble over; so the whole is proved first (json.h), and the cut is one stretch of
 * it left out, from the end of the last entry wanted to the end of the last one there is. */
#include "nearby.h"

#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_NS INT64_C(2000000000)
#define TOTAL_NS   INT64_C(5000000000)

void nearby_fail(struct nearby *nearby, const char *status, const char *why)
{
    assert(!nearby->json && status && why);
    snprintf(nearby->status, sizeof(nearby->status), "%s", status);
    snprintf(nearby->message, sizeof(nearby->message), "%s", why);
}

void nearby_refuse(struct nearby *nearby, const char *why)
{
    nearby_fail(nearby, "UNKNOWN_ERROR", why);
}

/* ---- reading an answer ---- */

/* A status as Google has them: OVER_QUERY_LIMIT. */
static bool read_status(struct herd_text object, char status[NEARBY_STATUS_MAX + 1])
{
    struct herd_text value;

    return json_member(object, "status", &value) == 1 && json_kind(value) == JSON_STRING &&
           value.len - 2 <= NEARBY_STATUS_MAX &&
           json_string(value, status, NEARBY_STATUS_MAX + 1) && strlen(status) > 0 &&
           strspn(status, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(status);
}

/* How many entries there are. False: not all are objects. */
static bool count_entries(struct herd_text results, size_t *count)
{
    struct json_walk walk = json_enter(results);
    struct herd_text entry;

    for (*count = 0; json_next_element(&walk, &entry); ++*count) {
        if (json_kind(entry) != JSON_OBJECT)
            return false;
    }
    return true;
}

/* Notes where the entries that are wanted end. Returns where the last of all does. */
static const char *note_ends(struct nearby *nearby, struct herd_text object,
                             struct herd_text results)
{
    struct json_walk walk = json_enter(results);
    struct herd_text entry;
    const char *end = walk.at;

    for (size_t i = 0; json_next_element(&walk, &entry); i++) {
        end = entry.bytes + entry.len;
        if (i < nearby->count)
            nearby->ends[i] = (uint32_t)(end - object.bytes);
    }
    return end;
}

static void keep(struct nearby *nearby, struct herd_text object, struct herd_text results,
                 unsigned bound)
{
    const char *end = object.bytes + object.len, *last;
    size_t count, head;

    if (!count_entries(results, &count)) {
        nearby_refuse(nearby, "the answer's results are no places");
        return;
    }
    nearby->count = count < bound ? count : bound;
    nearby->ends = malloc((nearby->count + 1) * sizeof(*nearby->ends));
    nearby->json = nearby->ends ? malloc(object.len) : NULL;
    if (!nearby->json) {
        free(nearby->ends);
        nearby->ends = NULL;
        nearby_refuse(nearby, "out of memory");
        return;
    }
    last = note_ends(nearby, object, results);
    head = nearby->count > 0 ? nearby->ends[nearby->count - 1] : (size_t)(last - object.bytes);
    nearby->len = head + (size_t)(end - last);
    memcpy(nearby->json, object.bytes, head);
    memcpy(nearby->json + head, last, (size_t)(end - last));
}

static bool is_success(const char *status)
{
    return strcmp(status, "OK") == 0 || strcmp(status, "ZERO_RESULTS") == 0;
}

/* OVER_QUERY_LIMIT and the like, with or without results. The status stands already. */
static void take_reason(struct nearby *nearby, struct herd_text object)
{
    struct herd_text value;

    if (json_member(object, "error_message", &value) != 1 ||
        !json_string(value, nearby->message, sizeof(nearby->message)) || !nearby->message[0])
        snprintf(nearby->message, sizeof(nearby->message), "the provider gives no reason");
}

static void read_object(struct nearby *nearby, struct herd_text object, unsigned bound)
{
    struct herd_text results;
    size_t count = json_member(object, "results", &results);

    if (!read_status(object, nearby->status))
        nearby_refuse(nearby, "the answer has no status");
    else if (!is_success(nearby->status))
        take_reason(nearby, object);
    else if (count != 1 || json_kind(results) != JSON_ARRAY)
        nearby_refuse(nearby, "the answer has not one array of results");
    else
        keep(nearby, object, results, bound);
}

bool nearby_object(struct nearby *nearby, struct herd_text body, struct herd_text *object)
{
    struct herd_error err;
    char why[NEARBY_MESSAGE_MAX];

    assert(nearby && body.bytes && object);
    *object = (struct herd_text){0};
    if (!json_check(body, &err)) {
        snprintf(why, sizeof(why), "the answer is not JSON: %.200s", err.text);
        nearby_refuse(nearby, why);
        return false;
    }
    *object = json_trim(body);
    if (json_kind(*object) == JSON_OBJECT)
        return true;
    *object = (struct herd_text){0};
    nearby_refuse(nearby, "the answer is no JSON object");
    return false;
}

void nearby_read(struct nearby *nearby, struct herd_text body, unsigned bound)
{
    struct herd_text object;

    assert(nearby && body.bytes && bound > 0);
    memset(nearby, 0, sizeof(*nearby));
    if (nearby_object(nearby, body, &object))
        read_object(nearby, object, bound);
    assert(nearby->json || nearby->status[0]);
}

void nearby_take(struct nearby *nearby, struct entries *entries)
{
    assert(!nearby->json);
    if (!entries_end(entries)) {
        nearby_refuse(nearby, "out of memory");
        entries_fini(entries);
        return;
    }
    nearby->json = entries->json.bytes;
    nearby->len = entries->json.len;
    nearby->ends = (uint32_t *)(void *)entries->ends.bytes;
    nearby->count = entries->count;
}

/* ---- asking ---- */

struct ask {
    struct nearby_source *source;
    struct herd_search *search;
    struct herd_fetching *fetching;
    struct herd_query query;
    struct nearby found;
    bool unasked;
};

static bool holds(struct herd_text text, const char *secret)
{
    return secret[0] && memmem(text.bytes, text.len, secret, strlen(secret));
}

/* The byte that an escape of JSON stands for, if it is one of ASCII, and how long the escape is; 0:
 * none. */
static size_t ascii_escape(const char *at, size_t left, char *byte)
{
    char digits[5] = "";
    if (left < 2 || at[0] != '\\')
        return 0;
    *byte = at[1];
    if (at[1] != 'u')
        return 2;
    if (left < 6)
        return 0;
    memcpy(digits, at + 2, 4);
    unsigned long code = strtoul(digits, NULL, 16);
    *byte = (char)code;
    return code > 0 && code < 0x80 ? 6 : 0;
}

/* Whether the text holds the secret, also where escapes of JSON hide it. */
static bool holds_hidden(struct herd_text text, const char *secret)
{
    if (!secret[0] || holds(text, secret))
        return secret[0] != '\0';
    char *plain = malloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; plain && i < text.len;) {
        size_t n = ascii_escape(text.bytes + i, text.len - i, &plain[len]);
        if (n == 0)
            plain[len] = text.bytes[i], n = 1;
        len++;
        i += n;
    }
    bool found = !plain || holds((struct herd_text){plain, len}, secret);
    free(plain);
    return found;
}

static void read_reply(struct ask *ask, const struct herd_response *response)
{
    const struct nearby_reply reply = {response->status, response->body, ask->query};
    char why[64];

    if (ask->source->read) {
        ask->source->read(&ask->found, &reply);
    } else if (reply.status != 200) {
        snprintf(why, sizeof(why), "the answer is HTTP status %ld", reply.status);
        nearby_refuse(&ask->found, why);
    } else {
        nearby_read(&ask->found, reply.body, reply.query.bound);
    }
}

/* Upstream thread. */
static void check(void *arg, const struct herd_response *response)
{
    struct ask *ask = arg;
    struct nearby *found = &ask->found;
    const char *secret = ask->source->key;

    ask->unasked = response->unsent;
    if (response->error) {
        bool told = holds((struct herd_text){response->error, strlen(response->error)}, secret);

        nearby_refuse(found, told ? "the request failed" : response->error);
    } else if (holds_hidden(response->body, secret)) {
        nearby_refuse(found, "the answer repeats the key");
    } else {
        read_reply(ask, response);
    }
}

/* The client has gone. */
static void on_cancel(void *arg)
{
    struct ask *ask = arg;

    herd_fetch_cancel(ask->fetching);
}

static void done(void *arg)
{
    struct ask *ask = arg;
    struct nearby *found = &ask->found;

    if (found->json)
        herd_search_answer(ask->search, &(struct herd_answer){
                                            {found->json, found->len}, found->count, found->ends});
    else if (ask->unasked)
        herd_search_unasked(ask->search, found->message);
    else
        herd_search_fail(ask->search, found->status, found->message);
    free(found->json);
    free(found->ends);
    free(ask);
}

void nearby_ask(struct nearby_source *source, const struct nearby_request *request,
                struct herd_search *search, const struct herd_query *query)
{
    struct ask *ask = calloc(1, sizeof(*ask));
    const struct herd_fetch fetch = {
        .url = request->url,
        .ca_file = source->ca_file,
        .post = request->post,
        .headers = request->headers,
        .body_max = source->body_max,
        .connect_ns = CONNECT_NS,
        .total_ns = TOTAL_NS,
        .check = check,
        .done = done,
        .arg = ask,
    };

    assert(source && source->body_max > 0 && request->url && search && query->bound > 0);
    if (!ask) {
        herd_search_unasked(search, "out of memory");
        return;
    }
    *ask = (struct ask){.source = source, .search = search, .query = *query};
    ask->fetching = herd_fetch(&fetch);
    herd_search_on_cancel(search, on_cancel, ask);
}

/* ---- what is asked, in figures ---- */

void nearby_degrees(char to[NEARBY_DEGREES_MAX], double deg)
{
    int64_t parts = llround(fabs(deg) * 1e7);

    assert(fabs(deg) <= 180);
    snprintf(to, NEARBY_DEGREES_MAX, "%s%" PRId64 ".%07" PRId64, deg < 0 && parts > 0 ? "-" : "",
             parts / 10000000, parts % 10000000);
}

unsigned long nearby_metres(double radius_km)
{
    long long metres = llround(radius_km * 1000);

    assert(radius_km >= 0);
    return metres > 0 ? (unsigned long)metres : 1;
}
