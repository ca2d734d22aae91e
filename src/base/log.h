/* The log: one file a server, one line an event, whatever a client sends.
 *
 *     2026-11-22T22:19:24.123456Z info #7 Location updated for kiwi.cs.ucla.edu
 *
 * the time (UTC), the level, the connection ("-": none), the event. Each thread formats into a
 * buffer of its own, which is written once a second (log_flush, called by each thread's
 * housekeeping), when it is full, and at once for warnings and errors. Texts beyond 8 KiB are cut,
 * with "...". What cannot be written (a full disk) is dropped, and counted in a line when writing
 * works again; nobody waits for it. SIGPIPE is the caller's to ignore. Bytes below 0x20, above
 * 0x7e, and the backslash are written \xHH (the backslash \\). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <herd/module.h>

struct log_config {
    const char *file;      /* "-": standard error */
    enum herd_level level; /* nothing below is written */
    bool messages;         /* whether log_message writes anything */
};

/* Opens the file for appending. Before log_open and after log_close events of warn and above go to
 * standard error. Main thread. */
bool log_open(const struct log_config *config, struct herd_error *err);
/* Opens the file again by its name (USR1). If it cannot be opened the old one stays and a warning
 * is written. Any thread. */
void log_reopen(void);
/* Writes what every thread has left, and frees the buffers: all other threads that log have ended.
 * Main thread. */
void log_close(void);

/* One event. conn is the connection's number, 0: none. Any thread. */
void log_event(enum herd_level level, uint64_t conn, const char *format, ...) HERD_PRINTF(3, 4);

/* An event of level info for each message: written only with log.messages. `%s` never gets bytes of
 * the wire, which may hold NUL: they go in text, between quotes: FORMAT 'TEXT'. Ask log_messages()
 * first where the format costs. */
bool log_messages(void);
void log_message(uint64_t conn, const char *what, struct herd_text text);

/* A line that was asked for (USR2): written whatever the level, and at once. */
void log_status(const char *text);

/* Writes what this thread has buffered. */
void log_flush(void);

#endif
