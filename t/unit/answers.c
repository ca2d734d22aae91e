/* Answers of providers: squeezed once, cut to any bound as if they had been cut first; and the
 * table of those that are kept, with a made-up clock. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/answers.h"
#include "random.h"
#include <cmocka.h>

#define S INT64_C(1000000000)

static uint64_t random_below(uint64_t limit)
{
    return random_next() % limit;
}

/* ---- cutting ---- */

/* The bytes as a client gets them, done slowly, on a text that was cut already. */
static size_t squeeze(char *to, const char *text, size_t len)
{
    bool in_string = false;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        size_t backslashes = 0;
        while (backslashes < i && text[i - 1 - backslashes] == '\\')
            backslashes++;
        if (text[i] == '"' && backslashes % 2 == 0)
            in_string = !in_string;
        if (text[i] == '\r' && !in_string)
            continue;
        if (text[i] == '\n' && (n == 0 || to[n - 1] == '\n'))
            continue;
        to[n++] = text[i];
    }
    while (n > 0 && to[n - 1] == '\n')
        n--;
    return n;
}

static size_t copy_parts(char *to, struct answer_parts parts)
{
    memcpy(to, parts.head.bytes, parts.head.len);
    memcpy(to + parts.head.len, parts.tail.bytes, parts.tail.len);
    return parts.head.len + parts.tail.len;
}

static void check_cuts(const char *text, size_t len, const uint32_t *ends, size_t count)
{
    struct answer *answer = answer_create(&(struct herd_answer){{text, len}, count, ends});
    char cut[4096], expected[4096], found[4096];
    assert_true(len < sizeof cut);
    for (unsigned bound = 1; bound <= count + 2; bound++) {
        size_t head = bound < count ? ends[bound - 1] : len;
        size_t tail = bound < count ? ends[count - 1] : len;
        memcpy(cut, text, head);
        memcpy(cut + head, text + tail, len - tail);
        size_t expected_len = squeeze(expected, cut, head + len - tail);
        size_t found_len = copy_parts(found, answer_cut(answer, bound));
        if (found_len != expected_len || memcmp(found, expected, found_len) != 0)
            fail_msg("to %u: \"%.*s\", not \"%.*s\"", bound, (int)found_len, found,
                     (int)expected_len, expected);
    }
    answer_release(answer);
}

static void add_blank(char *to, size_t *len)
{
    static const char *const blanks[] = {"",       "",   "\n",      "\r\n", " \n",
                                         "\n\n\n", "\r", "\n\r\n ", " "};
    const char *blank = blanks[random_below(sizeof blanks / sizeof blanks[0])];
    *len += (size_t)sprintf(to + *len, "%s", blank);
}

static void add_entry(char *to, size_t *len)
{
    static const char *const entries[] = {"{}",
                                          "{\"a\":1}",
                                          "{\"a\":\"\\\"}]\"}",
                                          "{\"a\":\"\r\\\\\"\r\n\n}",
                                          "{\"\\\\\\\"\":[\n\n{}]}",
                                          "{ \n}"};
    *len += (size_t)sprintf(to + *len, "%s",
                            entries[random_below(sizeof entries / sizeof entries[0])]);
}

static void cuts_as_if_it_was_cut_before(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[4096];
        uint32_t ends[24];
        size_t len = 0, count = random_below(21);
        add_blank(text, &len);
        len += (size_t)sprintf(text + len, "{\"x\":\"\n\\\"[\",\"results\":[");
        for (size_t i = 0; i < count; i++) {
            add_blank(text, &len);
            add_entry(text, &len);
            ends[i] = (uint32_t)len;
            add_blank(text, &len);
            len += (size_t)sprintf(text + len, "%s", i + 1 < count ? "," : "");
        }
        add_blank(text, &len);
        len += (size_t)sprintf(text + len, "],\"status\":\"OK\"}");
        add_blank(text, &len);
        check_cuts(text, len, ends, count);
    }
}

