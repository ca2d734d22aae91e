/* The store: which report wins, in whatever order they come; limits; what is forgotten; who is
 * woken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports.h"
#include <cmocka.h>

static void the_newest_wins(void **state)
{
    (void)state;
    struct store *store = new_store(4);
    assert_int_equal(put(store, "a", 5, 0), HERD_PUT_NEW);
    assert_int_equal(put(store, "a", 4, 0), HERD_PUT_OLDER);
    assert_int_equal(put(store, "a", 6, 7), HERD_PUT_NEWER);
    assert_int_equal(put(store, "a", 6, 8), HERD_PUT_REPEAT);
    assert_int_equal(put(store, "a", 6, 0), HERD_PUT_REPEAT);
    assert_int_equal(held_s(store, "a"), 6);
    assert_int_equal(held_s(store, "b"), -1);
    assert_int_equal(store_clients(store), 1);
    store_destroy(store);
}

#define VARIANTS 12

/* Reports of one client, each of which beats those before it. */
static struct herd_report variant(int i)
{
    static const struct {
        const char *server, *location, *time;
        int64_t time_ns, diff_ns;
    } all[VARIANTS] = {
        {"B", "+1-2", "1", 1, 9},     {"A", "+1-2", "2", 2, -5}, {"A", "+1-2", "2", 2, -4},
        {"A", "+1-2", "2.0", 2, 3},   {"A", "+1-20", "2", 2, 3}, {"A", "+2-2", "2", 2, 3},
        {"AA", "+1-2", "02", 2, 3},   {"AA", "+1-2", "2", 2, 3}, {"AA", "+1-2", "2.0", 2, 3},
        {"AA", "+1-2", "2.00", 2, 3}, {"B", "+1-2", "2", 2, 3},  {"A", "+1-2", "3", 3, -9},
    };
    return (struct herd_report){text(all[i].server),        text("client"),
                                text(all[i].location),      text(all[i].time),
                                all[i].time_ns * SECOND_NS, all[i].diff_ns * SECOND_NS};
}

static void the_order_is_total(void **state)
{
    (void)state;
    for (int first = 0; first < VARIANTS; first++)
        for (int second = 0; second < VARIANTS; second++) {
            struct store *store = new_store(1);
            struct herd_report a = variant(first), b = variant(second), got;
            struct herd_room room;
            uint64_t news = 0;
            assert_int_equal(store_put(store, store_hash(store, a.client), &a, 1, 0, &news),
                             HERD_PUT_NEW);
            enum herd_put result = store_put(store, store_hash(store, b.client), &b, 2, 0, &news);
            enum herd_put wins = a.time_ns == b.time_ns ? HERD_PUT_TIE : HERD_PUT_NEWER;
            assert_int_equal(result, second > first    ? wins
                                     : second == first ? HERD_PUT_REPEAT
                                                       : HERD_PUT_OLDER);
            assert_true(store_get(store, store_hash(store, text("client")), text("client"), 0, &got,
                                  &room));
            struct herd_report best = variant(first > second ? first : second);
            assert_int_equal(got.time.len, best.time.len);
            assert_memory_equal(got.time.bytes, best.time.bytes, best.time.len);
            assert_memory_equal(got.location.bytes, best.location.bytes, best.location.len);
            assert_memory_equal(got.server.bytes, best.server.bytes, best.server.len);
            assert_true(got.diff_ns == best.diff_ns);
            store_destroy(store);
        }
}

/* From its client; another server's copy of it is judged by the order. */
static void the_same_place_at_the_same_time_is_a_repeat(void **state)
{
    (void)state;
    struct store *store = new_store(1);
    struct herd_report report = variant(2);
    uint64_t news = 0;
    store_put(store, store_hash(store, report.client), &report, 0, 0, &news);
    news = 0;
    report.diff_ns += 5;
    assert_int_equal(store_put(store, store_hash(store, report.client), &report, 0, 0, &news),
                     HERD_PUT_REPEAT);
    assert_int_equal(news, 0);
    assert_int_equal(store_put(store, store_hash(store, report.client), &report, 1, 0, &news),
                     HERD_PUT_TIE);
    assert_int_equal(news, 1);
    store_destroy(store);
}

static void limits_bind_clients_only(void **state)
{
    (void)state;
    struct store *store = new_store(1);
    assert_false(store_full(store));
    put(store, "a", 1, 0);
    store_limit(store, 1, 0, 0);
    assert_int_equal(put(store, "b", 1, 0), HERD_PUT_FULL);
    assert_int_equal(put(store, "a", 2, 0), HERD_PUT_NEWER);
    assert_int_equal(put(store, "b", 1, 5), HERD_PUT_NEW);
    assert_false(store_full(store));
    store_limit(store, 0, store_bytes(store), 0);
    assert_true(store_full(store));
    assert_int_equal(put(store, "c", 1, 0), HERD_PUT_FULL);
    assert_int_equal(put(store, "c", 1, 5), HERD_PUT_NEW);
    store_limit(store, 0, 0, 0);
    assert_int_equal(put(store, "d", 1, 0), HERD_PUT_NEW);
    assert_int_equal(store_clients(store), 4);
    store_destroy(store);
}

