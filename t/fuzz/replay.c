/* main of a fuzz target where there is no libFuzzer: calls it with each file that is named, as
 * libFuzzer's own main would. So the corpora are tests for every compiler. */
#include "fuzz.h"

#include <errno.h>

static void replay(const char *path)
{
    FILE *in = fopen(path, "rb");
    char *bytes = NULL;
    size_t len = 0, got = 1;
    if (in == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    while (got > 0) {
        bytes = realloc(bytes, len + 65536);
        must(bytes != NULL);
        got = fread(bytes + len, 1, 65536, in);
        len += got;
    }
    must(!ferror(in));
    fclose(in);
    char *copy = fuzz_copy(bytes, len);
    free(bytes);
    fprintf(stderr, "Running: %s\n", path);
    LLVMFuzzerTestOneInput((const uint8_t *)copy, len);
    free(copy);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    return 0;
}
