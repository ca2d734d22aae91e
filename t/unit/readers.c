/* What the readers of other forms than Google's Nearby Search of old make of answers, byte for
 * byte: of Google's Places API (New) and of an Overpass server. */
#include "google_places.h"
#include "overpass_elements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the door, which readers do not use ---- */

void herd_log(enum herd_level level, const char *format, ...)
{
    (void)level, (void)format;
    abort();
}

struct herd_fetching *herd_fetch(const struct herd_fetch *fetch)
{
    (void)fetch;
    abort();
}

void herd_fetch_cancel(struct herd_fetching *which)
{
    (void)which;
    abort();
}

void herd_search_on_cancel(struct herd_search *search, void (*cancelled)(void *arg), void *arg)
{
    (void)search, (void)cancelled, (void)arg;
    abort();
}

void herd_search_answer(struct herd_search *search, const struct herd_answer *answer)
{
    (void)search, (void)answer;
    abort();
}

void herd_search_fail(struct herd_search *search, const char *status, const char *message)
{
    (void)search, (void)status, (void)message;
    abort();
}

void herd_search_unasked(struct herd_search *search, const char *message)
{
    (void)search, (void)message;
    abort();
}

/* ---- reading ---- */

typedef void reader(struct nearby *nearby, const struct nearby_reply *reply);

static struct herd_query query = {.radius_km = 20100, .bound = 20};

/* From a copy without a NUL behind it, so that a sanitizer sees each byte read too many. */
static struct nearby read_text(reader *read, long status, const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len + !len);
    struct nearby nearby = {0};

    memcpy(copy, text, len);
    read(&nearby, &(struct nearby_reply){status, {copy, len}, query});
    free(copy);
    return nearby;
}

static void forget(struct nearby *nearby)
{
    free(nearby->json);
    free(nearby->ends);
}

/* Entries, one a line, in the frame that they stand in. */
static void assert_entries(reader *read, const char *text, const char *attributions,
                           const char *entries)
{
    struct nearby nearby = read_text(read, 200, text);
    const char *line = entries;
    char frame[4096];
    size_t at, count = 0;

    snprintf(frame, sizeof(frame),
             "{\"html_attributions\":[%s],\n\"results\":[%s%s],\n\"status\":\"%s\"}", attributions,
             *entries ? "\n" : "", entries, *entries ? "OK" : "ZERO_RESULTS");
    if (!nearby.json)
        fail_msg("%s: %s: %s", text, nearby.status, nearby.message);
    if (nearby.len != strlen(frame) || memcmp(nearby.json, frame, nearby.len) != 0)
        fail_msg("%.*s\nis not\n%s", (int)nearby.len, nearby.json, frame);
    at = (size_t)(strstr(frame, "\"results\":[") - frame) + strlen("\"results\":[\n");
    for (; *line; line += strcspn(line, "\n") + 1, count++) {
        size_t len = strcspn(line, "\n") - (line[strcspn(line, "\n") - 1] == ',');

        assert_int_equal(nearby.ends[count], at + len);
        at += strcspn(line, "\n") + 1;
    }
    assert_int_equal(nearby.count, count);
    forget(&nearby);
}

static void assert_fails(reader *read, long http, const char *text, const char *status,
                         const char *message)
{
    struct nearby nearby = read_text(read, http, text);

    if (nearby.json)
        fail_msg("taken: %.60s", text);
    if (strcmp(nearby.status, status) != 0)
        fail_msg("%.60s: %s, not %s", text, nearby.status, status);
    if (!strstr(nearby.message, message))
        fail_msg("%.60s: %s, not %s", text, nearby.message, message);
}

