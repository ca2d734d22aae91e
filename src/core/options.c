/* Reads the command line with getopt and checks which options go together, so that nobody behind
 * this file meets a combination that means nothing. Owns the text that several -g make. Main
 * thread. */
#include "core/options.h"

#include "base/memory.h"
#include "core/control.h"
#include "wire/at.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: herd -c FILE -n NAME [-d] [-g 'setting = value;'] [-p PIDFILE] [-q]\n"
    "       herd -c FILE -a [-g 'setting = value;'] [-p PIDFILE] [-q]\n"
    "       herd -c FILE [-n NAME] -t | -T [-g 'setting = value;'] [-q]\n"
    "       herd -c FILE -n NAME | -p PIDFILE -s reload|reopen|status|stop|quit\n"
    "       herd -v | -V [-c FILE] | -h\n"
    "\n"
    "  -c FILE     the configuration file, which describes the whole herd\n"
    "  -n NAME     be the server of that name\n"
    "  -a          run every server of the file, a process each, ended together\n"
    "  -d          go to the background\n"
    "  -g TEXT     settings that count instead of the file's; may be given again\n"
    "  -p PIDFILE  keep the process's number there; %n in it is the server's name\n"
    "  -t          check the configuration, and no more\n"
    "  -T          the same, and print all settings that would be used\n"
    "  -s ACTION   tell the running server: reload the configuration, reopen the log,\n"
    "              write its status to the log, stop now, or quit when work is done\n"
    "  -q          say nothing but errors\n"
    "  -v, -V      print the version; -V the modules and their verbs too, with -c\n"
    "              also of those that the configuration loads\n"
    "  -h          print this\n";

/* Adds what one -g gave, as a line of its own. libconfig needs no semicolon at the end. */
static void add_overlay(struct options *options, const char *text)
{
    size_t old = options->overlay ? strlen(options->overlay) : 0, len = strlen(text);
    options->overlay = memory_resize(options->overlay, old + len + 2);
    memcpy(options->overlay + old, text, len);
    memcpy(options->overlay + old + len, "\n", 2);
}

/* What the single options said, before they are weighed against each other. */
struct seen {
    bool all, check, print, version, modules, help;
    const char *action;
};

/* Takes the options that have a value. */
static void take_value(struct options *options, struct seen *seen, int letter)
{
    if (letter == 'c')
        options->config_file = optarg;
    else if (letter == 'n')
        options->name = optarg;
    else if (letter == 'p')
        options->pid_file = optarg;
    else if (letter == 'g')
        add_overlay(options, optarg);
    else if (letter == 's')
        seen->action = optarg;
}

static void take_flag(struct options *options, struct seen *seen, int letter)
{
    options->daemon |= letter == 'd';
    options->quiet |= letter == 'q';
    seen->all |= letter == 'a';
    seen->check |= letter == 't';
    seen->print |= letter == 'T';
    seen->version |= letter == 'v';
    seen->modules |= letter == 'V';
    seen->help |= letter == 'h';
}

static bool scan(struct options *options, struct seen *seen, int argc, char **argv,
                 struct herd_error *err)
{
    int letter;
    optind = 0; /* glibc's way to begin anew */
    opterr = 0;
    while ((letter = getopt(argc, argv, "+:c:n:p:g:s:adtTqvVh")) != -1) {
        if (letter == '?')
            return herd_fail(err, "unknown option -%c", optopt);
        if (letter == ':')
            return herd_fail(err, "option -%c wants a value", optopt);
        if (strchr("cnpgs", letter)) {
            if (!*optarg)
                return herd_fail(err, "option -%c wants a value that is not empty", letter);
            take_value(options, seen, letter);
        } else {
            take_flag(options, seen, letter);
        }
    }
    if (optind < argc)
        return herd_fail(err, "unexpected argument \"%s\"", argv[optind]);
    return true;
}

static bool check_action(struct options *options, const struct seen *seen, struct herd_error *err)
{
    options->task = OPTIONS_SIGNAL;
    options->signal = control_signal(seen->action);
    if (options->signal == 0)
        return herd_fail(err, "-s takes reload, reopen, status, stop or quit");
    if (seen->all || seen->check || seen->print || options->daemon)
        return herd_fail(err, "-s goes with none of -a, -d, -t and -T");
    if (options->pid_file && (options->name || !strstr(options->pid_file, "%n")))
        return true;
    if (options->pid_file || !options->config_file || !options->name)
        return herd_fail(err, "-s wants -c FILE and -n NAME, or -p PIDFILE");
    return true;
}

static bool check_run(struct options *options, const struct seen *seen, struct herd_error *err)
{
    if (!options->config_file)
        return herd_fail(err, "-c FILE is missing");
    if (seen->check && seen->print)
        return herd_fail(err, "-t and -T do not go together");
    if (seen->all && options->name)
        return herd_fail(err, "-a and -n do not go together");
    if (seen->check || seen->print) {
        options->task = seen->check ? OPTIONS_CHECK : OPTIONS_PRINT;
        return true;
    }
    if (!seen->all && !options->name)
        return herd_fail(err, "-n NAME (or -a) is missing");
    if (seen->all && options->daemon)
        return herd_fail(err, "-a and -d do not go together");
    if (seen->all && options->pid_file && !strstr(options->pid_file, "%n"))
        return herd_fail(err, "-a wants %%n, the server's name, in -p's PIDFILE");
    options->task = seen->all ? OPTIONS_RUN_ALL : OPTIONS_RUN;
    return true;
}

static bool check(struct options *options, const struct seen *seen, struct herd_error *err)
{
    if (seen->help || seen->modules || seen->version) {
        options->task = seen->help      ? OPTIONS_HELP
                        : seen->modules ? OPTIONS_MODULES
                                        : OPTIONS_VERSION;
        return true;
    }
    struct herd_text name = {options->name, options->name ? strlen(options->name) : 0};
    if (options->name && !at_name_valid(name))
        return herd_fail(err, "-n: a server's name has 1 to 64 bytes of [A-Za-z0-9._-]");
    return seen->action ? check_action(options, seen, err) : check_run(options, seen, err);
}

bool options_parse(struct options *options, int argc, char **argv, struct herd_error *err)
{
    assert(options && argc > 0 && argv && err);
    struct seen seen = {0};
    memset(options, 0, sizeof(*options));
    if (scan(options, &seen, argc, argv, err) && check(options, &seen, err))
        return true;
    options_free(options);
    return false;
}

void options_free(struct options *options)
{
    assert(options);
    free(options->overlay);
    options->overlay = NULL;
}

void options_help(FILE *out)
{
    assert(out);
    fputs(help, out);
}
