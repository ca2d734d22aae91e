/* The parent holds no sockets and serves nobody: it starts the servers, passes signals on and
 * waits. A server that fails at its start ends all; one that dies later does not, as the others go
 * on without it. */
#include "core/whole.h"

#include "base/memory.h"
#include "core/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct whole {
    const struct settings *settings;
    pid_t *pids; /* 0: ended */
    size_t living;
    bool stopping; /* we have asked them to end */
    bool failed;
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

static void on_signal(struct whole *whole, int signal)
{
    if (signal == SIGCHLD) {
        collect(whole);
        return;
    }
    if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT)
        whole->stopping = true;
    tell_all(whole, signal);
}

/* The child of a parent that is killed has nobody to end it. */
static pid_t start_one(size_t index, int (*run_one)(void *, size_t, int), void *arg,
                       const int ready[2])
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    close(ready[0]);
    exit(run_one(arg, index, ready[1]));
}

static bool start_all(struct whole *whole, int (*run_one)(void *, size_t, int), void *arg,
                      const int ready[2])
{
    for (size_t i = 0; i < whole->settings->server_count; i++) {
        pid_t pid = start_one(i, run_one, arg, ready);
        if (pid < 0) {
            fprintf(stderr, "herd: fork: %s\n", strerror(errno));
            return false;
        }
        whole->pids[i] = pid;
        whole->living++;
    }
    return true;
}

/* A byte from each of the servers; the end of the pipe if one has ended before. */
static bool all_ready(struct whole *whole, int fd)
{
    for (size_t i = 0; i < whole->settings->server_count; i++) {
        char byte;
        ssize_t n;
        do
            n = read(fd, &byte, 1);
        while (n < 0 && errno == EINTR);
        if (n != 1 || byte != '\0')
            return false;
    }
    return true;
}

static void wait_for_all(struct whole *whole, const sigset_t *set)
{
    while (whole->living > 0) {
        int signal = sigwaitinfo(set, NULL);
        if (signal > 0)
            on_signal(whole, signal);
    }
}

int whole_run(const struct settings *settings, int (*run_one)(void *, size_t, int), void *arg)
{
    struct whole whole = {.settings = settings};
    int ready[2];
    sigset_t set;
    sigemptyset(&set);
    const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (pipe(ready) != 0)
        return fprintf(stderr, "herd: pipe: %s\n", strerror(errno)), 1;
    whole.pids = memory_zeroed(settings->server_count, sizeof *whole.pids);
    bool started = start_all(&whole, run_one, arg, ready);
    if (!started || !all_ready(&whole, ready[0])) {
        whole.failed = true;
        tell_all(&whole, SIGTERM);
    } else {
        printf("%zu servers are serving\n", settings->server_count);
        fflush(stdout);
    }
    close(ready[1]);
    close(ready[0]);
    wait_for_all(&whole, &set);
    free(whole.pids);
    return whole.failed ? 1 : 0;
}
