/* The pid file and herd -s. Owns the file's descriptor, whose lock is what makes the file true. The
 * hard thing is that files vanish while they are being opened: whoever gets a lock looks whether
 * the file still stands under its name; and that a process may end between the question who holds
 * the lock and the signal: a pidfd pins the process, and the question is asked again. Main thread.
 */
#include "core/control.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct control {
    int fd;
    char *path;
};

char *control_path(const char *path, const char *name)
{
    assert(path && name);
    size_t name_len = strlen(name), count = 0;
    for (const char *p = strstr(path, "%n"); p; p = strstr(p + 2, "%n"))
        count++;
    char *result = memory_alloc(strlen(path) + count * name_len + 1), *to = result;
    while (*path) {
        if (strncmp(path, "%n", 2) == 0) {
            memcpy(to, name, name_len);
            to += name_len;
            path += 2;
        } else {
            *to++ = *path++;
        }
    }
    *to = '\0';
    return result;
}

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

/* The process that holds the lock; 0: none does. */
static pid_t find_holder(int fd)
{
    struct flock lock = whole_file();
    if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid > 0 ? lock.l_pid : 0;
}

/* Whether the open file is still the one of that name. */
static bool is_current(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

static bool fail_lock(const char *path, int fd, struct herd_error *err)
{
    if (errno != EAGAIN && errno != EACCES)
        return herd_fail(err, "%s: %s", path, strerror(errno));
    return herd_fail(err, "%s: a server is running with this pid file (process %ld)", path,
                     (long)find_holder(fd));
}

/* The file, locked; -1: err says why. */
static int open_locked(const char *path, struct herd_error *err)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
        if (fd < 0) {
            herd_fail(err, "%s: %s", path, strerror(errno));
            return -1;
        }
        struct flock lock = whole_file();
        if (fcntl(fd, F_SETLK, &lock) != 0) {
            fail_lock(path, fd, err);
            close(fd);
            return -1;
        }
        if (is_current(fd, path))
            return fd;
        /* the one before us removed it just now */
        close(fd);
    }
}

struct control *control_open(const char *path, struct herd_error *err)
{
    assert(path && *path && err);
    int fd = open_locked(path, err);
    if (fd < 0)
        return NULL;
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        herd_fail(err, "%s: %s", path, strerror(errno));
        unlink(path);
        close(fd);
        return NULL;
    }
    struct control *control = memory_alloc(sizeof(*control));
    *control = (struct control){.fd = fd, .path = memory_string(path)};
    return control;
}

void control_close(struct control *control)
{
    if (!control)
        return;
    /* somebody may have removed ours by hand, and another server made its own */
    if (is_current(control->fd, control->path))
        unlink(control->path);
    close(control->fd);
    free(control->path);
    free(control);
}

int control_signal(const char *action)
{
    static const struct {
        const char *action;
        int signal;
    } table[] = {
        {"reload", SIGHUP}, {"reopen", SIGUSR1}, {"status", SIGUSR2},
        {"stop", SIGTERM},  {"quit", SIGQUIT},
    };
    assert(action);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].action, action) == 0)
            return table[i].signal;
    }
    return 0;
}

/* Signals the holder, if it is there. False: errno says why. */
static bool signal_holder(int fd, int signal)
{
    pid_t pid = find_holder(fd);
    if (pid == 0) {
        errno = ESRCH;
        return false;
    }
    int pinned = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pinned < 0) /* a kernel, or a sandbox, without it */
        return errno != ESRCH && kill(pid, signal) == 0;
    bool sent = false;
    if (find_holder(fd) == pid)
        sent = syscall(SYS_pidfd_send_signal, pinned, signal, NULL, 0) == 0;
    else
        errno = ESRCH;
    int why = errno;
    close(pinned);
    errno = why;
    return sent;
}

bool control_send(const char *path, int signal, struct herd_error *err)
{
    assert(path && *path && signal > 0 && err);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return herd_fail(err, "%s: no server is running with this pid file", path);
    if (fd < 0)
        return herd_fail(err, "%s: %s", path, strerror(errno));
    bool sent = signal_holder(fd, signal);
    if (!sent && errno == ESRCH)
        herd_fail(err, "%s: no server is running with this pid file", path);
    else if (!sent)
        herd_fail(err, "%s: %s", path, strerror(errno));
    close(fd);
    return sent;
}
