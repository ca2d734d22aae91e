/* What nearby_read makes of a provider's answer, byte for byte, and what an ask says for each way a
 * fetch may end. */
#include "nearby.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the door, played by the test ---- */

struct herd_search {
    char *json;
    size_t len, count;
    char status[64], message[512];
    unsigned answers, unasked;
    void (*cancelled)(void *arg);
    void *arg;
};

static struct herd_fetching {
    unsigned cancels;
} fetching;

static struct herd_fetch asked;

struct herd_fetching *herd_fetch(const struct herd_fetch *fetch)
{
    asked = *fetch;
    return &fetching;
}

void herd_fetch_cancel(struct herd_fetching *which)
{
    which->cancels++;
}

void herd_search_on_cancel(struct herd_search *search, void (*cancelled)(void *arg), void *arg)
{
    search->cancelled = cancelled;
    search->arg = arg;
}

void herd_search_answer(struct herd_search *search, const struct herd_answer *answer)
{
    search->answers++;
    search->json = malloc(answer->json.len);
    memcpy(search->json, answer->json.bytes, answer->json.len);
    search->len = answer->json.len;
    search->count = answer->count;
}

void herd_search_fail(struct herd_search *search, const char *status, const char *message)
{
    search->answers++;
    snprintf(search->status, sizeof(search->status), "%s", status);
    snprintf(search->message, sizeof(search->message), "%s", message);
}

void herd_search_unasked(struct herd_search *search, const char *message)
{
    search->unasked++;
    herd_search_fail(search, "UNKNOWN_ERROR", message);
}

/* ---- reading ---- */

/* From a copy without a NUL behind it, so that a sanitizer sees each byte read too many. */
static void read_text(struct nearby *nearby, const char *text, size_t len, unsigned bound)
{
    char *copy = malloc(len + !len);

    memcpy(copy, text, len);
    nearby_read(nearby, (struct herd_text){copy, len}, bound);
    free(copy);
}

static void assert_cut(const char *text, unsigned bound, const char *expected)
{
    struct nearby nearby;

    read_text(&nearby, text, strlen(text), bound);
    if (!nearby.json)
        fail_msg("%s: %s: %s", text, nearby.status, nearby.message);
    if (nearby.len != strlen(expected) || memcmp(nearby.json, expected, nearby.len) != 0)
        fail_msg("%.*s is not %s", (int)nearby.len, nearby.json, expected);
    free(nearby.json);
    free(nearby.ends);
}

/* Where the entries end: behind each of these, in the text. */
static void assert_ends(const char *text, unsigned bound, const char *const *entries, size_t count)
{
    struct nearby nearby;
    const char *at;

    read_text(&nearby, text, strlen(text), bound);
    assert_non_null(nearby.json);
    assert_int_equal(nearby.count, count);
    at = nearby.json;
    for (size_t i = 0; i < count; i++) {
        at = memmem(at, nearby.len - (size_t)(at - nearby.json), entries[i], strlen(entries[i]));
        assert_non_null(at);
        at += strlen(entries[i]);
        assert_int_equal(nearby.ends[i], at - nearby.json);
    }
    free(nearby.json);
    free(nearby.ends);
}

static void assert_fails(const char *text, size_t len, const char *status, const char *message)
{
    struct nearby nearby;

    read_text(&nearby, text, len, 3);
    if (nearby.json)
        fail_msg("taken: %.60s", text);
    assert_string_equal(nearby.status, status);
    if (!strstr(nearby.message, message))
        fail_msg("%.60s: %s, not %s", text, nearby.message, message);
}

static void cuts_in_its_own_bytes(void **unused)
{
    static const char three[] =
        "{ \"status\" : \"OK\",\r\n\"next_page_token\":\"t\\u003c\",\n \"results\" : [\n"
        "  {\"id\":12345678901234567890, \"a\":\"\\u003cb\\/\"} ,\n"
        "  {\"s\":\"]}\\\",{[\", \"b\":[1,[2]]},\n"
        "  { }\n ] , \"x\":1.50 }";

    (void)unused;
    assert_cut(three, 4, three);
    assert_cut(three, 3, three);
    assert_cut(three, 2,
               "{ \"status\" : \"OK\",\r\n\"next_page_token\":\"t\\u003c\",\n \"results\" : [\n"
               "  {\"id\":12345678901234567890, \"a\":\"\\u003cb\\/\"} ,\n"
               "  {\"s\":\"]}\\\",{[\", \"b\":[1,[2]]}\n ] , \"x\":1.50 }");
    assert_cut(three, 1,
               "{ \"status\" : \"OK\",\r\n\"next_page_token\":\"t\\u003c\",\n \"results\" : [\n"
               "  {\"id\":12345678901234567890, \"a\":\"\\u003cb\\/\"}\n ] , \"x\":1.50 }");
}

