/* The table of commands, filled at start-up, and the way of every line to its handler: the verb is
 * looked up among those of the side that speaks, the fields are counted, the handler runs, and what
 * is invalid goes to the command that takes it. */
#ifndef HERD_DISPATCH_H
#define HERD_DISPATCH_H

#include "wire/line.h"

struct dispatch;

struct dispatch *dispatch_create(void);
void dispatch_destroy(struct dispatch *dispatch);

/* Adds a command, which must live as long as dispatch. False: the verb is taken, by
 * another or by the link protocol, and err says so. Main thread, before the workers begin. */
bool dispatch_add(struct dispatch *dispatch, const struct herd_command *command, const char *module,
                  struct herd_error *err);

/* The command that takes a line of that side, by its verb and the number of its fields. NULL: none
 * does. */
const struct herd_command *dispatch_find(const struct dispatch *dispatch, enum herd_from from,
                                         const struct line *line);

/* Executes the request's line, whose command was found so. If the command calls it invalid, what it
 * has replied is taken back. HERD_INVALID comes back only from a neighbour's line, or if nobody
 * takes invalid ones: then the client's connection is closed behind the answers before it. */
enum herd_result dispatch_run(const struct dispatch *dispatch, const struct herd_command *command,
                              struct herd_request *request);

/* Answers the request as invalid whatever it says. */
enum herd_result dispatch_invalid(const struct dispatch *dispatch, struct herd_request *request);

#endif
