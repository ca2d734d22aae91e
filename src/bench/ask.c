/* A plain client. */
#include "bench/ask.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE 65536

bool ask_open(struct ask *ask, const struct target *target, struct herd_error *err)
{
    assert(ask && target);
    *ask = (struct ask){.fd = target_connect(target, err), .name = target->name};
    return ask->fd >= 0;
}

void ask_close(struct ask *ask)
{
    assert(ask);
    if (ask->name != NULL && ask->fd >= 0)
        close(ask->fd);
    buffer_free(&ask->in);
    *ask = (struct ask){.fd = -1};
}

bool ask_send(struct ask *ask, const char *bytes, size_t len, struct herd_error *err)
{
    assert(ask->fd >= 0);
    for (size_t done = 0; done < len;) {
        ssize_t n = send(ask->fd, bytes + done, len - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return herd_fail(err, "%s: cannot write: %s", ask->name, strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool read_more(struct ask *ask, struct herd_error *err)
{
    ssize_t n;
    do
        n = recv(ask->fd, buffer_reserve(&ask->in, AT_ONCE), AT_ONCE, 0);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return herd_fail(err, "%s has closed the connection", ask->name);
    if (n < 0)
        return herd_fail(err, "%s: %s", ask->name,
                         errno == EAGAIN ? "no answer in time" : strerror(errno));
    buffer_grew(&ask->in, (size_t)n);
    return true;
}

bool ask_answer(struct ask *ask, const struct work *work, unsigned char kind,
                struct herd_text *answer, bool *good, struct herd_error *err)
{
    assert(ask->fd >= 0 && work && answer && good);
    buffer_take(&ask->in, ask->taken);
    ask->taken = 0;
    for (;;) {
        size_t len = buffer_len(&ask->in);
        ask->taken = len > 0 ? work->scan(kind, buffer_at(&ask->in), len, good) : 0;
        if (ask->taken > 0)
            break;
        if (!read_more(ask, err))
            return false;
    }
    *answer = (struct herd_text){buffer_at(&ask->in), ask->taken};
    return true;
}

bool ask_once(struct ask *ask, const struct work *work, struct work_source *source,
              struct herd_error *err)
{
    unsigned char kind = 0;
    bool good = false;
    struct herd_text answer;
    char *request = memory_alloc(work_request_max(work, source->plan));
    source->time_ns = clock_wall_ns();
    size_t len = work->build(source, request, &kind);
    bool came = ask_send(ask, request, len, err) &&
                ask_answer(ask, work, kind, &answer, &good, err);
    free(request);
    if (came && !good)
        return herd_fail(err, "%s answers %.*s", ask->name, (int)(answer.len - 1), answer.bytes);
    return came;
}
