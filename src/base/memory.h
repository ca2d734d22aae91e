/* Memory of two kinds. What belongs to one connection, one answer or one record is tried for, and
 * its owner is told where there is none. All else is always had: from a reserve where it must be,
 * and when that is used up too the process says so and ends. Any thread. The caller frees with
 * free().
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Says that there is none, and ends the process. */
_Noreturn void memory_gone(void);

void *memory_alloc(size_t bytes);                /* not cleared */
void *memory_zeroed(size_t count, size_t bytes); /* cleared */
void *memory_resize(void *old, size_t bytes);
void *memory_aligned(size_t alignment,
                     size_t bytes); /* not cleared; bytes a multiple of alignment */
/* Cleared, and in cache lines of its own: for what one thread writes all the time, and others look
 * at or have their own beside. In an array each is apart if its type is alignas(MEMORY_LINE). */
#define MEMORY_LINE 64
void *memory_apart(size_t count, size_t bytes);
char *memory_string(const char *text);                 /* a copy */
char *memory_string_of(const char *bytes, size_t len); /* a copy with a NUL behind it */

/* NULL: there is none now. */
void *memory_try(size_t bytes);        /* not cleared */
void *memory_try_zeroed(size_t bytes); /* cleared */

/* Notes that there was none, for those who get theirs elsewhere. */
void memory_failed(void);
/* How often there was none. */
uint64_t memory_failures(void);

/* From the first time that there was none until memory_recover succeeds: nobody new should be let
 * in. */
bool memory_short(void);

/* Lays the reserve in; from then on the process does not end for the first want of memory. Main
 * thread. False: there is not even that much. */
bool memory_reserve(void);
/* Looks, where memory is short, whether there is as much again, and lays the reserve in anew.
 * False: it is short still. */
bool memory_recover(void);
/* Gives the reserve back; memory is no longer short. Main thread, when no other is left. */
void memory_release(void);

#endif
