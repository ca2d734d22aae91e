/* Has so much free memory backed, for `make bench` to see what the log costs, and not what a host
 * does: of a virtual machine's it takes back what lies free in blocks of 2 MiB or more (free page
 * reporting, every 2 s), and whoever is given such a page next, for a file that grows, say, pays
 * ten times the price of writing it for its return.
 *
 *     back MIB
 *
 * Touches them, and then keeps a page of each: what is free again lies in smaller blocks, which the
 * host leaves alone and the kernel gives away first. Writes "backed", and waits for the end of its
 * input. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: back MIB\n");
        return 2;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = strtoul(argv[1], NULL, 10) * MIB;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE) != 0) {
        perror("back");
        return 1;
    }
    for (size_t i = 0; i < size; i += page)
        memory[i] = 1;
    for (size_t i = 0; i < size; i += MIB)
        madvise(memory + i + page, MIB - page, MADV_DONTNEED);
    puts("backed");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}
