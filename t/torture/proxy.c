/* proxy: a bad link between two servers, as far as TCP shows it: what comes in at one port goes out
 * to another address, later.
 *
 *     proxy PORT ADDRESS:PORT
 *
 *     link DELAY_MS LOSS_PERCENT KBIT_S [STALL_MS]    from now on; 0 KBIT_S: as much as comes
 *     cut                        connections are reset, and new ones at once
 *     freeze                     nothing goes through, and nobody is told
 *     join                       undoes both
 *     figures                    connections, bytes and segments lost since the last time
 *
 * Each line is answered with one. Bytes are taken in segments of 1448, both ways alike, and each
 * one leaves in its turn: after the delay, at the rate, and one that is lost STALL_MS (200, the
 * least that Linux waits before it sends again) later, and what is behind it not before, for TCP
 * keeps the order. What is lost twice is not modelled, nor that a loss halves the window: the
 * window is 64 KiB always, which at 40 ms is less than a path without loss would carry. No
 * acknowledgement is late: the kernel gives them on loopback, so herd believes sent what is here;
 * hence the small buffers, which hold a window and no more. */
#include "base/clock.h"
#include "base/memory.h"
#include "sim/random.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEGMENT_BYTES 1448
#define WINDOW_BYTES  (64 * 1024)
#define PIPES_MAX     64
#define MS_NS         INT64_C(1000000)

struct segment {
    STAILQ_ENTRY(segment) entry;
    int64_t leaves_ns;
    size_t len, done;
    char bytes[SEGMENT_BYTES];
};

/* One way of a connection. */
struct way {
    STAILQ_HEAD(, segment) queue;
    size_t held;      /* bytes */
    int64_t free_ns;  /* when the line takes the next segment */
    int64_t last_ns;  /* when the last one leaves */
    bool ended, shut; /* the end has come in, gone out */
};

struct pipe {
    int fd[2];         /* the dialler's side, the acceptor's */
    struct way way[2]; /* from that side to the other */
    bool used, connecting;
};

struct proxy {
    int listener;
    struct sockaddr_in to;
    struct pipe pipes[PIPES_MAX];
    int64_t delay_ns, stall_ns;
    double loss, bytes_s; /* percent; 0: no limit */
    bool cut, frozen;
    uint64_t random, connections, bytes, lost;
};

/* ---- a way ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void take_in(struct proxy *proxy, struct way *way, struct segment *segment)
{
    bool lost = (double)random_below(&proxy->random, 10000) < proxy->loss * 100;
    way->free_ns = later(clock_now_ns(), way->free_ns);
    if (proxy->bytes_s > 0)
        way->free_ns += (int64_t)((double)segment->len * 1e9 / proxy->bytes_s);
    int64_t own_ns = way->free_ns + proxy->delay_ns + (lost ? proxy->stall_ns : 0);
    segment->leaves_ns = way->last_ns = later(own_ns, way->last_ns);
    way->held += segment->len;
    proxy->lost += lost;
    proxy->bytes += segment->len;
    STAILQ_INSERT_TAIL(&way->queue, segment, entry);
}

/* False: the connection is broken. */
static bool read_way(struct proxy *proxy, struct way *way, int from)
{
    while (!way->ended && way->held < WINDOW_BYTES) {
        struct segment *segment = memory_zeroed(1, sizeof *segment);
        ssize_t n = recv(from, segment->bytes, sizeof segment->bytes, 0);
        if (n <= 0)
            free(segment);
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0) {
            way->ended = true;
            return true;
        }
        segment->len = (size_t)n;
        take_in(proxy, way, segment);
    }
    return true;
}

