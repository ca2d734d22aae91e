/* The structs behind tls.h, for the files that share their work. */
#ifndef NET_TLS_STATE_H
#define NET_TLS_STATE_H

#include "net/tls.h"
#include "net/tls_keys.h"
#include "net/trust.h"

#include <openssl/ssl.h>

#define TLS_ID_CONTEXT     ((const unsigned char *)"herd") /* sessions are of this program */
#define TLS_ID_CONTEXT_LEN 4

/* "dialer>acceptor" of two names of 64 bytes, and a NUL. */
#define TLS_IDENTITY_ROOM 130

struct tls {
    SSL_CTX *ctx;
    bool mutual;           /* links, which prove who they are */
    const char *self;      /* links: this server */
    struct tls_keys *keys; /* NULL: by certificates */
    struct trust *trust;   /* of ca_file; NULL: none */
    struct tls_neighbour *neighbours;
    size_t count;
};

struct tls_session {
    struct transport io; /* first */
    struct tls *tls;
    SSL *ssl;
    const char *to;  /* the neighbour that was dialled; NULL: it was accepted */
    bool broken;     /* there is nothing more to say */
    int64_t held;    /* bytes of memory that OpenSSL has for it */
    unsigned offers; /* of keys, by the dialler */
    bool key_fits;   /* the other side's identity is one that has a key here */
    char *identity;  /* the pre-shared key's; else the certificate's subject; NULL: none yet */
    char *why;       /* NULL: all is well */
};

/* ---- tls_proof.c ---- */

/* Has the contexts of links ask who the other side is. */
void tls_proof_by_keys(SSL_CTX *ctx);
void tls_proof_by_certificates(SSL_CTX *ctx);

/* After the handshake: the name of the neighbour that the other side is. NULL: it is none, and the
 * session has been told why. */
const char *tls_prove(struct tls_session *session);

static inline struct tls_session *tls_session_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* ---- tls_fault.c ---- */

/* Notes why the session has failed, but for what was noted first. */
void tls_blame(struct tls_session *session, const char *format, ...) HERD_PRINTF(2, 3);

/* Notes it from what OpenSSL and errno say after a call that failed with this SSL_get_error, unless
 * the handshake was over and the socket alone is to blame. Returns what errno should be. */
int tls_blame_openssl(struct tls_session *session, int error);

/* What OpenSSL says of a file that it could not use. */
const char *tls_file_fault(void);

#endif
