/* The file of pre-shared keys: a line a pair of servers, `Goloman Hands <hex>`, the names in either
 * order; blank lines and those that begin with # do not count. Main thread; what was read may be
 * looked at on any. */
#ifndef NET_TLS_KEYS_H
#define NET_TLS_KEYS_H

#include <herd/module.h>

#define TLS_KEY_MIN 16 /* bytes */
#define TLS_KEY_MAX 64

struct tls_key {
    size_t len;
    unsigned char bytes[TLS_KEY_MAX];
};

struct tls_keys;

/* Reads the keys of the pairs that self is in; NULL: of all. NULL: err begins with FILE:LINE, or
 * FILE, and says why: a line is malformed, whoever it is for, or a pair that is kept stands there
 * twice. No word of it is the key's. */
struct tls_keys *tls_keys_read(const char *path, const char *self, struct herd_error *err);

/* The key of a pair; NULL: there is none. */
const struct tls_key *tls_keys_find(const struct tls_keys *keys, const char *one,
                                    const char *other);

/* Wipes them. NULL is taken. */
void tls_keys_free(struct tls_keys *keys);

#endif
