/* Without any memory OpenSSL does not always notice, so what is small is always had. What is large
 * are buffers of one session each, of which it does notice; and there may be thousands of sessions
 * that somebody has begun and will not end. So those end, and the server does not. */
#include "net/crypto.h"

#include "base/memory.h"

#include <assert.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define SMALL_MAX 4096

static _Thread_local int64_t held;

static void *take(size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    void *p = bytes > SMALL_MAX ? memory_try(bytes) : memory_alloc(bytes);
    held += (int64_t)malloc_usable_size(p);
    return p;
}

static void *resize(void *old, size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    int64_t before = (int64_t)malloc_usable_size(old);
    void *p = bytes > SMALL_MAX ? realloc(old, bytes) : memory_resize(old, bytes);
    if (p == NULL)
        memory_failed();
    else
        held += (int64_t)malloc_usable_size(p) - before;
    return p;
}

static void give_back(void *p, const char *file, int line)
{
    (void)file, (void)line;
    held -= (int64_t)malloc_usable_size(p);
    free(p);
}

void crypto_init(void)
{
    int set = CRYPTO_set_mem_functions(take, resize, give_back);
    assert(set == 1);
    (void)set;
}

int64_t crypto_held(void)
{
    return held;
}
