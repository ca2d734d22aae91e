/* The AT message: AT <server> <diff> <client> <location> <time>. Pure; any thread. */
#ifndef WIRE_AT_H
#define WIRE_AT_H

#include <herd/module.h>

/* Writes the line without its line end, at most HERD_AT_MAX bytes; returns how many. */
size_t at_print(char *to, const struct herd_report *report);

/* Whether a text may be a server's name: 1 to 64 bytes of [A-Za-z0-9._-]. */
bool at_name_valid(struct herd_text name);

#endif
