/* Answers of providers that are kept for those who ask the same: a table bounded in bytes, where
 * what was asked for least recently makes room. Times are the caller's; so are the lock, for one
 * thread at a time is here, and the freeing of what was dropped, which need not be done under it.
 */
#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include "core/answer.h"

#include <sys/queue.h>

/* What is asked, of which provider. */
struct question {
    unsigned provider;
    double lat_deg, lon_deg, radius_km;
};

bool question_same(const struct question *a, const struct question *b);
uint64_t question_hash(const struct question *question, const uint64_t key[2]);

/* An answer that is kept, or is to be. */
struct kept;
SLIST_HEAD(kept_list, kept);

/* NULL: no memory. The answer is held until it is freed. */
struct kept *kept_create(const struct question *question, struct answer *answer, int64_t ends_ns);
void kept_free(struct kept_list *list);

/* key: secret, so that nobody can choose questions that collide. */
struct answers *answers_create(uint64_t bytes_max, const uint64_t key[2]);
void answers_destroy(struct answers *answers);

/* The answer, if it is kept and its time is not up; then the caller holds it too. NULL: none. */
struct answer *answers_find(struct answers *answers, const struct question *question,
                            int64_t now_ns);

/* Takes one over. What it replaces, what has to make room, or itself if it is too large, is put
 * into *dropped. Returns how many made room. */
unsigned answers_keep(struct answers *answers, struct kept *kept, struct kept_list *dropped);

/* How many there are, also those whose time is up; and what they take. */
uint64_t answers_count(const struct answers *answers);
uint64_t answers_bytes(const struct answers *answers);

#endif
