/* Sockets in a worker's own epoll set, under a real libevent base: told when they are ready, for
 * what they wait for, and never once they are removed. And the queues of their deadlines. */
#include "net/sockets.h"
#include "net/deadline.h"
#include "net/worker.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PAIRS 3

struct end {
    struct socket socket; /* first */
    int other, told;
    uint32_t what;
};

static struct event_base *base;
static struct sockets sockets;
static struct end ends[PAIRS];

static void count(struct socket *socket, uint32_t what)
{
    struct end *end = (struct end *)socket;
    end->told++;
    end->what = what;
}

static void remove_all(struct socket *socket, uint32_t what)
{
    count(socket, what);
    for (int i = 0; i < PAIRS; i++)
        sockets_remove(&sockets, &ends[i].socket);
}

static int set_up(void **state)
{
    (void)state;
    base = event_base_new();
    assert_true(sockets_open(&sockets, base));
    for (int i = 0; i < PAIRS; i++) {
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        ends[i] = (struct end){{fds[0], EPOLLIN, count}, fds[1], 0, 0};
        assert_true(sockets_add(&sockets, &ends[i].socket));
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < PAIRS; i++) {
        sockets_remove(&sockets, &ends[i].socket);
        close(ends[i].socket.fd);
        close(ends[i].other);
    }
    sockets_close(&sockets);
    event_base_free(base);
    return 0;
}

static void turn(void)
{
    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void write_to(struct end *end)
{
    assert_int_equal(write(end->other, "x", 1), 1);
}

static void who_is_ready_is_told_each_turn(void **state)
{
    (void)state;
    turn();
    assert_int_equal(ends[0].told + ends[1].told + ends[2].told, 0);
    write_to(&ends[1]);
    turn();
    turn();
    assert_int_equal(ends[0].told + ends[2].told, 0);
    assert_int_equal(ends[1].told, 2);
}

static void what_is_waited_for_changes(void **state)
{
    (void)state;
    write_to(&ends[0]);
    sockets_wait(&sockets, &ends[0].socket, 0);
    sockets_wait(&sockets, &ends[1].socket, EPOLLOUT);
    turn();
    assert_int_equal(ends[0].told, 0);
    assert_int_equal(ends[1].told, 1);
    assert_int_equal(ends[1].what, EPOLLOUT);
    write_to(&ends[2]);
    sockets_wait(&sockets, &ends[2].socket, EPOLLIN | EPOLLOUT);
    close(ends[0].other);
    ends[0].other = -1;
    turn();
    assert_int_equal(ends[0].told, 1); /* of the end, whatever it waits for */
    assert_int_equal(ends[0].what, EPOLLHUP);
    assert_int_equal(ends[2].what, EPOLLIN | EPOLLOUT);
    assert_int_equal(sockets.told, 4);
}

static void who_is_removed_is_not_told_though_found(void **state)
{
    (void)state;
    for (int i = 0; i < PAIRS; i++) {
        write_to(&ends[i]);
        ends[i].socket.ready = remove_all;
    }
    turn();
    assert_int_equal(ends[0].told + ends[1].told + ends[2].told, 1);
}

/* Another process that has it as well keeps it in the set, as another descriptor does. */
static void who_is_removed_is_not_told_though_open_elsewhere(void **state)
{
    (void)state;
    int elsewhere = dup(ends[0].socket.fd);
    assert_true(elsewhere >= 0);
    sockets_remove(&sockets, &ends[0].socket);
    close(ends[0].socket.fd);
    ends[0].socket.fd = -1;
    write_to(&ends[0]);
    turn();
    assert_int_equal(ends[0].told, 0);
    close(elsewhere);
}

static void what_cannot_be_added_is_refused(void **state)
{
    (void)state;
    struct end again = {{ends[0].socket.fd, EPOLLIN, count}, -1, 0, 0};
    assert_false(sockets_add(&sockets, &again.socket));
}

/* ---- deadlines ---- */

static void a_deadline_is_never_early_and_late_by_the_grain(void **state)
{
    (void)state;
    struct deadlines all;
    struct deadline one = {0};
    deadlines_init(&all, 1000);
    deadline_set(&one, &all, 0);
    assert_null(deadline_due(&all, 999));
    assert_null(deadline_due(&all, DEADLINE_GRAIN_NS + 999));
    assert_ptr_equal(deadline_due(&all, DEADLINE_GRAIN_NS + 1000), &one);
    deadline_clear(&one);
    assert_null(deadline_due(&all, INT64_MAX));
}

static void who_is_set_again_within_the_grain_keeps_its_place(void **state)
{
    (void)state;
    struct deadlines all, other;
    struct deadline a = {0}, b = {0};
    deadlines_init(&all, 1000);
    deadlines_init(&other, 0);
    deadline_set(&a, &all, 0);
    deadline_set(&b, &all, 1);
    deadline_set(&a, &all, DEADLINE_GRAIN_NS);
    assert_ptr_equal(TAILQ_FIRST(&all.queue), &a);
    assert_null(deadline_due(&all, DEADLINE_GRAIN_NS + 999));
    deadline_set(&a, &all, DEADLINE_GRAIN_NS + 1);
    assert_ptr_equal(TAILQ_FIRST(&all.queue), &b);
    deadline_set(&b, &other, 0); /* another kind: at once, and this one never ends */
    assert_ptr_equal(TAILQ_FIRST(&all.queue), &a);
    assert_null(deadline_due(&other, INT64_MAX));
}

/* ---- a worker that has no rest ---- */

static struct {
    struct end end;
    struct errand errand;
    _Atomic int turns, seconds;
    _Atomic bool heard;
} busy;

static struct worker *the_worker;

static void again(void *arg)
{
    (void)arg;
    busy.turns++;
    worker_put_off(the_worker, &busy.errand);
}

static void start_busy(struct worker_hooks *hooks, unsigned index)
{
    (void)hooks, (void)index;
    assert_true(sockets_add(&the_worker->sockets, &busy.end.socket));
    worker_put_off(the_worker, &busy.errand);
}

static void stop_busy(struct worker_hooks *hooks, unsigned index)
{
    (void)hooks, (void)index;
    worker_cancel(&busy.errand);
    sockets_remove(&the_worker->sockets, &busy.end.socket);
}

static void count_second(struct worker_hooks *hooks, unsigned index)
{
    (void)hooks, (void)index;
    busy.seconds++;
}

static void hear(void *arg)
{
    (void)arg;
    busy.heard = true;
}

/* Its turns look at the sockets, and then not only at those. */
static void a_busy_worker_has_letters_and_timers(void **state)
{
    (void)state;
    int fds[2];
    struct herd_error err;
    struct worker_hooks hooks = {.start = start_busy, .second = count_second, .stop = stop_busy};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1); /* which nobody reads */
    busy.end.socket = (struct socket){fds[0], EPOLLIN, count};
    busy.errand.run = again;
    struct worker **workers = workers_create(1, &hooks, &err);
    assert_non_null(workers);
    the_worker = workers[0];
    assert_true(workers_run(workers, 1, &err));
    mailbox_send(&the_worker->mailbox, hear, NULL);
    for (int ms = 0; ms < 10000 && (!busy.heard || busy.seconds == 0); ms++)
        usleep(1000);
    assert_true(busy.heard && busy.seconds > 0 && busy.turns > 8);
    workers_stop(workers, 1);
    workers_destroy(workers, 1);
    assert_true(busy.end.told > 8);
    close(fds[0]);
    close(fds[1]);
}

