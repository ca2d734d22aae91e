/* The status line: one line of JSON with every counter. Main thread. */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include "herd/store.h"

void status_log(const char *server, struct store *store, int64_t up_ns);

#endif
