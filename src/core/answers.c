/* A hash table of chains, whose size stays what it was at first: by the bytes that there may be,
 * it is clear how many answers there can be. Answers whose time is up lie there until they are
 * replaced or make room. */
#include "core/answers.h"

#include "base/memory.h"
#include "base/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN    ((uint64_t)64)
#define BUCKETS_MAX    ((uint64_t)1 << 20)
#define BYTES_A_BUCKET 1024

struct kept {
    LIST_ENTRY(kept) chain;
    TAILQ_ENTRY(kept) age; /* the first was asked for most recently */
    SLIST_ENTRY(kept) dropped;
    struct question question;
    struct answer *answer;
    int64_t ends_ns;
    size_t bytes;
};

LIST_HEAD(bucket, kept);

struct answers {
    uint64_t key[2], bytes_max, bytes, count, buckets;
    TAILQ_HEAD(ages, kept) ages;
    struct bucket chains[];
};

/* ---- questions ---- */

bool question_same(const struct question *a, const struct question *b)
{
    return a->provider == b->provider && a->lat_deg == b->lat_deg && a->lon_deg == b->lon_deg &&
           a->radius_km == b->radius_km;
}

/* Zeros below and above are the same. */
uint64_t question_hash(const struct question *question, const uint64_t key[2])
{
    double words[4] = {question->provider, question->lat_deg + 0.0, question->lon_deg + 0.0,
                       question->radius_km + 0.0};
    return siphash13(key, words, sizeof words);
}

/* ---- one ---- */

struct kept *kept_create(const struct question *question, struct answer *answer, int64_t ends_ns)
{
    struct kept *kept = memory_try_zeroed(sizeof *kept);
    if (kept == NULL)
        return NULL;
    kept->question = *question;
    kept->answer = answer_hold(answer);
    kept->ends_ns = ends_ns;
    kept->bytes = sizeof *kept + answer_bytes(answer);
    return kept;
}

void kept_free(struct kept_list *list)
{
    struct kept *kept;
    while ((kept = SLIST_FIRST(list)) != NULL) {
        SLIST_REMOVE_HEAD(list, dropped);
        answer_release(kept->answer);
        free(kept);
    }
}

/* ---- all ---- */

struct answers *answers_create(uint64_t bytes_max, const uint64_t key[2])
{
    uint64_t buckets = BUCKETS_MIN;
    while (buckets < bytes_max / BYTES_A_BUCKET && buckets < BUCKETS_MAX)
        buckets *= 2;
    struct answers *answers = memory_zeroed(1, sizeof *answers +
                                                   (size_t)buckets * sizeof(struct bucket));
    memcpy(answers->key, key, sizeof answers->key);
    answers->bytes_max = bytes_max;
    answers->buckets = buckets;
    TAILQ_INIT(&answers->ages);
    return answers;
}

static struct bucket *chain_of(struct answers *answers, const struct question *question)
{
    return &answers->chains[question_hash(question, answers->key) & (answers->buckets - 1)];
}

static struct kept *find(struct bucket *chain, const struct question *question)
{
    struct kept *kept;
    LIST_FOREACH(kept, chain, chain)
    if (question_same(&kept->question, question))
        return kept;
    return NULL;
}

static void drop(struct answers *answers, struct kept *kept, struct kept_list *dropped)
{
    assert(answers->count > 0 && answers->bytes >= kept->bytes);
    LIST_REMOVE(kept, chain);
    TAILQ_REMOVE(&answers->ages, kept, age);
    answers->count--;
    answers->bytes -= kept->bytes;
    SLIST_INSERT_HEAD(dropped, kept, dropped);
}

void answers_destroy(struct answers *answers)
{
    struct kept_list dropped = SLIST_HEAD_INITIALIZER(dropped);
    while (!TAILQ_EMPTY(&answers->ages))
        drop(answers, TAILQ_FIRST(&answers->ages), &dropped);
    kept_free(&dropped);
    free(answers);
}

struct answer *answers_find(struct answers *answers, const struct question *question,
                            int64_t now_ns)
{
    struct kept *kept = find(chain_of(answers, question), question);
    if (kept == NULL || kept->ends_ns <= now_ns)
        return NULL;
    TAILQ_REMOVE(&answers->ages, kept, age);
    TAILQ_INSERT_HEAD(&answers->ages, kept, age);
    return answer_hold(kept->answer);
}

unsigned answers_keep(struct answers *answers, struct kept *kept, struct kept_list *dropped)
{
    unsigned evicted = 0;
    struct bucket *chain = chain_of(answers, &kept->question);
    struct kept *before = find(chain, &kept->question);
    if (before != NULL)
        drop(answers, before, dropped);
    if (kept->bytes > answers->bytes_max) {
        SLIST_INSERT_HEAD(dropped, kept, dropped);
        return 0;
    }
    for (; answers->bytes > answers->bytes_max - kept->bytes; evicted++)
        drop(answers, TAILQ_LAST(&answers->ages, ages), dropped);
    LIST_INSERT_HEAD(chain, kept, chain);
    TAILQ_INSERT_HEAD(&answers->ages, kept, age);
    answers->count++;
    answers->bytes += kept->bytes;
    return evicted;
}

uint64_t answers_count(const struct answers *answers)
{
    return answers->count;
}

uint64_t answers_bytes(const struct answers *answers)
{
    return answers->bytes;
}
