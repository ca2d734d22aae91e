/* The journal keeps the order of change, drops what is not live when it is packed, and finds a
 * place by its seq, also where the low half of seq has begun again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "herd/journal.h"
#include <cmocka.h>

static struct arena memory;

static bool odd(void *arg, const struct journal_entry *entry)
{
    (void)arg;
    return entry->slot % 2;
}

static void nothing(void *arg, const struct journal_entry *entry)
{
    (void)arg, (void)entry;
}

static const struct journal_judge odd_ones = {odd, nothing, NULL};

static struct journal open_journal(void)
{
    struct journal journal;
    arena_init(&memory, (size_t)1 << 30);
    journal_init(&journal, &memory);
    return journal;
}

static void fill(struct journal *journal, uint64_t seq, uint32_t count)
{
    journal_pack(journal, &odd_ones, false);
    for (uint32_t i = 0; i < count && !journal_full(journal) && journal_ready(journal); i++)
        journal_add(journal, i, (uint32_t)(seq + i));
}

static void it_is_full_until_it_is_packed(void **state)
{
    (void)state;
    struct journal journal = open_journal();
    assert_true(journal_full(&journal));
    journal_pack(&journal, &odd_ones, false);
    assert_false(journal_full(&journal));
    assert_int_equal(journal.packed, 1);
    arena_fini(&memory);
}

static void packing_keeps_what_is_live_in_its_order(void **state)
{
    (void)state;
    struct journal journal = open_journal();
    fill(&journal, 1, 32);
    assert_true(journal_full(&journal));
    journal_pack(&journal, &odd_ones, false);
    assert_int_equal(journal.count, 16);
    for (uint32_t i = 0; i < 16; i++)
        assert_int_equal(journal_at(&journal, i)->slot, 2 * i + 1);
    assert_true(journal.room >= 2 * journal.count);
    arena_fini(&memory);
}

static bool any(void *arg, const struct journal_entry *entry)
{
    (void)arg, (void)entry;
    return 1;
}

static const struct journal_judge all = {any, nothing, NULL};

static void packing_makes_room_for_as_many_again(void **state)
{
    (void)state;
    struct journal journal = open_journal();
    for (uint32_t i = 0; i < 100000; i++) {
        if (journal_full(&journal)) {
            journal_pack(&journal, &all, false);
            assert_true(journal.room >= 2 * journal.count);
        }
        assert_true(journal_ready(&journal));
        journal_add(&journal, i, i + 1);
    }
    assert_int_equal(journal.count, 100000);
    assert_true(journal.packed < 20);
    arena_fini(&memory);
}

static void a_place_is_the_first_entry_behind_its_seq(void **state)
{
    (void)state;
    struct journal journal = open_journal();
    fill(&journal, 10, 20);
    assert_int_equal(journal_find(&journal, 0, 29), 0);
    assert_int_equal(journal_find(&journal, 9, 29), 0);
    assert_int_equal(journal_find(&journal, 10, 29), 1);
    assert_int_equal(journal_find(&journal, 28, 29), 19);
    assert_int_equal(journal_find(&journal, 29, 29), 20);
    journal_pack(&journal, &odd_ones, false); /* seqs 11, 13, ... 29 */
    assert_int_equal(journal_find(&journal, 11, 29), 1);
    assert_int_equal(journal_find(&journal, 12, 29), 1);
    arena_fini(&memory);
}

static void seqs_go_on_over_32_bits(void **state)
{
    (void)state;
    struct journal journal = open_journal();
    uint64_t seq = UINT64_C(0x2fffffff8); /* 8 before the low half begins again */
    fill(&journal, seq, 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_true(journal_seq(journal_at(&journal, i)->seq, seq + 19) == seq + i);
        assert_int_equal(journal_find(&journal, seq + i, seq + 19), i + 1);
    }
    assert_int_equal(journal_find(&journal, 0, seq + 19), 0);
    arena_fini(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_full_until_it_is_packed),
        cmocka_unit_test(packing_keeps_what_is_live_in_its_order),
        cmocka_unit_test(packing_makes_room_for_as_many_again),
        cmocka_unit_test(a_place_is_the_first_entry_behind_its_seq),
        cmocka_unit_test(seqs_go_on_over_32_bits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
