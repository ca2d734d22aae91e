/* The program herd-places: its verbs and their options. Main thread. */
#ifndef PLACES_TOOL_H
#define PLACES_TOOL_H

/* Returns the exit status. */
int tool_main(int argc, char **argv);

#endif
