/* Making a file beside the one it replaces: see replace.h. A process that is killed leaves its .tmp
 * behind, which the next one takes over; the lock on it tells whether somebody is still at it. */
#include "places/replace.h"

#include "db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a file may be replaced: somebody may have mistaken the arguments' order. */
static bool check_old(const char *path, mode_t *mode, struct herd_error *err)
{
    struct herd_error why;
    struct stat stat_of;

    if (stat(path, &stat_of) != 0 && errno != ENOENT)
        return herd_fail(err, "%s: %s", path, strerror(errno));
    if (stat(path, &stat_of) != 0)
        return lstat(path, &stat_of) != 0 ||
               herd_fail(err, "%s: a symbolic link that leads nowhere", path);
    *mode = stat_of.st_mode & 0777;
    if (!S_ISREG(stat_of.st_mode))
        return herd_fail(err, "%s: not a regular file", path);
    return stat_of.st_size == 0 || db_ours(path, &why) ||
           herd_fail(err, "%s: is there, and is not a file of places; it is not replaced", path);
}

/* Whether what bears the new file's name is one that somebody has not finished. */
static bool check_new(const struct replace *replace, const struct stat *new, struct herd_error *err)
{
    if (!S_ISREG(new->st_mode))
        return herd_fail(err, "%s: not a regular file", replace->made);
    return db_begun(replace->fd) ||
           herd_fail(err, "%s: is there, and is not left by an import; it is not replaced",
                     replace->made);
}

/* Opens and locks the new file. The one before may have given it its name in between. */
static bool lock_new(struct replace *replace, struct herd_error *err)
{
    struct stat locked, named;

    for (;;) {
        replace->fd = open(replace->made, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                           0666);
        if (replace->fd < 0)
            return herd_fail(err, "%s: %s", replace->made, strerror(errno));
        if (flock(replace->fd, LOCK_EX | LOCK_NB) != 0) {
            close(replace->fd);
            return herd_fail(err, "%s: another import is at work", replace->made);
        }
        if (fstat(replace->fd, &locked) == 0 && stat(replace->made, &named) == 0 &&
            locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) {
            if (check_new(replace, &locked, err))
                return true;
            close(replace->fd);
            return false;
        }
        close(replace->fd);
    }
}

static void forget(struct replace *replace)
{
    free(replace->path);
    free(replace->made);
    *replace = (struct replace){.fd = -1};
}

bool replace_begin(struct replace *replace, const char *path, struct herd_error *err)
{
    mode_t mode = 0;

    assert(replace && path && err);
    *replace = (struct replace){.fd = -1};
    if (!check_old(path, &mode, err))
        return false;
    replace->path = realpath(path, NULL); /* what a symbolic link leads to is replaced, not it */
    if (!replace->path)
        replace->path = strdup(path);
    if (!replace->path || asprintf(&replace->made, "%s.tmp", replace->path) < 0) {
        replace->made = NULL;
        herd_fail(err, "%s: no memory", path);
    } else if (lock_new(replace, err)) {
        if (ftruncate(replace->fd, 0) == 0 && (mode == 0 || fchmod(replace->fd, mode) == 0))
            return true;
        herd_fail(err, "%s: %s", replace->made, strerror(errno));
        replace_give_up(replace);
        return false;
    }
    forget(replace);
    return false;
}

/* A name is on the disk when its folder is. */
static bool sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    free(folder);
    return good;
}

bool replace_finish(struct replace *replace, struct herd_error *err)
{
    assert(replace->fd >= 0);
    if (fsync(replace->fd) != 0 || rename(replace->made, replace->path) != 0) {
        herd_fail(err, "%s: %s", replace->made, strerror(errno));
        replace_give_up(replace);
        return false;
    }
    if (!sync_folder(replace->path))
        fprintf(stderr, "herd-places: %s: its folder could not be written to the disk\n",
                replace->path);
    close(replace->fd);
    forget(replace);
    return true;
}

void replace_give_up(struct replace *replace)
{
    assert(replace->fd >= 0);
    unlink(replace->made);
    close(replace->fd);
    forget(replace);
}
