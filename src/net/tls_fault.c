/* What is wrong, in words for the log: OpenSSL's reasons where they say it, and others where they
 * speak of its own inside. */
#include "net/tls_state.h"

#include "base/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WHY_ROOM 320

void tls_blame(struct tls_session *session, const char *format, ...)
{
    char text[WHY_ROOM] = "TLS: ";
    size_t begins = strlen(text);
    va_list args;
    if (session->why != NULL)
        return;
    va_start(args, format);
    vsnprintf(text + begins, sizeof text - begins, format, args);
    va_end(args);
    session->why = memory_string(text);
}

/* By keys: what the acceptor says to who has none, or another. */
static bool blame_key(struct tls_session *session, int reason)
{
    if (session->tls->keys == NULL || session->to != NULL || session->io.open)
        return false;
    bool no_key = reason == SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM ||
                  reason == SSL_R_NO_SHARED_CIPHER || reason == SSL_R_NO_SUITABLE_KEY_SHARE ||
                  reason == SSL_R_NO_CERTIFICATE_SET || reason == SSL_R_MISSING_SIGALGS_EXTENSION;
    if (reason == SSL_R_BINDER_DOES_NOT_VERIFY && session->identity != NULL)
        tls_blame(session, "another pre-shared key for '%s'", session->identity);
    else if (no_key && session->identity == NULL)
        tls_blame(session, "it offers no pre-shared key");
    else if (no_key && !session->key_fits)
        tls_blame(session, "unknown pre-shared key identity '%s'", session->identity);
    else
        return false;
    return true;
}

static void blame_reason(struct tls_session *session, unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    const char *text = ERR_reason_error_string(code);
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        tls_blame(session, "%s", text != NULL ? text : "unknown error");
    else if (reason > SSL_AD_REASON_OFFSET)
        tls_blame(session, "the other side says: %s",
                  SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
    else if (!session->io.open &&
             (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST))
        tls_blame(session, "what it says is not TLS");
    else if (!blame_key(session, reason))
        tls_blame(session, "%s", text != NULL ? text : "unknown error");
}

/* Who shuts the socket without a word of TLS's may have been cut off by somebody else: what he said
 * last need not be whole. */
int tls_blame_openssl(struct tls_session *session, int error)
{
    int system = errno != 0 ? errno : ECONNRESET;
    unsigned long code = ERR_peek_error();
    bool ended = ERR_GET_LIB(code) == ERR_LIB_SSL &&
                 ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    bool socket = error == SSL_ERROR_SYSCALL || code == 0 || ended;
    ERR_clear_error();
    if (socket && session->io.open)
        return ended ? ECONNRESET : system;
    if (ended)
        tls_blame(session, "it has gone in the handshake");
    else if (socket)
        tls_blame(session, "%s", strerror(system));
    else
        blame_reason(session, code);
    return EPROTO;
}

const char *tls_file_fault(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;
    return text != NULL ? text : "it holds none";
}