/* What is counted is what is taken, also of an answer that is nearly all newlines. */
static void takes_what_it_says(void **state)
{
    (void)state;
    size_t len = (size_t)1 << 20;
    char *text = malloc(len);
    memset(text, '\n', len);
    memcpy(text, "{\"results\":[{}", 14);
    memcpy(text + len - 2, "]}", 2);
    struct answer *answer = answer_create(&(struct herd_answer){{text, len}, 1, &(uint32_t){14}});
    free(text);
    assert_in_range(malloc_usable_size(answer), answer_bytes(answer),
                    answer_bytes(answer) + 4096); /* what was large keeps a page */
    struct answer_parts parts = answer_cut(answer, 1);
    assert_int_equal(parts.head.len, 17);
    assert_memory_equal(parts.head.bytes, "{\"results\":[{}\n]}", 17);
    answer_release(answer);
}

/* Whatever ends a module claims, there is no empty line. */
static void has_no_empty_line_wherever_it_is_cut(void **state)
{
    (void)state;
    static const char text[] = "\n\na\n\n\nb\r\nc\n\"\r\n\"d\n\n";
    char cut[64];
    for (uint32_t a = 1; a < sizeof text - 1; a++)
        for (uint32_t b = a + 1; b < sizeof text; b++) {
            struct answer *answer = answer_create(
                &(struct herd_answer){{text, sizeof text - 1}, 2, (uint32_t[]){a, b}});
            size_t len = copy_parts(cut, answer_cut(answer, 1));
            assert_null(memmem(cut, len, "\n\n", 2));
            assert_true(len == 0 || cut[len - 1] != '\n');
            answer_release(answer);
        }
}

static void says_of_a_failure_what_json_may_hold(void **state)
{
    (void)state;
    struct answer *answer = answer_create_failure("X_Y", "a \"b\" \\ \n\xc3\xa9\x7f.");
    char text[200];
    size_t len = copy_parts(text, answer_cut(answer, 1));
    static const char expected[] = "{\"html_attributions\":[],\"results\":[],\"status\":\"X_Y\", "
                                   "\"error_message\":\"a \\\"b\\\" \\\\ ????.\"}";
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text, expected, len);
    answer_release(answer);
}

/* ---- keeping ---- */

static struct answers *all;
static size_t one_bytes; /* of an answer as these tests keep it */

static struct answer *make(unsigned number)
{
    char text[1000];
    memset(text, 'x', sizeof text);
    snprintf(text, sizeof text, "%u", number);
    return answer_create(&(struct herd_answer){.json = {text, sizeof text}});
}

static struct question question_of(unsigned number)
{
    return (struct question){number % 3, number / 10.0, -(double)number, 5};
}

static unsigned keep(unsigned number, int64_t ends_ns)
{
    struct kept_list dropped = SLIST_HEAD_INITIALIZER(dropped);
    struct question question = question_of(number);
    struct answer *answer = make(number);
    unsigned evicted = answers_keep(all, kept_create(&question, answer, ends_ns), &dropped);
    answer_release(answer);
    kept_free(&dropped);
    return evicted;
}

static bool is_kept(unsigned number, int64_t now_ns)
{
    struct question question = question_of(number);
    struct answer *answer = answers_find(all, &question, now_ns);
    if (answer == NULL)
        return false;
    assert_int_equal(atoi(answer_cut(answer, 1).head.bytes), number);
    answer_release(answer);
    return true;
}

static int set_up(void **state)
{
    (void)state;
    all = answers_create(1 << 20, (uint64_t[2]){1, 2});
    keep(1, S);
    one_bytes = (size_t)answers_bytes(all);
    return one_bytes > 1000 && one_bytes < 1300 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    answers_destroy(all);
    return 0;
}

static void make_table(uint64_t bytes)
{
    answers_destroy(all);
    all = answers_create(bytes, (uint64_t[2]){1, 2});
}

