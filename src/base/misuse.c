/* The sentence goes to standard error at once, and to the log, which a daemon's reader has; the
 * log's thread is waited for, though not for ever. */
#include "base/misuse.h"

#include "base/log.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The shared object that the address lies in; "": it is this program's. */
static const char *find_object(const void *address)
{
    Dl_info there, here;
    if (dladdr(address, &there) == 0 || dladdr((const void *)misuse_end, &here) == 0 ||
        there.dli_fbase == here.dli_fbase || there.dli_fname == NULL)
        return "";
    return there.dli_fname;
}

void misuse_end(const void *caller, const char *format, ...)
{
    char what[512];
    const char *object = find_object(caller);
    va_list args;
    va_start(args, format);
    int len = vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (object[0] != '\0' && len >= 0 && (size_t)len < sizeof what)
        snprintf(what + len, sizeof what - (size_t)len, ", by %s", object);
    log_event(HERD_LOG_ERROR, 0, "A module misuses the door: %s", what);
    if (log_is_open()) {
        fprintf(stderr, "herd: error: A module misuses the door: %s\n", what);
        log_flush();
    }
    abort();
}
