/* The owner is looked at on the open descriptor, so that nobody can put another file in its place
 * in between; and nothing is read through stdio, whose buffer nobody wipes. */
#include "net/secret.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/misuse.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *check_owner(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return strerror(errno);
    if (!S_ISREG(stat.st_mode))
        return "not a regular file";
    if (stat.st_uid != 0 && stat.st_uid != geteuid())
        return "belongs to another user";
    if ((stat.st_mode & 077) != 0)
        return "group or others may use it; chmod 600 it";
    if (stat.st_size > SECRET_MAX)
        return "is larger than 1 MiB";
    return NULL;
}

/* The file may grow or shrink meanwhile: what counts is what is read. */
static const char *read_all(struct secret *secret, int fd)
{
    secret->bytes = memory_zeroed(1, SECRET_MAX + 1);
    ssize_t n;
    do {
        n = read(fd, secret->bytes + secret->len, SECRET_MAX - secret->len);
        secret->len += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? strerror(errno) : NULL;
}

/* Once there is one in this process. */
static void guard(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        log_event(HERD_LOG_WARN, 0, "A core file would hold secrets: %s", strerror(errno));
}

bool secret_read(struct secret *secret, const char *path, struct herd_error *err)
{
    assert(secret != NULL && path != NULL && err != NULL);
    *secret = (struct secret){NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return herd_fail(err, "%s: %s", path, strerror(errno));
    const char *why = check_owner(fd);
    if (why == NULL)
        why = read_all(secret, fd);
    close(fd);
    guard();
    if (why == NULL)
        return true;
    secret_wipe(secret);
    return herd_fail(err, "%s: %s", path, why);
}

bool herd_secret_read(const char *path, char *to, size_t room, struct herd_error *err)
{
    misuse_unless(path != NULL && to != NULL && room > 1 && err != NULL,
                  "herd_secret_read needs a path, room for a secret, and an err");
    struct secret file;
    to[0] = '\0';
    if (!secret_read(&file, path, err))
        return false;
    size_t len = file.len;
    if (len > 0 && file.bytes[len - 1] == '\n')
        len--;
    if (len > 0 && len < file.len && file.bytes[len - 1] == '\r')
        len--;
    bool good = len > 0 && len < room && memchr(file.bytes, '\0', len) == NULL &&
                memchr(file.bytes, '\n', len) == NULL;
    if (good) {
        memcpy(to, file.bytes, len);
        to[len] = '\0';
    }
    secret_wipe(&file);
    return good || herd_fail(err, "%s: is not one line of 1 to %zu bytes", path, room - 1);
}

void secret_wipe(struct secret *secret)
{
    if (secret->bytes != NULL)
        explicit_bzero(secret->bytes, secret->len);
    free(secret->bytes);
    *secret = (struct secret){NULL, 0};
}
