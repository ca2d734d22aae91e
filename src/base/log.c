/* The log. Each thread owns a buffer and formats into it without a lock; a flush is one write(2) to
 * a file opened for appending, which the kernel keeps whole. The lock guards the list of buffers
 * and the opening of the file. The hard things are two. Reopening: the new file takes the old
 * descriptor's number (dup3), so no thread can write to a closed one. And a full disk: the server
 * must go on, so events that cannot be written are dropped and counted, and the log says how many
 * once it can be written again. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define BUFFER_BYTES (64 * 1024)
#define TEXT_MAX     (8 * 1024) /* bytes of an event's text; what is longer is cut */
#define WHAT_MAX     64
#define HEAD_MAX     64
/* Each byte of the text may become \xHH; 8 are for "...", a space, two quotes and LF. */
#define EVENT_MAX    (HEAD_MAX + WHAT_MAX + 4 * TEXT_MAX + 8)

struct writer {
    struct writer *next;
    time_t second; /* that stamp is of */
    char stamp[sizeof "2026-11-22T22:19:24"];
    size_t len;
    char bytes[BUFFER_BYTES];
};

static struct {
    _Atomic unsigned
        opening; /* 0: closed; else which opening this is: writers of another are gone */
    _Atomic int level;
    _Atomic bool messages;
    int fd;     /* the same number from log_open to log_close */
    char *file; /* NULL: standard error */
    pthread_mutex_t lock;
    struct writer *writers;
    _Atomic uint64_t dropped; /* events lost since the file was last written */
    _Atomic bool torn;        /* what was last written ends in the middle of an event */
} state = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct writer *own;
static _Thread_local unsigned own_opening;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static char *put_string(char *to, const char *text)
{
    size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

static char *put_number(char *to, uint64_t value, unsigned least_digits)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || n < least_digits);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

static char *put_escaped(char *to, const char *bytes, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\\') {
            to = put_string(to, "\\\\");
        } else if (c >= 0x20 && c <= 0x7e) {
            *to++ = (char)c;
        } else {
            to = put_string(to, "\\x");
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    return to;
}

/* The text, or WHAT 'TEXT', and the line's end. */
static char *put_text(char *to, const char *what, struct herd_text text)
{
    size_t len = text.len <= TEXT_MAX ? text.len : TEXT_MAX;

    if (what != NULL) {
        to = put_string(to, what);
        to = put_string(to, " '");
    }
    to = put_escaped(to, text.bytes, len);
    if (len < text.len)
        to = put_string(to, "...");
    if (what != NULL)
        *to++ = '\'';
    *to++ = '\n';
    return to;
}

/* Time, level and connection. The calendar is asked once a second only. */
static char *put_head(struct writer *w, char *to, enum herd_level level, uint64_t conn)
{
    struct timespec now;
    struct tm day;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != w->second || w->stamp[0] == '\0') {
        gmtime_r(&now.tv_sec, &day);
        strftime(w->stamp, sizeof w->stamp, "%Y-%m-%dT%H:%M:%S", &day);
        w->second = now.tv_sec;
    }
    to = put_string(to, w->stamp);
    *to++ = '.';
    to = put_number(to, (uint64_t)now.tv_nsec / 1000, 6);
    to = put_string(to, "Z ");
    to = put_string(to, level_names[level]);
    to = put_string(to, conn != 0 ? " #" : " -");
    if (conn != 0)
        to = put_number(to, conn, 1);
    *to++ = ' ';
    return to;
}

