/* Shows that a pid file belongs to one living server: a second is refused, a stale file is taken
 * over and never signalled, and what herd -s sends reaches the one that holds the lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/control.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/herd-control-XXXXXX";
static char path[64];

/* A child that holds the file, and answers with its exit status: the number of the first signal
 * that it was sent. */
struct holder {
    pid_t pid;
    int ready;
};

static void hold(int ready)
{
    sigset_t all;
    int got = 0;
    struct herd_error err;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    struct control *control = control_open(path, &err);
    char word = control ? 'y' : 'n';
    if (write(ready, &word, 1) != 1 || !control)
        _exit(0);
    alarm(30); /* should nobody signal: exit status SIGALRM */
    sigwait(&all, &got);
    control_close(control);
    _exit(got);
}

static struct holder start_holder(void)
{
    int ends[2];
    char word = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    struct holder holder = {.pid = fork(), .ready = ends[0]};
    assert_true(holder.pid >= 0);
    if (holder.pid == 0)
        hold(ends[1]);
    close(ends[1]);
    assert_int_equal(read(holder.ready, &word, 1), 1);
    close(holder.ready);
    assert_int_equal(word, 'y');
    return holder;
}

static int end_of(struct holder holder)
{
    int status = 0;
    assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
    assert_true(WIFEXITED(status) || WIFSIGNALED(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static long number_in_file(void)
{
    long number = -1;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%ld", &number), 1);
    assert_int_equal(fgetc(in), '\n');
    assert_int_equal(fgetc(in), EOF);
    fclose(in);
    return number;
}

static void write_number(long number)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "%ld\n", number);
    fclose(out);
}

static void expect_nobody(void)
{
    struct herd_error err;
    char want[128];
    snprintf(want, sizeof(want), "%s: no server is running with this pid file", path);
    assert_false(control_send(path, SIGTERM, &err));
    assert_string_equal(err.text, want);
}

static void names_the_server_in_paths(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"run/%n.pid", "run/Wilkes.pid"}, {"%n", "Wilkes"},   {"%n%n-%", "WilkesWilkes-%"},
        {"%%n %N", "%Wilkes %N"},         {"plain", "plain"}, {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *made = control_path(cases[i][0], "Wilkes");
        assert_string_equal(made, cases[i][1]);
        free(made);
    }
}

static void writes_and_removes_the_file(void **state)
{
    (void)state;
    struct herd_error err;
    struct control *control = control_open(path, &err);
    assert_non_null(control);
    assert_int_equal(number_in_file(), getpid());
    control_close(control);
    assert_int_not_equal(access(path, F_OK), 0);
    control_close(NULL);
}

static void refuses_a_second_server(void **state)
{
    (void)state;
    struct herd_error err;
    char want[128];
    struct holder holder = start_holder();
    assert_int_equal(number_in_file(), holder.pid);
    assert_null(control_open(path, &err));
    snprintf(want, sizeof(want), "%s: a server is running with this pid file (process %ld)", path,
             (long)holder.pid);
    assert_string_equal(err.text, want);
    assert_int_equal(number_in_file(), holder.pid);
    assert_true(control_send(path, SIGTERM, &err));
    assert_int_equal(end_of(holder), SIGTERM);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void sends_every_action(void **state)
{
    (void)state;
    static const char *const actions[] = {"reload", "reopen", "status", "stop", "quit"};
    static const int signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGQUIT};
    struct herd_error err;
    for (size_t i = 0; i < 5; i++) {
        struct holder holder = start_holder();
        assert_true(control_send(path, control_signal(actions[i]), &err));
        assert_int_equal(end_of(holder), signals[i]);
    }
    assert_int_equal(control_signal("Stop"), 0);
    assert_int_equal(control_signal(""), 0);
}

/* The number in the file is that of a living process, this one, which holds no lock: a signal would
 * end the test. */
static void never_signals_a_reused_number(void **state)
{
    (void)state;
    write_number((long)getpid());
    expect_nobody();
    assert_int_equal(unlink(path), 0);
    expect_nobody();
}

static void takes_over_what_a_killed_server_left(void **state)
{
    (void)state;
    struct herd_error err;
    struct holder killed = start_holder();
    kill(killed.pid, SIGKILL);
    assert_int_equal(end_of(killed), -SIGKILL);
    assert_int_equal(number_in_file(), killed.pid);
    expect_nobody();
    write_number(123456789012); /* longer than what is to be written */
    struct control *control = control_open(path, &err);
    assert_non_null(control);
    assert_int_equal(number_in_file(), getpid());
    control_close(control);
}

/* Somebody removed the file by hand and another server began: the first must not remove the
 * other's. */
static void leaves_the_file_of_another(void **state)
{
    (void)state;
    struct herd_error err;
    struct control *control = control_open(path, &err);
    assert_non_null(control);
    assert_int_equal(unlink(path), 0);
    struct holder holder = start_holder();
    control_close(control);
    assert_int_equal(number_in_file(), holder.pid);
    assert_true(control_send(path, SIGQUIT, &err));
    assert_int_equal(end_of(holder), SIGQUIT);
}

static void says_why_it_cannot(void **state)
{
    (void)state;
    struct herd_error err;
    assert_null(control_open("/nonexistent/x.pid", &err));
    assert_string_equal(err.text, "/nonexistent/x.pid: No such file or directory");
    assert_null(control_open(dir, &err));
    assert_non_null(strstr(err.text, ": Is a directory"));
}

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/x.pid", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_server_in_paths),
        cmocka_unit_test(writes_and_removes_the_file),
        cmocka_unit_test(refuses_a_second_server),
        cmocka_unit_test(sends_every_action),
        cmocka_unit_test(never_signals_a_reused_number),
        cmocka_unit_test(takes_over_what_a_killed_server_left),
        cmocka_unit_test(leaves_the_file_of_another),
        cmocka_unit_test(says_why_it_cannot),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("control", tests, make_dir, remove_dir);
}
