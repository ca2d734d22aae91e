/* Sessions. OpenSSL reads from the socket and writes to it when it likes, and the loop must still
 * know what to wait for. Hence the one hard thing: nothing that was read from the socket may be
 * left in OpenSSL where epoll does not see it. It reads no further than the end of a record
 * (read_ahead is off), recv gives it room for a whole one and takes one at a time, and a message
 * that is not for us (SSL_MODE_AUTO_RETRY is off) ends the call, so that no end of them holds the
 * worker up. */
#include "net/tls.h"

#include "base/memory.h"
#include "net/crypto.h"
#include "net/tls_state.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define DISCARD_BYTES (64 * 1024)
#define IDLE_BYTES    (16 * 1024) /* what an idle session takes, and some */

static struct tls_session *session_of(const struct transport *io)
{
    return (struct tls_session *)(uintptr_t)io;
}

/* held: crypto_held before what it has just done. */
static void count(struct tls_session *session, int64_t held)
{
    session->held += crypto_held() - held;
    session->io.bytes = session->held > IDLE_BYTES ? (size_t)(session->held - IDLE_BYTES) : 0;
}

/* The handshake is over when the first bytes can go, whichever call has ended it. False: the other
 * side is not whom this link is for. */
static bool begin(struct tls_session *session)
{
    if (session->io.open || !SSL_is_init_finished(session->ssl))
        return true;
    if (session->tls->mutual) {
        session->io.name = tls_prove(session);
        if (session->io.name == NULL)
            return false;
    }
    session->io.open = true;
    free(session->identity);
    session->identity = NULL;
    return true;
}

static ssize_t fail(struct tls_session *session)
{
    session->broken = true;
    errno = EPROTO;
    return -1;
}

/* Nobody new is let in while memory is short, or what is kept for the others would go to him. */
static bool may_begin(struct tls_session *session)
{
    if (session->io.open || !memory_short())
        return true;
    tls_blame(session, "no memory for a handshake");
    return false;
}

/* After a call that has not done what it should: 0 at the end of what the other side says, else -1
 * and errno. *waits: what to wait for. */
static ssize_t explain(struct tls_session *session, int result, uint32_t *waits)
{
    int error = SSL_get_error(session->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        *waits = error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
        errno = EAGAIN;
        return -1;
    }
    if (error == SSL_ERROR_ZERO_RETURN && session->io.open)
        return 0;
    int system = tls_blame_openssl(session, error);
    session->broken = true;
    errno = system;
    return -1;
}

static ssize_t tls_recv(const struct transport *io, int fd, void *to, size_t room)
{
    struct tls_session *session = session_of(io);
    size_t n = 0;
    int64_t held = crypto_held();
    (void)fd;
    assert(room >= TRANSPORT_ROOM_MIN);
    if (session->broken || !may_begin(session))
        return fail(session);
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(session->ssl, to, room, &n);
    assert(SSL_pending(session->ssl) == 0);
    count(session, held);
    session->io.recv_waits = EPOLLIN;
    if (!begin(session))
        return fail(session);
    return result == 1 ? (ssize_t)n : explain(session, result, &session->io.recv_waits);
}

/* As much as goes: a record at a time is 16 KiB at the most. */
static ssize_t tls_send(const struct transport *io, int fd, const void *bytes, size_t len)
{
    struct tls_session *session = session_of(io);
    size_t done = 0, n = 0;
    int64_t held = crypto_held();
    int result = 1;
    (void)fd;
    assert(len > 0);
    if (session->broken)
        return fail(session);
    while (done < len && result == 1) {
        ERR_clear_error();
        errno = 0;
        result = SSL_write_ex(session->ssl, (const char *)bytes + done, len - done, &n);
        if (!begin(session))
            return fail(session);
        done += result == 1 ? n : 0;
    }
    count(session, held);
    session->io.send_waits = EPOLLOUT;
    ssize_t said = result == 1 ? 0 : explain(session, result, &session->io.send_waits);
    return done > 0 ? (ssize_t)done : said;
}

/* OpenSSL has said by an alert what has failed, and to who never came so far there is nothing to
 * say. */
static bool tls_end(const struct transport *io)
{
    struct tls_session *session = session_of(io);
    if (session->broken || !session->io.open)
        return true;
    int64_t held = crypto_held();
    ERR_clear_error();
    int result = SSL_shutdown(session->ssl);
    count(session, held);
    if (result >= 0 || SSL_get_error(session->ssl, result) != SSL_ERROR_WANT_WRITE)
        return true;
    errno = EAGAIN;
    return false;
}

static const char *tls_why(const struct transport *io)
{
    struct tls_session *session = session_of(io);
    if (session->why == NULL && !session->io.open)
        return "TLS: no handshake";
    return session->why;
}

/* What came and was not read would reset the connection, and the alert with it that says why the
 * session was refused. OpenSSL's errors are the thread's, and must not be found by others. */
static void tls_close(const struct transport *io)
{
    struct tls_session *session = session_of(io);
    if (session->broken)
        (void)recv(SSL_get_fd(session->ssl), NULL, DISCARD_BYTES, MSG_TRUNC | MSG_DONTWAIT);
    else if (!(SSL_get_shutdown(session->ssl) & SSL_SENT_SHUTDOWN))
        tls_end(io);
    SSL_free(session->ssl);
    ERR_clear_error();
    free(session->identity);
    free(session->why);
    free(session);
}

static const struct transport_more more = {tls_end, tls_why, tls_close};

static struct tls_session *open_session(struct tls *tls, int fd)
{
    assert(tls != NULL && fd >= 0);
    int64_t held = crypto_held();
    ERR_clear_error();
    SSL *ssl = SSL_new(tls->ctx);
    if (ssl == NULL)
        return NULL;
    struct tls_session *session = memory_try_zeroed(sizeof *session);
    if (session == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    session->io = (struct transport){.recv = tls_recv,
                                     .send = tls_send,
                                     .more = &more,
                                     .recv_waits = EPOLLIN,
                                     .send_waits = EPOLLOUT};
    session->tls = tls;
    session->ssl = ssl;
    SSL_set_app_data(ssl, session);
    bool set = SSL_set_fd(ssl, fd) == 1;
    count(session, held);
    if (set)
        return session;
    session->broken = true;
    tls_close(&session->io);
    return NULL;
}

const struct transport *tls_accept(struct tls *tls, int fd)
{
    struct tls_session *session = open_session(tls, fd);
    if (session == NULL)
        return NULL;
    SSL_set_accept_state(session->ssl);
    return &session->io;
}

const struct transport *tls_connect(struct tls *tls, int fd, const char *neighbour)
{
    assert(tls->mutual && neighbour != NULL);
    struct tls_session *session = open_session(tls, fd);
    if (session == NULL)
        return NULL;
    session->to = neighbour;
    SSL_set_connect_state(session->ssl);
    return &session->io;
}
