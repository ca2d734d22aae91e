/* The hard thing is who may free a search, and when it is too late to join it. It stands in the
 * table until its provider has answered, or has been told that nobody waits; it ends when the
 * provider answers, on the thread of its worker. When the last share leaves on another thread, that
 * thread only sends a letter: by the time it is read another share may have joined, and then it
 * goes on, or the provider may have answered, and then the letter's reader frees it. */
#include "core/search.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/misuse.h"
#include "net/worker.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS  1024                /* a power of two; of searches under way there are few */
#define QUIET_NS INT64_C(1000000000) /* without a failure, until it is said that there are none */

TAILQ_HEAD(shares, share);

struct herd_search {
    LIST_ENTRY(herd_search) chain;
    struct question question;
    struct worker *worker;
    enum gate_word gate;
    struct letter letter;
    struct shares shares; /* under the lock, as the next three */
    bool open;            /* it stands in the table, and may be joined */
    bool posted;          /* the letter is under way */
    bool ended;           /* but for that letter it would be freed */
    bool gone;            /* nobody waits, and the provider is told or is not to be; its worker's */
    void (*cancelled)(void *arg); /* the provider's; NULL: it need not know, or knows */
    void *arg;
};

struct asked { /* a provider */
    const struct chain_link *link;
    struct gate gate;          /* under the lock */
    _Atomic int64_t failed_ns; /* when it last failed; 0: the log says that it answers */
};

LIST_HEAD(bucket, herd_search);

