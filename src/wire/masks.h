/* Which bytes of a text are of a kind, as a mask: bit i speaks of byte i. So the wire is looked at
 * sixteen bytes at a time, and what parts fields and numbers is found by walking over bits. Each
 * mask is there twice, for SSE2 and for every other machine; the tests compare both with a table.
 * Pure; any thread. */
#ifndef WIRE_MASKS_H
#define WIRE_MASKS_H

#include "base/bytes.h"

#include <assert.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MASKS_STEP  16 /* bytes of a block */
#define MASKS_BLOCK ((UINT32_C(1) << MASKS_STEP) - 1)
#define MASKS_MAX   64 /* bytes that one mask can speak of */

/* The six bytes of WIRE.md, and never isspace, which asks the locale. NUL is no white space. */
static inline bool masks_is_white(char c)
{
    return c == ' ' || (unsigned char)(c - '\t') <= '\r' - '\t';
}

static inline bool masks_is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* What ends fields and lines in a block. */
struct masks_ends {
    uint32_t white, newline;
};

/* ---- eight bytes in a word ("SIMD within a register") ---- */

#define MASKS_EACH UINT64_C(0x0101010101010101)
#define MASKS_TOP  (0x80 * MASKS_EACH)

/* The top bit of each byte that is low to high, both below 128. No sum carries into the next byte,
 * as the top bits are left out of it. */
static inline uint64_t masks_between(uint64_t word, unsigned char low, unsigned char high)
{
    uint64_t rest = word & ~MASKS_TOP;
    uint64_t from_low = rest + (uint64_t)(128 - low) * MASKS_EACH;
    uint64_t above = rest + (uint64_t)(127 - high) * MASKS_EACH;
    return from_low & ~above & ~word & MASKS_TOP;
}

/* The top bits of the eight bytes as the low eight bits: the multiplication moves that of byte i to
 * bit 56 + i, and no two products meet. */
static inline __attribute__((always_inline)) uint32_t masks_gather(uint64_t tops)
{
    return (uint32_t)((tops >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

/* The bytes of a block that are low to high. */
static inline uint32_t masks_range(const char *block, unsigned char low, unsigned char high)
{
    return masks_gather(masks_between(bytes_load(block), low, high)) |
           masks_gather(masks_between(bytes_load(block + 8), low, high)) << 8;
}

static inline struct masks_ends masks_ends_portable(const char *block)
{
    return (struct masks_ends){masks_range(block, '\t', '\r') | masks_range(block, ' ', ' '),
                               masks_range(block, '\n', '\n')};
}

static inline uint32_t masks_digit_portable(const char *block)
{
    return masks_range(block, '0', '9');
}

#define MASKS_LOW (MASKS_EACH * 0x7f)

/* The bytes of eight that are this one: exactly those in which no bit differs. Always inline, as
 * what uses them is (table.c). */
static inline __attribute__((always_inline)) uint32_t masks_equal_eight(const char *eight,
                                                                        char byte)
{
    uint64_t differs = bytes_load(eight) ^ (unsigned char)byte * MASKS_EACH;
    return masks_gather(~(((differs & MASKS_LOW) + MASKS_LOW) | differs | MASKS_LOW));
}

static inline __attribute__((always_inline)) uint32_t masks_equal_portable(const char *block,
                                                                           char byte)
{
    return masks_equal_eight(block, byte) | masks_equal_eight(block + 8, byte) << 8;
}

/* ---- a block of sixteen ---- */

#ifdef __SSE2__
static inline __m128i masks_load(const char *block)
{
    return _mm_loadu_si128((const __m128i *)(const void *)block);
}

/* A byte is at most `most` if the smaller of the two is the byte. */
static inline __m128i masks_at_most(__m128i bytes, char most)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(most)), bytes);
}

static inline struct masks_ends masks_ends(const char *block)
{
    __m128i bytes = masks_load(block);
    __m128i from_tab = masks_at_most(_mm_sub_epi8(bytes, _mm_set1_epi8('\t')), '\r' - '\t');
    __m128i space = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
    __m128i newline = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
    return (struct masks_ends){(uint32_t)_mm_movemask_epi8(_mm_or_si128(from_tab, space)),
                               (uint32_t)_mm_movemask_epi8(newline)};
}

static inline __attribute__((always_inline)) uint32_t masks_equal(const char *block, char byte)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)block);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)));
}

static inline uint32_t masks_digit(const char *block)
{
    __m128i value = _mm_sub_epi8(masks_load(block), _mm_set1_epi8('0'));
    return (uint32_t)_mm_movemask_epi8(masks_at_most(value, 9));
}
#else
static inline struct masks_ends masks_ends(const char *block)
{
    return masks_ends_portable(block);
}

static inline __attribute__((always_inline)) uint32_t masks_equal(const char *block, char byte)
{
    return masks_equal_portable(block, byte);
}

static inline uint32_t masks_digit(const char *block)
{
    return masks_digit_portable(block);
}
#endif

/* ---- a whole short text ---- */

static inline uint32_t masks_others_of_eight(const char *bytes)
{
    return masks_gather(masks_between(bytes_load(bytes), '0', '9') ^ MASKS_TOP);
}

/* The bytes of a text of at most MASKS_MAX that are no digits. */
static inline uint64_t masks_others(const char *bytes, size_t len)
{
    uint64_t others = 0;

    assert(len <= MASKS_MAX);
    if (len < sizeof(uint64_t)) {
        for (size_t i = 0; i < len; i++)
            others |= (uint64_t)!masks_is_digit(bytes[i]) << i;
        return others;
    }
    if (len < MASKS_STEP)
        return masks_others_of_eight(bytes) | (uint64_t)masks_others_of_eight(bytes + len - 8)
                                                  << (len - 8);
    /* The last block may overlap the one before it, and says the same of those bytes. */
    size_t last = len - MASKS_STEP;
    for (size_t i = 0; i < last; i += MASKS_STEP)
        others |= (uint64_t)(masks_digit(bytes + i) ^ MASKS_BLOCK) << i;
    return others | (uint64_t)(masks_digit(bytes + last) ^ MASKS_BLOCK) << last;
}

#endif
