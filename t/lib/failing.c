/* Loaded before the C library into a server that a test has started: makes a call fail that the
 * test has chosen. What is to fail stands in a file that both have open (HERD_FAILING names it), so
 * a running server can be told again and again: the kind of call, how many of them pass before, how
 * many fail then, and with which error. What is seen stands there too: how many of each kind there
 * were, how many failed, whose call that was, and how many pieces of memory are held.
 *
 * A sanitizer's library comes before this one; its own calls of the C library end here, but for
 * those for memory, which it has itself.
 *
 * The one hard thing is finding the real functions: dlsym may want memory itself, which is then
 * given from a small piece that is never freed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order of Test::Herd::Failing's list. */
enum kind {
    KIND_none,
    KIND_memory,
    KIND_recv,
    KIND_send,
    KIND_read,
    KIND_write,
    KIND_accept,
    KIND_epoll_wait,
    KIND_epoll_ctl,
    KIND_ioctl,
    KIND_open,
    KIND_socket,
    KIND_connect,
    KIND_getsockopt,
    KIND_setsockopt,
    KIND_shutdown,
    KIND_close,
    KIND_getrandom,
    KIND_poll,
    KIND_disk, /* which hangs */
    KINDS
};

struct control {
    _Atomic int64_t kind, pass, fail, error, failed;
    _Atomic int64_t seen[32];
    char whose[256];
    _Atomic int64_t held; /* pieces of memory that were given and not taken back */
};

static struct control nothing;
static struct control *control = &nothing;

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("HERD_FAILING");
    int fd = file != NULL ? open(file, O_RDWR | O_CLOEXEC) : -1;
    void *mapped = fd >= 0 ? mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                           : MAP_FAILED;
    if (mapped != MAP_FAILED)
        control = mapped;
    if (fd >= 0)
        close(fd);
}

/* Whether this call is to fail; errno is set then. */
static int fails(enum kind kind, void *caller)
{
    atomic_fetch_add(&control->seen[kind], 1);
    if (atomic_load(&control->kind) != (int64_t)kind || atomic_fetch_sub(&control->pass, 1) > 0 ||
        atomic_fetch_sub(&control->fail, 1) <= 0)
        return 0;
    Dl_info info;
    if (dladdr(caller, &info) != 0)
        snprintf(control->whose, sizeof control->whose, "%.99s+0x%lx (%.99s)", info.dli_fname,
                 (unsigned long)((char *)caller - (char *)info.dli_fbase),
                 info.dli_sname != NULL ? info.dli_sname : "");
    atomic_fetch_add(&control->failed, 1);
    errno = (int)atomic_load(&control->error);
    return 1;
}
#define FAILS(kind) fails(KIND_##kind, __builtin_return_address(0))

/* ---- memory ---- */

static char piece[64 * 1024];
static size_t taken;
static __thread int finding;

static void *from_piece(size_t bytes)
{
    void *p = piece + taken;
    taken += (bytes + 15) / 16 * 16;
    return p;
}

static void *held(void *p)
{
    atomic_fetch_add(&control->held, p != NULL);
    return p;
}

