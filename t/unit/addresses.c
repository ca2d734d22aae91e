/* The table of clients' addresses: which of them are one, how many connections each may have, what
 * a bucket gives and when, and that what has left is forgotten. Time is the test's where it can
 * be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "net/addresses.h"
#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static struct address address(const char *text)
{
    struct address address;
    struct herd_error err;
    assert_true(address_resolve(&address, text, 1, &err));
    return address;
}

static struct addresses *create(uint64_t connections, uint64_t rate, uint64_t burst)
{
    struct addresses_limits limits = {connections, rate, burst};
    return addresses_create(&limits);
}

static struct addresses_entry *enter(struct addresses *all, const char *text)
{
    struct address from = address(text);
    struct addresses_entry *entry;
    return addresses_enter(all, &from, &entry) ? entry : NULL;
}

static void nothing_to_limit_is_no_table(void **state)
{
    (void)state;
    struct address from = address("127.0.0.1");
    struct addresses_entry *entry = (void *)&from;
    assert_null(create(0, 0, 100));
    assert_true(addresses_enter(NULL, &from, &entry));
    assert_null(entry);
    addresses_leave(NULL, entry);
    addresses_destroy(NULL);
}

static void an_address_has_as_many_as_it_may(void **state)
{
    (void)state;
    struct addresses *all = create(2, 0, 1);
    struct addresses_entry *one = enter(all, "10.0.0.1"), *two = enter(all, "10.0.0.1");
    assert_non_null(one);
    assert_ptr_equal(one, two);
    assert_null(enter(all, "10.0.0.1"));
    struct addresses_entry *other = enter(all, "10.0.0.2");
    assert_non_null(other);
    addresses_leave(all, two);
    two = enter(all, "10.0.0.1");
    assert_non_null(two);
    assert_null(enter(all, "10.0.0.1"));
    addresses_leave(all, one);
    addresses_leave(all, two);
    addresses_leave(all, other);
    assert_int_equal(addresses_count(all), 0);
    addresses_destroy(all);
}

static void some_addresses_are_one(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool one;
    } pairs[] = {
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"::ffff:10.0.0.1", "10.0.0.1", true},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.2", false},
        {"::1", "::2", true},
        {"0.0.0.0", "::", false},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct addresses *all = create(1, 0, 1);
        struct addresses_entry *a = enter(all, pairs[i].a), *b = enter(all, pairs[i].b);
        assert_non_null(a);
        assert_int_equal(b == NULL, pairs[i].one);
        addresses_leave(all, a);
        addresses_leave(all, b);
        addresses_destroy(all);
    }
}

static unsigned spend_all(const struct addresses *all, struct addresses_entry *entry,
                          int64_t now_ns)
{
    unsigned n = 0;
    while (addresses_spend(all, entry, now_ns) == 0)
        n++;
    return n;
}

static void a_bucket_gives_what_it_has(void **state)
{
    (void)state;
    struct addresses *all = create(0, 10, 5);
    struct addresses_entry *one = enter(all, "10.0.0.1"), *other = enter(all, "10.0.0.2");
    int64_t now_ns = clock_now_ns();
    assert_int_equal(spend_all(all, one, now_ns), 5);
    assert_int_equal(addresses_spend(all, one, now_ns), SECOND / 10);
    assert_int_equal(addresses_spend(all, one, now_ns + SECOND / 20), SECOND / 20);
    assert_int_equal(spend_all(all, other, now_ns), 5);
    assert_int_equal(spend_all(all, one, now_ns + SECOND / 10), 1);
    assert_int_equal(spend_all(all, one, now_ns + SECOND / 10 + SECOND / 5), 2);
    assert_int_equal(spend_all(all, one, now_ns + 100 * SECOND), 5);
    addresses_leave(all, one);
    addresses_leave(all, other);
    addresses_destroy(all);
}

/* Who leaves and comes back has no more than who stays. */
static void leaving_fills_no_bucket(void **state)
{
    (void)state;
    struct addresses *all = create(0, 1, 100);
    struct addresses_entry *one = enter(all, "10.0.0.1");
    int64_t now_ns = clock_now_ns();
    assert_int_equal(spend_all(all, one, now_ns), 100);
    addresses_leave(all, one);
    assert_int_equal(addresses_count(all), 1);
    one = enter(all, "10.0.0.1");
    assert_int_equal(spend_all(all, one, now_ns), 0);
    addresses_leave(all, one);
    addresses_destroy(all);
}

/* A million of them have come and gone, each with a bucket that is not full for an hour. */
static void the_table_stays_small(void **state)
{
    (void)state;
    struct addresses *all = create(3, 1, 3600);
    struct addresses_entry *first = enter(all, "192.0.2.1");
    int64_t began_ns = clock_now_ns();
    spend_all(all, first, began_ns);
    for (uint32_t i = 0; i < 1000000; i++) {
        struct address from = {.family = AF_INET};
        struct addresses_entry *entry;
        memcpy(from.bytes, &i, sizeof i);
        assert_true(addresses_enter(all, &from, &entry));
        addresses_spend(all, entry, clock_now_ns() + 3600 * SECOND);
        addresses_leave(all, entry);
    }
    assert_in_range(addresses_count(all), 1, 64 * 1024 + 1);
    assert_int_not_equal(addresses_spend(all, first, began_ns), 0); /* it is the same */
    addresses_leave(all, first);
    addresses_destroy(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_limit_is_no_table),
        cmocka_unit_test(an_address_has_as_many_as_it_may),
        cmocka_unit_test(some_addresses_are_one),
        cmocka_unit_test(a_bucket_gives_what_it_has),
        cmocka_unit_test(leaving_fills_no_bucket),
        cmocka_unit_test(the_table_stays_small),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
