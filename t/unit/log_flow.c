/* From many threads to one target: the order of time, nothing lost untold, nobody kept waiting by a
 * target that takes nothing, and no waking up for nothing. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include <cmocka.h>

#include "base/log_merge.h"
#include "log_files.h"
#include "sanitizers.h"

#define STAMP_LEN 27 /* 2026-11-22T22:19:24.123456Z */
#define THREADS   4
#define EVENTS    20000
#define TOO_FAST  " events dropped: they came too fast for the log\n"
#define UNWRITTEN " events dropped: the log could not be written\n"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The sum of the numbers before what. */
static size_t told(const char *text, const char *what)
{
    size_t sum = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) {
        const char *digits = at;
        while (digits > text && digits[-1] != ' ')
            digits--;
        sum += strtoul(digits, NULL, 10);
    }
    return sum;
}

/* Some moments of three, and some events alone. */
static void log_many(uint64_t number, int events)
{
    static const char filler[100] = "of a hundred bytes";

    for (int i = 0; i < events; i++) {
        if (i % 5 == 0)
            log_moment_begin();
        log_event(HERD_LOG_INFO, number, "event %d", i);
        log_message(number, "filled", (struct herd_text){filler, sizeof filler});
        if (i % 5 == 3)
            log_moment_end();
    }
    log_moment_end();
}

static atomic_int running;

static void *log_few(void *number)
{
    log_many(*(uint64_t *)number, EVENTS / 10);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* ---- order ---- */

static void keeps_the_order_of_time(void **unused)
{
    pthread_t threads[THREADS];
    uint64_t numbers[THREADS];
    int next[THREADS] = {0};

    (void)unused;
    open_log(HERD_LOG_INFO, true);
    atomic_store(&running, THREADS);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = (uint64_t)i + 1;
        assert_int_equal(pthread_create(&threads[i], NULL, log_few, &numbers[i]), 0);
    }
    while (atomic_load(&running) > 0)
        log_flush(); /* cuts the stream wherever it happens to be */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_close();

    const char *text = content(path), *before = NULL;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        char words[40]; /* sscanf measures all there is */
        int number, event;
        if (before != NULL && memcmp(before, line, STAMP_LEN) > 0)
            fail_msg("%.*s stands before %.*s", STAMP_LEN, before, STAMP_LEN, line);
        before = line;
        snprintf(words, sizeof words, "%.*s", (int)sizeof words - 1, line + STAMP_LEN);
        if (sscanf(words, " info #%d event %d", &number, &event) == 2)
            assert_int_equal(event, next[number - 1]++);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(next[i], EVENTS / 10);
}

static void *finish_record(void *ring)
{
    log_ring_put(ring, 0, (struct herd_text){NULL, 0}, (struct herd_text){"x", 1},
                 LOG_HOW(HERD_LOG_INFO, LOG_EVENT));
    return NULL;
}

/* What the order stands on: a thread that is about to take its time. */
static void waits_for_a_record_under_way(void **unused)
{
    struct log_ring *ring = log_ring_create();
    pthread_t thread;

    (void)unused;
    assert_true(log_ring_idle(ring));
    atomic_store(&ring->since_ns, 1);
    assert_false(log_ring_idle(ring));
    assert_int_equal(pthread_create(&thread, NULL, finish_record, ring), 0);
    int64_t since_ns = 0; /* as long as the thread is not given the processor */
    while (since_ns == 0)
        since_ns = log_ring_look(ring);
    assert_int_equal(since_ns, INT64_MAX);
    const struct log_record *first = log_ring_first(ring);
    assert_non_null(first);
    log_ring_next(ring, first);
    assert_null(log_ring_first(ring));
    pthread_join(thread, NULL);
    assert_true(log_ring_idle(ring));
    assert_false(log_ring_spent(ring));
    atomic_store(&ring->ended, true);
    assert_true(log_ring_spent(ring));
    log_ring_destroy(ring);
}

