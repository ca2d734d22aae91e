/* Reads every server that is up, for every id, and says what is lost and where they differ. */
#ifndef TORTURE_CHECK_H
#define TORTURE_CHECK_H

#include "load.h"

struct verdict {
    size_t asked;      /* ids */
    size_t lost;       /* of a client, at a server: less than what is owed */
    size_t differing;  /* ids for which servers do not say the same */
    size_t unanswered; /* of a client, at a server */
    int64_t equal_ns;  /* from since_ns to when all was well; -1: it never was */
    char example[512]; /* of what is wrong */
};

/* Waits until all is well, for so long after since_ns. */
void check_run(struct load *load, int64_t since_ns, int64_t patience_ns, struct verdict *verdict);

#endif
