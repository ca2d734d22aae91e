/* A stripe's changes as its readers see them: in order, each once, with the latest report; across
 * the packing of the journal, moves to other slots, and the place where the low half of seq begins
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "herd/request.h"
#include "herd/stripe.h"
#include "reports.h"
#include <cmocka.h>

#define MOST 100000

/* The seconds of what a reader took of clients "0" to "99". */
struct taken {
    int64_t s[100];
    unsigned count, most;
};

static bool take(void *arg, const struct herd_report *report)
{
    struct taken *taken = arg;
    if (taken->count == taken->most)
        return false;
    taken->count++;
    taken->s[atoi(report->client.bytes)] = report->time_ns / SECOND_NS;
    return true;
}

static bool any(void *arg, const struct herd_report *report)
{
    (void)arg, (void)report;
    return true;
}

static struct store *store_at(uint64_t tail, uint32_t stale)
{
    struct store_config config = {.key = {1, 2}, .stripes = 1, .stale = stale};
    struct store *store = store_create(&config);
    store_stripe(store, 0)->tail = tail;
    return store;
}

static void put_number(struct store *store, int i, int64_t s, uint32_t session)
{
    char client[16];
    sprintf(client, "%d", i);
    put(store, client, s, session);
}

static unsigned list(struct store *store, struct stripe_cursor *cursor, struct taken *taken)
{
    struct stripe_sink sink = {.take = take, .arg = taken, .session = 0};
    struct stripe *stripe = store_stripe(store, 0);
    memset(taken, 0, sizeof *taken);
    taken->most = MOST;
    assert_int_equal(stripe_list(stripe, cursor, stripe_tail(stripe), MOST, &sink), STRIPE_DONE);
    assert_true(cursor->pos == stripe_tail(stripe));
    return taken->count;
}