static void put_word(struct log_ring *ring, const char *word)
{
    log_ring_put(ring, 0, (struct herd_text){NULL, 0}, (struct herd_text){word, strlen(word)},
                 LOG_HOW(HERD_LOG_INFO, LOG_EVENT));
}

/* What is put into one ring amid a moment of another waits for the rest of that. */
static void keeps_back_what_is_younger_than_a_moment(void **unused)
{
    static struct log_target target; /* of which only the batch is used */
    struct log_ring *slow = log_ring_create(), *other_ring = log_ring_create();

    (void)unused;
    slow->next = other_ring;
    slow->gathers = true;
    put_word(slow, "one");
    put_word(other_ring, "three");
    log_merge(&target, slow, LOG_MERGE_ALL - 1, false);
    assert_int_equal(count(target.batch, " - one\n"), 1);
    assert_int_equal(count(target.batch, "\n"), 1);
    assert_false(log_ring_idle(slow));
    put_word(slow, "two");
    log_ring_rest(slow);
    log_merge(&target, slow, LOG_MERGE_ALL - 1, false);
    assert_int_equal(count(target.batch, " - three\n"), 1);
    assert_int_equal(count(target.batch, "\n"), 3);
    const char *two = strstr(target.batch, " - two\n");
    assert_non_null(two);
    assert_true(two < strstr(target.batch, " - three\n"));
    assert_memory_equal(two - 5 - STAMP_LEN, target.batch, STAMP_LEN);
    assert_true(log_ring_idle(slow) && log_ring_idle(other_ring));
    log_ring_destroy(slow);
    log_ring_destroy(other_ring);
}

/* Who asks from amid a moment of his own is not waited for. */
static void flushes_amid_a_moment(void **unused)
{
    (void)unused;
    open_log(HERD_LOG_INFO, true);
    log_moment_begin();
    log_event(HERD_LOG_INFO, 0, "before");
    log_flush();
    assert_int_equal(count(content(path), " - before\n"), 1);
    log_event(HERD_LOG_INFO, 0, "behind");
    log_moment_end();
    log_flush();
    assert_int_equal(count(content(path), " - behind\n"), 1);
}

/* ---- a target that takes nothing ---- */

static int open_fifo(void)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    return fd;
}

