/* Short runs of bytes: copied, compared and read as words without a call, for most texts of a line
 * have 5 to 30 bytes, and there a call of memcpy or memcmp costs more than its work. The one hard
 * thing is never to touch a byte that is not in the run: what is no multiple of a word is moved as
 * two words that overlap. Longer runs go to the library. Pure; any thread. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BYTES_SHORT 32

/* Eight bytes as a number whose lowest byte is the first, on every machine and at any address.
 * Compilers make one instruction of each. Always inline, for a caller may be one that
 * ThreadSanitizer is told to pass over (table.c), and a call it would not. */
static inline __attribute__((always_inline)) uint64_t bytes_load(const void *from)
{
    const unsigned char *p = (const unsigned char *)from;
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static inline void bytes_store(void *to, uint64_t word)
{
    unsigned char *p = (unsigned char *)to;
    p[0] = (unsigned char)word;
    p[1] = (unsigned char)(word >> 8);
    p[2] = (unsigned char)(word >> 16);
    p[3] = (unsigned char)(word >> 24);
    p[4] = (unsigned char)(word >> 32);
    p[5] = (unsigned char)(word >> 40);
    p[6] = (unsigned char)(word >> 48);
    p[7] = (unsigned char)(word >> 56);
}

/* Copies n bytes, which do not overlap; as memcpy. */
static inline void bytes_copy(char *to, const char *from, size_t n)
{
    if (n > BYTES_SHORT) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else if (n > 0) {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

static inline bool bytes_equal4(const char *a, const char *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x == y;
}

/* A number made of the first and the last up to eight bytes, and so of all bytes of up to 16. */
static inline uint64_t bytes_fold(const char *bytes, size_t n)
{
    if (n >= 8)
        return bytes_load(bytes) ^ bytes_load(bytes + n - 8) * 31;
    if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, bytes, sizeof first);
        memcpy(&last, bytes + n - 4, sizeof last);
        return first | (uint64_t)last << 32;
    }
    if (n == 0)
        return 0;
    return (uint64_t)(unsigned char)bytes[0] | (uint64_t)(unsigned char)bytes[n / 2] << 8 |
           (uint64_t)(unsigned char)bytes[n - 1] << 16;
}

/* Whether both runs of n bytes are the same. */
static inline bool bytes_equal(const char *a, const char *b, size_t n)
{
    if (n > BYTES_SHORT)
        return memcmp(a, b, n) == 0;
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8)
            if (bytes_load(a + i) != bytes_load(b + i))
                return false;
        return bytes_load(a + n - 8) == bytes_load(b + n - 8);
    }
    if (n >= 4)
        return bytes_equal4(a, b) && bytes_equal4(a + n - 4, b + n - 4);
    return n == 0 || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

#endif
