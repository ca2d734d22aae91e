/* Questions one after the other on a connection that blocks: for connections that are to be idle,
 * and for all that is asked before and after the load. One thread at a time. */
#ifndef BENCH_ASK_H
#define BENCH_ASK_H

#include "base/buffer.h"
#include "bench/target.h"
#include "bench/work.h"

struct ask {
    int fd;
    const char *name; /* the server's */
    struct buffer in;
    size_t taken; /* of in: the answer that was handed out last */
};

bool ask_open(struct ask *ask, const struct target *target, struct herd_error *err);
void ask_close(struct ask *ask);

bool ask_send(struct ask *ask, const char *bytes, size_t len, struct herd_error *err);

/* Waits for the next answer, as the work scans it. It lives until the next call. False: err says
 * that none came. good says whether it is one that the work wants. */
bool ask_answer(struct ask *ask, const struct work *work, unsigned char kind,
                struct herd_text *answer, bool *good, struct herd_error *err);

/* Both, for the source's next request. A bad answer is an error. */
bool ask_once(struct ask *ask, const struct work *work, struct work_source *source,
              struct herd_error *err);

#endif
