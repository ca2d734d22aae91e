/* Chains of names that are only ever added to at the head: a reader follows them without a lock, as
 * what it sees is whole or not there yet. */
#include "herd/names.h"

#include "base/memory.h"
#include "wire/line.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS 256
#define BLOCK  256 /* names a block of the list by number */

struct name {
    struct name *next;
    uint16_t number;
    uint16_t len;
    char bytes[];
};

struct names {
    pthread_mutex_t lock; /* for adding */
    _Atomic(struct name *) chain[CHAINS];
    _Atomic(_Atomic(struct name *) *) block[(NAMES_MAX + BLOCK) / BLOCK];
    uint32_t count;
};

struct names *names_create(void)
{
    struct names *names = memory_zeroed(1, sizeof *names);
    pthread_mutex_init(&names->lock, NULL);
    return names;
}

void names_destroy(struct names *names)
{
    for (size_t i = 0; i < CHAINS; i++) {
        struct name *name = atomic_load(&names->chain[i]);
        while (name != NULL) {
            struct name *next = name->next;
            free(name);
            name = next;
        }
    }
    for (size_t i = 0; i < sizeof names->block / sizeof names->block[0]; i++)
        free(atomic_load(&names->block[i]));
    pthread_mutex_destroy(&names->lock);
    free(names);
}

/* Of the length, the first and the last bytes alone, for the names come from the configuration and
 * from neighbours that proved who they are: nobody makes names that collide. */
static size_t chain_of(struct herd_text text)
{
    uint64_t h = text.len ^ bytes_fold(text.bytes, text.len);
    return h * UINT64_C(0x9e3779b97f4a7c15) >> 56; /* Knuth's multiplicative hashing */
}
_Static_assert(CHAINS == 1 << 8, "the top byte of the product names a chain");

static const struct name *find(struct names *names, size_t chain, struct herd_text text)
{
    const struct name *name = atomic_load_explicit(&names->chain[chain], memory_order_acquire);
    while (name != NULL && !text_equal(text, (struct herd_text){name->bytes, name->len}))
        name = name->next;
    return name;
}

static uint16_t add(struct names *names, size_t chain, struct herd_text text)
{
    if (names->count == NAMES_MAX)
        return 0;
    struct name *name = memory_alloc(sizeof *name + text.len);
    name->number = (uint16_t)++names->count;
    name->len = (uint16_t)text.len;
    memcpy(name->bytes, text.bytes, text.len);
    name->next = atomic_load_explicit(&names->chain[chain], memory_order_relaxed);
    size_t b = name->number / BLOCK;
    if (atomic_load_explicit(&names->block[b], memory_order_relaxed) == NULL)
        atomic_store_explicit(&names->block[b],
                              memory_zeroed(BLOCK, sizeof(_Atomic(struct name *))),
                              memory_order_release);
    atomic_store_explicit(&names->block[b][name->number % BLOCK], name, memory_order_release);
    atomic_store_explicit(&names->chain[chain], name, memory_order_release);
    return name->number;
}

uint16_t names_number(struct names *names, struct herd_text text)
{
    assert(text.len <= HERD_NAME_MAX);
    size_t chain = chain_of(text);
    const struct name *name = find(names, chain, text);
    if (name != NULL)
        return name->number;
    pthread_mutex_lock(&names->lock);
    name = find(names, chain, text);
    uint16_t number = name != NULL ? name->number : add(names, chain, text);
    pthread_mutex_unlock(&names->lock);
    return number;
}

struct herd_text names_text(struct names *names, uint16_t number)
{
    assert(number > 0);
    _Atomic(struct name *) *block = atomic_load_explicit(&names->block[number / BLOCK],
                                                         memory_order_acquire);
    const struct name *name = atomic_load_explicit(&block[number % BLOCK], memory_order_acquire);
    return (struct herd_text){name->bytes, name->len};
}
