/* A table in stripes, each with a lock of its own, which a connection takes when it comes and when
 * it goes and at no other time. An address without connections is forgotten as soon as its bucket
 * is full again, for then it has nothing that a new one would not have; if very many leave at once
 * those that left first are forgotten before that, so that the table stays small whoever knocks.
 *
 * The bucket is one number, the time at which it will be full (the generic cell rate algorithm,
 * ITU-T I.371): a command moves it on by what a token takes to come, unless it then lies further
 * ahead than the whole bucket takes. So connections of one address on several workers share it
 * without a lock. */
#include "net/addresses.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/siphash.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#define STRIPES   64
#define HEADS     256  /* of chains, a stripe */
#define GONE_MAX  1024 /* a stripe remembers so many without connections */
#define SECOND_NS INT64_C(1000000000)

struct addresses_entry {
    struct addresses_entry *next;       /* in its chain */
    TAILQ_ENTRY(addresses_entry) older; /* among those without connections */
    _Atomic int64_t full_ns;            /* when its bucket will be full */
    uint64_t connections;
    uint64_t hash;
    unsigned char key[8];
    sa_family_t family;
};

struct stripe {
    pthread_mutex_t lock;
    struct addresses_entry *heads[HEADS];
    TAILQ_HEAD(, addresses_entry) gone; /* those without connections, the first to leave first */
    unsigned gone_count;
    size_t count;
};

struct addresses {
    uint64_t key[2]; /* of the hash */
    uint64_t connections_max;
    int64_t token_ns, bucket_ns; /* in which one comes, and all; 0: no limit */
    struct stripe stripes[STRIPES];
};

/* Without chance from the system the table works, and only a flood made for it would be slow. */
struct addresses *addresses_create(const struct addresses_limits *limits)
{
    if (limits->connections == 0 && limits->rate == 0)
        return NULL;
    struct addresses *all = memory_zeroed(1, sizeof *all);
    ssize_t n = getrandom(all->key, sizeof all->key, 0);
    (void)n;
    all->connections_max = limits->connections;
    if (limits->rate > 0) {
        assert(limits->burst > 0);
        all->token_ns = SECOND_NS / (int64_t)limits->rate;
        all->bucket_ns = all->token_ns * (int64_t)limits->burst;
    }
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&all->stripes[i].lock, NULL);
        TAILQ_INIT(&all->stripes[i].gone);
    }
    return all;
}

/* ---- who is who ---- */

static void fill_key(struct addresses_entry *to, const struct address *from)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, 2.5.5.2 */
    to->family = from->family;
    if (from->family != AF_INET6) {
        memcpy(to->key, from->bytes, 4);
    } else if (memcmp(from->bytes, mapped, sizeof mapped) == 0) {
        to->family = AF_INET;
        memcpy(to->key, from->bytes + sizeof mapped, 4);
    } else {
        memcpy(to->key, from->bytes, sizeof to->key);
    }
}

static struct stripe *stripe_of(struct addresses *all, uint64_t hash)
{
    return &all->stripes[hash % STRIPES];
}

static struct addresses_entry **place_of(struct stripe *stripe, const struct addresses_entry *who)
{
    struct addresses_entry **at = &stripe->heads[who->hash / STRIPES % HEADS];
    while (*at != NULL &&
           ((*at)->family != who->family || memcmp((*at)->key, who->key, sizeof who->key) != 0))
        at = &(*at)->next;
    return at;
}

static void forget(struct stripe *stripe, struct addresses_entry *entry)
{
    struct addresses_entry **at = place_of(stripe, entry);
    assert(*at == entry && entry->connections == 0);
    *at = entry->next;
    TAILQ_REMOVE(&stripe->gone, entry, older);
    stripe->gone_count--;
    stripe->count--;
    free(entry);
}

static void forget_some(struct stripe *stripe, int64_t now_ns)
{
    struct addresses_entry *first;
    while ((first = TAILQ_FIRST(&stripe->gone)) != NULL &&
           (stripe->gone_count > GONE_MAX || atomic_load(&first->full_ns) <= now_ns))
        forget(stripe, first);
}

/* ---- coming and going ---- */

static struct addresses_entry *find(struct stripe *stripe, const struct addresses_entry *who)
{
    struct addresses_entry **at = place_of(stripe, who);
    if (*at != NULL)
        return *at;
    *at = memory_zeroed(1, sizeof **at);
    memcpy((*at)->key, who->key, sizeof who->key);
    (*at)->family = who->family;
    (*at)->hash = who->hash;
    stripe->count++;
    return *at;
}

bool addresses_enter(struct addresses *all, const struct address *from,
                     struct addresses_entry **entry)
{
    *entry = NULL;
    if (all == NULL)
        return true;
    struct addresses_entry who = {.connections = 0};
    fill_key(&who, from);
    who.hash = siphash13(all->key, who.key, sizeof who.key);
    struct stripe *stripe = stripe_of(all, who.hash);
    pthread_mutex_lock(&stripe->lock);
    bool known = *place_of(stripe, &who) != NULL;
    struct addresses_entry *found = find(stripe, &who);
    bool may = all->connections_max == 0 || found->connections < all->connections_max;
    if (may && found->connections++ == 0 && known) {
        TAILQ_REMOVE(&stripe->gone, found, older);
        stripe->gone_count--;
    }
    pthread_mutex_unlock(&stripe->lock);
    if (may)
        *entry = found;
    return may;
}

void addresses_leave(struct addresses *all, struct addresses_entry *entry)
{
    if (entry == NULL)
        return;
    struct stripe *stripe = stripe_of(all, entry->hash);
    pthread_mutex_lock(&stripe->lock);
    assert(entry->connections > 0);
    if (--entry->connections == 0) {
        TAILQ_INSERT_TAIL(&stripe->gone, entry, older);
        stripe->gone_count++;
    }
    forget_some(stripe, clock_now_ns());
    pthread_mutex_unlock(&stripe->lock);
}

/* ---- spending ---- */

int64_t addresses_spend(const struct addresses *all, struct addresses_entry *entry, int64_t now_ns)
{
    assert(all->token_ns > 0);
    int64_t full_ns = atomic_load_explicit(&entry->full_ns, memory_order_relaxed), next_ns;
    do {
        next_ns = (full_ns > now_ns ? full_ns : now_ns) + all->token_ns;
        if (next_ns - now_ns > all->bucket_ns)
            return next_ns - now_ns - all->bucket_ns;
    } while (!atomic_compare_exchange_weak_explicit(&entry->full_ns, &full_ns, next_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return 0;
}

/* ---- the end ---- */

size_t addresses_count(struct addresses *all)
{
    size_t count = 0;
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_lock(&all->stripes[i].lock);
        count += all->stripes[i].count;
        pthread_mutex_unlock(&all->stripes[i].lock);
    }
    return count;
}

void addresses_destroy(struct addresses *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &all->stripes[i];
        while (!TAILQ_EMPTY(&stripe->gone))
            forget(stripe, TAILQ_FIRST(&stripe->gone));
        assert(stripe->count == 0);
        pthread_mutex_destroy(&stripe->lock);
    }
    free(all);
}
