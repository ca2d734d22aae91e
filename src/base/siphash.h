/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; one compression and
 * three finalization rounds): a keyed hash, so that nobody who does not know the key can make ids
 * that collide. Pure; any thread. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash13(const uint64_t key[2], const void *bytes, size_t len);

#endif
