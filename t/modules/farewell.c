/* Begins things when it is late: in worker_stop it sends letters that are told on from worker to
 * worker, many times, and fetches. All of it must have come to its end before stop, which says in
 * the log what did. As a provider of places it is one that fetches, or else there is no thread that
 * could. */
#include <herd/module.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 64
#define TIMES       1000 /* that a letter is told on */

static struct herd_worker *_Atomic workers[WORKERS_MAX];
static _Atomic unsigned worker_count, letters, fetched, refused;

struct letter {
    unsigned at, left;
};

static void tell_on(void *arg)
{
    struct letter *letter = arg;
    if (letter->left-- == 0) {
        atomic_fetch_add(&letters, 1);
        free(letter);
        return;
    }
    letter->at = (letter->at + 1) % atomic_load(&worker_count);
    herd_worker_tell(atomic_load(&workers[letter->at]), tell_on, letter);
}

static void check(void *arg, const struct herd_response *response)
{
    (void)arg;
    if (response->error != NULL && strcmp(response->error, "the server stops") == 0)
        atomic_fetch_add(&refused, 1);
}

static void done(void *arg)
{
    (void)arg;
    atomic_fetch_add(&fetched, 1);
}

static void fetch(void)
{
    herd_fetch(&(struct herd_fetch){
        .url = "http://127.0.0.1:1/",
        .body_max = 1,
        .connect_ns = 1000000000,
        .total_ns = 1000000000,
        .check = check,
        .done = done,
    });
}

static void worker_start(void)
{
    atomic_store(&workers[atomic_fetch_add(&worker_count, 1)], herd_worker());
}

static void worker_stop(void)
{
    struct letter *letter = malloc(sizeof *letter);
    if (letter == NULL)
        abort();
    *letter = (struct letter){.left = TIMES};
    tell_on(letter);
    fetch();
}

static void stop(void)
{
    herd_log(HERD_LOG_INFO, "Farewell: %u letters, %u fetches, %u refused", atomic_load(&letters),
             atomic_load(&fetched), atomic_load(&refused));
}

static bool start(struct herd_error *err)
{
    (void)err;
    return true;
}

static void search(struct herd_search *search, const struct herd_query *query)
{
    (void)query;
    herd_search_fail(search, "UNKNOWN_ERROR", "farewell");
}

static const struct herd_provider provider = {
    .name = "farewell", .search = search, .fetches = true};

HERD_MODULE_EXPORT(farewell) = {
    .abi = HERD_ABI,
    .name = "farewell",
    .version = "0.1",
    .summary = "is busy at the end",
    .provider = &provider,
    .start = start,
    .stop = stop,
    .worker_start = worker_start,
    .worker_stop = worker_stop,
};
