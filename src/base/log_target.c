/* Lines are written many at a time, each batch with one write(2) to a file opened for appending,
 * which the kernel keeps whole. A pipe may have other writers (herd -a with a log of "-"), and it
 * keeps whole only so much: there a write ends with a line where it can. The hard thing is a full
 * disk: the server must go on, so what cannot be written is dropped and counted; standard error
 * hears of it when it begins, and the log, with the count, when it can be written again. */
#include "base/log_target.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

static_assert(LOG_BATCH_BYTES > 2 * LOG_LINE_MAX, "a batch holds many lines");

/* ---- opening ---- */

/* A FIFO that nobody reads is an error (ENXIO) and not a reason to wait for ever; once it is open,
 * writes may wait, as they are the log thread's. */
static int open_file(const char *file)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);

    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

bool log_target_open(struct log_target *target, const char *file, bool json, struct herd_error *err)
{
    assert(target != NULL && file != NULL && err != NULL);
    memset(target, 0, offsetof(struct log_target, batch));
    target->syslog = strcmp(file, "syslog") == 0;
    target->owned = !target->syslog && strcmp(file, "-") != 0;
    target->fd = target->owned ? open_file(file) : target->syslog ? -1 : STDERR_FILENO;
    if (target->owned && target->fd < 0)
        return herd_fail(err, "%s: the log cannot be opened: %s", file, strerror(errno));
    target->format = json ? LOG_JSON : target->syslog ? LOG_BARE : LOG_TEXT;
    target->file = memory_string(file);
    if (target->syslog)
        openlog("herd", LOG_PID, LOG_DAEMON);
    return true;
}

void log_target_close(struct log_target *target)
{
    if (target->syslog)
        closelog();
    if (target->owned)
        close(target->fd);
    free(target->file);
}

/* ---- writing ---- */

static void begin_write(struct log_target *target)
{
    atomic_store(&target->busy_since_ns, clock_now_ns());
}

static void end_write(struct log_target *target)
{
    atomic_store(&target->busy_since_ns, 0);
}

/* How much of the lines a pipe takes whole: lines up to PIPE_BUF, or a longer one. */
static size_t whole_lines(const char *lines, size_t len)
{
    if (len <= PIPE_BUF)
        return len;
    for (size_t end = PIPE_BUF; end > 0; end--)
        if (lines[end - 1] == '\n')
            return end;
    const char *end = memchr(lines, '\n', len);
    return end != NULL ? (size_t)(end + 1 - lines) : len;
}

/* Returns how many bytes went out before the first error; errno. */
static size_t write_out(struct log_target *target, int fd, const char *bytes, size_t len)
{
    struct stat st;
    bool is_pipe = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
    size_t done = 0;

    while (done < len && !atomic_load(&target->given_up)) {
        size_t most = is_pipe ? whole_lines(bytes + done, len - done) : len - done;
        begin_write(target);
        ssize_t n = write(fd, bytes + done, most);
        end_write(target);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static struct log_record warning_now(void)
{
    return (struct log_record){
        .time_ns = clock_wall_ns(), .level = HERD_LOG_WARN, .kind = LOG_EVENT};
}

/* Says how many events were lost. False: they still cannot even be counted in the file. */
static bool tell_unwritten(struct log_target *target)
{
    struct log_record record = warning_now();
    char words[96], line[1024];
    char *end = line;

    if (target->unwritten == 0)
        return true;
    if (target->torn)
        *end++ = '\n';
    snprintf(words, sizeof words, "%llu events dropped: the log could not be written",
             (unsigned long long)target->unwritten);
    end = log_line_put(end, target->format, &target->stamp, &record,
                       (struct herd_text){words, strlen(words)});
    size_t len = (size_t)(end - line);
    size_t done = write_out(target, target->fd, line, len);
    if (done > 0)
        target->torn = line[done - 1] != '\n';
    if (done < len)
        return false;
    target->unwritten = 0;
    return true;
}

/* Who started us may still read standard error. */
static void tell_stderr(struct log_target *target, const char *why)
{
    char line[PATH_MAX + 128];

    if (target->fd == STDERR_FILENO)
        return;
    int len = snprintf(line, sizeof line, "herd: warn: %s: the log cannot be written: %s\n",
                       target->file, why);
    if (len > 0 && (size_t)len < sizeof line)
        write_out(target, STDERR_FILENO, line, (size_t)len);
}

static void count_lost(struct log_target *target, size_t done, const char *why)
{
    bool first = target->unwritten == 0;

    for (size_t i = done; i < target->len; i++)
        target->unwritten += target->batch[i] == '\n';
    if (done > 0)
        target->torn = target->batch[done - 1] != '\n';
    target->len = 0;
    if (first && target->unwritten > 0)
        tell_stderr(target, why);
}

void log_target_flush(struct log_target *target)
{
    if (target->len == 0 && target->unwritten == 0)
        return;

    size_t done = tell_unwritten(target) ? write_out(target, target->fd, target->batch, target->len)
                                         : 0;
    if (done < target->len)
        count_lost(target, done, strerror(errno));
    target->len = 0;
}

/* ---- events ---- */

static void to_syslog(struct log_target *target, const char *line, size_t len,
                      enum herd_level level)
{
    static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};

    assert(len > 0 && line[len - 1] == '\n');
    if (atomic_load(&target->given_up))
        return;
    begin_write(target);
    syslog(priorities[level], "%.*s", (int)(len - 1), line);
    end_write(target);
}

void log_target_put(struct log_target *target, const struct log_record *record,
                    struct herd_text text)
{
    if (sizeof target->batch - target->len < LOG_LINE_BYTES(text.len))
        log_target_flush(target);
    char *begin = target->batch + target->len;
    char *end = log_line_put(begin, target->format, &target->stamp, record, text);
    assert((size_t)(end - begin) <= LOG_LINE_BYTES(text.len));
    if (target->syslog)
        to_syslog(target, begin, (size_t)(end - begin), record->level);
    else
        target->len += (size_t)(end - begin);
}

void log_target_warn(struct log_target *target, int64_t until_ns, const char *format, ...)
{
    struct log_record record = warning_now();
    char words[PATH_MAX + 128];
    va_list args;

    if (record.time_ns > until_ns)
        record.time_ns = until_ns;
    va_start(args, format);
    int len = vsnprintf(words, sizeof words, format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof words);
    log_target_put(target, &record, (struct herd_text){words, (size_t)len});
}

void log_target_reopen(struct log_target *target)
{
    int fd = target->owned ? open_file(target->file) : -1;

    if (fd >= 0) {
        assert(target->len == 0);
        close(target->fd);
        target->fd = fd;
        target->torn = false;
    } else if (target->owned) {
        log_target_warn(target, INT64_MAX, "%s: the log cannot be opened again: %s", target->file,
                        strerror(errno));
        log_target_flush(target);
    }
}