/* What no reader takes. */
static void assert_refuses_nonsense(reader *read)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "not JSON: it is empty"},
        {"<html>", "not JSON"},
        {"[]", "no JSON object"},
        {"{} x", "text after the end"},
        {"{\"a\":\"\xFF\"}", "not UTF-8"},
        {"{\"a\":\"\x01\"}", "control byte"},
        {"{\"a\":01}", "not JSON"},
        {"{\"places\":[", "ends too early"},
        {"{\"places\":[],\"pl\\u0061ces\":[],\"elements\":[],\"elements\":[]}", "one array"},
        {"{\"places\":{},\"elements\":{}}", "one array"},
        {"{\"places\":null,\"elements\":null}", "one array"},
        {"{\"places\":[{},1],\"elements\":[{},1]}", "none"},
        {"{\"places\":[[]],\"elements\":[[]]}", "none"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(read, 200, bad[i].text, "UNKNOWN_ERROR", bad[i].message);
}

/* ---- Google's ---- */

static void assert_places(const char *places, const char *entries)
{
    char text[4096];

    snprintf(text, sizeof(text), "{\"places\": [%s]}", places);
    assert_entries(google_places_read, text, "", entries);
}

static void maps_a_place(void **unused)
{
    (void)unused;
    assert_places(
        "{\n  \"id\": \"ChIJ\\u002d1\",\n  \"types\": [\n    \"cafe\",\n    \"food\"\n  ],\n"
        "  \"formattedAddress\": \"1 Long St\",\n"
        "  \"location\": {\n    \"latitude\": 34.0728000,\n    \"longitude\": -118.4e0\n"
        "  },\n  \"rating\": 4.50,\n  \"businessStatus\": \"OPERATIONAL\",\n"
        "  \"userRatingCount\": 9007199254740993,\n"
        "  \"displayName\": {\n    \"text\": \"Caf\\u00e9 \\ud83d\\ude00 }]\\\"\",\n"
        "    \"languageCode\": \"en\"\n  },\n  \"shortFormattedAddress\": \"1 St\",\n"
        "  \"attributions\": [{\"provider\": \"X\"}]\n}",
        "{\"business_status\":\"OPERATIONAL\",\"geometry\":{\"location\":{"
        "\"lat\":34.0728000,\"lng\":-118.4e0}},\"name\":\"Caf\\u00e9 \\ud83d\\ude00 }]\\\"\","
        "\"place_id\":\"ChIJ\\u002d1\",\"rating\":4.50,\"types\":[\"cafe\",\"food\"],"
        "\"user_ratings_total\":9007199254740993,\"vicinity\":\"1 St\","
        "\"attributions\":[{\"provider\": \"X\"}]}\n");
}

