/* One server from its start to its end: the store, the workers, the listeners, the signals. Main
 * thread. */
#ifndef CORE_SERVER_H
#define CORE_SERVER_H

#include "core/chain.h"

struct server_options {
    const struct settings *settings;
    size_t index;              /* which of the settings' servers to be */
    const char *pid_file;      /* "": none */
    const struct chain *chain; /* of the providers of places */
    int ready_fd; /* a byte is written to it once the server serves; -1: nobody waits */
};

/* Blocks the signals that server_run waits for. To be called before any thread is started. */
void server_block_signals(void);

/* Runs until it is asked to stop. False: it could not start, and err says why; nothing is left
 * open. The registry is open and configured. */
bool server_run(const struct server_options *options, struct herd_error *err);

#endif