static void keeps_until_its_time_is_up(void **state)
{
    (void)state;
    make_table(1 << 20);
    assert_false(is_kept(7, 0));
    assert_int_equal(keep(7, 10 * S), 0);
    assert_true(is_kept(7, 0) && is_kept(7, 10 * S - 1));
    assert_false(is_kept(7, 10 * S) || is_kept(7, INT64_MAX));
    assert_false(is_kept(8, 0));
    keep(7, 20 * S);
    assert_true(is_kept(7, 20 * S - 1));
    assert_int_equal(answers_count(all), 1);
    assert_int_equal(answers_bytes(all), one_bytes);
}

static void tells_questions_apart(void **state)
{
    (void)state;
    make_table(1 << 20);
    keep(30, S);
    struct question same = question_of(30), other = same;
    assert_true(question_same(&same, &other));
    struct question others[] = {same, same, same, same};
    others[0].provider++;
    others[1].lat_deg += 1e-9;
    others[2].lon_deg += 1e-9;
    others[3].radius_km += 1e-9;
    for (size_t i = 0; i < 4; i++) {
        assert_false(question_same(&same, &others[i]));
        assert_null(answers_find(all, &others[i], 0));
    }
    struct question zero = {0, 0.0, 0.0, 1}, minus = {0, -0.0, -0.0, 1};
    assert_true(question_same(&zero, &minus));
    assert_int_equal(question_hash(&zero, (uint64_t[2]){1, 2}),
                     question_hash(&minus, (uint64_t[2]){1, 2}));
}

static void what_was_asked_for_least_recently_makes_room(void **state)
{
    (void)state;
    make_table(10 * one_bytes + one_bytes / 2);
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(keep(i, S), 0);
    assert_true(is_kept(1, 0) && is_kept(3, 0));
    assert_false(is_kept(2, 5 * S)); /* not had, and so not asked for */
    assert_int_equal(keep(11, S) + keep(12, S), 2);
    assert_true(is_kept(1, 0) && is_kept(3, 0) && is_kept(11, 0) && is_kept(12, 0));
    assert_false(is_kept(2, 0) || is_kept(4, 0));
    assert_true(is_kept(5, 0));
    assert_int_equal(answers_count(all), 10);
    assert_int_equal(keep(12, S), 0); /* replaced, and needs no room */
}

static void never_takes_more_than_it_may(void **state)
{
    (void)state;
    uint64_t most = 57 * one_bytes;
    unsigned evicted = 0, kept = 5000;
    make_table(most);
    for (unsigned i = 0; i < kept; i++) {
        evicted += keep(i, S);
        assert_true(answers_bytes(all) <= most);
        assert_int_equal(answers_bytes(all), answers_count(all) * one_bytes);
    }
    assert_int_equal(answers_count(all), 57);
    assert_int_equal(evicted, kept - 57);
}

static void keeps_nothing_without_room(void **state)
{
    (void)state;
    make_table(0);
    assert_int_equal(keep(1, S), 0);
    assert_false(is_kept(1, 0));
    make_table(one_bytes - 1);
    keep(1, S);
    assert_int_equal(answers_count(all), 0);
    assert_int_equal(answers_bytes(all), 0);
}

/* Who holds an answer has it, also when it was dropped. */
static void an_answer_outlives_its_place(void **state)
{
    (void)state;
    make_table(one_bytes);
    keep(1, S);
    struct question question = question_of(1);
    struct answer *answer = answers_find(all, &question, 0);
    assert_int_equal(keep(2, S), 1);
    assert_int_equal(atoi(answer_cut(answer, 1).head.bytes), 1);
    answer_release(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_as_if_it_was_cut_before),
        cmocka_unit_test(has_no_empty_line_wherever_it_is_cut),
        cmocka_unit_test(takes_what_it_says),
        cmocka_unit_test(says_of_a_failure_what_json_may_hold),
        cmocka_unit_test(keeps_until_its_time_is_up),
        cmocka_unit_test(tells_questions_apart),
        cmocka_unit_test(what_was_asked_for_least_recently_makes_room),
        cmocka_unit_test(never_takes_more_than_it_may),
        cmocka_unit_test(keeps_nothing_without_room),
        cmocka_unit_test(an_answer_outlives_its_place),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