/* clang-format off */
static void leaves_out_what_is_missing_or_of_another_kind(void **unused)
{
    static const struct { const char *place, *entry; } cases[] = {
        {"{}", "{}\n"},
        {"{\"id\":1,\"rating\":\"5\",\"types\":\"x\",\"displayName\":\"y\",\"location\":[1,2]}", "{}\n"},
        {"{\"types\":[\"a\",1],\"attributions\":{},\"businessStatus\":null}", "{}\n"},
        {"{\"displayName\":{\"text\":7}}", "{}\n"},
        {"{\"displayName\":{\"languageCode\":\"en\"}}", "{}\n"},
        {"{\"Id\":\"x\",\"name\":\"places/x\"}", "{}\n"},
        {"{\"x\":{\"id\":\"no\"},\"id\":\"yes\"}", "{\"place_id\":\"yes\"}\n"},
        {"{\"\\u0069d\":\"yes\"}", "{\"place_id\":\"yes\"}\n"},
        {"{\"types\":[]}", "{\"types\":[]}\n"},
        {"{\"formattedAddress\":\"long\"}", "{\"vicinity\":\"long\"}\n"},
        {"{\"location\":{}}", "{}\n"},
        {"{\"location\":{\"latitude\":91,\"longitude\":1}}", "{}\n"},
        {"{\"location\":{\"latitude\":1,\"longitude\":1e999}}", "{}\n"},
        {"{\"location\":{\"latitude\":\"1\",\"longitude\":\"1\"}}", "{}\n"},
        {"{\"location\":{\"latitude\":-0.5}}", "{\"geometry\":{\"location\":{\"lat\":-0.5,\"lng\":0}}}\n"},
        {"{\"location\":{\"longitude\":180}}", "{\"geometry\":{\"location\":{\"lat\":0,\"lng\":180}}}\n"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_places(cases[i].place, cases[i].entry);
}

static void knows_googles_errors(void **unused)
{
    static const struct { long http; const char *text, *status, *message; } cases[] = {
        {429, "{\"error\":{\"code\":429,\"message\":\"Quota exceeded\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
         "OVER_QUERY_LIMIT", "Quota exceeded"},
        {403, "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"message\":\"not \\\"enabled\\\"\"}}",
         "REQUEST_DENIED", "not \"enabled\""},
        {401, "{\"error\":{\"status\":\"UNAUTHENTICATED\"}}", "REQUEST_DENIED", "gives no reason"},
        {400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"Invalid field\"}}",
         "INVALID_REQUEST", "Invalid field"},
        {400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"API key not valid.\",\"details\":[1,"
              "{\"@type\":\"x\"},{\"reason\":\"API_KEY_INVALID\"}]}}", "REQUEST_DENIED", "API key not valid."},
        {404, "{\"error\":{\"status\":\"NOT_FOUND\",\"message\":\"m\"}}", "INVALID_REQUEST", "m"},
        {500, "{\"error\":{\"status\":\"INTERNAL\",\"message\":\"m\"}}", "UNKNOWN_ERROR", "m"},
        {503, "{\"error\":{\"status\":\"UNAVAILABLE\",\"message\":7}}", "UNKNOWN_ERROR", "gives no reason"},
        {503, "{\"error\":{}}", "UNKNOWN_ERROR", "gives no reason"},
        {200, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"m\"},\"places\":[]}",
         "OVER_QUERY_LIMIT", "m"},
        {404, "<html>", "UNKNOWN_ERROR", "HTTP status 404"},
        {429, "", "OVER_QUERY_LIMIT", "HTTP status 429"},
        {500, "{\"places\":[]}", "UNKNOWN_ERROR", "HTTP status 500"},
        {500, "{\"error\":[]}", "UNKNOWN_ERROR", "HTTP status 500"},
        {302, "{}", "UNKNOWN_ERROR", "HTTP status 302"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(google_places_read, cases[i].http, cases[i].text, cases[i].status, cases[i].message);
}
/* clang-format on */

static void takes_all_places_or_so_many(void **unused)
{
    (void)unused;
    assert_refuses_nonsense(google_places_read);
    assert_entries(google_places_read, "{}", "", "");
    assert_entries(google_places_read, " {\"places\":[ ]}\n", "", "");
    assert_entries(google_places_read, "{\"routingSummaries\":[],\"Places\":[{}]}", "", "");
    assert_places("{\"id\":\"a\"},{\"id\":\"b\"} , {\"id\":\"c\"}",
                  "{\"place_id\":\"a\"},\n{\"place_id\":\"b\"},\n{\"place_id\":\"c\"}\n");
    query.bound = 2;
    assert_places("{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}",
                  "{\"place_id\":\"a\"},\n{\"place_id\":\"b\"}\n");
    query.bound = 20;
}

/* ---- Overpass's ---- */

#define ODBL                                                                                       \
    "\"&copy; <a href=\\\"https://www.openstreetmap.org/copyright\\\">OpenStreetMap "              \
    "contributors</a>, <a href=\\\"https://opendatacommons.org/licenses/odbl/\\\">ODbL</a>\""

static void assert_elements(const char *elements, const char *entries)
{
    char text[4096];

    snprintf(text, sizeof(text), "{\"version\":0.6,\"osm3s\":{},\"elements\": [\n\n%s\n\n  ]\n}\n",
             elements);
    assert_entries(overpass_elements_read, text, ODBL, entries);
}

static void maps_an_element(void **unused)
{
    (void)unused;
    assert_elements(
        "{\n  \"type\": \"node\",\n  \"id\": 9007199254740993,\n  \"lat\": 49.2827000,\n"
        "  \"lon\": -123.1207000,\n  \"tags\": {\n    \"amenity\": \"cafe\",\n"
        "    \"addr:city\": \"Vancouver\",\n    \"addr:street\": \"Robson\\u0020St\",\n"
        "    \"addr:housenumber\": \"7\",\n    \"name\": \"\\ud83d\\ude00 {[\\\"\",\n"
        "    \"shop\": \"x\"\n  }\n}",
        "{\"geometry\":{\"location\":{\"lat\":49.2827000,\"lng\":-123.1207000}},"
        "\"name\":\"\\ud83d\\ude00 {[\\\"\",\"place_id\":\"node/9007199254740993\","
        "\"types\":[\"cafe\"],\"vicinity\":\"7 Robson\\u0020St, Vancouver\","
        "\"properties\":{\"amenity\": \"cafe\",\"addr:city\": \"Vancouver\","
        "\"addr:street\": \"Robson\\u0020St\",\"addr:housenumber\": \"7\","
        "\"name\": \"\\ud83d\\ude00 {[\\\"\",\"shop\": \"x\"}}\n");
}

/* clang-format off */
#define AT_0_0 "{\"geometry\":{\"location\":{\"lat\":0,\"lng\":0}},"
static void takes_what_tags_say(void **unused)
{
    static const struct { const char *tags, *said; } cases[] = {
        {"{}", ""},
        {"{\"shop\":\"s\",\"tourism\":\"t\"}", "\"types\":[\"s\"],"},
        {"{\"historic\":\"h\",\"leisure\":\"l\",\"amenity\":\"a\"}", "\"types\":[\"a\"],"},
        {"{\"amenity\":7,\"name\":null}", ""},
        {"{\"addr:housenumber\":\"7\"}", ""},
        {"{\"addr:city\":\"C\"}", "\"vicinity\":\"C\","},
        {"{\"addr:city\":\"C\",\"addr:housenumber\":\"7\"}", "\"vicinity\":\"C\","},
        {"{\"addr:street\":\"S\"}", "\"vicinity\":\"S\","},
        {"{\"addr:place\":\"P\",\"addr:housenumber\":\"7\"}", "\"vicinity\":\"7 P\","},
        {"{\"addr:full\":\"F\",\"addr:street\":\"S\"}", "\"vicinity\":\"F\","},
        {"{\"addr:street\":\"\",\"addr:city\":\"\"}", ""},
        {"{\"n\\u0061me\":\"N\"}", "\"name\":\"N\","},
    };
    char element[512], entry[1024];

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool named = strncmp(cases[i].said, "\"name\"", 6) == 0;

        snprintf(element, sizeof(element), "{\"type\":\"node\",\"id\":1,\"lat\":0,\"lon\":0,\"tags\":%s}",
                 cases[i].tags);
        snprintf(entry, sizeof(entry), AT_0_0 "%s\"place_id\":\"node/1\",%s\"properties\":%s}\n",
                 named ? cases[i].said : "", named ? "" : cases[i].said, cases[i].tags);
        assert_elements(element, entry);
    }
    assert_elements("{\"type\":\"node\",\"id\":1,\"lat\":0,\"lon\":0}", AT_0_0 "\"place_id\":\"node/1\"}\n");
}

static void skips_what_has_no_place(void **unused)
{
    static const char *const bad[] = {
        "{}", "{\"type\":\"way\",\"id\":1}", "{\"type\":\"node\",\"lat\":0,\"lon\":0}",
        "{\"id\":1,\"lat\":0,\"lon\":0}", "{\"type\":\"area\",\"id\":1,\"lat\":0,\"lon\":0}",
        "{\"type\":\"node\",\"id\":\"1\",\"lat\":0,\"lon\":0}", "{\"type\":\"node\",\"id\":-1,\"lat\":0,\"lon\":0}",
        "{\"type\":\"node\",\"id\":1.5,\"lat\":0,\"lon\":0}", "{\"type\":\"node\",\"id\":1,\"lat\":\"0\",\"lon\":0}",
        "{\"type\":\"node\",\"id\":1,\"lat\":90.1,\"lon\":0}", "{\"type\":\"node\",\"id\":1,\"lat\":0,\"lon\":1e999}",
        "{\"type\":\"node\",\"id\":12345678901234567890,\"lat\":0,\"lon\":0}",
        "{\"type\":\"way\",\"id\":1,\"center\":{\"lat\":0},\"lat\":0,\"lon\":0}",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_elements(bad[i], "");
}

static void sorts_by_distance(void **unused)
{
    static const char some[] =
        "{\"type\":\"node\",\"id\":3,\"lat\":0,\"lon\":-179.98},"
        "{\"type\":\"way\",\"id\":1,\"center\":{\"lat\":0,\"lon\":179.99}},"
        "{\"type\":\"relation\",\"id\":2,\"center\":{\"lon\":180,\"lat\":0.015},\"lat\":5,\"lon\":5}";
    static const char first[] = "{\"geometry\":{\"location\":{\"lat\":0,\"lng\":179.99}},\"place_id\":\"way/1\"}";
    static const char second[] = "{\"geometry\":{\"location\":{\"lat\":0.015,\"lng\":180}},\"place_id\":\"relation/2\"}";
    static const char third[] = "{\"geometry\":{\"location\":{\"lat\":0,\"lng\":-179.98}},\"place_id\":\"node/3\"}";
    char all[1024];

    (void)unused;
    query = (struct herd_query){.lon_deg = 180, .radius_km = 10, .bound = 20};
    snprintf(all, sizeof(all), "%s,\n%s,\n%s\n", first, second, third);
    assert_elements(some, all);
    query.bound = 2;
    snprintf(all, sizeof(all), "%s,\n%s\n", first, second);
    assert_elements(some, all);
    query.bound = 20;
    query.radius_km = 2.0;
    assert_elements(some, all);
    query.radius_km = 1.0;
    assert_elements(some, "");
    query = (struct herd_query){.radius_km = 20100, .bound = 20};
}

static void knows_overpass_errors(void **unused)
{
    static const struct { long http; const char *text, *status, *message; } cases[] = {
        {200, "{\"elements\":[],\"remark\":\"runtime error: Query timed out in \\\"query\\\" at line 1 after 5 seconds.\"}",
         "UNKNOWN_ERROR", "Query timed out in \"query\""},
        {200, "{\"elements\":[{}],\"remark\":\"runtime error: open64: 0 Success /osm3s_osm_base "
              "Dispatcher_Client::request_read_and_idx::rate_limited. Please check\"}", "OVER_QUERY_LIMIT", "rate_limited"},
        {200, "{}", "UNKNOWN_ERROR", "one array"},
        {200, "{\"Elements\":[]}", "UNKNOWN_ERROR", "one array"},
        {429, "<html>", "OVER_QUERY_LIMIT", "asked too much"},
        {504, "<html>", "UNKNOWN_ERROR", "the server is busy"},
        {400, "<html>", "INVALID_REQUEST", "does not understand"},
        {502, "{\"elements\":[]}", "UNKNOWN_ERROR", "HTTP status 502"},
    };

    (void)unused;
    assert_refuses_nonsense(overpass_elements_read);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(overpass_elements_read, cases[i].http, cases[i].text, cases[i].status, cases[i].message);
    assert_entries(overpass_elements_read, "{\"elements\":[],\"remark\":\"runtime remark: harmless\"}", ODBL, "");
}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_a_place),
        cmocka_unit_test(leaves_out_what_is_missing_or_of_another_kind),
        cmocka_unit_test(knows_googles_errors),
        cmocka_unit_test(takes_all_places_or_so_many),
        cmocka_unit_test(maps_an_element),
        cmocka_unit_test(takes_what_tags_say),
        cmocka_unit_test(skips_what_has_no_place),
        cmocka_unit_test(sorts_by_distance),
        cmocka_unit_test(knows_overpass_errors),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
