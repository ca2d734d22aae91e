/* A decimal parted at its point, which numbers and coordinates are made of. Pure; any thread. */
#ifndef WIRE_DECIMAL_H
#define WIRE_DECIMAL_H

#include <herd/module.h>

#include "wire/masks.h"

struct decimal {
    struct herd_text whole;
    struct herd_text fraction; /* empty: there is no point */
};

/* Parts digits, or digits, a point and digits. others: which bytes are no digits (masks_others); so
 * the text is at most MASKS_MAX long. False: not of that form. */
static inline bool decimal_part(struct herd_text text, uint64_t others, struct decimal *d)
{
    if (others == 0) {
        *d = (struct decimal){text, {text.bytes, 0}};
        return text.len > 0;
    }
    size_t point = (size_t)(unsigned)__builtin_ctzll(others);
    *d = (struct decimal){{text.bytes, point}, {text.bytes + point + 1, text.len - point - 1}};
    return point > 0 && text.bytes[point] == '.' && d->fraction.len > 0 &&
           (others & (others - 1)) == 0;
}

#endif
