/* Shows how the command line is read: every task, every option, and each combination that is
 * refused, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/options.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX 16

/* Parses the words of a line, which is kept until the next call; a '+' stands for a blank within a
 * word. */
static bool parse(struct options *options, const char *line, struct herd_error *err)
{
    static char words[256];
    static char program[] = "herd";
    char *argv[ARGS_MAX] = {program};
    int argc = 1;
    assert_true(strlen(line) < sizeof(words));
    strcpy(words, line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        assert_true(argc < ARGS_MAX - 1);
        argv[argc++] = word;
        for (char *p = strchr(word, '+'); p; p = strchr(p, '+'))
            *p = ' ';
    }
    return options_parse(options, argc, argv, err);
}

static void takes_every_task(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum options_task task;
    } cases[] = {
        {"-c f -n A", OPTIONS_RUN},
        {"-n A -c f -d -q", OPTIONS_RUN},
        {"-cf -nA -p x", OPTIONS_RUN},
        {"-c f -a", OPTIONS_RUN_ALL},
        {"-c f -a -p run/%n.pid -q", OPTIONS_RUN_ALL},
        {"-c f -t", OPTIONS_CHECK},
        {"-c f -n A -t", OPTIONS_CHECK},
        {"-c f -a -t", OPTIONS_CHECK},
        {"-c f -T", OPTIONS_PRINT},
        {"-c f -n A -s stop", OPTIONS_SIGNAL},
        {"-p x.pid -s stop", OPTIONS_SIGNAL},
        {"-p %n.pid -n A -s stop", OPTIONS_SIGNAL},
        {"-v", OPTIONS_VERSION},
        {"-V", OPTIONS_MODULES},
        {"-v -V", OPTIONS_MODULES},
        {"-h", OPTIONS_HELP},
        {"-a -n A -vVh", OPTIONS_HELP},
        {"-c f -n A --", OPTIONS_RUN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options options;
        struct herd_error err = {""};
        assert_true(parse(&options, cases[i].line, &err));
        assert_int_equal(options.task, cases[i].task);
        options_free(&options);
    }
}

static void keeps_what_was_given(void **state)
{
    (void)state;
    struct options options;
    struct herd_error err;
    assert_true(parse(&options, "-c f -n Goloman -d -p x -g a+=+1; -q -g b+=+2", &err));
    assert_string_equal(options.config_file, "f");
    assert_string_equal(options.name, "Goloman");
    assert_string_equal(options.pid_file, "x");
    assert_string_equal(options.overlay, "a = 1;\nb = 2\n");
    assert_true(options.daemon);
    assert_true(options.quiet);
    options_free(&options);
    assert_null(options.overlay);
    assert_true(parse(&options, "-c f -n A", &err));
    assert_null(options.pid_file);
    assert_null(options.overlay);
    assert_false(options.daemon);
    assert_false(options.quiet);
    options_free(&options);
}

static void knows_the_signals(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int signal;
    } cases[] = {
        {"-p x -s reload", SIGHUP}, {"-p x -s reopen", SIGUSR1}, {"-p x -s status", SIGUSR2},
        {"-p x -s stop", SIGTERM},  {"-p x -s quit", SIGQUIT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options options;
        struct herd_error err;
        assert_true(parse(&options, cases[i].line, &err));
        assert_int_equal(options.signal, cases[i].signal);
        options_free(&options);
    }
}

static void refuses_what_means_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"", "-c FILE is missing"},
        {"-n A", "-c FILE is missing"},
        {"-t", "-c FILE is missing"},
        {"-c f", "-n NAME (or -a) is missing"},
        {"-c", "option -c wants a value"},
        {"-x", "unknown option -x"},
        {"-c f -n A more", "unexpected argument \"more\""},
        {"more -c f -n A", "unexpected argument \"more\""},
        {"-c f -a -n A", "-a and -n do not go together"},
        {"-c f -a -d", "-a and -d do not go together"},
        {"-c f -a -p x", "-a wants %n, the server's name, in -p's PIDFILE"},
        {"-c f -t -T", "-t and -T do not go together"},
        {"-c f -n A/B", "-n: a server's name has 1 to 64 bytes of [A-Za-z0-9._-]"},
        {"-p x -s hup", "-s takes reload, reopen, status, stop or quit"},
        {"-s stop", "-s wants -c FILE and -n NAME, or -p PIDFILE"},
        {"-c f -s stop", "-s wants -c FILE and -n NAME, or -p PIDFILE"},
        {"-p %n -s stop", "-s wants -c FILE and -n NAME, or -p PIDFILE"},
        {"-c f -a -s stop", "-s goes with none of -a, -d, -t and -T"},
        {"-c f -n A -t -s stop", "-s goes with none of -a, -d, -t and -T"},
        {"-g a=1 -c f -n A -g", "option -g wants a value"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options options;
        struct herd_error err = {""};
        assert_false(parse(&options, cases[i].line, &err));
        assert_string_equal(err.text, cases[i].message);
        assert_null(options.overlay);
    }
    char program[] = "herd", letter[] = "-n", nothing[] = "";
    char *argv[] = {program, letter, nothing, NULL};
    struct options options;
    struct herd_error err;
    assert_false(options_parse(&options, 3, argv, &err));
    assert_string_equal(err.text, "option -n wants a value that is not empty");
}

static void helps_with_every_option(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    options_help(out);
    fclose(out);
    static const char *const letters[] = {"-c", "-n", "-a", "-d", "-g", "-p", "-t",
                                          "-T", "-s", "-q", "-v", "-V", "-h"};
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        assert_non_null(strstr(text, letters[i]));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_task),        cmocka_unit_test(keeps_what_was_given),
        cmocka_unit_test(knows_the_signals),       cmocka_unit_test(refuses_what_means_nothing),
        cmocka_unit_test(helps_with_every_option),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
