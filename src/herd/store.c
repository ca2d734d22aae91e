/* Stripes side by side, chosen by the top bits of a keyed hash, and the list of feeds that want to
 * know of changes. */
#include "herd/store.h"

#include "base/memory.h"
#include "base/siphash.h"

#include <assert.h>
#include <stdlib.h>

#define STALE             (UINT32_C(1) << 31)
#define INDEX_ARENA_BYTES SLAB_ARENA_BYTES

struct store {
    struct stripe_context context;
    _Atomic uint64_t bytes_max; /* as configured; the context's is what holds now */
    unsigned stripe_count;
    unsigned untidy;                                 /* the next stripe of store_tidy */
    alignas(MEMORY_LINE) pthread_mutex_t watch_lock; /* taken in each turn of each worker */
    _Atomic(struct store_watch *) watches;
    struct stripe stripes[];
};

struct store *store_create(const struct store_config *config)
{
    unsigned n = config->stripes;
    assert(n > 0 && n <= STORE_STRIPES_MAX && (n & (n - 1)) == 0);
    size_t bytes = sizeof(struct store) + n * sizeof(struct stripe);
    struct store *store = memory_apart(1, bytes);
    store->context.key[0] = config->key[0];
    store->context.key[1] = config->key[1];
    store->context.stale = config->stale ? config->stale : STALE;
    store->context.names = names_create();
    store->context.id_max = config->id_max ? config->id_max : HERD_CLIENT_MAX;
    arena_init(&store->context.records, SLAB_ARENA_BYTES);
    arena_init(&store->context.index, INDEX_ARENA_BYTES);
    slab_pool_init(&store->context.pool, &store->context.records);
    store->stripe_count = n;
    store_limit(store, config->clients_max, config->bytes_max, config->forget_after_ns);
    pthread_mutex_init(&store->watch_lock, NULL);
    for (unsigned i = 0; i < n; i++)
        stripe_init(&store->stripes[i], &store->context);
    return store;
}

void store_destroy(struct store *store)
{
    assert(store->watches == NULL);
    for (unsigned i = 0; i < store->stripe_count; i++)
        stripe_fini(&store->stripes[i]);
    slab_pool_fini(&store->context.pool);
    arena_fini(&store->context.index);
    arena_fini(&store->context.records);
    names_destroy(store->context.names);
    pthread_mutex_destroy(&store->watch_lock);
    free(store);
}

/* What may be in use: one of the arenas alone has room for it, and for what a read of a neighbour
 * adds. */
static uint64_t capacity(const struct store *store)
{
    uint64_t records = store->context.records.reserved, index = store->context.index.reserved;
    return (records < index ? records : index) / 4 * 3;
}

void store_limit(struct store *store, uint64_t clients_max, uint64_t bytes_max,
                 int64_t forget_after_ns)
{
    if (bytes_max == 0 || bytes_max > capacity(store))
        bytes_max = capacity(store);
    atomic_store_explicit(&store->context.clients_max, clients_max, memory_order_relaxed);
    atomic_store(&store->bytes_max, bytes_max);
    atomic_store_explicit(&store->context.bytes_max, bytes_max, memory_order_relaxed);
    atomic_store_explicit(&store->context.forget_after_ns, forget_after_ns, memory_order_relaxed);
}

uint64_t store_hash(const struct store *store, struct herd_text client)
{
    return siphash13(store->context.key, client.bytes, client.len);
}

static unsigned stripe_of(const struct store *store, uint64_t hash)
{
    return (unsigned)(hash >> 58) & (store->stripe_count - 1);
}

void store_fetch(const struct store *store, uint64_t hash)
{
    stripe_fetch(&store->stripes[stripe_of(store, hash)], hash);
}

void store_fetch_record(const struct store *store, uint64_t hash)
{
    stripe_fetch_record(&store->stripes[stripe_of(store, hash)], hash);
}

enum herd_put store_put(struct store *store, uint64_t hash, const struct herd_report *report,
                        uint32_t session, int64_t clock_ns, uint64_t *news)
{
    unsigned i = stripe_of(store, hash);
    enum herd_put result = stripe_put(&store->stripes[i], hash, report, session, clock_ns);
    if (result == HERD_PUT_NEW || result == HERD_PUT_NEWER || result == HERD_PUT_TIE)
        *news |= UINT64_C(1) << i;
    return result;
}

