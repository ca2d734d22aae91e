/* Asks once, at the end, instead of after each line: a stream remembers that it has failed. Not
 * always why: what failed before the last bytes is told without a reason. */
#include "base/output.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int output_end(const char *program)
{
    assert(program != NULL);
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "%s: standard output: %s\n", program,
            errno != 0 ? strerror(errno) : "not all could be written");
    return 1;
}
