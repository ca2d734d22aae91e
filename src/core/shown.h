/* What was read of the configuration, and the values that are used: a tree in the order of reading,
 * which herd -T prints as a configuration file. It also knows each group's path for error messages.
 * Main thread. */
#ifndef CORE_SHOWN_H
#define CORE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct shown;

/* The top, which has no name. The whole tree is destroyed with it. */
struct shown *shown_create(void);
void shown_destroy(struct shown *top);

/* The group, or the list of groups, of that name; made if it is not there. A list's items are
 * groups named "[0]"... */
struct shown *shown_group(struct shown *parent, const char *name);
struct shown *shown_list(struct shown *parent, const char *name);

/* Whether a setting, a list or a group of that path ("places.max_items") was ever noted. */
bool shown_has(const struct shown *top, const char *path);

/* Notes the value of a setting; said again, it replaces what was said. */
void shown_bool(struct shown *group, const char *name, bool value);
void shown_int(struct shown *group, const char *name, int value);
void shown_float(struct shown *group, const char *name, double value);
void shown_string(struct shown *group, const char *name, const char *value);
void shown_strings(struct shown *group, const char *name, const char *const *items, size_t count);

/* Writes the path of a setting of the group ("places.geojson.file"; name "": of the group) as
 * snprintf would. */
void shown_path(const struct shown *group, const char *name, char *to, size_t room);

/* Prints the tree as libconfig reads it. */
void shown_print(const struct shown *top, FILE *out);

#endif