static enum herd_put put_at(struct store *store, const char *client, int64_t s, int64_t clock_s)
{
    struct report_room room;
    struct herd_report report = report_of(&room, client, s);
    uint64_t news = 0;
    return store_put(store, store_hash(store, report.client), &report, 0, clock_s * SECOND_NS,
                     &news);
}

static void what_is_dead_is_neither_held_nor_taken(void **state)
{
    (void)state;
    struct store *store = new_store(2);
    struct herd_report report;
    struct herd_room room;
    store_limit(store, 0, 0, 10 * SECOND_NS);
    assert_int_equal(put_at(store, "a", 100, 100), HERD_PUT_NEW);
    assert_int_equal(put_at(store, "b", 100, 111), HERD_PUT_DEAD);
    assert_true(
        store_get(store, store_hash(store, text("a")), text("a"), 110 * SECOND_NS, &report, &room));
    assert_false(
        store_get(store, store_hash(store, text("a")), text("a"), 111 * SECOND_NS, &report, &room));
    assert_int_equal(store_clients(store), 1);
    assert_int_equal(store_forget(store, 10, 110 * SECOND_NS), 0);
    assert_int_equal(store_forget(store, 10, 111 * SECOND_NS), 1);
    assert_int_equal(store_clients(store), 0);
    assert_int_equal(put_at(store, "a", 105, 111), HERD_PUT_NEW);
    /* A dead one that is still there gives way to whatever lives. */
    assert_int_equal(put_at(store, "a", 108, 116), HERD_PUT_NEW);
    assert_int_equal(store_clients(store), 1);
    store_destroy(store);
}

/* All are found again while thousands come, move to other slots, and go. */
static void many_come_and_go(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct store *store = new_store(2);
    char client[300];
    for (int round = 1; round <= 3; round++) {
        store_limit(store, 0, 0, 0);
        for (int i = 0; i < N; i++) {
            snprintf(client, sizeof client, "%0*d", 5 + i % 200, i);
            assert_int_equal(put(store, client, round * 1000 + i % 7, 0), HERD_PUT_NEW);
        }
        assert_int_equal(store_clients(store), N);
        for (int i = 0; i < N; i++) {
            snprintf(client, sizeof client, "%0*d", 5 + i % 200, i);
            assert_int_equal(held_s(store, client), round * 1000 + i % 7);
        }
        store_limit(store, 0, 0, SECOND_NS);
        size_t freed = 0;
        for (int i = 0; i < 2 * N && freed < N; i++)
            freed += store_forget(store, 7, 100000 * SECOND_NS);
        assert_int_equal(freed, N);
        assert_int_equal(store_clients(store), 0);
    }

    /* Slots that many have left are still in the way of one who is dead. */
    size_t slots = store_slots(store);
    assert_in_range(slots, N, 3 * N);
    assert_int_equal(put_at(store, "last", 1, 1), HERD_PUT_NEW);
    assert_int_equal(store_slots(store), slots);
    size_t freed = store_forget(store, slots, 100000 * SECOND_NS);
    assert_int_equal(freed + store_forget(store, slots, 100000 * SECOND_NS), 1);
    store_destroy(store);
}

#define LIMIT   (UINT64_C(24) << 20)
#define ROUNDS  6
#define KEPT    100 /* one in so many lives on */
#define CLIENTS 400000

/* The id of client i of a round: in some rounds all are equally long, in others anything. */
static const char *id_of(int round, int i)
{
    static const int lengths[ROUNDS] = {20, 1000, 0, 500, 60, 0};
    static char id[1100];
    int len = lengths[round] != 0 ? lengths[round] : 9 + (int)(i * 2654435761u % 1015);
    snprintf(id, sizeof id, "%d.%0*d", round, len - 2, i);
    return id;
}

