/* A feed: when it sweeps and when it lists, whose turn it is, and that it loses nothing when there
 * is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "herd/feed.h"
#include "reports.h"
#include <cmocka.h>

#define MS INT64_C(1000000)

struct reader {
    unsigned room, taken;
    int64_t s[200];
};

static bool take(void *arg, const struct herd_report *report)
{
    struct reader *reader = arg;
    if (reader->room == 0)
        return false;
    reader->room--;
    reader->taken++;
    reader->s[atoi(report->client.bytes)] = report->time_ns / SECOND_NS;
    return true;
}

static void count_wake(void *arg)
{
    ++*(int *)arg;
}

static void put_number(struct store *store, int i, int64_t s, uint32_t session)
{
    char client[16];
    sprintf(client, "%d", i);
    put(store, client, s, session);
}

/* Reads until it is idle or the room is used up; returns how many sweeps ended. */
static int drain(struct feed *feed, struct reader *reader, unsigned room, int64_t now_ns)
{
    int swept = 0;
    reader->room = room;
    reader->taken = 0;
    while (feed_pending(feed)) {
        enum feed_result result = feed_read(feed, now_ns, 0, take, reader);
        swept += result == FEED_SWEPT;
        if (result == FEED_IDLE || (result == FEED_FULL && reader->room == 0))
            break;
    }
    return swept;
}

static void mark_all(struct feed *feed)
{
    for (unsigned i = 0; i < STORE_STRIPES_MAX; i++)
        feed_marked(feed, i);
}

static void a_new_reader_sweeps_then_follows_the_list(void **state)
{
    (void)state;
    struct store *store = new_store(4);
    struct reader reader = {0};
    int woken = 0;
    for (int i = 0; i < 100; i++)
        put_number(store, i, 1, 0);
    struct feed *feed = feed_open(store, 5, NULL, count_wake, &woken);
    assert_true(feed_pending(feed));
    assert_int_equal(drain(feed, &reader, 1000, 1), 4);
    assert_int_equal(reader.taken, 100);
    assert_int_equal(feed_moved(feed), 15);
    mark_all(feed);
    assert_false(feed_pending(feed));
    put_number(store, 7, 2, 0);
    put_number(store, 8, 2, 0);
    assert_int_equal(woken, 1);
    assert_true(feed_pending(feed));
    assert_int_equal(drain(feed, &reader, 1000, 1 * MS), 0);
    assert_int_equal(reader.taken, 2);
    assert_int_equal(reader.s[7], 2);
    put_number(store, 9, 2, 5); /* its own */
    drain(feed, &reader, 1000, 2 * MS);
    assert_int_equal(reader.taken, 0);
    feed_close(feed);
    store_destroy(store);
}

static void a_reader_goes_on_from_its_place(void **state)
{
    (void)state;
    struct store *store = new_store(1);
    struct reader reader = {0};
    int woken = 0;
    for (int i = 0; i < 10; i++)
        put_number(store, i, 1, 0);
    uint64_t pos = 6;
    struct feed *feed = feed_open(store, 5, &pos, count_wake, &woken);
    assert_int_equal(drain(feed, &reader, 1000, 1), 0);
    assert_int_equal(reader.taken, 4);
    assert_int_equal(feed_pos(feed, 0), 10);
    feed_close(feed);
    store_destroy(store);
}

static void what_has_no_room_is_read_later(void **state)
{
    (void)state;
    struct store *store = new_store(4);
    struct reader reader = {0};
    int woken = 0;
    unsigned taken = 0;
    for (int i = 0; i < 100; i++)
        put_number(store, i, 1 + i, 0);
    struct feed *feed = feed_open(store, 5, NULL, count_wake, &woken);
    for (int turn = 0; turn < 34; turn++) {
        drain(feed, &reader, 3, 1);
        taken += reader.taken;
    }
    assert_int_equal(taken, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(reader.s[i], 1 + i);
    assert_false(feed_pending(feed));
    feed_close(feed);
    store_destroy(store);
}

/* Three clients change faster than they are read: the list alone would never come to them. */
static void who_lags_sweeps(void **state)
{
    (void)state;
    struct store *store = new_store(1);
    struct reader reader = {0};
    int woken = 0, swept = 0;
    struct feed *feed = feed_open(store, 5, NULL, count_wake, &woken);
    drain(feed, &reader, 1000, 1);
    int64_t stalest = 0;
    for (int s = 1; s < 1000; s++) {
        for (int i = 0; i < 6; i++)
            put_number(store, i, s, 0);
        swept += drain(feed, &reader, 1, s * 100 * MS);
        for (int i = 0; i < 6 && s > 20; i++)
            stalest = s - reader.s[i] > stalest ? s - reader.s[i] : stalest;
    }
    assert_true(swept > 50);
    assert_true(stalest <= 5 + 2 * 6); /* tenths of a second */
    feed_close(feed);
    store_destroy(store);
}

/* Walking over what is not to be sent takes time too, and other connections wait meanwhile. */
static void one_read_does_not_walk_through_everything(void **state)
{
    (void)state;
    struct store *store = new_store(1);
    struct reader reader = {.room = 1};
    char client[16];
    int woken = 0, reads = 1;
    for (int i = 0; i < 50000; i++) {
        sprintf(client, "%d", i);
        put(store, client, 1, 5);
    }
    struct feed *feed = feed_open(store, 5, NULL, count_wake, &woken);
    while (feed_read(feed, 1, 0, take, &reader) == FEED_FULL) {
        assert_true(feed_pending(feed));
        reads++;
    }
    assert_true(reads > 5);
    assert_int_equal(reader.taken, 0);
    assert_true(feed_pos(feed, 0) == 50000);
    feed_close(feed);
    store_destroy(store);
}

/* All stripes are served, though one changes as fast as it is read. */
static void stripes_take_turns(void **state)
{
    (void)state;
    struct store *store = new_store(4);
    struct reader reader = {0};
    int woken = 0;
    struct feed *feed = feed_open(store, 5, NULL, count_wake, &woken);
    drain(feed, &reader, 1000, 1);
    for (int i = 0; i < 200; i++)
        put_number(store, i, 1, 0);
    unsigned taken = 0;
    for (int s = 2; s < 1000 && taken < 200; s++) {
        put_number(store, 0, s, 0);
        put_number(store, 1, s, 0);
        drain(feed, &reader, 2, 10 * MS);
        taken = 0;
        for (int i = 0; i < 200; i++)
            taken += reader.s[i] > 0;
    }
    assert_int_equal(taken, 200);
    feed_close(feed);
    store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_reader_sweeps_then_follows_the_list),
        cmocka_unit_test(a_reader_goes_on_from_its_place),
        cmocka_unit_test(what_has_no_room_is_read_later),
        cmocka_unit_test(who_lags_sweeps),
        cmocka_unit_test(one_read_does_not_walk_through_everything),
        cmocka_unit_test(stripes_take_turns),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
