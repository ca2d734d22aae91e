/* The parent holds no sockets and serves nobody: it starts the servers, passes signals on and
 * waits. A server that fails at its start ends all; one that dies later does not, as the others go
 * on without it. */
#include "core/whole.h"

#include "base/log.h"
#include "base/memory.h"
#include "core/server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct whole {
    const struct settings *settings;
    pid_t *pids; /* 0: ended */
    size_t living;
    size_t starting; /* servers whose word is awaited */
    bool failed, quiet;
    int signal_fd, ready_fd; /* -1: all serve, or some never will */
};

static void tell_all(const struct whole *whole, int signal)
{
    for (size_t i = 0; i < whole->settings->server_count; i++)
        if (whole->pids[i] > 0)
            kill(whole->pids[i], signal);
}

static void note_end(struct whole *whole, pid_t pid, int status)
{
    size_t i = 0;
    while (i < whole->settings->server_count && whole->pids[i] != pid)
        i++;
    if (i == whole->settings->server_count)
        return;
    whole->pids[i] = 0;
    whole->living--;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    whole->failed = true;
    if (WIFSIGNALED(status))
        fprintf(stderr, "herd: server %s was ended by signal %d (%s)\n",
                whole->settings->servers[i].name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        fprintf(stderr, "herd: server %s ended with status %d\n", whole->settings->servers[i].name,
                WEXITSTATUS(status));
}

static void collect(struct whole *whole)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        note_end(whole, pid, status);
}

/* The child of a parent that is killed has nobody to end it. */
static pid_t start_one(const struct whole *whole, size_t index, int (*run_one)(void *, size_t, int),
                       void *arg, const int ready[2])
{
    assert(!log_is_open());
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    close(ready[0]);
    close(whole->signal_fd);
    exit(run_one(arg, index, ready[1]));
}

static bool start_all(struct whole *whole, int (*run_one)(void *, size_t, int), void *arg,
                      const int ready[2])
{
    for (size_t i = 0; i < whole->settings->server_count; i++) {
        pid_t pid = start_one(whole, i, run_one, arg, ready);
        if (pid < 0) {
            fprintf(stderr, "herd: fork: %s\n", strerror(errno));
            return false;
        }
        whole->pids[i] = pid;
        whole->living++;
    }
    return true;
}

static void end_start(struct whole *whole, bool served)
{
    close(whole->ready_fd);
    whole->ready_fd = -1;
    if (!served) {
        whole->failed = true;
        tell_all(whole, SIGTERM);
        return;
    }
    if (!whole->quiet)
        printf("%zu servers are serving\n", whole->settings->server_count);
    fflush(stdout);
}

/* A byte from each server that serves; the end of the pipe, or another byte, from one that cannot.
 */
static void on_ready(struct whole *whole)
{
    char byte;
    ssize_t n = read(whole->ready_fd, &byte, 1);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n != 1 || byte != '\0')
        end_start(whole, false);
    else if (--whole->starting == 0)
        end_start(whole, true);
}

static void on_signal(struct whole *whole, int signal)
{
    if (signal != SIGCHLD) {
        tell_all(whole, signal);
        return;
    }
    size_t before = whole->living;
    collect(whole);
    if (whole->ready_fd >= 0 && whole->living < before)
        end_start(whole, false);
}

static void wait_for_all(struct whole *whole)
{
    while (whole->living > 0) {
        struct pollfd fds[] = {{.fd = whole->signal_fd, .events = POLLIN},
                               {.fd = whole->ready_fd, .events = POLLIN}};
        struct signalfd_siginfo signal;
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents != 0)
            on_ready(whole);
        if (fds[0].revents != 0 && read(whole->signal_fd, &signal, sizeof signal) == sizeof signal)
            on_signal(whole, (int)signal.ssi_signo);
    }
}

static bool prepare(struct whole *whole, int ready[2])
{
    const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    whole->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (whole->signal_fd < 0 || pipe(ready) != 0) {
        fprintf(stderr, "herd: no descriptors: %s\n", strerror(errno));
        return false;
    }
    whole->ready_fd = ready[0];
    return true;
}

int whole_run(const struct settings *settings, int (*run_one)(void *, size_t, int), void *arg,
              bool quiet)
{
    struct whole whole = {.settings = settings, .quiet = quiet, .starting = settings->server_count};
    int ready[2];
    if (!prepare(&whole, ready))
        return 1;
    whole.pids = memory_zeroed(settings->server_count, sizeof *whole.pids);
    bool started = start_all(&whole, run_one, arg, ready);
    close(ready[1]);
    if (!started)
        end_start(&whole, false);
    wait_for_all(&whole);
    if (whole.ready_fd >= 0)
        close(whole.ready_fd);
    close(whole.signal_fd);
    free(whole.pids);
    return whole.failed ? 1 : 0;
}
