/* For what a module does that <herd/module.h> forbids: not our bug, so an assert would name the
 * wrong file, and nothing to go on from. The process ends (SIGABRT) with a sentence that says what
 * was done and, where it can be told, which shared object did it. Any thread. */
#ifndef BASE_MISUSE_H
#define BASE_MISUSE_H

#include <herd/module.h>

/* Ends the process unless `good`. In a function of the public door, for the caller is taken to be
 * the module. The sentence goes on from "A module misuses the door: ". */
#define misuse_unless(good, ...)                                                                   \
    ((good) ? (void)0 : misuse_end(__builtin_return_address(0), __VA_ARGS__))

/* caller: an address in the code that is to blame; NULL: it cannot be told. */
__attribute__((noreturn)) void misuse_end(const void *caller, const char *format, ...)
    HERD_PRINTF(2, 3);

#endif
