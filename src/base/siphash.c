/* SipHash-1-3 after the paper's section 2; the reference code's layout, with the rounds lessened.
 * Pure; any thread. */
#include "base/siphash.h"

#include <assert.h>

#include "base/bytes.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void mix(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void compress(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s);
    s->v0 ^= word;
}

/* The fewer than eight bytes behind the whole words, the first in the lowest byte. Where there is a
 * whole word they are the top of the last eight bytes, which is one load instead of seven. */
static inline uint64_t load_rest(const char *bytes, size_t len)
{
    size_t left = len % 8;
    uint64_t rest = 0;

    if (left > 0 && len >= 8)
        return bytes_load(bytes + len - 8) >> 8 * (8 - left);
    for (size_t i = 0; i < left; i++)
        rest |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
    return rest;
}

uint64_t siphash13(const uint64_t key[2], const void *bytes, size_t len)
{
    assert(key != NULL && (bytes != NULL || len == 0));
    struct state s = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                      key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    const char *p = (const char *)bytes;

    for (size_t i = 0; i + 8 <= len; i += 8)
        compress(&s, bytes_load(p + i));
    compress(&s, load_rest(p, len) | (uint64_t)len << 56);

    s.v2 ^= 0xff;
    mix(&s);
    mix(&s);
    mix(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
