/* Where the log goes: a file, standard error or syslog; what cannot be written, and telling of it.
 * The log thread's alone while it runs; a lock is not needed. */
#ifndef BASE_LOG_TARGET_H
#define BASE_LOG_TARGET_H

#include "base/log_line.h"

#define LOG_BATCH_BYTES (1024 * 1024) /* of ext4, 0.22 ns a byte; 0.30 with 128 KiB */

struct log_target {
    enum log_format format;
    bool syslog;
    int fd;                        /* -1: syslog */
    bool owned;                    /* fd is ours to close */
    char *file;                    /* as in the configuration */
    uint64_t unwritten;            /* events lost since the file was last written */
    bool torn;                     /* what was last written ends in the middle of an event */
    _Atomic bool given_up;         /* nothing more is to be written. Any thread */
    _Atomic int64_t busy_since_ns; /* the monotonic clock's; 0: not amid a write. Any thread */
    struct log_stamp stamp;
    size_t len; /* of the batch: lines that are not written yet */
    char batch[LOG_BATCH_BYTES];
};

/* False: err says why, and nothing is left open. SIGPIPE is the caller's to ignore. */
bool log_target_open(struct log_target *target, const char *file, bool json,
                     struct herd_error *err);
void log_target_close(struct log_target *target);

/* Opens the file again by its name: what is written from here on goes there. If it cannot be opened
 * the old one stays, and a warning is written. Standard error and syslog stay what they are. */
void log_target_reopen(struct log_target *target);

/* Adds an event to the batch, which is written when it is full; to syslog at once. */
void log_target_put(struct log_target *target, const struct log_record *record,
                    struct herd_text text);
/* The same for a warning of the log's own, with the time of now, or with until_ns if that is
 * earlier. */
void log_target_warn(struct log_target *target, int64_t until_ns, const char *format, ...)
    HERD_PRINTF(3, 4);
/* Writes the batch. This alone may block (a pipe that nobody reads, a dead disk); a signal with a
 * handler ends that, and with given_up for good. */
void log_target_flush(struct log_target *target);

#endif
