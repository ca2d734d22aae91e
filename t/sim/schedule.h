/* A schedule: what clients say and what befalls the herd, drawn at random, and the healing of it
 * all. */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "world.h"

/* The five servers of the sample configuration, and a random graph of degree 4 at most that hangs
 * together. */
struct world *schedule_five(uint64_t seed, bool trace);
struct world *schedule_random(uint64_t seed, unsigned servers, bool trace);
/* The five, whose clocks agree, and who forget. */
struct world *schedule_forget(uint64_t seed, bool trace);

/* Two that often restart while what they said before is under way, for rules that only this needs.
 */
struct world *schedule_two(uint64_t seed, bool trace);

/* The five, whose records are often moved to other slots. */
struct world *schedule_move(uint64_t seed, bool trace);

/* Lets as many random things happen as the settings say. */
void schedule_run(struct world *world);
/* Everything is well from here on; what is under way still arrives when it would. */
void schedule_heal(struct world *world);
/* A client says where it is, to one server or to several. */
void schedule_report(struct world *world, unsigned id);

#endif