static size_t resident_bytes(void)
{
    size_t size = 0, resident = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%zu %zu", &size, &resident), 2);
    fclose(in);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Fills the store as neighbours do, and then a little more. Returns how many there were. */
static int fill(struct store *store, int round)
{
    int i = 0, more = 100;
    for (; i < CLIENTS && more > 0; i++) {
        int64_t s = i % KEPT == 0 ? 1000000 : round * 1000;
        assert_int_equal(put(store, id_of(round, i), s, 5), HERD_PUT_NEW);
        more -= store_full(store);
    }
    assert_true(store_full(store));
    return i;
}

/* Whatever sizes come after whatever others, what the process takes is not more than the limit, and
 * when most have died there is room again. Those that live are all found, and a reader that was in
 * the midst of it has them all. */
static void the_limit_bounds_what_it_takes(void **state)
{
    (void)state;
    struct store_config config = {
        .key = {1, 2}, .stripes = 4, .bytes_max = LIMIT, .forget_after_ns = 100 * SECOND_NS};
    struct store *store = store_create(&config);
    size_t before = resident_bytes();
    int counts[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        counts[round] = fill(store, round);
        assert_in_range(store_bytes(store), LIMIT, LIMIT + LIMIT / 16);
        for (int i = 0; i < counts[round]; i += 7) /* changes need no room */
            put(store, id_of(round, i), i % KEPT == 0 ? 1000001 : round * 1000 + 1, 5);
        assert_in_range(store_bytes(store), LIMIT, LIMIT + LIMIT / 8);
        size_t slots = store_slots(store);
        store_forget(store, slots + 1, (round * 1000 + 500) * SECOND_NS);
        store_tidy(store, 1); /* one stripe */
        assert_false(store_full(store));
        for (unsigned i = 0; i < 4; i++)
            stripe_tidy(store_stripe(store, i));
        assert_in_range(store_bytes(store), 0, LIMIT / 2); /* the index keeps what it has */
        for (int r = 0; r <= round; r++)
            for (int i = 0; i < counts[r]; i++)
                assert_int_equal(held_s(store, id_of(r, i)), i % KEPT != 0 ? -1
                                                             : i % 7 == 0  ? 1000001
                                                                           : 1000000);
    }
    if (getenv("HERD_MEMCHECK") == NULL) /* which has memory of its own */
        assert_in_range(resident_bytes() - before, LIMIT / 2, LIMIT + LIMIT / 4 + (4 << 20));
    store_destroy(store);
}

/* A known client's report with texts of so many bytes. */
static enum herd_put put_long(struct store *store, int i, int64_t s, int bytes)
{
    char client[16], location[HERD_LOCATION_MAX + 1], time[HERD_LOCATION_MAX + 1];
    uint64_t news = 0;
    snprintf(client, sizeof client, "%d", i);
    snprintf(location, sizeof location, "+1-%0*d", bytes - 3, 1);
    snprintf(time, sizeof time, "%lld.%0*d", (long long)s, bytes - 5, 0);
    struct herd_report report = {.server = text("Here"),
                                 .client = text(client),
                                 .location = text(location),
                                 .time = text(time),
                                 .time_ns = s * SECOND_NS};
    return store_put(store, store_hash(store, report.client), &report, 0, 0, &news);
}

/* Where it is reached, those that are known may move on, but not all of them may say four times as
 * much as before; and what they said last stays. */
static void the_limit_bounds_what_known_clients_say(void **state)
{
    (void)state;
    struct store_config config = {.key = {1, 2}, .stripes = 4, .bytes_max = LIMIT};
    struct store *store = store_create(&config);
    int clients = 0, refused = 0;
    char client[16];
    while (put_long(store, clients, 1000, 6) == HERD_PUT_NEW)
        clients++;
    for (int bytes = 7; bytes <= HERD_LOCATION_MAX; bytes += 19)
        for (int i = 0; i < clients; i++) {
            enum herd_put result = put_long(store, i, 1000 + bytes, bytes);
            assert_true(result == HERD_PUT_NEWER || result == HERD_PUT_FULL);
            refused += result == HERD_PUT_FULL;
            snprintf(client, sizeof client, "%d", i);
            if (result == HERD_PUT_NEWER)
                assert_int_equal(held_s(store, client), 1000 + bytes);
            else
                assert_in_range(held_s(store, client), 1000, 1000 + bytes - 1);
            assert_true(bytes > 7 || result == HERD_PUT_NEWER);
        }
    assert_true(refused > clients);
    assert_in_range(store_bytes(store), LIMIT, LIMIT + LIMIT / 4);
    assert_int_equal(store_clients(store), clients);
    assert_false(store_out_of_memory(store));
    store_destroy(store);
}

static void count_wake(void *arg)
{
    ++*(int *)arg;
}

static void watchers_are_woken_once_until_they_look(void **state)
{
    (void)state;
    struct store *store = new_store(4);
    int woken = 0;
    struct store_watch watch = {.wake = count_wake, .arg = &woken};
    store_watch(store, &watch);
    put(store, "a", 1, 0);
    put(store, "b", 1, 0);
    put(store, "c", 1, 0);
    assert_int_equal(woken, 1);
    assert_true(atomic_load(&watch.news) != 0);
    atomic_store(&watch.news, 0);
    put(store, "a", 1, 0); /* a repeat */
    assert_int_equal(woken, 1);
    put(store, "a", 2, 0);
    assert_int_equal(woken, 2);
    store_unwatch(store, &watch);
    put(store, "a", 3, 0);
    assert_int_equal(woken, 2);
    store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_wins),
        cmocka_unit_test(the_order_is_total),
        cmocka_unit_test(the_same_place_at_the_same_time_is_a_repeat),
        cmocka_unit_test(limits_bind_clients_only),
        cmocka_unit_test(what_is_dead_is_neither_held_nor_taken),
        cmocka_unit_test(many_come_and_go),
        cmocka_unit_test(the_limit_bounds_what_it_takes),
        cmocka_unit_test(the_limit_bounds_what_known_clients_say),
        cmocka_unit_test(watchers_are_woken_once_until_they_look),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
