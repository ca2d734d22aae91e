/* herd-places import: a file of places is made of a user's. Main thread. */
#ifndef PLACES_IMPORT_H
#define PLACES_IMPORT_H

#include "places/reader.h"

struct import {
    const char *from; /* a file, or - */
    const char *to;
    enum reader_format format;
    bool strict;  /* what is no place ends it */
    bool verbose; /* progress also where standard error is no terminal */
};

/* Returns the exit status. */
int import_run(const struct import *import);

#endif