bool store_get(struct store *store, uint64_t hash, struct herd_text client, int64_t clock_ns,
               struct herd_report *report, struct herd_room *room)
{
    return stripe_get(&store->stripes[stripe_of(store, hash)], hash, client, clock_ns, report,
                      room);
}

/* A server without neighbours has no watches, and its workers share no lock to see that. One that
 * comes at this moment reads all stripes, and so what is announced here: if it found a stripe's
 * lock free before the change, then the change's worker sees it here, for that lock lies between
 * both. */
void store_announce_others(struct store *store, uint64_t news, const struct store_watch *teller)
{
    if (news == 0 || atomic_load_explicit(&store->watches, memory_order_relaxed) == NULL)
        return;
    pthread_mutex_lock(&store->watch_lock);
    for (struct store_watch *watch = store->watches; watch != NULL; watch = watch->next)
        if (watch != teller && atomic_fetch_or(&watch->news, news) == 0)
            watch->wake(watch->arg);
    pthread_mutex_unlock(&store->watch_lock);
}

void store_announce(struct store *store, uint64_t news)
{
    store_announce_others(store, news, NULL);
}

void store_watch(struct store *store, struct store_watch *watch)
{
    assert(watch->wake != NULL);
    pthread_mutex_lock(&store->watch_lock);
    watch->next = store->watches;
    store->watches = watch;
    pthread_mutex_unlock(&store->watch_lock);
}

void store_unwatch(struct store *store, struct store_watch *watch)
{
    pthread_mutex_lock(&store->watch_lock);
    if (store->watches == watch) {
        store->watches = watch->next;
    } else {
        struct store_watch *before = store->watches;
        for (; before->next != watch; before = before->next)
            assert(before->next != NULL);
        before->next = watch->next;
    }
    pthread_mutex_unlock(&store->watch_lock);
}

bool store_full(struct store *store)
{
    uint64_t max = atomic_load_explicit(&store->context.bytes_max, memory_order_relaxed);
    return store_bytes(store) >= max;
}

bool store_out_of_memory(const struct store *store)
{
    return atomic_load_explicit(&store->context.bytes_max, memory_order_relaxed) == 0;
}

/* Memory that is short elsewhere is not taken from those who need it more. */
bool store_recover(struct store *store)
{
    struct stripe_context *context = &store->context;
    bool there = !memory_short() && arena_has_room(&context->records) &&
                 arena_has_room(&context->index);
    atomic_store(&context->bytes_max, there ? atomic_load(&store->bytes_max) : 0);
    return there;
}

size_t store_forget(struct store *store, size_t slots, int64_t clock_ns)
{
    size_t freed = 0;
    for (unsigned i = 0; i < store->stripe_count; i++)
        freed += stripe_forget(&store->stripes[i], slots, clock_ns);
    return freed;
}

/* Begins before the limit, so that those who wait for room do not get it crumb by crumb. */
static bool is_scarce(struct store *store)
{
    uint64_t max = atomic_load_explicit(&store->context.bytes_max, memory_order_relaxed);
    return store_bytes(store) >= max - max / 8;
}

void store_tidy(struct store *store, size_t slots)
{
    for (unsigned i = 0; i < store->stripe_count && is_scarce(store); i++) {
        struct stripe *stripe = &store->stripes[store->untidy++ % store->stripe_count];
        size_t seen = stripe_slots(stripe);
        stripe_tidy(stripe);
        if (seen >= slots)
            return;
        slots -= seen;
    }
}

size_t store_slots(struct store *store)
{
    size_t slots = 0;
    for (unsigned i = 0; i < store->stripe_count; i++)
        slots += stripe_slots(&store->stripes[i]);
    return slots;
}

uint64_t store_clients(struct store *store)
{
    return atomic_load_explicit(&store->context.clients, memory_order_relaxed);
}

uint64_t store_bytes(struct store *store)
{
    return atomic_load_explicit(&store->context.bytes, memory_order_relaxed);
}

unsigned store_stripes(const struct store *store)
{
    return store->stripe_count;
}

struct stripe *store_stripe(struct store *store, unsigned i)
{
    assert(i < store->stripe_count);
    return &store->stripes[i];
}