static struct {
    pthread_mutex_t lock;
    struct answers *answers;
    struct asked *asked;
    struct bucket buckets[BUCKETS];
    uint64_t key[2];
    unsigned bound;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock(void)
{
    pthread_mutex_lock(&all.lock);
}

static void unlock(void)
{
    pthread_mutex_unlock(&all.lock);
}

static const char *name_of(unsigned provider)
{
    return all.asked[provider].link->provider->name;
}

/* ---- life ---- */

void search_open(const struct chain *chain, uint64_t cache_bytes, unsigned bound)
{
    assert(all.answers == NULL);
    ssize_t n = getrandom(all.key, sizeof all.key, 0);
    if (n != (ssize_t)sizeof all.key)
        abort(); /* for so few bytes it only fails where the kernel has no such call */
    all.answers = answers_create(cache_bytes, all.key);
    all.asked = memory_zeroed(chain->count + 1, sizeof *all.asked);
    for (size_t i = 0; i < chain->count; i++) {
        all.asked[i].link = &chain->links[i];
        gate_init(&all.asked[i].gate, &chain->links[i].gate);
    }
    all.bound = bound;
}

void search_close(void)
{
    if (all.answers == NULL)
        return;
    answers_destroy(all.answers);
    free(all.asked);
    all.answers = NULL;
    all.asked = NULL;
}

/* ---- the beginning ---- */

static struct bucket *bucket_of(const struct question *question)
{
    return &all.buckets[question_hash(question, all.key) % BUCKETS];
}

static struct herd_search *find(const struct question *question)
{
    struct herd_search *search;
    LIST_FOREACH(search, bucket_of(question), chain)
    if (question_same(&search->question, question))
        return search;
    return NULL;
}

static void read_letter(void *arg);

static struct herd_search *create(const struct question *question)
{
    struct herd_search *search = memory_try_zeroed(sizeof *search);
    if (search == NULL)
        return NULL;
    search->question = *question;
    search->worker = worker_here();
    search->letter = (struct letter){.read = read_letter, .arg = search};
    TAILQ_INIT(&search->shares);
    return search;
}

static void join(struct share *share, struct herd_search *search)
{
    assert(share->search == NULL && search->open);
    TAILQ_INSERT_TAIL(&search->shares, share, entry);
    share->search = search;
}

/* Under the lock. fresh is begun only if the provider is to be asked. */
static enum search_step step(struct share *share, struct herd_search *fresh, struct gate_said *said)
{
    const struct question *question = &fresh->question;
    struct asked *asked = &all.asked[question->provider];
    int64_t now_ns = clock_now_ns();
    if ((share->answer = answers_find(all.answers, question, now_ns)) != NULL)
        return SEARCH_KEPT;
    struct herd_search *other = find(question);
    if (other != NULL) {
        join(share, other);
        return SEARCH_JOINED;
    }
    *said = gate_ask(&asked->gate, now_ns, clock_wall_ns());
    if (said->word == GATE_OPEN)
        return SEARCH_PAUSED;
    if (said->word != GATE_PASS && said->word != GATE_TRY)
        return SEARCH_SPENT;
    fresh->gate = said->word;
    fresh->open = true;
    LIST_INSERT_HEAD(bucket_of(question), fresh, chain);
    join(share, fresh);
    return SEARCH_ASKED;
}

static void count(enum search_step step)
{
    metric_add(searches_kept, step == SEARCH_KEPT);
    metric_add(searches_joined, step == SEARCH_JOINED);
    metric_add(searches_asked, step == SEARCH_ASKED);
    metric_add(searches_spent, step == SEARCH_SPENT);
    metric_add(searches_paused, step == SEARCH_PAUSED);
}

static void note_budget(unsigned provider, struct gate_said said)
{
    if (said.news)
        log_event(HERD_LOG_WARN, 0, "places.%s: its budget is used up: %s", name_of(provider),
                  said.word == GATE_DAY ? "per_day" : "rate");
}

enum search_step search_enter(struct share *share, const struct question *question)
{
    struct gate_said said = {.news = false};
    assert(share->search == NULL && share->worker == worker_here());
    struct herd_search *fresh = create(question);
    if (fresh == NULL)
        return SEARCH_NO_MEMORY;
    lock();
    enum search_step taken = step(share, fresh, &said);
    unlock();
    count(taken);
    note_budget(question->provider, said);
    if (taken != SEARCH_ASKED) {
        free(fresh);
        return taken;
    }
    const struct herd_query query = {question->lat_deg, question->lon_deg, question->radius_km,
                                     all.bound};
    all.asked[question->provider].link->provider->search(fresh, &query);
    return SEARCH_ASKED;
}

struct answer *search_kept(const struct question *question)
{
    lock();
    struct answer *answer = answers_find(all.answers, question, clock_now_ns());
    unlock();
    metric_add(searches_kept, answer != NULL);
    return answer;
}

/* ---- leaving ---- */

static void shut(struct herd_search *search)
{
    if (search->open)
        LIST_REMOVE(search, chain);
    search->open = false;
}

/* The provider may answer, so that the search is gone when it returns. */
static void tell_gone(struct herd_search *search)
{
    void (*cancelled)(void *) = search->cancelled;
    search->cancelled = NULL;
    if (cancelled != NULL)
        cancelled(search->arg);
}

/* Nobody waited just now. */
static void drop(struct herd_search *search, bool by_letter)
{
    lock();
    if (by_letter)
        search->posted = false;
    bool ended = search->ended, cancels = !ended && TAILQ_EMPTY(&search->shares) && !search->gone;
    if (cancels) {
        shut(search);
        search->gone = true;
    }
    unlock();
    if (ended)
        free(search);
    else if (cancels)
        tell_gone(search);
}

static void read_letter(void *arg)
{
    drop(arg, true);
}

bool search_leave(struct share *share)
{
    lock();
    struct herd_search *search = share->search;
    bool last = false, here = false, post = false;
    if (search != NULL) {
        TAILQ_REMOVE(&search->shares, share, entry);
        share->search = NULL;
        last = TAILQ_EMPTY(&search->shares);
        here = search->worker == worker_here();
        post = last && !here && !search->posted;
        search->posted = search->posted || post;
    }
    unlock();
    if (last && here)
        drop(search, false);
    else if (post)
        mailbox_post(&search->worker->mailbox, &search->letter);
    return search != NULL;
}

void herd_search_on_cancel(struct herd_search *search, void (*cancelled)(void *), void *arg)
{
    assert(search != NULL);
    search->cancelled = cancelled;
    search->arg = arg;
    if (search->gone)
        tell_gone(search);
}

/* ---- the end ---- */

static void read_told(void *arg)
{
    struct share *share = arg;
    share->told(share);
}

/* Others' are sent first: told may do anything. */
static void tell_all(struct shares *shares)
{
    struct worker *here = worker_here();
    struct share *share, *next;
    for (share = TAILQ_FIRST(shares); share != NULL; share = next) {
        next = TAILQ_NEXT(share, entry);
        if (share->worker == here)
            continue;
        TAILQ_REMOVE(shares, share, entry);
        share->letter = (struct letter){.read = read_told, .arg = share};
        mailbox_post(&share->worker->mailbox, &share->letter);
    }
    while ((share = TAILQ_FIRST(shares)) != NULL) {
        TAILQ_REMOVE(shares, share, entry);
        share->told(share);
    }
}

static void take_shares(struct herd_search *search, struct shares *shares, struct answer *answer,
                        bool failed)
{
    struct share *share;
    TAILQ_CONCAT(shares, &search->shares, entry);
    TAILQ_FOREACH (share, shares, entry) {
        share->search = NULL;
        share->answer = answer != NULL ? answer_hold(answer) : NULL;
        share->failed = failed;
    }
}

static struct kept *make_kept(const struct herd_search *search, struct answer *answer)
{
    int64_t keep_ns = all.asked[search->question.provider].link->keep_ns;
    return keep_ns > 0 ? kept_create(&search->question, answer, clock_now_ns() + keep_ns) : NULL;
}

static void note_breaker(const struct chain_link *link, enum gate_change change)
{
    const char *name = link->provider->name;
    if (change == GATE_OPENED) {
        metric_add(breakers_opened, 1);
        log_event(HERD_LOG_WARN, 0, "places.%s: not asked for a while, after %u failures in a row",
                  name, link->gate.failures);
    } else if (change == GATE_CLOSED) {
        log_event(HERD_LOG_INFO, 0, "places.%s: asked again", name);
    }
}

/* Takes the answer over; of a failure it may be NULL. */
static void end(struct herd_search *search, struct answer *answer, bool failed, enum gate_end how)
{
    struct shares shares = TAILQ_HEAD_INITIALIZER(shares);
    struct kept_list dropped = SLIST_HEAD_INITIALIZER(dropped);
    struct asked *asked = &all.asked[search->question.provider];
    struct kept *kept = failed ? NULL : make_kept(search, answer);
    lock();
    assert(!search->ended);
    shut(search);
    take_shares(search, &shares, answer, failed);
    unsigned evicted = kept != NULL ? answers_keep(all.answers, kept, &dropped) : 0;
    enum gate_change change = gate_end(&asked->gate, search->gate, how, clock_now_ns());
    bool frees = !search->posted;
    search->ended = true;
    unlock();
    if (frees)
        free(search);
    metric_add(answers_evicted, evicted);
    note_breaker(asked->link, change);
    answer_release(answer);
    kept_free(&dropped);
    tell_all(&shares);
}

static bool rise(const struct herd_answer *answer)
{
    uint32_t before = 0;
    for (size_t i = 0; i < answer->count; before = answer->ends[i++])
        if (answer->ends[i] <= before || answer->ends[i] > answer->json.len)
            return false;
    return true;
}

/* status NULL: it answered. One warning when it begins to fail, one word when that is over, and no
 * more than these two in a second: of a herd of askers some may fail for long. */
static void note(const struct herd_search *search, const char *status, const char *message)
{
    struct asked *asked = &all.asked[search->question.provider];
    const char *name = asked->link->provider->name;
    int64_t now_ns = clock_now_ns(), failed_ns = atomic_load(&asked->failed_ns);
    if (status != NULL) {
        failed_ns = atomic_exchange(&asked->failed_ns, now_ns);
        log_event(failed_ns != 0 ? HERD_LOG_DEBUG : HERD_LOG_WARN, 0, "%s: %s: %s", name, status,
                  message);
    } else if (failed_ns != 0 && now_ns - failed_ns >= QUIET_NS &&
               atomic_compare_exchange_strong(&asked->failed_ns, &failed_ns, 0)) {
        log_event(HERD_LOG_INFO, 0, "%s: answers again", name);
    }
}

static void fail(struct herd_search *search, const char *status, const char *message,
                 enum gate_end how)
{
    struct answer *answer = NULL;
    if (!search->gone) {
        note(search, status, message);
        answer = answer_create_failure(status, message);
    }
    end(search, answer, true, how);
}

void herd_search_answer(struct herd_search *search, const struct herd_answer *given)
{
    assert(search != NULL);
    misuse_unless(given->json.len <= UINT32_MAX && rise(given),
                  "herd_search_answer with ends that do not rise, or lie beyond the text");
    struct answer *answer = answer_create(given);
    if (answer == NULL) {
        fail(search, "UNKNOWN_ERROR", "out of memory", GATE_UNTOLD);
        return;
    }
    note(search, NULL, NULL);
    end(search, answer, false, GATE_ANSWERED);
}

/* INVALID_REQUEST blames the question, which others need not share. */
void herd_search_fail(struct herd_search *search, const char *status, const char *message)
{
    assert(search != NULL && status != NULL && message != NULL);
    enum gate_end how = search->gone                             ? GATE_UNTOLD
                        : strcmp(status, "INVALID_REQUEST") == 0 ? GATE_ANSWERED
                                                                 : GATE_FAILED;
    fail(search, status, message, how);
}

void herd_search_unasked(struct herd_search *search, const char *message)
{
    assert(search != NULL && message != NULL);
    fail(search, "UNKNOWN_ERROR", message, GATE_UNASKED);
}

void search_gauge(uint64_t *answers, uint64_t *bytes)
{
    lock();
    *answers = all.answers != NULL ? answers_count(all.answers) : 0;
    *bytes = all.answers != NULL ? answers_bytes(all.answers) : 0;
    unlock();
}
