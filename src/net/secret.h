/* Files that hold secrets: only their owner may read them, and what is read is wiped. Whoever has
 * one in memory leaves no core file and cannot be traced, which reading one sees to.
 * herd_secret_read of the public door is here too. Main thread. */
#ifndef NET_SECRET_H
#define NET_SECRET_H

#include <herd/module.h>

#define SECRET_MAX (1024 * 1024) /* bytes of such a file */

struct secret {
    char *bytes; /* and a NUL behind them */
    size_t len;
};

/* Reads a regular file that belongs to the superuser or to this user, and that neither group nor
 * others may use. False: err begins with the path and says why. */
bool secret_read(struct secret *secret, const char *path, struct herd_error *err);

/* Wipes and frees it. */
void secret_wipe(struct secret *secret);

#endif
