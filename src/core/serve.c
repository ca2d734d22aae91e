/* The main thread of a server that serves. It waits for signals, and for word of the workers while
 * the server stops, which goes in steps: no new connections; clients have their answers; neighbours
 * have what there is to tell; the loops end. */
#include "core/server_state.h"

#include "base/log.h"
#include "core/status.h"
#include "net/upstream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define AGAIN_US 100000

/* ---- stopping ---- */

/* A worker has done what was asked; the last one's word wakes the main thread. */
static void give_word(void *arg)
{
    struct server *server = arg;
    if (atomic_fetch_sub(&server->awaited, 1) == 1) {
        while (write(server->word_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno == EINTR)
            ;
    }
}

static void stop_listening(void *arg)
{
    struct server *server = arg;
    listener_stop(server->client_listener);
    if (server->tls_listener != NULL)
        listener_stop(server->tls_listener);
    if (server->peer_listener != NULL)
        listener_stop(server->peer_listener);
    give_word(server);
}

static void end_clients(void *arg)
{
    struct clients *clients = arg;
    struct server *server = (struct server *)clients->worker->hooks;
    clients_end(clients, server->patient, give_word, server);
}

static void end_links(void *arg)
{
    struct links *links = arg;
    links_end(links, give_word, links->worker->hooks);
}

enum step { STEP_SERVING, STEP_LISTENERS, STEP_CLIENTS, STEP_LINKS, STEP_ENDED };

static void tell_clients(struct server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_tell(server->workers[i], end_clients, &server->clients[i]);
}

static enum step next_step(struct server *server, enum step step)
{
    atomic_store(&server->awaited, step == STEP_SERVING ? 1 : server->worker_count);
    if (step == STEP_SERVING)
        worker_tell(server->workers[0], stop_listening, server);
    else if (step == STEP_LISTENERS)
        tell_clients(server);
    else if (step == STEP_CLIENTS)
        for (unsigned i = 0; i < server->worker_count; i++)
            worker_tell(server->workers[i], end_links, &server->links[i]);
    return step + 1;
}

/* Being asked again to stop, now less patiently, hurries the clients. */
static enum step ask_to_stop(struct server *server, enum step step, bool patient)
{
    bool hurry = !patient && server->patient;
    server->patient = patient && (step == STEP_SERVING || server->patient);
    if (step == STEP_SERVING)
        return next_step(server, step);
    if (step == STEP_CLIENTS && hurry)
        tell_clients(server);
    return step;
}

/* ---- waiting ---- */

static const int stop_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof stop_signals / sizeof stop_signals[0]; i++)
        sigaddset(set, stop_signals[i]);
}

void server_block_signals(void)
{
    sigset_t set;
    fill_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static enum step on_signal(struct server *server, enum step step, int signal)
{
    switch (signal) {
    case SIGHUP:
        log_event(HERD_LOG_WARN, 0,
                  "HUP: reading the configuration again is not in this version; nothing changes");
        return step;
    case SIGUSR1:
        log_reopen();
        return step;
    case SIGUSR2:
        status_log(server->self->name, server->store, clock_now_ns() - server->started_ns);
        return step;
    default:
        log_event(HERD_LOG_INFO, 0, "Stopping: %s", strsignal(signal));
        return ask_to_stop(server, step, signal == SIGQUIT);
    }
}

static enum step wait_once(struct server *server, enum step step, int signal_fd)
{
    struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN},
                           {.fd = server->word_fd, .events = POLLIN}};
    struct signalfd_siginfo signal;
    uint64_t words;
    log_hurry();
    if (poll(fds, 2, -1) < 0) {
        if (errno != EINTR)
            usleep(AGAIN_US); /* the kernel has no memory */
        return step;
    }
    if (read(server->word_fd, &words, sizeof words) > 0)
        step = next_step(server, step);
    if (read(signal_fd, &signal, sizeof signal) == sizeof signal)
        step = on_signal(server, step, (int)signal.ssi_signo);
    return step;
}

/* Whoever started this process may wait for the word that it serves. */
static void tell_ready(int fd)
{
    if (fd < 0)
        return;
    ssize_t n = write(fd, "", 1);
    (void)n; /* who has gone meanwhile waits no more */
    close(fd);
}

bool serve(struct server *server, struct herd_error *err)
{
    sigset_t set;
    fill_signals(&set);
    int signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0)
        return herd_fail(err, "signalfd: %s", strerror(errno));
    server->now_ns = server->started_ns = clock_now_ns();
    server->clock_ns = clock_wall_ns();
    if (server->tls_listener != NULL)
        log_event(HERD_LOG_INFO, 0, "Serving TLS on %s:%d", server->self->host,
                  server->self->tls_port);
    log_event(HERD_LOG_INFO, 0, "Serving on %s:%d", server->self->host, server->self->port);
    bool running = upstream_run(err) && workers_run(server->workers, server->worker_count, err);
    if (running) {
        tell_ready(server->options->ready_fd);
        enum step step = STEP_SERVING;
        while (step != STEP_ENDED)
            step = wait_once(server, step, signal_fd);
        upstream_stop();
        workers_stop(server->workers, server->worker_count);
        log_event(HERD_LOG_INFO, 0, "Stopped");
    }
    upstream_stop();
    close(signal_fd);
    return running;
}
