/* The judgement on a schedule: after healing all servers hold the same, and at least what any that
 * was up held then. */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "world.h"

struct judge;

/* Notes the best that any server that is up holds of each client. */
struct judge *judge_create(struct world *world);
void judge_destroy(struct judge *judge);

/* Whether all servers hold the same, byte for byte, and at least what was noted; if not, why says
 * what is wrong. */
bool judge_agreed(const struct judge *judge, struct herd_error *why);
/* Whether each server's place in each neighbour's feed is that feed's end, as it must be some time
 * after the last change. */
bool judge_marked(const struct world *world, struct herd_error *why);
/* Whether no server holds anything. */
bool judge_empty(const struct world *world, struct herd_error *why);

#endif
