/* What json.c's walks share with the check that comes before them. Any thread. */
#ifndef PLACES_JSON_CHECK_H
#define PLACES_JSON_CHECK_H

#include <herd/module.h>

/* Over white space; over a byte order mark at the beginning of a text. */
const char *json_skip_space(const char *at, const char *end);
const char *json_skip_mark(struct herd_text text);

/* Behind the value that begins at `at`, in a text that has passed json_check; NULL: it has not. */
const char *json_skip_value(const char *at, const char *end);

#endif
