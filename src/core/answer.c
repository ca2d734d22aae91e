/* One allocation: the struct, where the entries end, the text. */
#include "core/answer.h"

#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    _Atomic unsigned holders;
    size_t bytes, len, count; /* bytes: of the allocation */
    char *text;
    uint32_t ends[];
};

/* Where the text is read and written. */
struct squeeze {
    struct herd_text from;
    size_t at;
    char *to;
    size_t len;
    bool in_string, escaped, newline;
};

/* The newline of a run waits for what follows it, so that none is the last. */
static void squeeze_byte(struct squeeze *s)
{
    char c = s->from.bytes[s->at++];
    if (c == '\r' && !s->in_string)
        return;
    if (c == '\n') {
        s->newline = true;
        return;
    }
    if (s->newline && s->len > 0)
        s->to[s->len++] = '\n';
    s->newline = false;
    s->to[s->len++] = c;
    if (c == '"' && !s->escaped)
        s->in_string = !s->in_string;
    s->escaped = s->in_string && c == '\\' && !s->escaped;
}

static void squeeze_until(struct squeeze *s, size_t end)
{
    assert(s->at <= end && end <= s->from.len);
    while (s->at < end)
        squeeze_byte(s);
}

static size_t size_of(size_t count, size_t len)
{
    return sizeof(struct answer) + count * sizeof(uint32_t) + len;
}

/* Gives back what squeezing has left, which may be nearly all. */
static struct answer *shrink(struct answer *answer, size_t squeezed)
{
    size_t bytes = size_of(answer->count, squeezed + 1);
    answer->len = squeezed;
    if (bytes == answer->bytes)
        return answer;
    struct answer *shrunk = realloc(answer, bytes);
    if (shrunk == NULL)
        return answer;
    shrunk->bytes = bytes;
    shrunk->text = (char *)(shrunk->ends + shrunk->count);
    return shrunk;
}

struct answer *answer_create(const struct herd_answer *from)
{
    assert(from->json.bytes != NULL && from->json.len <= UINT32_MAX);
    size_t bytes = size_of(from->count, from->json.len + 1);
    struct answer *answer = memory_try(bytes);
    if (answer == NULL)
        return NULL;
    atomic_init(&answer->holders, 1);
    answer->bytes = bytes;
    answer->count = from->count;
    answer->text = (char *)(answer->ends + from->count);
    struct squeeze squeeze = {.from = from->json, .to = answer->text};
    for (size_t i = 0; i < from->count; i++) {
        squeeze_until(&squeeze, from->ends[i]);
        answer->ends[i] = (uint32_t)squeeze.len;
    }
    squeeze_until(&squeeze, from->json.len);
    return shrink(answer, squeeze.len);
}

/* ---- failures ---- */

static char *add_string(char *to, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            *to++ = '\\';
        *to++ = c < 0x20 || c > 0x7e ? '?' : (char)c;
    }
    return to;
}

struct answer *answer_create_failure(const char *status, const char *message)
{
    static const char before[] = "{\"html_attributions\":[],\"results\":[],\"status\":\"";
    static const char between[] = "\", \"error_message\":\"";
    size_t most = sizeof before + sizeof between + 2 * (strlen(status) + strlen(message)) + 3;
    struct answer *answer = memory_try(size_of(0, most));
    if (answer == NULL)
        return NULL;
    atomic_init(&answer->holders, 1);
    answer->bytes = size_of(0, most);
    answer->count = 0;
    answer->text = (char *)answer->ends;
    char *to = add_string(stpcpy(answer->text, before), status);
    to = stpcpy(add_string(stpcpy(to, between), message), "\"}");
    answer->len = (size_t)(to - answer->text);
    assert(answer->len < most);
    return answer;
}

/* ---- holders ---- */

struct answer *answer_hold(struct answer *answer)
{
    unsigned before = atomic_fetch_add_explicit(&answer->holders, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return answer;
}

void answer_release(struct answer *answer)
{
    if (answer == NULL)
        return;
    unsigned before = atomic_fetch_sub(&answer->holders, 1);
    assert(before > 0);
    if (before == 1)
        free(answer);
}

size_t answer_bytes(const struct answer *answer)
{
    return answer->bytes;
}

struct answer_parts answer_cut(const struct answer *answer, unsigned bound)
{
    assert(bound > 0);
    const char *text = answer->text;
    if (bound >= answer->count)
        return (struct answer_parts){.head = {text, answer->len}, .tail = {text, 0}};
    size_t head = answer->ends[bound - 1], tail = answer->ends[answer->count - 1];
    return (struct answer_parts){.head = {text, head}, .tail = {text + tail, answer->len - tail}};
}
