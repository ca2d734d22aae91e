/* An operator's key for somebody else's service, from a file of one line. For every provider that
 * asks one. Main thread. */
#ifndef PLACES_KEY_H
#define PLACES_KEY_H

#include <herd/module.h>

#define KEY_MAX 256 /* bytes */

/* Reads the key from the file that the group's setting key_file names, "" for none. It ends with
 * NUL; the caller wipes it. False: err names file, line and setting, and never what is in the file.
 */
bool key_load(struct herd_group *group, const char *key_file, char key[KEY_MAX + 1],
              struct herd_error *err);

#endif
