/* Keys and certificates, read once at the start into OpenSSL's contexts: one for links, by keys or
 * by certificates and never both, and one for clients. A context answers for what all its sessions
 * may: versions, suites, tickets. */
#include "net/tls_state.h"

#include "base/memory.h"
#include "net/secret.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8 /* authorities between a certificate and one of ca_file */

/* Nobody is asked for a password, least of all on a terminal that a server may have. */
static int no_password(char *to, int room, int writing, void *arg)
{
    (void)to, (void)room, (void)writing, (void)arg;
    return -1;
}

static struct tls *create(int version, struct herd_error *err)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, version) != 1) {
        SSL_CTX_free(ctx);
        herd_fail(err, "OpenSSL has no TLS for us: %s", tls_file_fault());
        return NULL;
    }
    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_read_ahead(ctx, 0);
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_clear_options(ctx, SSL_OP_ALLOW_NO_DHE_KEX | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                   SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_session_id_context(ctx, TLS_ID_CONTEXT, TLS_ID_CONTEXT_LEN);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    struct tls *tls = memory_zeroed(1, sizeof *tls);
    tls->ctx = ctx;
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx); /* before its trust */
    trust_forget(&tls->trust);
    tls_keys_free(tls->keys);
    free(tls->neighbours);
    free(tls);
}

/* ---- certificates ---- */

/* The key that fits the certificate, which must be in use already. */
static bool use_key_file(SSL_CTX *ctx, const char *path, struct herd_error *err)
{
    struct secret file;
    if (!secret_read(&file, path, err))
        return false;
    BIO *bio = BIO_new_mem_buf(file.bytes, (int)file.len);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    bool used = false;
    if (key == NULL)
        herd_fail(err, "%s: no private key can be read from it: %s", path, tls_file_fault());
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        herd_fail(err, "%s: it is not the key of the certificate: %s", path, tls_file_fault());
    else
        used = true;
    EVP_PKEY_free(key);
    BIO_free(bio);
    secret_wipe(&file);
    return used;
}

static bool use_pair(SSL_CTX *ctx, const char *cert_file, const char *key_file,
                     const char **setting, struct herd_error *err)
{
    ERR_clear_error();
    *setting = "cert_file";
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        return herd_fail(err, "%s: no certificate can be read from it: %s", cert_file,
                         tls_file_fault());
    *setting = "key_file";
    bool used = use_key_file(ctx, key_file, err);
    ERR_clear_error();
    return used;
}

static bool use_certificates(struct tls *tls, const struct tls_links *links, const char **setting,
                             struct herd_error *err)
{
    struct trust_system none = {NULL, NULL};
    if (!use_pair(tls->ctx, links->cert_file, links->key_file, setting, err))
        return false;
    *setting = "ca_file";
    const struct trust *trust = trust_find(&tls->trust, links->ca_file, none, err);
    if (trust == NULL)
        return false;
    tls_proof_by_certificates(tls->ctx);
    SSL_CTX_set_verify_depth(tls->ctx, DEPTH_MAX);
    return trust_use(trust, tls->ctx) || herd_fail(err, "no memory for certificates");
}

/* ---- keys ---- */

/* A certificate that somebody shows instead of having the key finds nobody who trusts it. */
static bool use_keys(struct tls *tls, const struct tls_links *links, const char **setting,
                     struct herd_error *err)
{
    *setting = "psk_file";
    tls->keys = tls_keys_read(links->psk_file, links->self, err);
    if (tls->keys == NULL)
        return false;
    for (size_t i = 0; i < links->count; i++)
        if (tls_keys_find(tls->keys, links->self, links->neighbours[i].name) == NULL)
            return herd_fail(err, "%s: no key for the pair %s and %s", links->psk_file, links->self,
                             links->neighbours[i].name);
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    tls_proof_by_keys(tls->ctx);
    return SSL_CTX_set_ciphersuites(tls->ctx, "TLS_AES_128_GCM_SHA256") == 1 ||
           herd_fail(err, "OpenSSL has no TLS_AES_128_GCM_SHA256");
}

struct tls *tls_for_links(const struct tls_links *links, const char **setting,
                          struct herd_error *err)
{
    assert(links->self != NULL && (links->psk_file == NULL) != (links->cert_file == NULL));
    *setting = links->psk_file != NULL ? "psk_file" : "cert_file";
    struct tls *tls = create(TLS1_3_VERSION, err);
    if (tls == NULL)
        return NULL;
    tls->mutual = true;
    tls->self = links->self;
    tls->count = links->count;
    tls->neighbours = memory_zeroed(links->count + 1, sizeof *tls->neighbours);
    for (size_t i = 0; i < links->count; i++)
        tls->neighbours[i] = links->neighbours[i];
    SSL_CTX_set_num_tickets(tls->ctx, 0);
    SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TICKET);
    bool good = links->psk_file != NULL ? use_keys(tls, links, setting, err)
                                        : use_certificates(tls, links, setting, err);
    if (good)
        return tls;
    tls_free(tls);
    return NULL;
}

struct tls *tls_for_clients(const char *cert_file, const char *key_file, const char **setting,
                            struct herd_error *err)
{
    *setting = "cert_file";
    struct tls *tls = create(TLS1_2_VERSION, err);
    if (tls == NULL)
        return NULL;
    if (use_pair(tls->ctx, cert_file, key_file, setting, err) &&
        (SSL_CTX_set_cipher_list(tls->ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 ||
         herd_fail(err, "OpenSSL has no suites for TLS 1.2")))
        return tls;
    tls_free(tls);
    return NULL;
}