static void the_list_gives_each_once_and_the_latest(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    struct stripe_cursor cursor = {0};
    struct taken taken;
    for (int s = 1; s <= 50; s++)
        put_number(store, s % 5, s, 0);
    assert_int_equal(list(store, &cursor, &taken), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(taken.s[i], i == 0 ? 50 : 45 + i);
    assert_int_equal(list(store, &cursor, &taken), 0);
    put_number(store, 3, 51, 0);
    assert_int_equal(list(store, &cursor, &taken), 1);
    assert_int_equal(taken.s[3], 51);
    store_destroy(store);
}

/* A reader that lags any number of changes behind, across any number of packings. */
static void a_cursor_survives_packing(uint64_t tail, uint32_t stale)
{
    struct store *store = store_at(tail, stale);
    struct stripe_cursor cursor = {.pos = tail};
    struct taken taken;
    int64_t last[100] = {0}, seen[100] = {0};
    uint64_t random = 1;
    for (int s = 1; s <= 20000; s++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int i = (int)(random >> 33) % (s % 1000 < 900 ? 3 : 100);
        put_number(store, i, s, 0);
        last[i] = s;
        if (random >> 57 != 0)
            continue;
        list(store, &cursor, &taken);
        for (i = 0; i < 100; i++)
            seen[i] = taken.s[i] ? taken.s[i] : seen[i];
        assert_memory_equal(seen, last, sizeof seen);
    }
    assert_true(store_stripe(store, 0)->journal.packed > 10);
    store_destroy(store);
}

static void cursors_survive_packing(void **state)
{
    (void)state;
    a_cursor_survives_packing(0, 0);
    a_cursor_survives_packing(UINT32_MAX - 5000, 0);
}

static void let(struct arena *arena, size_t usable, size_t reserved)
{
    arena->usable = usable;
    arena->reserved = reserved;
}

#define LIMITS 2000000
static atomic_int limits;

static void *limit_often(void *arg)
{
    while (atomic_fetch_add(&limits, 1) < LIMITS)
        store_limit(arg, 0, 0, 0);
    return NULL;
}

/* Another thread may find that there is memory again before the link has asked why its neighbour's
 * report was not kept. */
static void what_was_not_kept_is_said_to_be_lost(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    struct stripe_context *context = store_stripe(store, 0)->context;
    struct report_room room;
    struct herd_report report = report_of(&room, "a client whose record is like no other", 1);
    uint64_t news = 0;
    pthread_t thread;
    put_number(store, 1, 1, 1);
    struct arena records = context->records;
    let(&context->records, records.taken, records.taken);
    atomic_store(&limits, 0);
    assert_int_equal(pthread_create(&thread, NULL, limit_often, store), 0);
    while (atomic_load(&limits) < LIMITS) {
        struct herd_request request = {.store = store, .news = &news, .session = 1};
        assert_int_equal(herd_report_put(&request, &report), HERD_PUT_FULL);
        assert_true(request.unkept);
    }
    pthread_join(thread, NULL);
    let(&context->records, records.usable, records.reserved);
    memory_release();
    store_destroy(store);
}

#define IDS 3000

/* A put with nothing left in the arenas. Returns whether it was refused. */
static bool put_without_memory(struct store *store, const char *client, int64_t s)
{
    struct stripe_context *context = store_stripe(store, 0)->context;
    struct arena records = context->records, index = context->index;
    let(&context->records, records.taken, records.taken);
    let(&context->index, index.taken, index.taken);
    enum herd_put result = put(store, client, s, 1);
    assert_true(result == HERD_PUT_NEW || result == HERD_PUT_NEWER || result == HERD_PUT_FULL);
    assert_int_equal(store_out_of_memory(store), result == HERD_PUT_FULL);
    assert_int_equal(store_full(store), result == HERD_PUT_FULL);
    let(&context->records, records.usable, records.reserved);
    let(&context->index, index.usable, index.reserved);
    if (result != HERD_PUT_FULL)
        return false;
    assert_int_equal(put(store, "new", s, 0), HERD_PUT_FULL); /* clients wait till it recovers */
    assert_false(store_recover(store)); /* as memory may be short elsewhere too */
    assert_true(memory_recover());
    assert_true(store_recover(store));
    return true;
}

/* Ids of many lengths, so that slots, chunks, buckets, spare buckets and the journal grow at times
 * of their own. */
static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    struct stripe_cursor cursor = {0};
    int64_t last[IDS];
    unsigned refused = 0;
    uint64_t random = 1;
    char client[1100];
    memset(last, -1, sizeof last);
    for (int s = 1; s <= 40000; s++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int i = (int)(random >> 33) % (s % 1000 < 900 ? 10 : IDS);
        snprintf(client, sizeof client, "%0*d", 4 + i % 1000, i);
        if (random >> 62 == 0 && put_without_memory(store, client, s)) {
            refused++;
            assert_int_equal(held_s(store, client), last[i]);
            continue;
        }
        if (random >> 62 != 0)
            put(store, client, s, 1);
        last[i] = s;
        assert_int_equal(held_s(store, client), s);
    }
    assert_true(refused > 50);
    memory_release();
    struct stripe_sink sink = {.take = any, .arg = NULL, .session = 0};
    assert_int_equal(stripe_list(store_stripe(store, 0), &cursor, UINT64_MAX, MOST, &sink),
                     STRIPE_DONE);
    for (int i = 0; i < IDS; i++) {
        snprintf(client, sizeof client, "%0*d", 4 + i % 1000, i);
        assert_int_equal(held_s(store, client), last[i]);
    }
    store_destroy(store);
}

/* What does not change is given a new seq before its low half could be mistaken; readers get it
 * once more. */
static void what_is_stale_is_given_a_new_seq(void **state)
{
    (void)state;
    a_cursor_survives_packing(0, 500);
    a_cursor_survives_packing(UINT32_MAX - 5000, 500);
    struct store *store = store_at(0, 500);
    put_number(store, 99, 7, 0);
    for (int s = 1; s <= 20000; s++)
        put_number(store, s % 3, s, 0);
    struct stripe_cursor cursor = {.pos = 19000};
    struct taken taken;
    assert_int_equal(list(store, &cursor, &taken), 4);
    assert_int_equal(taken.s[99], 7);
    store_destroy(store);
}

/* Of what is to be appended again there may be more than the journal has room for. */
static void where_memory_is_short_no_change_is_refused_for_that(void **state)
{
    (void)state;
    struct store *store = store_at(0, 100000);
    for (int i = 0; i < 900; i++)
        put_number(store, i, 1, 0);
    store_limit(store, 0, 1, 0);
    for (int s = 2; s < 300000; s++)
        assert_int_equal(put(store, "0", s, 0), HERD_PUT_NEWER);
    store_destroy(store);
}

