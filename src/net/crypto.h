/* The memory that OpenSSL takes, for whoever calls it. */
#ifndef NET_CRYPTO_H
#define NET_CRYPTO_H

#include <stdint.h>

/* OpenSSL's memory is herd's, which has a reserve. Before whatever else calls it, main thread. */
void crypto_init(void);

/* Bytes that it has taken on this thread and not given back: what that changes by during a call is
 * what the call has taken. */
int64_t crypto_held(void);

#endif
