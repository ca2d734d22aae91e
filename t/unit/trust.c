/* Trust: a ca_file adds to the system's authorities and takes none away. The authorities are made
 * here. */
#include "net/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static char folder[] = "/tmp/herd-trust-XXXXXX";
static EVP_PKEY *key; /* everybody's */

static void path_of(const char *name, char to[128])
{
    snprintf(to, 128, "%s/%s", folder, name);
}

static X509 *certify(const char *subject, const char *issuer)
{
    X509 *cert = X509_new();
    X509_EXTENSION *basic = X509V3_EXT_conf_nid(
        NULL, NULL, NID_basic_constraints, strcmp(subject, issuer) == 0 ? "CA:TRUE" : "CA:FALSE");

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)subject, -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)issuer, -1, -1, 0);
    X509_add_ext(cert, basic, -1);
    X509_EXTENSION_free(basic);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

/* An authority, in a file of its name. */
static void write_authority(const char *name)
{
    char path[128];
    X509 *cert = certify(name, name);
    FILE *out;

    path_of(name, path);
    out = fopen(path, "w");
    assert_true(out && PEM_write_X509(out, cert) == 1);
    fclose(out);
    X509_free(cert);
}

static void write_text(const char *name, const char *text)
{
    char path[128];
    FILE *out;

    path_of(name, path);
    out = fopen(path, "w");
    fputs(text, out);
    fclose(out);
}

/* Whether a connection that uses the trust would take a certificate of that issuer. */
static bool takes(const struct trust *trust, const char *issuer)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    X509_STORE_CTX *verification = X509_STORE_CTX_new();
    X509 *leaf = certify("leaf", issuer);
    bool taken;

    assert_true(trust_use(trust, ctx));
    X509_STORE_CTX_init(verification, SSL_CTX_get_cert_store(ctx), leaf, NULL);
    taken = X509_verify_cert(verification) == 1;
    X509_STORE_CTX_free(verification);
    X509_free(leaf);
    SSL_CTX_free(ctx);
    return taken;
}

static const struct trust *find(struct trust **known, const char *ca, const char *system,
                                struct herd_error *err)
{
    char ca_path[128], system_path[128];

    path_of(ca, ca_path);
    path_of(system, system_path);
    return trust_find(known, ca_path, (struct trust_system){.file = system_path}, err);
}

static void a_file_adds_to_the_system(void **unused)
{
    struct herd_error err;
    struct trust *known = NULL;
    const struct trust *trust = find(&known, "ours", "system", &err);

    (void)unused;
    assert_non_null(trust);
    assert_true(takes(trust, "ours"));
    assert_true(takes(trust, "system"));
    assert_false(takes(trust, "other"));
    trust_forget(&known);
    assert_null(known);
}

static void a_system_without_any_is_no_error(void **unused)
{
    struct herd_error err;
    struct trust *known = NULL;
    const struct trust *trust = find(&known, "ours", "missing", &err);

    (void)unused;
    assert_true(takes(trust, "ours"));
    assert_false(takes(trust, "system"));
    trust_forget(&known);
}

static void files_are_kept_apart(void **unused)
{
    struct herd_error err;
    struct trust *known = NULL;
    const struct trust *ours = find(&known, "ours", "missing", &err);
    const struct trust *others = find(&known, "other", "missing", &err);

    (void)unused;
    assert_ptr_equal(find(&known, "ours", "missing", &err), ours);
    assert_ptr_equal(find(&known, "other", "missing", &err), others);
    assert_true(takes(ours, "ours") && !takes(ours, "other"));
    assert_true(takes(others, "other") && !takes(others, "ours"));
    trust_forget(&known);
}

static void a_file_without_certificates_is_refused(void **unused)
{
    static const char *const bad[] = {"missing", "empty", "text", "broken"};
    struct herd_error err;
    struct trust *known = NULL;

    (void)unused;
    write_text("empty", "");
    write_text("text", "hello\n");
    write_text("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        assert_null(find(&known, bad[i], "system", &err));
        assert_non_null(strstr(err.text, bad[i]));
        assert_non_null(strstr(err.text, "no certificates"));
    }
    assert_null(known);
}

static int set_up(void **unused)
{
    (void)unused;
    key = EVP_EC_gen("P-256");
    if (!mkdtemp(folder) || !key)
        return -1;
    write_authority("ours");
    write_authority("system");
    write_authority("other");
    return 0;
}

static int tear_down(void **unused)
{
    static const char *const all[] = {"ours", "system", "other", "empty", "text", "broken"};
    char path[128];

    (void)unused;
    EVP_PKEY_free(key);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        path_of(all[i], path);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_adds_to_the_system),
        cmocka_unit_test(a_system_without_any_is_no_error),
        cmocka_unit_test(files_are_kept_apart),
        cmocka_unit_test(a_file_without_certificates_is_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
