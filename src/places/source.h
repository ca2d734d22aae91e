/* The bytes of a file to import, a window at a time, and which line they are on. A record is what a
 * reader wants to see whole: it may have SOURCE_RECORD_MAX bytes. Main thread. */
#ifndef PLACES_SOURCE_H
#define PLACES_SOURCE_H

#include <herd/module.h>

#define SOURCE_RECORD_MAX ((size_t)1 << 20)

struct source {
    int fd;
    char *bytes;      /* the window */
    size_t from, len; /* what of it has not been taken, and how much of that there is */
    uint64_t line;    /* that the first of them is on */
    uint64_t taken;   /* bytes, all in all */
    uint64_t size;    /* of the file; 0: nobody knows */
    bool ended;       /* nothing is behind the window */
};

/* path "-": standard input. False: err says why. source_close is owed only if it is true. */
bool source_open(struct source *source, const char *path, struct herd_error *err);
void source_close(struct source *source);

/* What has not been taken. It moves when more is read. */
struct herd_text source_text(const struct source *source);

enum source_result {
    SOURCE_MORE,  /* the window has more than before */
    SOURCE_END,   /* there is no more */
    SOURCE_FULL,  /* the window has more than a record's bytes already */
    SOURCE_FAILED /* err says why */
};
enum source_result source_more(struct source *source, struct herd_error *err);

void source_take(struct source *source, size_t len);

#endif
