/* What the tests of the log share: a folder of their own, a log opened in it, what stands in a
 * file, and what standard error is told. Included by one file a program, behind cmocka.h. */
#ifndef T_UNIT_LOG_FILES_H
#define T_UNIT_LOG_FILES_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char folder[PATH_MAX], path[PATH_MAX + 16], other[PATH_MAX + 16];
static char *held;

static inline int make_folder(void **unused)
{
    const char *tmp = getenv("TMPDIR");

    (void)unused;
    snprintf(folder, sizeof folder, "%s/herd-log-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    return 0;
}

static inline int remove_folder(void **unused)
{
    (void)unused;
    return rmdir(folder);
}

static inline int clean(void **unused)
{
    (void)unused;
    log_close();
    unlink(path);
    unlink(other);
    free(held);
    held = NULL;
    return 0;
}

static inline void open_log(enum herd_level level, bool messages)
{
    struct log_config config = {.file = path, .level = level, .messages = messages};
    struct herd_error err;

    if (!log_open(&config, &err))
        fail_msg("%s", err.text);
}

/* The whole file; freed by clean. */
static inline const char *content(const char *file)
{
    FILE *f = fopen(file, "r");
    size_t room = 16 << 20;

    assert_non_null(f);
    free(held);
    held = malloc(room);
    assert_non_null(held);
    size_t len = fread(held, 1, room - 1, f);
    assert_true(len < room - 1);
    held[len] = '\0';
    assert_int_equal(strlen(held), len);
    fclose(f);
    return held;
}

static inline size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

/* Standard error goes to a file while act runs. */
static inline const char *catch_stderr(void (*act)(void))
{
    int fd = open(other, O_RDWR | O_CREAT | O_TRUNC, 0600);
    int saved = dup(STDERR_FILENO);

    assert_true(fd >= 0 && saved >= 0);
    dup2(fd, STDERR_FILENO);
    act();
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
    return content(other);
}

#endif
