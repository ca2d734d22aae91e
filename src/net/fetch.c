/* The URL, the headers and what is posted may hold secrets, so their copies are wiped before they
 * are freed. */
#include "net/fetch.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX                                                                                \
    ((size_t)64 << 10) /* bytes of all headers; libcurl keeps them without limit                   \
                        */

/* An array that ends with NULL, of strings; NULL: none. */
static const char *const *copy_headers(const char *const *headers)
{
    size_t count = 0;
    if (headers == NULL)
        return NULL;
    while (headers[count] != NULL)
        count++;
    const char **copies = memory_zeroed(count + 1, sizeof *copies);
    for (size_t i = 0; i < count; i++)
        copies[i] = memory_string(headers[i]);
    return copies;
}

static void wipe(const void *bytes, size_t len)
{
    if (bytes != NULL)
        explicit_bzero((void *)bytes, len);
    free((void *)bytes);
}

static void wipe_headers(const char *const *headers)
{
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
        wipe(headers[i], strlen(headers[i]));
    free((void *)headers);
}

struct herd_fetching *fetch_create(const struct herd_fetch *asked)
{
    assert(worker_here() != NULL && asked->url != NULL && asked->check != NULL);
    assert(asked->done != NULL && asked->connect_ns > 0 && asked->total_ns > 0);
    struct herd_fetching *fetch = memory_zeroed(1, sizeof *fetch);
    fetch->asked = *asked;
    fetch->asked.url = memory_string(asked->url);
    fetch->asked.ca_file = asked->ca_file != NULL ? memory_string(asked->ca_file) : NULL;
    if (asked->post.bytes != NULL)
        fetch->asked.post.bytes = memory_string_of(asked->post.bytes, asked->post.len);
    fetch->asked.headers = copy_headers(asked->headers);
    fetch->from = worker_here();
    fetch->ends_ns = clock_now_ns() + asked->total_ns;
    atomic_init(&fetch->holders, 1);
    return fetch;
}

void fetch_hold(struct herd_fetching *fetch)
{
    unsigned before = atomic_fetch_add(&fetch->holders, 1);
    assert(before > 0);
    (void)before;
}

void fetch_release(struct herd_fetching *fetch)
{
    unsigned before = atomic_fetch_sub(&fetch->holders, 1);
    assert(before > 0);
    if (before > 1)
        return;
    assert(fetch->in == NULL && fetch->easy == NULL);
    assert(fetch->headers == NULL);
    wipe(fetch->asked.url, strlen(fetch->asked.url));
    wipe(fetch->asked.post.bytes, fetch->asked.post.len);
    wipe_headers(fetch->asked.headers);
    free((char *)fetch->asked.ca_file);
    free(fetch);
}

bool fetch_take_body(struct herd_fetching *fetch, const char *bytes, size_t len)
{
    assert(buffer_len(&fetch->body) <= fetch->asked.body_max);
    fetch->too_large = len > fetch->asked.body_max - buffer_len(&fetch->body);
    if (fetch->too_large)
        return false;
    buffer_add(&fetch->body, bytes, len);
    return !fetch->body.lost;
}

bool fetch_take_header(struct herd_fetching *fetch, size_t len)
{
    fetch->too_large = len > HEADERS_MAX - fetch->header_bytes;
    if (fetch->too_large)
        return false;
    fetch->header_bytes += len;
    return true;
}

void fetch_enter(struct herd_fetching *fetch, struct fetch_list *list)
{
    assert(fetch->in == NULL);
    TAILQ_INSERT_TAIL(&list->queue, fetch, entry);
    list->count++;
    fetch->in = list;
}

void fetch_leave(struct herd_fetching *fetch)
{
    assert(fetch->in != NULL && fetch->in->count > 0);
    TAILQ_REMOVE(&fetch->in->queue, fetch, entry);
    fetch->in->count--;
    fetch->in = NULL;
}

static void tell_done(void *arg)
{
    struct herd_fetching *fetch = arg;
    fetch->asked.done(fetch->asked.arg);
    fetch_release(fetch);
}

void fetch_answer(struct herd_fetching *fetch, const char *error, long status)
{
    assert(!fetch->answered);
    struct herd_response response = {.error = error, .status = status, .body = {"", 0}};
    response.cancelled = fetch->taken_back;
    response.unsent = !fetch->begun;
    if (error == NULL && buffer_len(&fetch->body) > 0)
        response.body = (struct herd_text){buffer_at(&fetch->body), buffer_len(&fetch->body)};
    fetch->answered = true;
    fetch->asked.check(fetch->asked.arg, &response);
    buffer_free(&fetch->body);
    worker_tell(fetch->from, tell_done, fetch);
}
