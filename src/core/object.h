/* Looks at a shared object's file before it is opened: the dynamic linker trusts what its headers
 * say of its size, and one that was cut off ends the process with a signal. Main thread. */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include <herd/module.h>

/* Whether the file is an ELF object of this machine with all the bytes that its headers speak of,
 * or there is none, which the linker says well. False: err says what is wrong, beginning with name;
 * the file is path. */
bool object_check(const char *path, const char *name, struct herd_error *err);

#endif