static void *read_all(void *fd)
{
    int to = open(other, O_WRONLY | O_CREAT, 0600);
    char bytes[4096];
    ssize_t n;

    fcntl(*(int *)fd, F_SETFL, 0);
    while ((n = read(*(int *)fd, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(to, bytes, (size_t)n), n);
    close(to);
    return NULL;
}

static void drops_and_counts_what_finds_no_room(void **unused)
{
    pthread_t reader;

    (void)unused;
    int fd = open_fifo();
    open_log(HERD_LOG_INFO, true);
    double begin = now();
    log_many(1, EVENTS);
    /* Not one of them may wait for the reader, who is not there. */
    assert_true(now() - begin < 10);
    log_event(HERD_LOG_ERROR, 0, "lost as well");
    assert_int_equal(pthread_create(&reader, NULL, read_all, &fd), 0);
    log_flush();
    log_event(HERD_LOG_INFO, 0, "there is room again");
    log_close();
    pthread_join(reader, NULL);
    close(fd);

    const char *text = content(other);
    size_t kept = count(text, "#1 event ") + count(text, "#1 filled '");
    assert_true(told(text, TOO_FAST) > EVENTS);
    assert_int_equal(kept + told(text, TOO_FAST), 2 * EVENTS + 1);
    assert_int_equal(count(text, "lost as well"), 0);
    assert_int_equal(count(text, " - there is room again\n"), 1);
    assert_int_equal(count(text, "\n"), kept + 1 + count(text, TOO_FAST));
}

static void fill_and_close(void)
{
    double begin = now();

    log_many(1, EVENTS);
    log_flush();
    log_flush();
    log_reopen();
    log_close();
    assert_true(now() - begin < 20); /* it is 2 s for flushes, and 2 s for the end */
}

static void closes_though_nothing_is_taken(void **unused)
{
    (void)unused;
    int fd = open_fifo();
    open_log(HERD_LOG_INFO, true);
    assert_int_equal(count(catch_stderr(fill_and_close), UNWRITTEN), 1);
    close(fd);
}

static void refuses_a_fifo_nobody_reads(void **unused)
{
    struct log_config config = {.file = path, .level = HERD_LOG_INFO};
    struct herd_error err = {""};

    (void)unused;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(log_open(&config, &err));
    assert_int_equal(count(err.text, strerror(ENXIO)), 1);
}

/* ---- a full disk ---- */

static void write_to_full(void)
{
    for (int i = 0; i < 5; i++)
        log_event(HERD_LOG_INFO, 0, "lost");
    log_flush();
    log_event(HERD_LOG_ERROR, 0, "lost");
    log_flush();
}

/* /dev/full refuses every write as a full disk does. */
static void counts_what_a_full_disk_lost(void **unused)
{
    (void)unused;
    assert_int_equal(symlink("/dev/full", path), 0);
    open_log(HERD_LOG_INFO, true);
    assert_int_equal(count(catch_stderr(write_to_full), "the log cannot be written: "), 1);
    assert_int_equal(count(held, strerror(ENOSPC)), 1);
    assert_int_equal(unlink(path), 0);
    log_reopen();
    log_event(HERD_LOG_INFO, 0, "kept");
    log_flush();
    const char *text = content(path);
    assert_int_equal(count(text, " warn - 6" UNWRITTEN), 1);
    assert_int_equal(count(text, " - kept\n"), 1);
    assert_int_equal(count(text, "\n"), 2);
}

static void limit_file(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void write_to_limit(void)
{
    for (int i = 0; i < 100; i++)
        log_event(HERD_LOG_INFO, 1, "event %d, in a line of which the end can be seen]", i);
    log_flush();
}

/* The disk fills up amid a line, and has room again, which is told unasked. */
static void goes_on_when_there_is_room_again(void **unused)
{
    (void)unused;
    signal(SIGXFSZ, SIG_IGN);
    open_log(HERD_LOG_INFO, true);
    write_to_limit();
    limit_file(5000 + strlen(content(path)));
    for (int i = 0; i < 3; i++)
        assert_int_equal(count(catch_stderr(write_to_limit), "cannot be written"), i == 0);
    limit_file(RLIM_INFINITY);
    for (double begin = now(); told(content(path), UNWRITTEN) == 0 && now() - begin < 30;)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    write_to_limit();

    const char *text = content(path);
    size_t whole = count(text, " can be seen]\n");
    assert_in_range(whole, 200, 300);
    assert_int_equal(whole + told(text, UNWRITTEN), 500);
    assert_int_equal(count(text, UNWRITTEN), 1);
    /* Of one there is the beginning, on a line of its own. */
    assert_int_equal(count(text, "\n"), whole + 2);
}

/* ---- syslog, as this program has it ---- */

static char syslogged[4096];
static int opened, closed;

void openlog(const char *ident, int option, int facility)
{
    assert_string_equal(ident, "herd");
    assert_int_equal(option & LOG_PID, LOG_PID);
    assert_int_equal(facility, LOG_DAEMON);
    opened++;
}

void closelog(void)
{
    closed++;
}

static void note(int priority, const char *format, va_list args)
{
    size_t len = strlen(syslogged);

    len += (size_t)snprintf(syslogged + len, sizeof syslogged - len, "<%d>", priority);
    len += (size_t)vsnprintf(syslogged + len, sizeof syslogged - len, format, args);
    snprintf(syslogged + len, sizeof syslogged - len, "|");
}

void syslog(int priority, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(priority, format, args);
    va_end(args);
}

/* What syslog is where the C library is built to be suspicious. */
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    note(priority, format, args);
    va_end(args);
}

static void talks_to_syslog(void **unused)
{
    struct log_config config = {.file = "syslog", .level = HERD_LOG_DEBUG, .messages = true};
    struct herd_error err;

    (void)unused;
    assert_true(log_open(&config, &err));
    log_event(HERD_LOG_DEBUG, 0, "a %%s");
    log_message(7, "Message received:", (struct herd_text){"\n%s", 3});
    log_event(HERD_LOG_WARN, 0, "c");
    log_event(HERD_LOG_ERROR, 0, "d");
    log_reopen();
    log_close();
    assert_string_equal(syslogged, "<7>- a %s|<6>#7 Message received: '\\x0a%s'|<4>- c|<3>- d|");
    assert_int_equal(opened, 1);
    assert_int_equal(closed, 1);
    syslogged[0] = '\0';
    config.json = true;
    assert_true(log_open(&config, &err));
    log_event(HERD_LOG_ERROR, 0, "d");
    log_close();
    assert_memory_equal(syslogged, "<3>{\"time\":\"", 12);
    assert_int_equal(count(syslogged, "\"event\":\"d\"}|"), 1);
}

/* ---- threads ---- */

static size_t used(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void frees_what_ended_threads_had(void **unused)
{
    uint64_t number = 3;
    pthread_t thread;

    (void)unused;
    open_log(HERD_LOG_INFO, false);
    size_t before = used();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pthread_create(&thread, NULL, log_few, &number), 0);
        pthread_join(thread, NULL);
    }
    log_flush();
    /* Of a sanitizer's memory this knows nothing. */
    assert_true(used() < before + 5 * 256 * 1024);
    log_close();
    assert_int_equal(count(content(path), " #3 event "), 20 * EVENTS / 10);
}

/* How often the threads but this one went to sleep by themselves. */
static long sleeps(void)
{
    char name[300], line[256];
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    long sum = 0;

    assert_non_null(tasks);
    while ((task = readdir(tasks)) != NULL) {
        snprintf(name, sizeof name, "/proc/self/task/%s/status", task->d_name);
        FILE *f = atoi(task->d_name) == getpid() ? NULL : fopen(name, "r");
        while (f != NULL && fgets(line, sizeof line, f) != NULL)
            if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
                sum += strtol(line + 24, NULL, 10);
        if (f != NULL)
            fclose(f);
    }
    closedir(tasks);
    return sum;
}

/* After an event it may look once more; then it sleeps until the next. A sanitizer's own thread
 * wakes a few times a second. */
static void does_not_wake_for_nothing(void **unused)
{
    long sanitizers = SANITIZES_THREADS ? 100 : 0;

    (void)unused;
    open_log(HERD_LOG_INFO, true);
    log_event(HERD_LOG_INFO, 0, "one");
    /* Within the second in which events gather, and without being asked. */
    for (double begin = now(); *content(path) == '\0' && now() - begin < 30;)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(count(content(path), " - one\n"), 1);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    long before = sleeps();
    assert_true(before > 0);
    nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
    assert_in_range(sleeps() - before, 0, sanitizers + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(keeps_the_order_of_time, clean),
        cmocka_unit_test_teardown(waits_for_a_record_under_way, clean),
        cmocka_unit_test_teardown(keeps_back_what_is_younger_than_a_moment, clean),
        cmocka_unit_test_teardown(flushes_amid_a_moment, clean),
        cmocka_unit_test_teardown(drops_and_counts_what_finds_no_room, clean),
        cmocka_unit_test_teardown(closes_though_nothing_is_taken, clean),
        cmocka_unit_test_teardown(refuses_a_fifo_nobody_reads, clean),
        cmocka_unit_test_teardown(counts_what_a_full_disk_lost, clean),
        cmocka_unit_test_teardown(goes_on_when_there_is_room_again, clean),
        cmocka_unit_test_teardown(talks_to_syslog, clean),
        cmocka_unit_test_teardown(frees_what_ended_threads_had, clean),
        cmocka_unit_test_teardown(does_not_wake_for_nothing, clean),
    };

    alarm(120); /* a test that waits for ever has failed */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("log_flow", tests, make_folder, remove_folder);
}