static void what_came_by_the_session_is_passed_over(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    struct taken taken = {.most = MOST};
    struct stripe_sink sink = {.take = take, .arg = &taken, .session = 7};
    struct stripe_cursor cursor = {0};
    put_number(store, 1, 1, 7);
    put_number(store, 2, 1, 8);
    put_number(store, 3, 1, 0);
    stripe_list(store_stripe(store, 0), &cursor, 3, MOST, &sink);
    assert_int_equal(taken.count, 2);
    assert_int_equal(taken.s[1], 0);
    assert_int_equal(cursor.pos, 3);
    store_destroy(store);
}

/* What a reader with the bit of a link is given of one stripe, from the beginning. */
static struct taken read_as(struct store *store, unsigned link, uint64_t began)
{
    struct taken taken = {.most = MOST};
    struct stripe_sink sink = {.take = take, .arg = &taken, .session = RECORD_LINKS | 1u << link};
    struct stripe_cursor cursor = {.began = began};
    struct stripe *stripe = store_stripe(store, 0);
    assert_int_equal(stripe_list(stripe, &cursor, UINT64_MAX, MOST, &sink), STRIPE_DONE);
    assert_true(cursor.pos == stripe_tail(stripe));
    return taken;
}

static void what_a_link_has_told_is_passed_over(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    put_number(store, 1, 1, 0);
    put_number(store, 1, 1, RECORD_LINKS | 1u << 0); /* tells what is here already */
    put_number(store, 2, 1, RECORD_LINKS | 1u << 1);
    put_number(store, 2, 1, RECORD_LINKS | 1u << 0);
    put_number(store, 3, 1, RECORD_LINKS | 1u << 1);
    put_number(store, 3, 0, RECORD_LINKS | 1u << 0); /* has an older one */
    put_number(store, 4, 1, 7);
    assert_int_equal(read_as(store, 0, 0).count, 2);
    assert_int_equal(read_as(store, 1, 0).count, 2);
    assert_int_equal(read_as(store, 2, 0).count, 4);
    put_number(store, 2, 2, 0);
    assert_int_equal(read_as(store, 0, 0).s[2], 2);
    assert_int_equal(read_as(store, 1, 0).s[2], 2);
    store_destroy(store);
}

/* The bit was another link's then. */
static void what_is_older_than_the_session_is_not_passed_over(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    put_number(store, 1, 1, RECORD_LINKS | 1u << 0);
    put_number(store, 2, 1, RECORD_LINKS | 1u << 0);
    assert_int_equal(read_as(store, 0, 1).count, 1);
    assert_int_equal(read_as(store, 0, 1).s[1], 1);
    assert_int_equal(read_as(store, 0, 2).count, 2);
    store_destroy(store);
}

static void a_new_seq_makes_no_old_bit_good(void **state)
{
    (void)state;
    struct store *store = store_at(0, 500);
    put_number(store, 99, 7, RECORD_LINKS | 1u << 0);
    for (int s = 1; s <= 20000; s++)
        put_number(store, s % 3, s, 0);
    assert_int_equal(read_as(store, 0, 10000).s[99], 7);
    store_destroy(store);
}

static void what_has_no_room_is_not_read(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    struct taken taken = {.most = 2};
    struct stripe_sink sink = {.take = take, .arg = &taken};
    struct stripe_cursor cursor = {0};
    for (int i = 1; i <= 3; i++)
        put_number(store, i, i, 0);
    struct stripe *stripe = store_stripe(store, 0);
    assert_int_equal(stripe_list(stripe, &cursor, 3, MOST, &sink), STRIPE_FULL);
    assert_int_equal(cursor.pos, 2);
    taken.most = 3;
    assert_int_equal(stripe_list(stripe, &cursor, 3, MOST, &sink), STRIPE_DONE);
    assert_int_equal(taken.s[3], 3);
    struct stripe_cursor again = {0};
    taken.most = 4;
    stripe_sweep_begin(stripe, &again);
    assert_int_equal(stripe_sweep(stripe, &again, MOST, &sink), STRIPE_FULL);
    assert_int_equal(again.pos, 0);
    taken.most = MOST;
    assert_int_equal(stripe_sweep(stripe, &again, MOST, &sink), STRIPE_DONE);
    assert_int_equal(again.pos, 3);
    store_destroy(store);
}

/* Changes, moves to other slots and new records while the sweep is under way: the list behind it
 * gives what it missed. */
