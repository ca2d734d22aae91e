/* The place that a receiver keeps in a neighbour's feed. A lock guards it, because an old session
 * and the one that replaces it may run on two threads for a moment. */
#include "herd/neighbour.h"

#include "base/memory.h"
#include "herd/broken.h"
#include "wire/number.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct neighbour {
    char name[HERD_NAME_MAX + 1];
    bool dialled;
    pthread_mutex_t lock;
    uint32_t session;
    char epoch[EPOCH_BYTES]; /* of the feed that pos is in */
    unsigned stripes;        /* 0: no place in any */
    uint64_t pos[NEIGHBOUR_STRIPES_MAX];
};

struct neighbour *neighbour_create(const char *name, bool dialled)
{
    assert(strlen(name) <= HERD_NAME_MAX);
    struct neighbour *neighbour = memory_zeroed(1, sizeof *neighbour);
    strcpy(neighbour->name, name);
    neighbour->dialled = dialled;
    pthread_mutex_init(&neighbour->lock, NULL);
    return neighbour;
}

void neighbour_destroy(struct neighbour *neighbour)
{
    pthread_mutex_destroy(&neighbour->lock);
    free(neighbour);
}

const char *neighbour_name(const struct neighbour *neighbour)
{
    return neighbour->name;
}

bool neighbour_dialled(const struct neighbour *neighbour)
{
    return neighbour->dialled;
}

static bool same_feed(const struct neighbour *neighbour, const char *epoch)
{
    return neighbour->stripes > 0 && memcmp(neighbour->epoch, epoch, EPOCH_BYTES) == 0;
}

uint32_t neighbour_begin(struct neighbour *neighbour, uint32_t session, const char *epoch,
                         unsigned stripes)
{
    assert(session != 0 && stripes > 0 && stripes <= NEIGHBOUR_STRIPES_MAX);
    pthread_mutex_lock(&neighbour->lock);
    uint32_t old = neighbour->session;
    neighbour->session = session;
    if (!same_feed(neighbour, epoch) || neighbour->stripes != stripes) {
        memcpy(neighbour->epoch, epoch, EPOCH_BYTES);
        neighbour->stripes = stripes;
        if (!BROKEN(ignore_epoch))
            memset(neighbour->pos, 0, sizeof neighbour->pos);
    }
    pthread_mutex_unlock(&neighbour->lock);
    return old;
}

bool neighbour_end(struct neighbour *neighbour, uint32_t session)
{
    pthread_mutex_lock(&neighbour->lock);
    bool present = neighbour->session == session;
    if (present)
        neighbour->session = 0;
    pthread_mutex_unlock(&neighbour->lock);
    return present;
}

uint32_t neighbour_session(struct neighbour *neighbour)
{
    pthread_mutex_lock(&neighbour->lock);
    uint32_t session = neighbour->session;
    pthread_mutex_unlock(&neighbour->lock);
    return session;
}

void neighbour_mark(struct neighbour *neighbour, uint32_t session, const char *epoch,
                    unsigned stripe, uint64_t pos)
{
    pthread_mutex_lock(&neighbour->lock);
    bool own = neighbour->session == session && same_feed(neighbour, epoch);
    if ((own || BROKEN(late_mark_any_epoch)) && stripe < neighbour->stripes &&
        pos > neighbour->pos[stripe])
        neighbour->pos[stripe] = pos;
    pthread_mutex_unlock(&neighbour->lock);
}

void neighbour_forget(struct neighbour *neighbour)
{
    pthread_mutex_lock(&neighbour->lock);
    neighbour->stripes = 0;
    memset(neighbour->pos, 0, sizeof neighbour->pos);
    pthread_mutex_unlock(&neighbour->lock);
}

static bool has_anything(const struct neighbour *neighbour)
{
    for (unsigned i = 0; i < neighbour->stripes; i++)
        if (neighbour->pos[i] > 0)
            return true;
    return false;
}

static size_t print_place(const struct neighbour *neighbour, char *to)
{
    char *at = to;
    memcpy(at, neighbour->epoch, EPOCH_BYTES);
    at += EPOCH_BYTES;
    for (unsigned i = 0; i < neighbour->stripes; i++) {
        *at++ = ' ';
        at += number_u64_print(at, neighbour->pos[i]);
    }
    return (size_t)(at - to);
}

size_t neighbour_have(struct neighbour *neighbour, const char *epoch, char *to)
{
    size_t n = 5;
    memcpy(to, "HAVE ", n);
    pthread_mutex_lock(&neighbour->lock);
    if (has_anything(neighbour) && (epoch == NULL || same_feed(neighbour, epoch)))
        n += print_place(neighbour, to + n);
    else
        to[n++] = '-';
    pthread_mutex_unlock(&neighbour->lock);
    return n;
}