/* ---- a thread that is not to be had ---- */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);

static unsigned left = UINT_MAX; /* of threads that are to be had */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    return left-- > 0 ? __real_pthread_create(thread, attr, run, arg) : EAGAIN;
}

static atomic_uint started, stopped; /* a bit for each */

static void note_start(struct worker_hooks *hooks, unsigned index)
{
    (void)hooks;
    started |= 1U << index;
}

static void note_stop(struct worker_hooks *hooks, unsigned index)
{
    (void)hooks;
    stopped |= 1U << index;
}

/* The listeners are on the first one's loop. */
static void the_first_begins_when_all_others_are_there(void **state)
{
    (void)state;
    struct herd_error err;
    struct worker_hooks hooks = {.start = note_start, .stop = note_stop};
    for (unsigned n = 0; n < 3; n++) {
        struct worker **workers = workers_create(3, &hooks, &err);
        assert_non_null(workers);
        started = stopped = 0;
        left = n;
        assert_false(workers_run(workers, 3, &err));
        assert_string_equal(err.text, "worker: no thread: Resource temporarily unavailable");
        left = UINT_MAX;
        assert_int_equal(started & 1, 0);
        assert_int_equal(__builtin_popcount(started), n);
        assert_int_equal(stopped, started);
        workers_destroy(workers, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_ready_is_told_each_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_waited_for_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_removed_is_not_told_though_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_removed_is_not_told_though_open_elsewhere, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_added_is_refused, set_up, tear_down),
        cmocka_unit_test(a_deadline_is_never_early_and_late_by_the_grain),
        cmocka_unit_test(who_is_set_again_within_the_grain_keeps_its_place),
        cmocka_unit_test(a_busy_worker_has_letters_and_timers),
        cmocka_unit_test(the_first_begins_when_all_others_are_there),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
