/* The command line (DESIGN.md, section 8). Main thread.
 *
 *     herd -c FILE -n NAME [-d] [-t | -T] [-g 'setting = value;'] [-p PIDFILE] [-s ACTION] [-q] [-v
 * | -V] [-h] herd -c FILE -a          the whole herd of the file, a process each, ended together
 *
 * Bad usage is a message on standard error and exit status 1, as for every other error before the
 * start. */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <herd/module.h>
#include <stdio.h>

/* What is asked for. Where several are, the first of these counts: help, modules, version. */
enum options_task {
    OPTIONS_RUN,     /* -n: become that server */
    OPTIONS_RUN_ALL, /* -a */
    OPTIONS_CHECK,   /* -t: check the configuration; name may be NULL */
    OPTIONS_PRINT,   /* -T: print what would be used; name may be NULL */
    OPTIONS_SIGNAL, /* -s: signal says what; config_file is NULL if pid_file was given without it */
    OPTIONS_VERSION, /* -v */
    OPTIONS_MODULES, /* -V: version, modules and verbs */
    OPTIONS_HELP     /* -h */
};

struct options {
    enum options_task task;
    const char
        *config_file; /* -c; NULL: not given, which only VERSION, MODULES, HELP and SIGNAL allow */
    const char *name; /* -n, of a server's form; NULL: not given */
    const char *pid_file; /* -p, %n not yet replaced; NULL: the configuration says */
    char *overlay;        /* all that -g gave, a line each; NULL: nothing */
    int signal;           /* what -s sends */
    bool daemon;          /* -d */
    bool quiet;           /* -q: nothing but errors is written to the terminal */
};

/* Reads the command line. -g may be given several times; of the others the last counts. False: err
 * says what is wrong with it and nothing is left allocated. Texts but overlay are argv's. */
bool options_parse(struct options *options, int argc, char **argv, struct herd_error *err);
void options_free(struct options *options);

/* Writes what -h shows. */
void options_help(FILE *out);

#endif