/* Returns how many bytes went out before the first error. */
static size_t write_out(int fd, const char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

/* Says how many events were lost. False: they still cannot even be counted in the file. */
static bool tell_dropped(struct writer *w)
{
    uint64_t dropped = atomic_exchange(&state.dropped, 0);
    char line[HEAD_MAX + 128];
    char *p = line;

    if (dropped == 0)
        return true;
    bool torn = atomic_exchange(&state.torn, false);
    if (torn)
        *p++ = '\n';
    p = put_head(w, p, HERD_LOG_WARN, 0);
    p = put_number(p, dropped, 1);
    p = put_string(p, " events dropped: the log could not be written\n");

    size_t len = (size_t)(p - line);
    size_t done = write_out(state.fd, line, len);
    if (done == len)
        return true;
    atomic_fetch_add(&state.dropped, dropped);
    if (torn ? done != 1 : done > 0)
        atomic_store(&state.torn, true);
    return false;
}

static void count_dropped(const char *bytes, size_t len, size_t done)
{
    uint64_t events = 0;

    for (size_t i = done; i < len; i++)
        events += bytes[i] == '\n';
    if (done > 0 && bytes[done - 1] != '\n')
        atomic_store(&state.torn, true);
    /* After torn, so that whoever takes the count also sees it. */
    atomic_fetch_add(&state.dropped, events);
}

static void flush(struct writer *w)
{
    if (w->len == 0 && atomic_load_explicit(&state.dropped, memory_order_relaxed) == 0)
        return;

    size_t done = tell_dropped(w) ? write_out(state.fd, w->bytes, w->len) : 0;
    if (done < w->len)
        count_dropped(w->bytes, w->len, done);
    w->len = 0;
}

static struct writer *join(void)
{
    struct writer *w = memory_alloc(sizeof *w);

    w->len = 0;
    w->stamp[0] = '\0';
    pthread_mutex_lock(&state.lock);
    w->next = state.writers;
    state.writers = w;
    pthread_mutex_unlock(&state.lock);
    return w;
}

/* The calling thread's buffer; NULL while the log is closed. */
static struct writer *find_own(void)
{
    unsigned opening = atomic_load_explicit(&state.opening, memory_order_acquire);

    if (opening == 0)
        return NULL;
    if (own_opening != opening) {
        own = join();
        own_opening = opening;
    }
    return own;
}

static bool is_wanted(enum herd_level level)
{
    assert((unsigned)level <= HERD_LOG_ERROR);
    if (atomic_load_explicit(&state.opening, memory_order_relaxed) == 0)
        return level >= HERD_LOG_WARN;
    return (int)level >= atomic_load_explicit(&state.level, memory_order_relaxed);
}

/* For who started us: no log is open that could hold it. */
static void complain(enum herd_level level, const char *what, struct herd_text text)
{
    char line[EVENT_MAX];
    char *p = put_string(line, "herd: ");

    p = put_string(p, level_names[level]);
    p = put_string(p, ": ");
    p = put_text(p, what, text);
    write_out(STDERR_FILENO, line, (size_t)(p - line));
}

static void write_event(enum herd_level level, uint64_t conn, const char *what,
                        struct herd_text text)
{
    struct writer *w = find_own();

    if (w == NULL) {
        complain(level, what, text);
        return;
    }
    if (BUFFER_BYTES - w->len < EVENT_MAX)
        flush(w);
    char *p = put_head(w, w->bytes + w->len, level, conn);
    p = put_text(p, what, text);
    w->len = (size_t)(p - w->bytes);
    assert(w->len <= BUFFER_BYTES);
    if (level >= HERD_LOG_WARN)
        flush(w);
}

static void format_event(enum herd_level level, uint64_t conn, const char *format, va_list args)
{
    char text[TEXT_MAX + 1];

    assert(format != NULL);
    int len = vsnprintf(text, sizeof text, format, args);
    assert(len >= 0); /* no wide characters, so nothing can fail to be encoded */
    /* A length above TEXT_MAX tells put_text to cut; it reads no byte that is not there. */
    write_event(level, conn, NULL, (struct herd_text){text, (size_t)len});
}

void log_event(enum herd_level level, uint64_t conn, const char *format, ...)
{
    va_list args;

    if (!is_wanted(level))
        return;
    va_start(args, format);
    format_event(level, conn, format, args);
    va_end(args);
}

void herd_log(enum herd_level level, const char *format, ...)
{
    va_list args;

    if (!is_wanted(level))
        return;
    va_start(args, format);
    format_event(level, 0, format, args);
    va_end(args);
}

bool log_messages(void)
{
    return atomic_load_explicit(&state.messages, memory_order_relaxed) && is_wanted(HERD_LOG_INFO);
}

void log_message(uint64_t conn, const char *what, struct herd_text text)
{
    assert(what != NULL && strlen(what) <= WHAT_MAX && (text.bytes != NULL || text.len == 0));
    if (log_messages())
        write_event(HERD_LOG_INFO, conn, what, text);
}

void log_status(const char *text)
{
    write_event(HERD_LOG_INFO, 0, NULL, (struct herd_text){text, strlen(text)});
    log_flush();
}

void log_flush(void)
{
    unsigned opening = atomic_load_explicit(&state.opening, memory_order_acquire);

    if (opening != 0 && own_opening == opening)
        flush(own);
}

static int open_file(const char *file)
{
    return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

bool log_open(const struct log_config *config, struct herd_error *err)
{
    static unsigned openings;

    assert(config != NULL && config->file != NULL && err != NULL);
    assert(atomic_load(&state.opening) == 0);
    bool to_stderr = strcmp(config->file, "-") == 0;
    int fd = to_stderr ? STDERR_FILENO : open_file(config->file);
    if (fd < 0)
        return herd_fail(err, "%s: the log cannot be opened: %s", config->file, strerror(errno));

    state.fd = fd;
    state.file = to_stderr ? NULL : memory_string(config->file);
    atomic_store(&state.dropped, 0);
    atomic_store(&state.torn, false);
    atomic_store(&state.level, (int)config->level);
    atomic_store(&state.messages, config->messages);
    atomic_store_explicit(&state.opening, ++openings, memory_order_release);
    return true;
}

/* Under the lock, or two threads that reopen could leave an older file behind a newer one. */
static bool swap_file(void)
{
    int fd = open_file(state.file);

    if (fd < 0)
        return false;
    int swapped = dup3(fd, state.fd, O_CLOEXEC);
    int why = errno;
    close(fd);
    errno = why;
    return swapped >= 0;
}

void log_reopen(void)
{
    if (atomic_load_explicit(&state.opening, memory_order_acquire) == 0 || state.file == NULL)
        return;

    /* What this thread said before belongs to the old file. */
    log_flush();
    pthread_mutex_lock(&state.lock);
    bool swapped = swap_file();
    int why = errno;
    pthread_mutex_unlock(&state.lock);
    if (!swapped)
        log_event(HERD_LOG_WARN, 0, "%s: the log cannot be opened again: %s", state.file,
                  strerror(why));
}

void log_close(void)
{
    if (atomic_load(&state.opening) == 0)
        return;

    atomic_store(&state.opening, 0);
    pthread_mutex_lock(&state.lock);
    while (state.writers != NULL) {
        struct writer *w = state.writers;
        state.writers = w->next;
        flush(w);
        free(w);
    }
    pthread_mutex_unlock(&state.lock);

    atomic_store(&state.messages, false);
    if (state.file != NULL)
        close(state.fd);
    free(state.file);
    state.file = NULL;
    state.fd = -1;
}
