/* The bytes that a line of the log has as they are, found sixteen at a time: 0x20 to 0x7e, but for
 * the backslash, and in JSON for the quote. Twice, for SSE2 and for every other machine; the test
 * compares both with a table. Pure; any thread. */
#ifndef BASE_LOG_PLAIN_H
#define BASE_LOG_PLAIN_H

#include "base/bytes.h"

#include <assert.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LOG_PLAIN_STEP 16

static inline bool log_plain_is(char c, bool json)
{
    return c >= 0x20 && c < 0x7f && c != '\\' && !(json && c == '"');
}

/* The top bit of the first byte of eight that is not plain, and of some behind it. The tests are
 * Sean Eron Anderson's (Bit Twiddling Hacks); carries only reach bytes behind one that is found. */
static inline uint64_t log_plain_tops(uint64_t word, bool json)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t slash = word ^ ones * '\\', quote = word ^ ones * '"';
    uint64_t found = ((word - ones * 0x20) & ~word) | word | (word + ones) |
                     ((slash - ones) & ~slash) | (json ? (quote - ones) & ~quote : 0);
    return found & tops;
}

/* How many bytes of a block are plain before the first one that is not. */
static inline unsigned log_plain_run_portable(const char *block, bool json)
{
    uint64_t tops = log_plain_tops(bytes_load(block), json);
    if (tops != 0)
        return (unsigned)__builtin_ctzll(tops) / 8;
    tops = log_plain_tops(bytes_load(block + 8), json);
    return tops != 0 ? 8 + (unsigned)__builtin_ctzll(tops) / 8 : LOG_PLAIN_STEP;
}

#ifdef __SSE2__
static inline __m128i log_plain_load(const char *block)
{
    return _mm_loadu_si128((const __m128i *)(const void *)block);
}

/* All ones for each byte that is not plain. */
static inline __m128i log_plain_odd(__m128i bytes, bool json)
{
    __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* 0x80 and above are negative */
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    return json ? _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))) : odd;
}

static inline unsigned log_plain_run(const char *block, bool json)
{
    __m128i odd = log_plain_odd(log_plain_load(block), json);
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(odd) | 1U << LOG_PLAIN_STEP);
}

/* Copies pairs of blocks as long as all their bytes are plain; returns how many bytes. */
static inline size_t log_plain_pairs(char *to, const char *from, size_t len, bool json)
{
    size_t done = 0;
    for (; len - done >= 2 * LOG_PLAIN_STEP; done += 2 * LOG_PLAIN_STEP) {
        __m128i one = log_plain_load(from + done);
        __m128i two = log_plain_load(from + done + LOG_PLAIN_STEP);
        __m128i odd = _mm_or_si128(log_plain_odd(one, json), log_plain_odd(two, json));
        if (_mm_movemask_epi8(odd) != 0)
            break;
        _mm_storeu_si128((__m128i *)(void *)(to + done), one);
        _mm_storeu_si128((__m128i *)(void *)(to + done + LOG_PLAIN_STEP), two);
    }
    return done;
}
#else
static inline unsigned log_plain_run(const char *block, bool json)
{
    return log_plain_run_portable(block, json);
}

static inline size_t log_plain_pairs(char *to, const char *from, size_t len, bool json)
{
    (void)to, (void)from, (void)len, (void)json;
    return 0;
}
#endif

/* Copies the plain bytes that a text begins with, and returns how many. Of the room it may write
 * LOG_PLAIN_STEP bytes more, but never more than the text is long. */
static inline size_t log_plain_copy(char *to, const char *from, size_t len, bool json)
{
    size_t done = 0;

    if (len < LOG_PLAIN_STEP) {
        for (; done < len && log_plain_is(from[done], json); done++)
            to[done] = from[done];
        return done;
    }
    for (done = log_plain_pairs(to, from, len, json); done < len; done += LOG_PLAIN_STEP) {
        /* The last block overlaps the one before it, of which all bytes are plain. */
        if (len - done < LOG_PLAIN_STEP)
            done = len - LOG_PLAIN_STEP;
        unsigned run = log_plain_run(from + done, json);
        memcpy(to + done, from + done, LOG_PLAIN_STEP);
        if (run < LOG_PLAIN_STEP)
            return done + run;
    }
    return len;
}

#endif
