/* TLS for the links between servers and for clients. What connections of a kind have in common,
 * keys and certificates among it, is a struct tls; a connection's own session is a transport. Links
 * prove to each other which servers they are, by a key that only the two of them have, or by
 * certificates; clients prove nothing. A struct tls is made and freed on the main thread while no
 * other runs, and shared by all workers; a session is its worker's.
 *
 * No more than these files know OpenSSL: tls.c (sessions), tls_context.c (keys and certificates),
 * tls_proof.c (who it is), tls_fault.c (what is wrong), and trust.c. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/transport.h"

#include <herd/module.h>

struct tls;

/* A neighbour as TLS needs to know it; its name outlives the struct tls. */
struct tls_neighbour {
    const char *name;
    bool dialled; /* by this server; else it dials this server */
};

/* A link's TLS, by the pre-shared keys of a file, or by certificates; the other paths are NULL. */
struct tls_links {
    const char *self; /* outlives the struct tls */
    const struct tls_neighbour *neighbours;
    size_t count;
    const char *psk_file;
    const char *cert_file, *key_file, *ca_file;
};

/* NULL: err says why, and *setting is the name of the setting that is to blame: a file is missing
 * or malformed, a neighbour has no key, a key fits no certificate. */
struct tls *tls_for_links(const struct tls_links *links, const char **setting,
                          struct herd_error *err);
struct tls *tls_for_clients(const char *cert_file, const char *key_file, const char **setting,
                            struct herd_error *err);

/* Frees it and wipes its keys, once there are no sessions. NULL is taken. */
void tls_free(struct tls *tls);

/* A session over a connected socket that does not block, as the one that was dialled, or that has
 * dialled a neighbour (its name as in tls_links). NULL: no memory. transport_close frees it. */
const struct transport *tls_accept(struct tls *tls, int fd);
const struct transport *tls_connect(struct tls *tls, int fd, const char *neighbour);

#endif
