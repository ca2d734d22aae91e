/* The log: one file a server, one line an event, whatever a client sends; its two forms are shown
 * in log_line.h. An event is copied into a ring of the calling thread's, 256 KiB, and nothing else
 * is done here: a thread of the log's own merges, formats and writes, within a second, and at once
 * for warnings and errors. Nobody else ever waits for the target. What finds its ring full is
 * dropped, and what cannot be written (a full disk) too, and a line of the log says how many. Texts
 * beyond 8 KiB are cut. SIGPIPE and SIGXFSZ are the caller's to ignore. No process forks while its
 * log is open, for the child would have no thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <herd/module.h>

#include <stdatomic.h>
#include <string.h>

struct log_config {
    const char *file;      /* "-": standard error; "syslog": syslog(3), facility daemon */
    bool json;             /* else text */
    enum herd_level level; /* nothing below is written */
    bool messages;         /* whether log_message writes anything */
};

/* Opens the file for appending. Before log_open and after log_close events of warn and above go to
 * standard error. Main thread. */
bool log_open(const struct log_config *config, struct herd_error *err);
bool log_is_open(void);
/* Opens the file again by its name (USR1): what was logged before is in the old file. If it cannot
 * be opened the old one stays and a warning is written. Any thread. */
void log_reopen(void);
/* Writes what every thread has left, and frees it: all other threads that log have ended. A target
 * that takes nothing for 2 s is given up. Main thread. */
void log_close(void);

/* One event. conn is the connection's number, 0: none. Any thread. */
void log_event(enum herd_level level, uint64_t conn, const char *format, ...) HERD_PRINTF(3, 4);

/* The same, and behind it bytes of the wire: WORDS 'TEXT'. Of a text beyond 256 bytes those. */
#define LOG_QUOTE_MAX 256
void log_quote(enum herd_level level, uint64_t conn, struct herd_text text, const char *format, ...)
    HERD_PRINTF(4, 5);

/* Events of level info for each message: written only with log.messages. `%s` never gets bytes of
 * the wire, which may hold NUL: they go in text, behind a literal of at most 64 bytes: WHAT 'TEXT',
 * and of log_subject WHAT TEXT. Ask log_messages() first where that costs. */
extern _Atomic bool log_wants_messages; /* log.c alone sets it */
static inline bool log_messages(void)
{
    return atomic_load_explicit(&log_wants_messages, memory_order_relaxed);
}
void log_words(uint64_t conn, struct herd_text what, struct herd_text text, bool quoted);
static inline void log_message(uint64_t conn, const char *what, struct herd_text text)
{
    log_words(conn, (struct herd_text){what, strlen(what)}, text, true);
}
static inline void log_subject(uint64_t conn, const char *what, struct herd_text text)
{
    log_words(conn, (struct herd_text){what, strlen(what)}, text, false);
}

/* The events of this thread between the two happen in one moment: all bear the time of the first,
 * and cost less. For work that neither waits nor takes long: the events of other threads that are
 * younger reach the target only behind it. Not nested; nothing, unless messages are written. */
void log_gather(bool on);
static inline void log_moment_begin(void)
{
    if (log_messages())
        log_gather(true);
}
static inline void log_moment_end(void)
{
    if (log_messages())
        log_gather(false);
}

/* An object of JSON that was asked for (USR2), at most 8 KiB: written whatever the level. */
void log_status(const char *object);

/* Has what was logged so far written at once, without waiting for it. */
void log_hurry(void);
/* The same, and waits; but at most 2 s for a target that takes nothing. */
void log_flush(void);

#endif
