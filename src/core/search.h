/* The searches under way at the providers, and what is kept of their answers, shared by all
 * workers. Who asks what somebody else has asked, joins: it has a share in that search.
 *
 * A search belongs to the worker that asked, on whose thread its provider is called and answers;
 * shares may be other workers', and are told on their own. All that the workers share lies under
 * one lock, which is held while a table is looked at, and never while a provider is called, an
 * answer is copied or freed, or a share is told. */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include "core/answers.h"
#include "core/chain.h"
#include "net/mailbox.h"

/* One's wait for a search; part of who waits. */
struct share {
    TAILQ_ENTRY(share) entry;
    struct herd_search *search; /* under the lock; NULL: it waits for none, or is being told */
    struct worker *worker;
    struct letter letter;
    /* On its worker's thread, once: there is an answer, which is the share's to release. */
    void (*told)(struct share *share);
    struct answer *answer; /* of a failure, NULL: no memory even for that */
    bool failed;
};

enum search_step {
    SEARCH_KEPT,   /* share->answer is the answer, and the share's to release */
    SEARCH_JOINED, /* the same is under way: it waits, and is told */
    SEARCH_ASKED,  /* the provider is asked: it waits, and is told, or has been told already */
    SEARCH_PAUSED, /* the provider's breaker is open */
    SEARCH_SPENT,  /* its budget is used up */
    SEARCH_NO_MEMORY
};

/* Before the workers run, and after they have ended; main thread. The chain outlives it. */
void search_open(const struct chain *chain, uint64_t cache_bytes, unsigned bound);
void search_close(void);

/* The answer that is kept; NULL: there is none. The caller releases it. Any thread. */
struct answer *search_kept(const struct question *question);

/* Asks a provider, if it need be. The share is the calling worker's, and waits for nothing; its
 * worker and told are set. */
enum search_step search_enter(struct share *share, const struct question *question);

/* The share waits no more; the search that nobody waits for any more is cancelled. False: it is
 * being told, and told is still called. On its worker's thread. */
bool search_leave(struct share *share);

/* How many answers are kept, and the memory they take. Any thread. */
void search_gauge(uint64_t *answers, uint64_t *bytes);

#endif