static bool write_way(struct way *way, int to, int64_t now_ns)
{
    struct segment *segment;
    while ((segment = STAILQ_FIRST(&way->queue)) != NULL && segment->leaves_ns <= now_ns) {
        ssize_t n = send(to, segment->bytes + segment->done, segment->len - segment->done,
                         MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        segment->done += (size_t)n;
        if (segment->done < segment->len)
            return true;
        way->held -= segment->len;
        STAILQ_REMOVE_HEAD(&way->queue, entry);
        free(segment);
    }
    if (segment == NULL && way->ended && !way->shut) {
        shutdown(to, SHUT_WR);
        way->shut = true;
    }
    return true;
}

/* ---- connections ---- */

static void reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

static void end_pipe(struct pipe *pipe)
{
    for (int side = 0; side < 2; side++) {
        struct segment *segment;
        while ((segment = STAILQ_FIRST(&pipe->way[side].queue)) != NULL) {
            STAILQ_REMOVE_HEAD(&pipe->way[side].queue, entry);
            free(segment);
        }
        reset(pipe->fd[side]);
    }
    pipe->used = false;
}

static int open_far(const struct proxy *proxy)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){WINDOW_BYTES}, sizeof(int));
    if (connect(fd, (const struct sockaddr *)&proxy->to, sizeof proxy->to) == 0 ||
        errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

static void accept_one(struct proxy *proxy)
{
    int near = accept4(proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (near < 0)
        return;
    struct pipe *pipe = proxy->pipes;
    while (pipe < proxy->pipes + PIPES_MAX && pipe->used)
        pipe++;
    int far = proxy->cut || pipe == proxy->pipes + PIPES_MAX ? -1 : open_far(proxy);
    if (far < 0) {
        reset(near);
        return;
    }
    *pipe = (struct pipe){.fd = {near, far}, .used = true, .connecting = true};
    for (int side = 0; side < 2; side++) {
        STAILQ_INIT(&pipe->way[side].queue);
        setsockopt(pipe->fd[side], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    }
    proxy->connections++;
}

static void move(struct proxy *proxy, struct pipe *pipe)
{
    bool good = true;
    for (int side = 0; side < 2 && good; side++)
        good = read_way(proxy, &pipe->way[side], pipe->fd[side]) &&
               write_way(&pipe->way[side], pipe->fd[!side], clock_now_ns());
    if (!good || (pipe->way[0].shut && pipe->way[1].shut))
        end_pipe(pipe);
}

static void finish_connecting(struct pipe *pipe)
{
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(pipe->fd[1], SOL_SOCKET, SO_ERROR, &error, &len);
    pipe->connecting = false;
    if (error != 0)
        end_pipe(pipe);
}

/* ---- commands ---- */

static void obey(struct proxy *proxy, const char *line)
{
    double delay_ms, kbit_s, stall_ms = 200;
    if (sscanf(line, "link %lf %lf %lf %lf", &delay_ms, &proxy->loss, &kbit_s, &stall_ms) >= 3) {
        proxy->delay_ns = (int64_t)(delay_ms * (double)MS_NS);
        proxy->stall_ns = (int64_t)(stall_ms * (double)MS_NS);
        proxy->bytes_s = kbit_s * 125;
    } else if (strncmp(line, "figures", 7) == 0) {
        printf("ok connections=%" PRIu64 " bytes=%" PRIu64 " lost=%" PRIu64 "\n",
               proxy->connections, proxy->bytes, proxy->lost);
        proxy->connections = proxy->bytes = proxy->lost = 0;
        return;
    } else {
        proxy->cut = strncmp(line, "cut", 3) == 0;
        proxy->frozen = strncmp(line, "freeze", 6) == 0;
    }
    for (size_t i = 0; i < PIPES_MAX && proxy->cut; i++)
        if (proxy->pipes[i].used)
            end_pipe(&proxy->pipes[i]);
    puts("ok");
}

/* ---- the loop ---- */

static int64_t leaves_ns(const struct pipe *pipe, int64_t by_ns)
{
    for (int side = 0; side < 2; side++) {
        const struct segment *segment = STAILQ_FIRST(&pipe->way[side].queue);
        if (segment != NULL && segment->leaves_ns < by_ns)
            by_ns = segment->leaves_ns;
    }
    return by_ns;
}

/* What a side is watched for; what is late is seen to by time. */
static short wanted(const struct pipe *pipe, int side, int64_t now_ns)
{
    const struct segment *segment = STAILQ_FIRST(&pipe->way[!side].queue);
    bool read = !pipe->way[side].ended && pipe->way[side].held < WINDOW_BYTES;
    bool write = segment != NULL && segment->leaves_ns <= now_ns;
    if (pipe->connecting)
        return side == 1 ? POLLOUT : 0;
    return (short)((read ? POLLIN : 0) | (write ? POLLOUT : 0));
}

static void turn(struct proxy *proxy, struct pollfd *all)
{
    int64_t now_ns = clock_now_ns(), next_ns = now_ns + 100 * MS_NS;
    all[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    all[1] = (struct pollfd){.fd = proxy->frozen ? -1 : proxy->listener, .events = POLLIN};
    for (size_t i = 0; i < PIPES_MAX; i++) {
        struct pipe *pipe = &proxy->pipes[i];
        bool live = pipe->used && !proxy->frozen;
        for (int side = 0; side < 2; side++)
            all[2 + 2 * i + (size_t)side] = (struct pollfd){
                .fd = live ? pipe->fd[side] : -1,
                .events = live ? wanted(pipe, side, now_ns) : (short)0};
        if (live && !pipe->connecting)
            next_ns = leaves_ns(pipe, next_ns);
    }
    int64_t wait_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    struct timespec wait = {.tv_nsec = wait_ns};
    ppoll(all, 2 + 2 * PIPES_MAX, &wait, NULL);
    if (proxy->frozen)
        return;
    for (size_t i = 0; i < PIPES_MAX; i++) {
        struct pipe *pipe = &proxy->pipes[i];
        if (pipe->used && pipe->connecting && all[2 + 2 * i + 1].revents != 0)
            finish_connecting(pipe);
        else if (pipe->used && !pipe->connecting)
            move(proxy, pipe);
    }
    if (all[1].revents != 0)
        accept_one(proxy);
}

static bool start(struct proxy *proxy, const char *port, const char *to)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char host[64];
    unsigned short far;
    here.sin_port = htons((uint16_t)atoi(port));
    if (sscanf(to, "%63[0-9.]:%hu", host, &far) != 2 ||
        inet_pton(AF_INET, host, &proxy->to.sin_addr) != 1)
        return false;
    proxy->to.sin_family = AF_INET;
    proxy->to.sin_port = htons(far);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(proxy->listener, SOL_SOCKET, SO_RCVBUF, &(int){WINDOW_BYTES}, sizeof(int));
    return bind(proxy->listener, (struct sockaddr *)&here, sizeof here) == 0 &&
           listen(proxy->listener, 16) == 0;
}

int main(int argc, char **argv)
{
    static struct proxy proxy = {.stall_ns = 200 * MS_NS, .random = 1};
    static struct pollfd all[2 + 2 * PIPES_MAX];
    char line[128];
    if (argc != 3 || !start(&proxy, argv[1], argv[2])) {
        fprintf(stderr, "proxy: cannot serve: %s\n",
                argc == 3 ? strerror(errno) : "PORT ADDRESS:PORT");
        return 1;
    }
    for (;;) {
        turn(&proxy, all);
        if (all[0].revents == 0)
            continue;
        if (fgets(line, sizeof line, stdin) == NULL)
            return 0;
        obey(&proxy, line);
        fflush(stdout);
    }
}
