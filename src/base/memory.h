/* Memory that is always had: when there is none left the process says so and ends, as there is
 * nothing else that it could do for anybody. Any thread. The caller frees with free(). */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Says that there is none, and ends the process. */
_Noreturn void memory_gone(void);

void *memory_alloc(size_t bytes);                /* not cleared */
void *memory_zeroed(size_t count, size_t bytes); /* cleared */
void *memory_resize(void *old, size_t bytes);
void *memory_aligned(size_t alignment,
                     size_t bytes);    /* not cleared; bytes a multiple of alignment */
char *memory_string(const char *text); /* a copy */
char *memory_string_of(const char *bytes, size_t len); /* a copy with a NUL behind it */

#endif
