/* The end of what a program prints. Standard output is kept back until there is much of it or the
 * program ends, and nobody looks then whether the disk had room. Main thread. */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

/* Writes what is kept back. Returns the status to end with: 0, or 1 after it has said, in the
 * program's name, why not all could be written. */
int output_end(const char *program);

#endif
