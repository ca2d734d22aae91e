/* The dynamic linker maps the segments that an object's headers name without asking how long the
 * file is, and dies of SIGBUS at the first page behind its end; half a copy of a module would so
 * end a start without a word. Hence the extents are compared with the file's size here; what the
 * bytes within them say is the linker's to judge. The form is that of elf(5). */
#include "core/object.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* This program's own header, which tells what machine it is for; the link editor defines it. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct object {
    int fd;
    uint64_t bytes; /* of the file */
    ElfW(Ehdr) header;
};

/* False: the file ends before. */
static bool read_at(const struct object *object, void *to, size_t len, uint64_t from)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(object->fd, (char *)to + done, len - done, (off_t)(from + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool has(const struct object *object, uint64_t from, uint64_t len)
{
    return from <= object->bytes && len <= object->bytes - from;
}

static bool has_segments(const struct object *object)
{
    ElfW(Phdr) segment;
    for (unsigned i = 0; i < object->header.e_phnum; i++)
        if (!read_at(object, &segment, sizeof segment,
                     object->header.e_phoff + i * sizeof segment) ||
            !has(object, segment.p_offset, segment.p_filesz))
            return false;
    return true;
}

/* Even a file of no more than the first bytes of its magic number is one that was cut off. */
static bool is_object(struct object *object)
{
    size_t len = object->bytes < SELFMAG ? (size_t)object->bytes : SELFMAG;
    return len > 0 && read_at(object, &object->header, len, 0) &&
           memcmp(object->header.e_ident, ELFMAG, len) == 0;
}

/* Another word size or byte order is not for us to read; the linker names it. */
static bool is_readable(const ElfW(Ehdr) * header)
{
    return header->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
           header->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
           header->e_phentsize == sizeof(ElfW(Phdr));
}

/* The table of sections, which the linker does not need, stands at the end, so that a file without
 * its last byte is found out as well. */
static bool is_whole(struct object *object)
{
    const ElfW(Ehdr) *header = &object->header;
    if (!read_at(object, &object->header, sizeof *header, 0))
        return false;
    return !is_readable(header) ||
           (has(object, header->e_shoff, (uint64_t)header->e_shnum * header->e_shentsize) &&
            has_segments(object));
}

static bool check(struct object *object, const char *name, struct herd_error *err)
{
    if (!is_object(object))
        return herd_fail(err, "%s: cannot be opened: not a shared object", name);
    if (!is_whole(object))
        return herd_fail(err, "%s: cannot be opened: the file is cut off", name);
    if (is_readable(&object->header) && object->header.e_machine != __ehdr_start.e_machine)
        return herd_fail(err, "%s: cannot be opened: built for another kind of processor", name);
    return true;
}

/* Without waiting for the other end of a FIFO. */
bool object_check(const char *path, const char *name, struct herd_error *err)
{
    struct stat status;
    struct object object = {.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    if (object.fd < 0 || fstat(object.fd, &status) != 0)
        return object.fd < 0 || close(object.fd) == 0;
    object.bytes = (uint64_t)status.st_size;
    bool good = S_ISREG(status.st_mode)
                    ? check(&object, name, err)
                    : herd_fail(err, "%s: cannot be opened: not a regular file", name);
    close(object.fd);
    return good;
}
