/* Who is at the other end of a link. By keys: the dialler says "dialler>acceptor", and both show
 * that they have the pair's key; an acceptor takes only identities that end with its own name and
 * begin with that of a neighbour that dials it, so that a server's own handshake, sent back to it,
 * is refused. By certificates: the authority of ca_file says who it is, as the subject's CN or a
 * subjectAltName of DNS, byte for byte. */
#include "net/tls_state.h"

#include "base/memory.h"

#include <assert.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFERS_MAX 8 /* pre-shared keys that a dialler may offer */

/* ---- keys ---- */

/* A fresh one for each handshake, as OpenSSL keeps and frees it. NULL: no memory. */
static SSL_SESSION *make_psk(SSL *ssl, const struct tls_key *key)
{
    static const unsigned char suite[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
    SSL_SESSION *psk = SSL_SESSION_new();
    if (psk != NULL && cipher != NULL &&
        SSL_SESSION_set1_id_context(psk, TLS_ID_CONTEXT, TLS_ID_CONTEXT_LEN) == 1 &&
        SSL_SESSION_set1_master_key(psk, key->bytes, key->len) == 1 &&
        SSL_SESSION_set_cipher(psk, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(psk, TLS1_3_VERSION) == 1)
        return psk;
    SSL_SESSION_free(psk);
    return NULL;
}

static void note_identity(struct tls_session *session, const char *bytes, size_t len)
{
    free(session->identity);
    session->identity = memory_string_of(bytes, len < TLS_IDENTITY_ROOM ? len : TLS_IDENTITY_ROOM);
}

/* The neighbour that dials this server and calls itself so in "dialler>acceptor"; NULL: none. */
static const struct tls_neighbour *find_dialler(const struct tls *tls,
                                                const unsigned char *identity, size_t len)
{
    size_t end = strlen(tls->self) + 1;
    if (len <= end || identity[len - end] != '>' ||
        memcmp(identity + len - end + 1, tls->self, end - 1) != 0)
        return NULL;
    for (size_t i = 0; i < tls->count; i++) {
        const char *name = tls->neighbours[i].name;
        if (!tls->neighbours[i].dialled && strlen(name) == len - end &&
            memcmp(identity, name, len - end) == 0)
            return &tls->neighbours[i];
    }
    return NULL;
}

/* The acceptor: of all that the dialler offers the first is kept for the log. A neighbour offers
 * one, or the same twice; thousands would fit into its words, each to be looked for. */
static int find_key(SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **psk)
{
    struct tls_session *session = tls_session_of(ssl);
    const struct tls *tls = session->tls;
    *psk = NULL;
    if (session->offers++ == OFFERS_MAX) {
        tls_blame(session, "it offers too many pre-shared keys");
        return 0;
    }
    const struct tls_neighbour *neighbour = find_dialler(tls, identity, len);
    if (session->identity == NULL || neighbour != NULL)
        note_identity(session, (const char *)identity, len);
    if (neighbour == NULL)
        return 1; /* as one without a key, which is refused */
    session->key_fits = true;
    *psk = make_psk(ssl, tls_keys_find(tls->keys, tls->self, neighbour->name));
    return *psk != NULL;
}

/* The dialler. md: that the key must be for; NULL: any. */
static int use_key(SSL *ssl, const EVP_MD *md, const unsigned char **identity, size_t *len,
                   SSL_SESSION **psk)
{
    struct tls_session *session = tls_session_of(ssl);
    const struct tls *tls = session->tls;
    char text[TLS_IDENTITY_ROOM];
    *psk = NULL;
    if (md != NULL && !EVP_MD_is_a(md, "SHA256"))
        return 0;
    int n = snprintf(text, sizeof text, "%s>%s", tls->self, session->to);
    assert(n > 0 && (size_t)n < sizeof text);
    note_identity(session, text, (size_t)n);
    *identity = (const unsigned char *)session->identity;
    *len = (size_t)n;
    session->key_fits = true;
    *psk = make_psk(ssl, tls_keys_find(tls->keys, tls->self, session->to));
    return *psk != NULL;
}

void tls_proof_by_keys(SSL_CTX *ctx)
{
    SSL_CTX_set_psk_find_session_callback(ctx, find_key);
    SSL_CTX_set_psk_use_session_callback(ctx, use_key);
}

/* ---- certificates ---- */

/* What OpenSSL finds wrong is logged with whose certificate it was. */
static int on_verify(int good, X509_STORE_CTX *store)
{
    if (good)
        return 1;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    char name[TLS_IDENTITY_ROOM] = "";
    if (certificate != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                  sizeof name);
    tls_blame(tls_session_of(ssl), "the certificate of '%s': %s", name,
              X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    return 0;
}

void tls_proof_by_certificates(SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
}

static bool is_text(const ASN1_STRING *text, const char *name)
{
    size_t len = strlen(name);
    return (size_t)ASN1_STRING_length(text) == len &&
           memcmp(ASN1_STRING_get0_data(text), name, len) == 0;
}

static bool has_common_name(const X509 *certificate, const char *name)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1;
    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
        if (is_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), name))
            return true;
    return false;
}

static bool has_dns_name(const X509 *certificate, const char *name)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        found = found || (one->type == GEN_DNS && is_text(one->d.dNSName, name));
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* The one that the certificate names, whether this link is for it or not: of two neighbours it says
 * of neither that it is this one, be it dialled or not. NULL: none. */
static const struct tls_neighbour *find_named(const struct tls *tls, const X509 *certificate,
                                              bool *several)
{
    const struct tls_neighbour *found = NULL;
    *several = false;
    for (size_t i = 0; i < tls->count; i++) {
        const char *name = tls->neighbours[i].name;
        if (!has_common_name(certificate, name) && !has_dns_name(certificate, name))
            continue;
        *several = *several || found != NULL;
        found = &tls->neighbours[i];
    }
    return found;
}

static bool is_expected(const struct tls_session *session, const struct tls_neighbour *neighbour)
{
    return session->to != NULL ? strcmp(session->to, neighbour->name) == 0 : !neighbour->dialled;
}

static const char *prove_by_certificate(struct tls_session *session)
{
    const X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    bool several = false;
    if (certificate == NULL || SSL_get_verify_result(session->ssl) != X509_V_OK) {
        tls_blame(session, "it has shown no certificate");
        return NULL;
    }
    const struct tls_neighbour *named = find_named(session->tls, certificate, &several);
    if (named != NULL && !several && is_expected(session, named))
        return named->name;
    char subject[TLS_IDENTITY_ROOM] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, subject,
                              sizeof subject);
    if (several)
        tls_blame(session, "the certificate of '%s' names several neighbours", subject);
    else if (session->to != NULL)
        tls_blame(session, "the certificate of '%s' is not that of %s", subject, session->to);
    else
        tls_blame(session, "the certificate of '%s' is no neighbour's that dials this server",
                  subject);
    return NULL;
}

/* ---- both ---- */

/* A key that OpenSSL has taken it calls a session that was resumed. */
static const char *prove_by_key(struct tls_session *session)
{
    if (!session->key_fits || SSL_session_reused(session->ssl) != 1) {
        tls_blame(session, "it has used no pre-shared key");
        return NULL;
    }
    if (session->to != NULL)
        return session->to;
    const struct tls_neighbour *neighbour = find_dialler(
        session->tls, (const unsigned char *)session->identity, strlen(session->identity));
    assert(neighbour != NULL);
    return neighbour->name;
}

const char *tls_prove(struct tls_session *session)
{
    return session->tls->keys != NULL ? prove_by_key(session) : prove_by_certificate(session);
}
