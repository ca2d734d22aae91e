/* A sentence for the user. It lives in the caller's struct, so that nothing has to be freed on the
 * way out of an error. Any thread. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include <herd/module.h>

bool herd_fail(struct herd_error *err, const char *format, ...)
{
    va_list args;

    assert(err != NULL && format != NULL);
    va_start(args, format);
    /* A sentence too long is cut: the beginning, which names the file and line, is what matters. */
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}
