/* The least that a line server can do, for `make bench` to measure herd against: wait, one read,
 * count the lines, one write of as many copies of one answer. It looks at nothing that it reads,
 * keeps nothing, and has no state a connection. Nobody but the benchmark talks to it.
 *
 *     floor PORT THREADS ANSWER
 *
 * ANSWER is what stands for each line, its line ends with it. With more threads, each waits on an
 * epoll of its own; the first accepts and hands the connections out in turn. It ends by a signal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX    65536
#define COPIES      4096 /* more lines than that in one read take one more write */
#define EVENTS_MAX  256
#define THREADS_MAX 64
#define BACKLOG     1024

static struct floor {
    int listener;
    unsigned threads, next; /* next: who gets the next connection; the first thread's */
    int epolls[THREADS_MAX];
    char *answers; /* COPIES of the answer */
    size_t answer_len;
} server;

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void take_all(void)
{
    int fd;
    while ((fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        watch(server.epolls[server.next++ % server.threads], fd);
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        die("accept");
}

static size_t count_lines(const char *bytes, size_t len)
{
    size_t count = 0;
    const char *end = bytes + len;
    while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
        count++;
        bytes++;
    }
    return count;
}

/* False: the answers are not taken. A load that sends without reading is not what this is for. */
static bool answer(int fd, size_t lines)
{
    while (lines > 0) {
        size_t now = lines < COPIES ? lines : COPIES;
        size_t len = now * server.answer_len;
        if (write(fd, server.answers, len) != (ssize_t)len)
            return false;
        lines -= now;
    }
    return true;
}

static void serve(int fd)
{
    static _Thread_local char bytes[READ_MAX];
    ssize_t len = read(fd, bytes, sizeof bytes);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0 || !answer(fd, count_lines(bytes, (size_t)len)))
        close(fd);
}

static void *run(void *arg)
{
    int epoll = *(int *)arg;
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == server.listener)
                take_all();
            else
                serve(events[i].data.fd);
        }
    }
    return NULL;
}

static void listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(server.listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server.listener, BACKLOG) != 0)
        die(port);
}

static void copy_answer(const char *text)
{
    server.answer_len = strlen(text);
    server.answers = malloc(COPIES * server.answer_len + 1);
    if (server.answers == NULL)
        die("answers");
    for (size_t i = 0; i < COPIES; i++)
        memcpy(server.answers + i * server.answer_len, text, server.answer_len);
}

int main(int argc, char **argv)
{
    server.threads = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    if (server.threads < 1 || server.threads > THREADS_MAX) {
        fprintf(stderr, "usage: floor PORT THREADS ANSWER\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    copy_answer(argv[3]);
    listen_on(argv[1]);
    for (unsigned i = 0; i < server.threads; i++)
        if ((server.epolls[i] = epoll_create1(EPOLL_CLOEXEC)) < 0)
            die("epoll_create1");
    watch(server.epolls[0], server.listener);
    for (unsigned i = 1; i < server.threads; i++) {
        pthread_t thread;
        if ((errno = pthread_create(&thread, NULL, run, &server.epolls[i])) != 0)
            die("pthread_create");
    }
    run(&server.epolls[0]);
}
