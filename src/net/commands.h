/* The commands of a connection: lines become requests, are executed in order, and answered into the
 * worker's output. For connection.c. */
#ifndef NET_COMMANDS_H
#define NET_COMMANDS_H

#include "net/connection.h"

/* Executes whole lines until there are none, or something must be waited for. Returns the bytes
 * executed. */
size_t commands_execute(struct connection *connection, const char *bytes, size_t len);

/* What the command that waited has answered joins the worker's output. */
void commands_finish_later(struct connection *connection);

#endif
