/* Where memory is out what may fail does, and the reserve is for what must be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "sanitizers.h"

#define MIB    ((size_t)1 << 20)
#define LINE   ((size_t)64 * 1024) /* bytes of what may fail */
#define LETTER 88                  /* of what must be had */

/* All that was given, in a list that is its own memory. */
struct piece {
    struct piece *next;
};

static void keep(struct piece **all, void *given)
{
    struct piece *piece = given;
    piece->next = *all;
    *all = piece;
}

static size_t free_all(struct piece *all)
{
    size_t count = 0;
    for (struct piece *next; all != NULL; all = next, count++) {
        next = all->next;
        free(all);
    }
    return count;
}

/* The process may have so much more than it has. */
static void limit(size_t bytes, struct rlimit *old)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    assert_int_equal(getrlimit(RLIMIT_AS, old), 0);
    struct rlimit now = {pages * (size_t)sysconf(_SC_PAGESIZE) + bytes, old->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
}

/* Who asks for lines gets all there is, and goes on asking; letters are written meanwhile. */
static void the_reserve_is_for_what_must_be_had(void **state)
{
    (void)state;
    struct rlimit old;
    struct piece *lines = NULL, *letters = NULL;
    void *line;
    bool sanitized = SANITIZES_ADDRESSES || SANITIZES_THREADS;
    if (sanitized || getenv("HERD_MEMCHECK") != NULL) /* which have memory of their own */
        return;
    limit(64 * MIB, &old);
    assert_true(memory_reserve());
    while ((line = memory_try(LINE)) != NULL)
        keep(&lines, line);
    assert_true(memory_short());
    while ((line = memory_try(LETTER)) != NULL)
        keep(&letters, line);
    size_t given = 0;
    for (size_t i = 0; i < 2 * MIB / LETTER; i++) {
        keep(&letters, memory_alloc(LETTER));
        if ((line = memory_try(LINE)) != NULL)
            keep(&lines, line);
        given += line != NULL;
    }
    assert_int_equal(given, 0);
    assert_true(free_all(letters) >= 2 * MIB / LETTER);
    assert_true(free_all(lines) > 100);
    assert_true(memory_recover());
    assert_false(memory_short());
    line = memory_try(LINE);
    assert_non_null(line);
    free(line);
    memory_release();
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_is_for_what_must_be_had),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
