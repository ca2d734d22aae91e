/* A file that takes another's place whole or not at all: it is made beside it, under its name and
 * .tmp, by one process at a time. Main thread. */
#ifndef PLACES_REPLACE_H
#define PLACES_REPLACE_H

#include <herd/module.h>

struct replace {
    char *path, *made; /* the file, and the one that is to become it */
    int fd;
};

/* What is there must be a file of places, or empty, or nothing. False: err says why not, and
 * nothing is owed. */
bool replace_begin(struct replace *replace, const char *path, struct herd_error *err);

/* The new file is in its place and on the disk when this returns true. Else as replace_give_up. */
bool replace_finish(struct replace *replace, struct herd_error *err);

/* Leaves everything as it was. */
void replace_give_up(struct replace *replace);

#endif
