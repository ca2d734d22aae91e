/* Holds many connections to a server open, for `make bench` to see what an idle one costs: each
 * asks once, and has its answer, then nothing is said on any of them.
 *
 *     hold PORT COUNT REQUEST
 *
 * REQUEST is sent with CR LF, which herd, memcached and Redis all take for a line's end. When all
 * are held it writes "held", and then waits for the end of its input. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPARE_DESCRIPTORS 16

static void die(const char *what)
{
    fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void need_descriptors(rlim_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit");
    limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
    if (limit.rlim_cur < count)
        errno = EMFILE;
    if (limit.rlim_cur < count || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("descriptors");
}

/* Where an answer ends is not looked for: what each server says to one short line comes in one. */
static void hold_one(const struct sockaddr_in *address, const char *request, size_t len)
{
    char answer[4096];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        die("connect");
    if (write(fd, request, len) != (ssize_t)len)
        die("write");
    if (read(fd, answer, sizeof answer) <= 0)
        die("read");
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: hold PORT COUNT REQUEST\n");
        return 2;
    }
    char request[1024];
    int len = snprintf(request, sizeof request, "%s\r\n", argv[3]);
    if (len < 0 || (size_t)len >= sizeof request)
        return 2;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int count = atoi(argv[2]);
    need_descriptors((rlim_t)count + SPARE_DESCRIPTORS);
    for (int i = 0; i < count; i++)
        hold_one(&address, request, (size_t)len);
    puts("held");
    fflush(stdout);
    while (read(STDIN_FILENO, request, sizeof request) > 0)
        ;
}
