/* Whether two values of JSON are the same to who reads them, but for line breaks in texts. */
#ifndef FUZZ_SAME_H
#define FUZZ_SAME_H

#include "fuzz.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Texts are the same but for line breaks in them, which are no JSON but are taken. */
static inline bool same_text(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '\n')
            a++;
        while (*b == '\n')
            b++;
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
    }
}

static inline bool same_value(const cJSON *a, const cJSON *b);

/* The first so many of a, and all of b. */
static inline bool same_children(const cJSON *a, const cJSON *b, unsigned most)
{
    const cJSON *x = a->child, *y = b->child;
    for (unsigned n = 0; x != NULL && n < most; n++, x = x->next, y = y->next) {
        if (y == NULL || (x->string == NULL) != (y->string == NULL) || !same_value(x, y) ||
            (x->string != NULL && !same_text(x->string, y->string)))
            return false;
    }
    return y == NULL;
}

/* By whatever name they go. */
static inline bool same_value(const cJSON *a, const cJSON *b)
{
    return (a->type & 0xff) == (b->type & 0xff) &&
           (!cJSON_IsString(a) || same_text(a->valuestring, b->valuestring)) &&
           (!cJSON_IsNumber(a) || a->valuedouble == b->valuedouble) &&
           same_children(a, b, UINT32_MAX);
}

#endif
