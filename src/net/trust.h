/* Which certificates other servers' are verified against: the system's, and with a ca_file those in
 * it besides. libcurl's own option takes them instead of the system's. The only file that knows
 * OpenSSL's certificate stores. */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <herd/module.h>

struct trust;

/* Where the system has its own; either may be NULL. */
struct trust_system {
    const char *file, *dir;
};

/* The trust of a ca_file: one of those in *known, or a new one, which joins them. NULL: there is no
 * certificate in ca_file, and err says so. The system having none is no error. *known begins as
 * NULL; its owner's thread. */
const struct trust *trust_find(struct trust **known, const char *ca_file,
                               struct trust_system system, struct herd_error *err);
void trust_forget(struct trust **known);

/* Has connections of an SSL_CTX verified against it and nothing else. False: no memory. */
bool trust_use(const struct trust *trust, void *ssl_ctx);

#endif
