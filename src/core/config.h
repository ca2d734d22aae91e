/* The configuration file as a tree of settings, with what -g says laid over it. config.c is the
 * only file that knows libconfig; it also implements the herd_config_... functions of
 * <herd/module.h>. Main thread.
 *
 * Errors say where: "FILE:LINE: GROUP.NAME: ...", or "-g:LINE: ..." for what -g gave. FILE alone
 * where the file names neither the setting nor its group. The line of an item of an array is the
 * line where the array begins. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <herd/module.h>
#include <stdio.h>

struct config;

/* Parses FILE, and overlay (what -g gave; NULL: nothing) over it: groups merge, lists and arrays
 * replace. @include takes a path from the configuration file's folder. NULL: err says file and
 * line. The caller closes it. */
struct config *config_open(const char *file, const char *overlay, struct herd_error *err);
void config_close(struct config *config);

/* The group at a path ("limits", "places.geojson", "" for the top); an absent one is an empty
 * group, in which every setting has its default. NULL: there is something of that name that is no
 * group, and err says so. The group belongs to config. */
struct herd_group *config_group(struct config *config, const char *path, struct herd_error *err);

/* Whether somebody has asked for the setting or the group of that path, be it there or not. */
bool config_is_known(const struct config *config, const char *path);

/* A list of groups (servers), and an array of strings (talks_to). Absent: none, and count 0. The
 * array of items belongs to config, as the items do. */
bool config_list(struct herd_group *group, const char *name, struct herd_group ***items,
                 size_t *count, struct herd_error *err);
bool config_strings(struct herd_group *group, const char *name, const char ***items, size_t *count,
                    struct herd_error *err);

/* The same for paths of files to read: relative ones are relative to the configuration file. */
bool config_paths(struct herd_group *group, const char *name, const char ***items, size_t *count,
                  struct herd_error *err);

/* False if any setting was read by nobody: err names file, line and setting. */
bool config_check_unknown(struct config *config, struct herd_error *err);

/* Writes every setting that was asked for with the value that is used, in the order of asking, as a
 * configuration file
 * (-T). It means the same only in the folder of the one it came from: relative paths stay as they
 * were written. */
void config_print(struct config *config, FILE *out);

#endif
