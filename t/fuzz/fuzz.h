/* What the fuzz targets share. Each is one function that libFuzzer (--enable-fuzzing), or else
 * replay.c, calls with bytes; it gives them to herd, and aborts where herd breaks what it promises.
 * One thread. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns 0, always. Nothing of one call may be seen in the next. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* An assert that no build leaves out. */
#define must(holds) ((holds) ? (void)0 : fuzz_fail(#holds, __FILE__, __LINE__))

static inline _Noreturn void fuzz_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

/* A copy of these bytes with nothing behind them, so that a sanitizer sees each byte read too many.
 * The caller frees it. */
static inline char *fuzz_copy(const void *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    must(copy != NULL);
    memcpy(copy, len > 0 ? bytes : "", len);
    return copy;
}

#endif
