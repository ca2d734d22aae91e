/* herd: reads the command line and the configuration, and becomes what they say. */
#include "base/log.h"
#include "base/output.h"
#include "core/chain.h"
#include "core/control.h"
#include "core/options.h"
#include "core/registry.h"
#include "core/secure.h"
#include "core/server.h"
#include "core/whole.h"
#include "net/crypto.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

struct program {
    struct options options;
    struct config *config;
    struct settings settings;
    struct chain chain; /* of the providers of places */
};

static int complain(const struct herd_error *err)
{
    fprintf(stderr, "herd: %s\n", err->text);
    return 1;
}

/* ---- running ---- */

static int run_one(void *arg, size_t index, int ready_fd)
{
    const struct program *program = arg;
    const char *pid_file = program->options.pid_file;
    struct server_options options = {.settings = &program->settings,
                                     .index = index,
                                     .pid_file = pid_file ? pid_file : program->settings.pid_file,
                                     .chain = &program->chain,
                                     .ready_fd = ready_fd};
    struct herd_error err;
    if (server_run(&options, &err))
        return 0;
    if (ready_fd >= 0) {
        ssize_t n = write(ready_fd, "!", 1); /* whoever waits hears that it waits in vain */
        (void)n;
    }
    fprintf(stderr, "herd: %s: %s\n", program->settings.servers[index].name, err.text);
    return 1;
}

/* The first process waits for the word that the server serves, so that errors at its start are
 * seen, and the exit status tells of them. */
static int wait_until_ready(int fd, bool *ready)
{
    char byte = '!';
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    *ready = n == 1 && byte == '\0';
    return *ready ? 0 : 1;
}

static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR);
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

/* Standard error stays the terminal's: a log of "-" goes there, and errors at the start. */
static int run_daemon(struct program *program, size_t index)
{
    int ready[2];
    bool served;
    if (pipe2(ready, O_CLOEXEC) != 0)
        return fprintf(stderr, "herd: pipe: %s\n", strerror(errno)), 1;
    assert(!log_is_open());
    pid_t pid = fork();
    if (pid < 0)
        return fprintf(stderr, "herd: fork: %s\n", strerror(errno)), 1;
    if (pid > 0) {
        close(ready[1]);
        return wait_until_ready(ready[0], &served);
    }
    close(ready[0]);
    setsid();
    leave_terminal();
    return run_one(program, index, ready[1]);
}

static int run(struct program *program)
{
    const struct options *options = &program->options;
    if (options->task == OPTIONS_RUN_ALL)
        return whole_run(&program->settings, run_one, program, options->quiet);
    int index = settings_server(&program->settings, options->name);
    if (options->daemon)
        return run_daemon(program, (size_t)index);
    return run_one(program, (size_t)index, -1);
}

/* ---- the configuration ---- */

static bool read_settings(struct program *program, struct herd_error *err)
{
    const struct options *options = &program->options;
    program->config = config_open(options->config_file, options->overlay, err);
    if (program->config == NULL || !settings_read(&program->settings, program->config, err))
        return false;
    if (options->name != NULL && settings_server(&program->settings, options->name) < 0)
        return herd_fail(err, "%s: servers: there is no server %s", options->config_file,
                         options->name);
    return true;
}

static bool load_modules(struct program *program, struct herd_error *err)
{
    const struct settings *settings = &program->settings;
    struct herd_error why;
    for (size_t i = 0; i < settings->load_module_count; i++)
        if (!registry_load(settings->load_modules[i], program->config, &why))
            return herd_config_fail(config_group(program->config, "", err), "load_modules", err,
                                    "%s", why.text);
    return true;
}

static bool read_config(struct program *program, struct herd_error *err)
{
    return read_settings(program, err) && load_modules(program, err) &&
           chain_read(&program->chain, &program->settings, program->config, err) &&
           registry_configure(program->config, err) && config_check_unknown(program->config, err);
}

/* Whether what the configuration names is there; to print it, that does not matter. */
static bool check_providers(const struct program *program, struct herd_error *err)
{
    return program->options.task == OPTIONS_PRINT || chain_check(&program->chain, err);
}

/* The same of the files of TLS: of the server that is named, or of all. */
static bool check_secure(const struct program *program, struct herd_error *err)
{
    const char *name = program->options.name;
    return program->options.task != OPTIONS_CHECK ||
           secure_check(&program->settings,
                        name != NULL ? settings_server(&program->settings, name) : -1, err);
}

static int with_config(struct program *program)
{
    struct herd_error err;
    int status = 1;
    if (!registry_open(&err) || !read_config(program, &err) || !check_providers(program, &err) ||
        !check_secure(program, &err)) {
        complain(&err);
    } else if (program->options.task == OPTIONS_CHECK) {
        if (!program->options.quiet)
            fprintf(stderr, "herd: %s is well\n", program->options.config_file);
        status = 0;
    } else if (program->options.task == OPTIONS_PRINT) {
        config_print(program->config, stdout);
        status = 0;
    } else {
        status = run(program);
    }
    registry_close();
    return status;
}

/* -s needs the configuration only to learn where the pid file is, and no modules for that. */
static int send_signal(struct program *program)
{
    struct herd_error err;
    const char *path = program->options.pid_file;
    if (path == NULL) {
        if (!read_settings(program, &err))
            return complain(&err);
        path = program->settings.pid_file;
        if (path[0] == '\0')
            return fprintf(stderr,
                           "herd: -s: neither -p nor pid_file says where the pid file is\n"),
                   1;
    }
    char *file = control_path(path, program->options.name ? program->options.name : "");
    bool sent = control_send(file, program->options.signal, &err);
    free(file);
    return sent ? 0 : complain(&err);
}

/* With -c also those that the configuration loads. */
static int print_modules(struct program *program)
{
    struct herd_error err;
    bool good = registry_open(&err);
    if (good && program->options.config_file != NULL)
        good = read_settings(program, &err) && load_modules(program, &err);
    if (good) {
        printf("herd %s, modules of ABI %d\n", PACKAGE_VERSION, HERD_ABI);
        registry_print(stdout);
    }
    registry_close();
    return good ? 0 : complain(&err);
}

static int do_task(struct program *program)
{
    switch (program->options.task) {
    case OPTIONS_HELP:
        options_help(stdout);
        return 0;
    case OPTIONS_VERSION:
        printf("herd %s\n", PACKAGE_VERSION);
        return 0;
    case OPTIONS_MODULES:
        return print_modules(program);
    case OPTIONS_SIGNAL:
        return send_signal(program);
    default:
        return with_config(program);
    }
}

int main(int argc, char **argv)
{
    struct program program = {.config = NULL};
    struct herd_error err;
    crypto_init();
    server_block_signals(); /* first: whoever asks early that it stops is heard too */
    if (!options_parse(&program.options, argc, argv, &err))
        return complain(&err);
    int status = do_task(&program);
    chain_free(&program.chain);
    settings_free(&program.settings);
    if (program.config != NULL)
        config_close(program.config);
    options_free(&program.options);
    return output_end("herd") == 0 ? status : 1;
}
