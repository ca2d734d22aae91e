/* The bytes of a file, a window at a time: see source.h. The window is moved to the beginning of
 * its room only when the room is used up, which is seldom, for it has room for a good deal more
 * than a record. */
#include "places/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM (4 * SOURCE_RECORD_MAX)

bool source_open(struct source *source, const char *path, struct herd_error *err)
{
    struct stat stat;
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

    assert(source && err);
    if (fd < 0)
        return herd_fail(err, "%s: %s", path, strerror(errno));
    *source = (struct source){.fd = fd, .line = 1};
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode))
        source->size = (uint64_t)stat.st_size;
    source->bytes = malloc(ROOM);
    if (source->bytes)
        return true;
    close(fd);
    return herd_fail(err, "%s: no memory", path);
}

void source_close(struct source *source)
{
    close(source->fd);
    free(source->bytes);
    *source = (struct source){.fd = -1};
}

struct herd_text source_text(const struct source *source)
{
    return (struct herd_text){source->bytes + source->from, source->len};
}

enum source_result source_more(struct source *source, struct herd_error *err)
{
    size_t end = source->from + source->len;
    ssize_t got;

    if (source->ended)
        return SOURCE_END;
    if (source->len > SOURCE_RECORD_MAX)
        return SOURCE_FULL;
    if (end == ROOM) {
        memmove(source->bytes, source->bytes + source->from, source->len);
        source->from = 0;
        end = source->len;
    }
    got = read(source->fd, source->bytes + end, ROOM - end);
    if (got < 0) {
        herd_fail(err, "%s", errno == EINTR ? "interrupted" : strerror(errno));
        return SOURCE_FAILED;
    }
    source->ended = got == 0;
    source->len += (size_t)got;
    return got > 0 ? SOURCE_MORE : SOURCE_END;
}

void source_take(struct source *source, size_t len)
{
    const char *at = source->bytes + source->from, *end = at + len;

    assert(len <= source->len);
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        source->line++;
        at++;
    }
    source->from += len;
    source->len -= len;
    source->taken += len;
    if (source->len == 0)
        source->from = 0;
}
