/* A look at a configuration file before libconfig parses it, for what libconfig 1.5 would take
 * without a word: integers that do not fit 32 bits (it cuts them), and NUL bytes (it stops
 * reading). Main thread. */
#ifndef CORE_SCAN_H
#define CORE_SCAN_H

#include <herd/module.h>

/* Reads a whole file, at most 16 MiB, and ends it with a NUL that *len does not count. NULL: err
 * says why. The caller frees it. */
char *scan_read(const char *path, size_t *len, struct herd_error *err);

/* Whether so many bytes are a name as libconfig has them. */
bool scan_is_name(const char *name, size_t len);

/* Scans a text, and the files that its @include lines name (from dir, where libconfig looks for
 * them too). name stands in errors: "NAME:LINE: integer of more than 9 digits". False: err says
 * what is wrong. */
bool scan_text(const char *text, size_t len, const char *name, const char *dir,
               struct herd_error *err);

#endif
