/* What is wanted of the log is decided here, and what each kind of event is; where it goes from
 * here is log_drain.c's. */
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log_drain.h"
#include "base/log_line.h"

static _Atomic int least_level;
_Atomic bool log_wants_messages;

static bool is_wanted(enum herd_level level)
{
    assert((unsigned)level <= HERD_LOG_ERROR);
    if (!log_drain_running())
        return level >= HERD_LOG_WARN;
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

/* For who started us: no log is open that could hold it. */
static void complain(const struct log_record *record, struct herd_text text)
{
    char line[LOG_LINE_MAX];

    if (text.len > LOG_TEXT_MAX)
        text.len = LOG_TEXT_MAX;
    int head = snprintf(line, sizeof line, "herd: %s: ", log_line_level(record->level));
    char *end = log_line_words(line + head, record, text);
    *end++ = '\n';
    ssize_t n = write(STDERR_FILENO, line, (size_t)(end - line));
    (void)n;
}

/* A length above LOG_TEXT_MAX is cut to it; no byte is read that is not there. */
static void put_event(enum herd_level level, uint64_t conn, struct herd_text text)
{
    if (!log_drain_put(conn, (struct herd_text){NULL, 0}, text, LOG_HOW(level, LOG_EVENT)))
        complain(&(struct log_record){.level = (uint8_t)level, .cut = text.len > LOG_TEXT_MAX},
                 text);
}

static void format_event(enum herd_level level, uint64_t conn, const char *format, va_list args)
{
    char text[LOG_TEXT_MAX + 1];

    assert(format != NULL);
    int len = vsnprintf(text, sizeof text, format, args);
    assert(len >= 0); /* no wide characters, so nothing can fail to be encoded */
    put_event(level, conn, (struct herd_text){text, (size_t)len});
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

/* The words are the caller's and short; the text goes behind them as it is, for it is escaped byte
 * by byte wherever it is written. */
void log_quote(enum herd_level level, uint64_t conn, struct herd_text text, const char *format, ...)
{
    char line[LOG_TEXT_MAX];
    struct herd_text whole = {line, 0};
    const size_t room = sizeof line - LOG_QUOTE_MAX - 3;
    va_list args;

    assert(format != NULL && (text.bytes != NULL || text.len == 0));
    if (!is_wanted(level))
        return;
    va_start(args, format);
    int len = vsnprintf(line, room, format, args);
    va_end(args);
    assert(len >= 0);
    whole.len = (size_t)len < room ? (size_t)len : room - 1;
    size_t quoted = text.len < LOG_QUOTE_MAX ? text.len : LOG_QUOTE_MAX;
    memcpy(line + whole.len, " '", 2);
    if (quoted > 0)
        memcpy(line + whole.len + 2, text.bytes, quoted);
    line[whole.len + 2 + quoted] = '\'';
    whole.len += quoted + 3;
    put_event(level, conn, whole);
}

void log_words(uint64_t conn, struct herd_text what, struct herd_text text, bool quoted)
{
    assert(what.len <= LOG_WHAT_MAX && (text.bytes != NULL || text.len == 0));
    if (log_messages())
        log_drain_put(conn, what, text, LOG_HOW(HERD_LOG_INFO, quoted ? LOG_MESSAGE : LOG_SUBJECT));
}

void log_gather(bool on)
{
    log_drain_gather(on);
}

void log_status(const char *object)
{
    size_t len = strlen(object);

    assert(len >= 2 && len <= LOG_TEXT_MAX && object[0] == '{' && object[len - 1] == '}');
    struct herd_text text = {object, len};
    if (!log_drain_put(0, (struct herd_text){NULL, 0}, text, LOG_HOW(HERD_LOG_INFO, LOG_STATUS)))
        complain(&(struct log_record){.level = HERD_LOG_INFO, .kind = LOG_STATUS}, text);
}

void log_hurry(void)
{
    log_drain_hurry();
}

void log_flush(void)
{
    log_drain_flush();
}

bool log_open(const struct log_config *config, struct herd_error *err)
{
    assert(config != NULL && config->file != NULL && err != NULL);
    if (!log_drain_start(config->file, config->json, err))
        return false;
    atomic_store(&least_level, (int)config->level);
    atomic_store(&log_wants_messages, config->messages && config->level <= HERD_LOG_INFO);
    return true;
}

bool log_is_open(void)
{
    return log_drain_running();
}

void log_reopen(void)
{
    log_drain_reopen();
}

void log_close(void)
{
    atomic_store(&log_wants_messages, false);
    log_drain_stop();
}