static void a_sweep_and_the_list_behind_it_miss_nothing(void **state)
{
    (void)state;
    struct store *store = store_at(UINT32_MAX - 300, 0);
    struct stripe *stripe = store_stripe(store, 0);
    struct taken taken = {.most = MOST};
    struct stripe_sink sink = {.take = take, .arg = &taken};
    struct stripe_cursor cursor = {0};
    int64_t last[100] = {0};
    for (int i = 0; i < 60; i++)
        put_number(store, i, 1, 0), last[i] = 1;
    stripe_sweep_begin(stripe, &cursor);
    uint64_t tail = stripe_tail(stripe);
    for (int s = 2; stripe_sweep(stripe, &cursor, 1, &sink) != STRIPE_DONE; s++) {
        int i = s * 37 % 100;
        struct report_room room;
        char client[16], location[64] = "+1.000000000000000000000000000000000000000-2";
        sprintf(client, "%d", i);
        struct herd_report report = report_of(&room, client, s);
        report.location = (struct herd_text){location, strlen(location)};
        if (s % 2 != 0)
            report.location = text("+1-2");
        uint64_t news = 0;
        store_put(store, store_hash(store, report.client), &report, 0, 0, &news);
        last[i] = s;
    }
    assert_true(cursor.pos == tail);
    while (stripe_list(stripe, &cursor, stripe_tail(stripe), 3, &sink) == STRIPE_MORE)
        ;
    for (int i = 0; i < 100; i++)
        assert_int_equal(taken.s[i], last[i]);
    store_destroy(store);
}

#define CLIENTS 3000
#define LIVE    50 /* one in so many */

static bool take_one(void *arg, const struct herd_report *report)
{
    int64_t *seen = arg;
    seen[atoi(report->client.bytes)] = report->time_ns / SECOND_NS;
    return true;
}

/* All report, most of them die; returns when, behind the latest report of those that live. */
static int64_t live_and_die(struct store *store, int step, int64_t last[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        last[i] = (step + 1) * 100 + (i % LIVE == step ? 50 : 0);
        put_number(store, i, last[i], RECORD_LINKS | 1u);
    }
    return (step + 1) * 100 + 51;
}

/* Records move together and the chunks that they leave serve others, all in the midst of a sweep.
 */
static void a_sweep_survives_tidying_up(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    struct stripe *stripe = store_stripe(store, 0);
    static int64_t last[CLIENTS], seen[CLIENTS];
    struct stripe_sink sink = {.take = take_one, .arg = seen, .session = RECORD_LINKS | 1u};
    store_limit(store, 0, 1, 10 * SECOND_NS);
    for (int step = 0; step < 20; step++) {
        int64_t died = live_and_die(store, step, last);
        struct stripe_cursor cursor = {.began = stripe_tail(stripe)};
        memset(seen, 0, sizeof seen);
        stripe_sweep_begin(stripe, &cursor);
        stripe_sweep(stripe, &cursor, 10 + (unsigned)step * 100, &sink);
        size_t before = stripe->slab.bytes;
        assert_int_equal(store_forget(store, 10 * CLIENTS, died * SECOND_NS),
                         CLIENTS - CLIENTS / LIVE);
        stripe_tidy(stripe);
        assert_in_range(stripe->slab.bytes, 1, before / 4);
        while (stripe_sweep(stripe, &cursor, 7, &sink) != STRIPE_DONE)
            ;
        while (stripe_list(stripe, &cursor, stripe_tail(stripe), 3, &sink) == STRIPE_MORE)
            ;
        for (int i = step; i < CLIENTS; i += LIVE)
            assert_int_equal(seen[i], last[i]);
    }
    store_destroy(store);
}

/* A journal that is full, without memory for more of it: what moves needs the place in it that its
 * old entry had, and those that are stale must not have that. */
