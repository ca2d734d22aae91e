/* The names of servers that stand in records, each kept once and named by a number. Names are never
 * taken out. Looking up takes no lock; any thread. */
#ifndef HERD_NAMES_H
#define HERD_NAMES_H

#include <herd/module.h>

#define NAMES_MAX 65535

struct names;

struct names *names_create(void);
void names_destroy(struct names *names);

/* The number of a name, which is added if it is new. 0: there are NAMES_MAX others already. */
uint16_t names_number(struct names *names, struct herd_text name);

/* The name of a number that names_number gave. It lives as long as names. */
struct herd_text names_text(struct names *names, uint16_t number);

#endif
