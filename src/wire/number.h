/* Numbers as the wire writes them: strict, no tails, no overflow, no locale. Pure; any thread. */
#ifndef WIRE_NUMBER_H
#define WIRE_NUMBER_H

#include <herd/module.h>

/* POSIX seconds: digits, or digits, a point and 1 to 18 digits; at most 9223372035 s in whole
 * nanoseconds (digits beyond the ninth decimal do not count); at most HERD_LOCATION_MAX bytes. */
bool number_time_parse(struct herd_text text, int64_t *time_ns);

/* How the text of a time that number_time_parse took can be had again from its nanoseconds: 0 to 9
 * decimals, or NUMBER_AS_TEXT if it cannot (leading zeros, more than nine decimals).
 * number_time_print writes it, no NUL, and returns how many bytes it has; whatever these are, it
 * may write to NUMBER_TIME_MAX. */
#define NUMBER_AS_TEXT  15
#define NUMBER_TIME_MAX 20
unsigned number_time_decimals(struct herd_text text);
size_t number_time_print(char *to, int64_t time_ns, unsigned decimals);

/* A difference: a sign, seconds without leading zeros, a point, nine decimals; +0.000000000 but
 * never -0.000000000. So that print(parse(text)) is text. At most NUMBER_DIFF_MAX bytes, no NUL. */
#define NUMBER_DIFF_MAX 21
bool number_diff_parse(struct herd_text text, int64_t *diff_ns);
size_t number_diff_print(char *to, int64_t diff_ns);

/* Digits, or digits, a point and digits; and digits alone. A decimal of any length is read (as
 * strtod reads it); a count too large for its type is refused. */
bool number_decimal_parse(struct herd_text text, double *value);
bool number_count_parse(struct herd_text text, unsigned *value);
bool number_u64_parse(struct herd_text text, uint64_t *value);
size_t number_u64_print(char *to, uint64_t value); /* at most 20 bytes, no NUL */

#endif