static void tells_where_entries_end(void **unused)
{
    static const char text[] =
        "\n{\"a\":{\"results\":[{}]},\"results\" : [ {\"b\":\"]}\"} ,\n{ }\n,"
        "{\"c\":[1,{}]}],\"status\":\"OK\"}\n";
    static const char *const entries[] = {"{\"b\":\"]}\"}", "{ }", "{\"c\":[1,{}]}"};

    (void)unused;
    for (unsigned bound = 1; bound < 5; bound++)
        assert_ends(text, bound, entries, bound < 3 ? bound : 3);
    assert_ends("{\"results\":[],\"status\":\"OK\"}", 3, NULL, 0);
}

static void takes_what_is_well(void **unused)
{
    static const char *const good[] = {
        "{\"results\":[],\"status\":\"ZERO_RESULTS\"}",
        "{\"results\":[ ],\"status\":\"OK\"}",
        "{\"Results\":1,\"RESULTS\":2,\"results\":[],\"status\":\"OK\",\"Status\":3}",
        "{\"r\\u0065sults\":[],\"status\":\"OK\"}",
        "{\"x\":{\"results\":[1],\"status\":1},\"results\":[{}],\"status\":\"OK\"}",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_cut(good[i], 3, good[i]);
    assert_cut("\xEF\xBB\xBF \n{\"results\":[],\"status\":\"OK\"}\n\n", 3,
               "{\"results\":[],\"status\":\"OK\"}");
}

/* clang-format off */
static void refuses_nonsense(void **unused)
{
    static const struct { const char *text, *message; } bad[] = {
        {"", "not JSON: it is empty"},
        {"<html>", "not JSON"},
        {"{\"results\":[],\"status\":\"OK\"} x", "text after the end"},
        {"{\"results\":[],\"status\":\"OK\"}{}", "text after the end"},
        {"{\"results\":[],\"status\":\"\xFF\"}", "not UTF-8"},
        {"{\"results\":[{}", "ends too early"},
        {"[]", "no JSON object"},
        {"1", "no JSON object"},
        {"{}", "no status"},
        {"{\"results\":[]}", "no status"},
        {"{\"results\":[],\"status\":1}", "no status"},
        {"{\"results\":[],\"status\":null}", "no status"},
        {"{\"results\":[],\"status\":\"\"}", "no status"},
        {"{\"results\":[],\"status\":\"ok\\n\"}", "no status"},
        {"{\"results\":[],\"status\":\"OK\",\"status\":\"OK\"}", "no status"},
        {"{\"results\":[],\"Status\":\"OK\"}", "no status"},
        {"{\"results\":[],\"status\":\"AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDD\"}", "no status"},
        {"{\"status\":\"OK\"}", "one array"},
        {"{\"status\":\"ZERO_RESULTS\"}", "one array"},
        {"{\"Results\":[],\"status\":\"OK\"}", "one array"},
        {"{\"results\":[],\"results\":[],\"status\":\"OK\"}", "one array"},
        {"{\"results\":[],\"r\\u0065sults\":[],\"status\":\"OK\"}", "one array"},
        {"{\"results\":{},\"status\":\"OK\"}", "one array"},
        {"{\"results\":null,\"status\":\"OK\"}", "one array"},
        {"{\"results\":[1],\"status\":\"OK\"}", "no places"},
        {"{\"results\":[{},{},{},{},[]],\"status\":\"OK\"}", "no places"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(bad[i].text, strlen(bad[i].text), "UNKNOWN_ERROR", bad[i].message);
    assert_fails("{\"results\":[],\"status\":\"OK\"}", 27, "UNKNOWN_ERROR", "not JSON");
}
/* clang-format on */

static void hands_on_the_providers_failure(void **unused)
{
    static const struct {
        const char *text, *status, *message;
    } cases[] = {
        {"{\n  \"error_message\": \"Please wait.\",\n  \"status\": \"OVER_QUERY_LIMIT\"\n}",
         "OVER_QUERY_LIMIT", "Please wait."},
        {"{\"status\":\"REQUEST_DENIED\",\"error_message\":\"a \\\"b\\\" \\u003c\"}",
         "REQUEST_DENIED", "a \"b\" <"},
        {"{\"results\":[{}],\"status\":\"REQUEST_DENIED\",\"error_message\":\"x\"}",
         "REQUEST_DENIED", "x"},
        {"{\"status\":\"INVALID_REQUEST\"}", "INVALID_REQUEST", "the provider gives no reason"},
        {"{\"status\":\"NOT_FOUND\",\"error_message\":7}", "NOT_FOUND", "no reason"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(cases[i].text, strlen(cases[i].text), cases[i].status, cases[i].message);
}

static void bounds_a_message(void **unused)
{
    char text[2000] = "{\"status\":\"REQUEST_DENIED\",\"error_message\":\"x";
    struct nearby nearby;

    (void)unused;
    for (size_t i = 0; i < 800; i++)
        strcat(text, "\xC3\xA9");
    strcat(text, "\"}");
    read_text(&nearby, text, strlen(text), 3);
    assert_int_equal(strlen(nearby.message), NEARBY_MESSAGE_MAX - 1);
    assert_string_equal(nearby.status, "REQUEST_DENIED");
}

static void bears_what_is_hostile(void **unused)
{
    size_t len = 512 << 10;
    char *text = malloc(len + 64);

    (void)unused;
    memset(text, '[', len);
    assert_fails(text, len, "UNKNOWN_ERROR", "nested more than 500");
    for (size_t i = 0; i < len; i++)
        text[i] = i % 2 ? ',' : '1';
    text[0] = '[';
    text[len - 1] = ']';
    text[1] = '1';
    assert_fails(text, len, "UNKNOWN_ERROR", "no JSON object");
    memcpy(text, "{\"status\":\"OK\",\"results\":[{}", 28);
    text[28] = ',', text[29] = '1';
    for (size_t i = 30; i < len; i++)
        text[i] = i % 2 ? '1' : ',';
    memcpy(text + len, "]}", 2);
    assert_fails(text, len + 2, "UNKNOWN_ERROR", "no places");
    free(text);
}

/* ---- asking ---- */

static struct nearby_source source = {.name = "test", .key = "s3cret", .body_max = NEARBY_BODY_MAX};
static const struct nearby_request request = {.url = "https://x/?key=s3cret"};
static const struct herd_query query = {.radius_km = 1, .bound = 1};

static struct herd_search ask(const char *error, long status, const char *body)
{
    struct herd_search search = {0};
    struct herd_response response = {
        .error = error, .status = status, .body = {body, strlen(body)}};

    nearby_ask(&source, &request, &search, &query);
    assert_int_equal(asked.body_max, 512 << 10);
    assert_true(asked.total_ns == INT64_C(5000000000) && asked.connect_ns == INT64_C(2000000000));
    asked.check(asked.arg, &response);
    assert_int_equal(search.answers, 0);
    asked.done(asked.arg);
    assert_int_equal(search.answers, 1);
    return search;
}

static void answers_once_whatever_happens(void **unused)
{
    struct herd_search search = ask(NULL, 200, "{\"results\":[{},{}],\"status\":\"OK\"}");

    (void)unused;
    assert_int_equal(search.len, strlen("{\"results\":[{}],\"status\":\"OK\"}"));
    assert_int_equal(search.count, 1);
    free(search.json);
    search = ask("no answer in time", 0, "");
    assert_string_equal(search.status, "UNKNOWN_ERROR");
    assert_string_equal(search.message, "no answer in time");
    search = ask(NULL, 500, "{\"results\":[],\"status\":\"OK\"}");
    assert_string_equal(search.message, "the answer is HTTP status 500");
    search = ask(NULL, 301, "");
    assert_string_equal(search.message, "the answer is HTTP status 301");
}

static void lets_no_secret_through(void **unused)
{
    struct herd_search search = ask(NULL, 200,
                                    "{\"results\":[{\"a\":\"s3cret\"}],\"status\":\"OK\"}");

    (void)unused;
    assert_null(search.json);
    assert_null(strstr(search.message, "s3cret"));
    search = ask("cannot reach https://x/?key=s3cret", 0, "");
    assert_null(strstr(search.message, "s3cret"));
    search = ask(NULL, 200, "{\"status\":\"REQUEST_DENIED\",\"error_message\":\"s3cret is bad\"}");
    assert_null(strstr(search.message, "s3cret"));
}

static void gives_up_when_the_client_goes(void **unused)
{
    struct herd_search search = {0};
    struct herd_response response = {.error = "cancelled", .cancelled = true, .body = {"", 0}};

    (void)unused;
    fetching.cancels = 0;
    nearby_ask(&source, &request, &search, &query);
    assert_int_equal(fetching.cancels, 0);
    search.cancelled(search.arg);
    assert_int_equal(fetching.cancels, 1);
    assert_int_equal(search.answers, 0);
    asked.check(asked.arg, &response);
    asked.done(asked.arg);
    assert_int_equal(search.answers, 1);
}

static void says_when_nobody_was_asked(void **unused)
{
    struct herd_search search = {0};
    struct herd_response response = {.error = "too many requests wait", .unsent = true};

    (void)unused;
    nearby_ask(&source, &request, &search, &query);
    asked.check(asked.arg, &response);
    asked.done(asked.arg);
    assert_int_equal(search.answers, 1);
    assert_int_equal(search.unasked, 1);
    assert_string_equal(search.message, "too many requests wait");
    response = (struct herd_response){.error = "no answer in time"};
    search = (struct herd_search){0};
    nearby_ask(&source, &request, &search, &query);
    asked.check(asked.arg, &response);
    asked.done(asked.arg);
    assert_int_equal(search.answers, 1);
    assert_int_equal(search.unasked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_in_its_own_bytes),
        cmocka_unit_test(tells_where_entries_end),
        cmocka_unit_test(takes_what_is_well),
        cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(hands_on_the_providers_failure),
        cmocka_unit_test(bounds_a_message),
        cmocka_unit_test(bears_what_is_hostile),
        cmocka_unit_test(answers_once_whatever_happens),
        cmocka_unit_test(lets_no_secret_through),
        cmocka_unit_test(gives_up_when_the_client_goes),
        cmocka_unit_test(says_when_nobody_was_asked),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