static void *find(const char *name)
{
    finding++;
    void *real = dlsym(RTLD_NEXT, name);
    finding--;
    return real;
}
#define REAL(name)                                                                                 \
    static __typeof__(&name) real_##name;                                                          \
    if (real_##name == NULL)                                                                       \
    real_##name = (__typeof__(&name))find(#name)

void *malloc(size_t bytes)
{
    if (finding)
        return from_piece(bytes);
    REAL(malloc);
    return FAILS(memory) ? NULL : held(real_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    if (finding)
        return from_piece(count * bytes);
    REAL(calloc);
    return FAILS(memory) ? NULL : held(real_calloc(count, bytes));
}

void *realloc(void *old, size_t bytes)
{
    REAL(realloc);
    if (FAILS(memory))
        return NULL;
    void *p = real_realloc(old, bytes);
    return old == NULL ? held(p) : p;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    REAL(aligned_alloc);
    return FAILS(memory) ? NULL : held(real_aligned_alloc(alignment, bytes));
}

void free(void *p)
{
    REAL(free);
    if (p == NULL || ((char *)p >= piece && (char *)p < piece + sizeof piece))
        return;
    atomic_fetch_sub(&control->held, 1);
    real_free(p);
}

void *mmap(void *at, size_t bytes, int rights, int flags, int fd, off_t from)
{
    REAL(mmap);
    int counts = fd < 0 && FAILS(memory);
    return counts ? MAP_FAILED : real_mmap(at, bytes, rights, flags, fd, from);
}

int mprotect(void *at, size_t bytes, int rights)
{
    REAL(mprotect);
    return FAILS(memory) ? -1 : real_mprotect(at, bytes, rights);
}

/* ---- system calls ---- */

ssize_t recv(int fd, void *to, size_t room, int flags)
{
    REAL(recv);
    return FAILS(recv) ? -1 : real_recv(fd, to, room, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    REAL(send);
    return FAILS(send) ? -1 : real_send(fd, bytes, len, flags);
}

/* OpenSSL reads and writes sockets; to the test that is the same as receiving and sending. */
static int is_socket(int fd)
{
    struct stat stat;
    return fstat(fd, &stat) == 0 && S_ISSOCK(stat.st_mode);
}

/* A file is not read from until the test says so. */
static void hang(int fd)
{
    struct stat stat;
    if (atomic_load(&control->kind) != KIND_disk || fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
        return;
    atomic_fetch_add(&control->failed, 1);
    while (atomic_load(&control->kind) == KIND_disk)
        usleep(1000);
}

ssize_t read(int fd, void *to, size_t room)
{
    REAL(read);
    hang(fd);
    int failed = is_socket(fd) ? FAILS(recv) : FAILS(read);
    return failed ? -1 : real_read(fd, to, room);
}

ssize_t pread64(int fd, void *to, size_t room, off64_t at)
{
    REAL(pread64);
    hang(fd);
    return real_pread64(fd, to, room, at);
}

/* An eventfd, which takes eight bytes, can always be written. */
ssize_t write(int fd, const void *bytes, size_t len)
{
    REAL(write);
    int failed = is_socket(fd) ? FAILS(send) : len != sizeof(uint64_t) && FAILS(write);
    return failed ? -1 : real_write(fd, bytes, len);
}

int accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    REAL(accept4);
    return FAILS(accept) ? -1 : real_accept4(fd, peer, len, flags);
}

int epoll_wait(int fd, struct epoll_event *events, int room, int timeout)
{
    REAL(epoll_wait);
    return FAILS(epoll_wait) ? -1 : real_epoll_wait(fd, events, room, timeout);
}

/* A change takes no memory and does not fail. */
int epoll_ctl(int fd, int how, int of, struct epoll_event *event)
{
    REAL(epoll_ctl);
    return how == EPOLL_CTL_ADD && FAILS(epoll_ctl) ? -1 : real_epoll_ctl(fd, how, of, event);
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, void *);
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    if (real == NULL)
        real = (int (*)(int, unsigned long, void *))find("ioctl");
    return FAILS(ioctl) ? -1 : real(fd, request, arg);
}

int open(const char *file, int flags, ...)
{
    static int (*real)(const char *, int, int);
    va_list args;
    va_start(args, flags);
    int mode = va_arg(args, int);
    va_end(args);
    if (real == NULL)
        real = (int (*)(const char *, int, int))find("open");
    return FAILS(open) ? -1 : real(file, flags, mode);
}

int socket(int domain, int type, int protocol)
{
    REAL(socket);
    return FAILS(socket) ? -1 : real_socket(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    REAL(connect);
    return FAILS(connect) ? -1 : real_connect(fd, to, len);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    REAL(getsockopt);
    return FAILS(getsockopt) ? -1 : real_getsockopt(fd, level, name, value, len);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    REAL(setsockopt);
    return FAILS(setsockopt) ? -1 : real_setsockopt(fd, level, name, value, len);
}

int shutdown(int fd, int how)
{
    REAL(shutdown);
    return FAILS(shutdown) ? -1 : real_shutdown(fd, how);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    REAL(poll);
    return FAILS(poll) ? -1 : real_poll(fds, count, timeout);
}

/* It closes all the same, as Linux does. */
int close(int fd)
{
    REAL(close);
    int result = real_close(fd);
    return FAILS(close) ? -1 : result;
}

ssize_t getrandom(void *to, size_t len, unsigned flags)
{
    static ssize_t (*real)(void *, size_t, unsigned);
    if (real == NULL)
        real = (ssize_t(*)(void *, size_t, unsigned))find("getrandom");
    return FAILS(getrandom) ? -1 : real(to, len, flags);
}
