/* A store is made once a ca_file, as reading the system's takes some milliseconds, and then shared
 * by connections. */
#include "net/trust.h"

#include "base/memory.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct trust {
    struct trust *next;
    char *ca_file;
    X509_STORE *store;
};

/* A file that is missing, holds no certificate, or one that is broken. */
static bool add_file(X509_STORE *store, const char *ca_file, struct herd_error *err)
{
    if (X509_STORE_load_file(store, ca_file) == 1)
        return true;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return herd_fail(err, "%s: no certificates can be read from it: %s", ca_file,
                     reason != NULL ? reason : "it holds none");
}

/* A system without them trusts nobody, which is no reason not to trust those of ca_file. */
static void add_system(X509_STORE *store, struct trust_system system)
{
    if (system.file != NULL)
        X509_STORE_load_file(store, system.file);
    if (system.dir != NULL)
        X509_STORE_load_path(store, system.dir);
}

/* OpenSSL reads a certificate's extensions when it first needs them; all that is shared is there
 * before there are threads to share it. */
static void read_extensions(X509_STORE *store)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (certificate != NULL) /* and no list of revoked ones */
            X509_check_purpose(certificate, -1, 0);
    }
    ERR_clear_error();
}

static X509_STORE *create_store(const char *ca_file, struct trust_system system,
                                struct herd_error *err)
{
    ERR_clear_error();
    X509_STORE *store = X509_STORE_new();
    if (store == NULL) {
        herd_fail(err, "%s: no memory for its certificates", ca_file);
        return NULL;
    }
    if (!add_file(store, ca_file, err)) {
        ERR_clear_error();
        X509_STORE_free(store);
        return NULL;
    }
    add_system(store, system);
    read_extensions(store);
    /* as libcurl has it for its own: an intermediate one in the file is enough */
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

const struct trust *trust_find(struct trust **known, const char *ca_file,
                               struct trust_system system, struct herd_error *err)
{
    assert(known != NULL && ca_file != NULL && err != NULL);
    for (struct trust *trust = *known; trust != NULL; trust = trust->next)
        if (strcmp(trust->ca_file, ca_file) == 0)
            return trust;
    X509_STORE *store = create_store(ca_file, system, err);
    if (store == NULL)
        return NULL;
    struct trust *trust = memory_zeroed(1, sizeof *trust);
    *trust = (struct trust){*known, memory_string(ca_file), store};
    return *known = trust;
}

void trust_forget(struct trust **known)
{
    struct trust *trust;
    while ((trust = *known) != NULL) {
        *known = trust->next;
        X509_STORE_free(trust->store);
        free(trust->ca_file);
        free(trust);
    }
}

bool trust_use(const struct trust *trust, void *ssl_ctx)
{
    assert(trust != NULL && ssl_ctx != NULL);
    if (X509_STORE_up_ref(trust->store) != 1)
        return false;
    SSL_CTX_set_cert_store(ssl_ctx, trust->store);
    return true;
}