static void what_moves_has_its_place_in_the_journal(void **state)
{
    (void)state;
    enum { RECORDS = 32 };
    struct store *store = store_at(0, 8);
    struct stripe *stripe = store_stripe(store, 0);
    struct stripe_context *context = stripe->context;
    struct stripe_cursor cursor = {0};
    for (int i = 0; i < RECORDS; i++)
        put_number(store, 1000000 + i, i == 5 ? 1 : 100, 1); /* the last alone in its chunk */
    store_limit(store, 0, 0, 50 * SECOND_NS);
    assert_int_equal(store_forget(store, 1000, 100 * SECOND_NS), 1);
    struct arena records = context->records, index = context->index;
    let(&context->records, records.taken, records.taken);
    let(&context->index, index.taken, index.taken);
    size_t before = stripe->slab.bytes;
    stripe_tidy(stripe);
    assert_true(stripe->slab.bytes < before);
    let(&context->records, records.usable, records.reserved);
    let(&context->index, index.usable, index.reserved);
    memory_release();
    store_limit(store, 0, 0, 0);
    struct stripe_sink sink = {.take = any};
    assert_int_equal(stripe_list(stripe, &cursor, UINT64_MAX, MOST, &sink), STRIPE_DONE);
    assert_int_equal(store_clients(store), RECORDS - 1);
    store_destroy(store);
}

static bool take_long(void *arg, const struct herd_report *report)
{
    assert_int_equal(report->client.len, 1000);
    ++*(int *)arg;
    return true;
}

/* Where records were there are longer ones now, whose ids look like records that the journal still
 * might name. */
static void nothing_is_taken_for_a_record(void **state)
{
    (void)state;
    enum { SEQ = CLIENTS / 2, LONG = 100 };
    struct store *store = store_at(0, 0);
    struct stripe *stripe = store_stripe(store, 0);
    struct report_room room;
    char id[1000];
    int found = 0;
    uint64_t news = 0;
    for (int i = 0; i < CLIENTS; i++)
        put_number(store, i, 1, 5);
    store_limit(store, 0, 1, SECOND_NS);
    assert_int_equal(store_forget(store, CLIENTS + 1, 9 * SECOND_NS), CLIENTS);
    stripe_tidy(stripe);
    for (uint32_t i = 0; i < sizeof id; i++)
        id[i] = (char)((i + offsetof(struct record, text)) % 8 == 0   ? SEQ & 0xff
                       : (i + offsetof(struct record, text)) % 8 == 1 ? SEQ >> 8
                                                                      : 0);
    for (int i = 0; i < LONG; i++) {
        struct herd_report report = report_of(&room, "", 9);
        snprintf(id + 990, 10, "%d", i);
        report.client = (struct herd_text){id, sizeof id};
        store_put(store, store_hash(store, report.client), &report, 5, 9 * SECOND_NS, &news);
    }
    struct stripe_sink sink = {.take = take_long, .arg = &found};
    struct stripe_cursor cursor = {0};
    while (stripe_list(stripe, &cursor, stripe_tail(stripe), MOST, &sink) == STRIPE_MORE)
        ;
    assert_int_equal(found, LONG);
    store_destroy(store);
}

static void a_sweep_begins_at_the_readers_place(void **state)
{
    (void)state;
    struct store *store = store_at(0, 0);
    struct taken taken = {.most = MOST};
    struct stripe_sink sink = {.take = take, .arg = &taken};
    struct stripe_cursor cursor = {.pos = 10};
    for (int i = 1; i <= 12; i++)
        put_number(store, i, i, 0);
    stripe_sweep_begin(store_stripe(store, 0), &cursor);
    assert_int_equal(stripe_sweep(store_stripe(store, 0), &cursor, MOST, &sink), STRIPE_DONE);
    assert_int_equal(taken.count, 2);
    store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_gives_each_once_and_the_latest),
        cmocka_unit_test(cursors_survive_packing),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(what_was_not_kept_is_said_to_be_lost),
        cmocka_unit_test(what_is_stale_is_given_a_new_seq),
        cmocka_unit_test(where_memory_is_short_no_change_is_refused_for_that),
        cmocka_unit_test(what_came_by_the_session_is_passed_over),
        cmocka_unit_test(what_a_link_has_told_is_passed_over),
        cmocka_unit_test(what_is_older_than_the_session_is_not_passed_over),
        cmocka_unit_test(a_new_seq_makes_no_old_bit_good),
        cmocka_unit_test(what_has_no_room_is_not_read),
        cmocka_unit_test(a_sweep_and_the_list_behind_it_miss_nothing),
        cmocka_unit_test(a_sweep_survives_tidying_up),
        cmocka_unit_test(what_moves_has_its_place_in_the_journal),
        cmocka_unit_test(nothing_is_taken_for_a_record),
        cmocka_unit_test(a_sweep_begins_at_the_readers_place),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("stripe", tests, NULL, NULL);
}
