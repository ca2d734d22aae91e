/* The provider geojson: what it makes of users' files, odd ones too, and what it answers. */
#include "geojson_door.h"

#include <pthread.h>
#include <sys/stat.h>

static void write_file(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void open_text(const char *text)
{
    struct herd_error err;

    write_file(text, strlen(text));
    if (!try_open(&err))
        fail_msg("%s", err.text);
}

/* Opens with these features, between the brackets. */
static void open_features(const char *features)
{
    size_t room = strlen(features) + 100;
    char *text = malloc(room);

    snprintf(text, room, "{\"type\":\"FeatureCollection\",\"features\":[%s]}", features);
    open_text(text);
    free(text);
}

/* The file is refused with its name and these words. */
static void refuse(const char *bytes, size_t len, const char *words)
{
    struct herd_error err;

    write_file(bytes, len);
    assert_false(try_open(&err));
    if (!strstr(err.text, path) || !strstr(err.text, words))
        fail_msg("not \"%s\" but: %s", words, err.text);
}

/* The answer, to be freed. It must be JSON of Google's form without an empty line. */
static char *ask(double lat, double lon, double radius_km, unsigned bound)
{
    struct herd_search search = {0};
    struct herd_text value, json;
    struct herd_error err;

    ask_into(&search, lat, lon, radius_km, bound);
    assert_int_equal(search.answers, 1);
    assert_int_equal(search.failures, 0);
    json = (struct herd_text){search.json, search.len};
    if (!json_check(json, &err))
        fail_msg("%s in %s", err.text, search.json);
    assert_null(strstr(search.json, "\n\n"));
    assert_int_equal(json_member(json, "html_attributions", &value), 1);
    assert_int_equal(json_member(json, "results", &value), 1);
    assert_int_equal(json_member(json, "status", &value), 1);
    return search.json;
}

static void expect(double lat, double lon, double radius_km, unsigned bound, const char *expected)
{
    char *answer = ask(lat, lon, radius_km, bound);

    assert_string_equal(answer, expected);
    free(answer);
}

#define NOTHING "{\"html_attributions\":[],\n\"results\":[],\n\"status\":\"ZERO_RESULTS\"}"
#define BEGIN   "{\"html_attributions\":[],\n\"results\":[\n"
#define END     "\n],\n\"status\":\"OK\"}"
#define POINT(lon, lat, properties)                                                                \
    "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[" lon "," lat         \
    "]},\"properties\":" properties "}"
#define ENTRY(lat, lon, more)                                                                      \
    "{\"geometry\":{\"location\":{\"lat\":" lat ",\"lng\":" lon "}}" more "}"

/* ---- the tests ---- */

static void renders_googles_form(void **unused)
{
    (void)unused;
    open_features(POINT("-118.44520", "34.0689",
                        "{\"name\":\"Here\",\"types\":[\"cafe\",\"food\"],\"vicinity\":"
                        "\"1 Way\",\"x\":1}"));
    expect(34.0689, -118.4452, 1, 5,
           BEGIN ENTRY(
               "34.0689", "-118.44520",
               ",\"name\":\"Here\",\"types\":[\"cafe\",\"food\"],\"vicinity\":\"1 "
               "Way\",\"properties\":"
               "{\"name\":\"Here\",\"types\":[\"cafe\",\"food\"],\"vicinity\":\"1 Way\",\"x\":1}")
               END);
    provider()->close();
    assert_non_null(strstr(logged[0], "1 places"));
    assert_int_equal(warnings, 0);
}

static void nearest_first_and_no_more_than_asked(void **unused)
{
    (void)unused;
    open_features(POINT("-118.3", "34", "null") "," POINT("-118.1", "34", "null") ",\n" POINT(
        "-118.2", "34", "null") "," POINT("-119", "34", "null"));
    expect(34, -118, 50, 20,
           BEGIN ENTRY("34", "-118.1", "") ",\n" ENTRY("34", "-118.2",
                                                       "") ",\n" ENTRY("34", "-118.3", "") END);
    expect(34, -118, 50, 2, BEGIN ENTRY("34", "-118.1", "") ",\n" ENTRY("34", "-118.2", "") END);
    expect(34, -118, 10, 4000000000u, BEGIN ENTRY("34", "-118.1", "") END);
    expect(34, -118, 9, 20, NOTHING);
    provider()->close();
}

static void types_from_amenity(void **unused)
{
    (void)unused;
    open_features(POINT("1", "1", "{\"amenity\":\"bench\"}"));
    expect(1, 1, 1, 1,
           BEGIN ENTRY("1", "1", ",\"types\":[\"bench\"],\"properties\":{\"amenity\":\"bench\"}")
               END);
    provider()->close();
    open_features(POINT("1", "1", "{\"amenity\":\"bench\",\"types\":[\"seat\"]}"));
    expect(1, 1, 1, 1,
           BEGIN ENTRY(
               "1", "1",
               ",\"types\":[\"seat\"],\"properties\":{\"amenity\":\"bench\",\"types\":[\"seat\"]}")
               END);
    provider()->close();
    open_features(
        POINT("1", "1", "{\"types\":[\"seat\",1],\"name\":7,\"vicinity\":null,\"amenity\":{}}"));
    expect(
        1, 1, 1, 1,
        BEGIN ENTRY(
            "1", "1",
            ",\"properties\":{\"types\":[\"seat\",1],\"name\":7,\"vicinity\":null,\"amenity\":{}}")
            END);
    provider()->close();
}

static void keeps_every_byte(void **unused)
{
    static const char properties[] =
        "{\"id\":9007199254740993, \"big\":123456789012345678901234567890,\"e\":1.500E+02,"
        "\"n\\u0061me\":\"Caf\\u00e9 \\/ \\\"x\\\\\\\" "
        "caf\xC3\xA9\",\"deep\":{\"a\":[1,{\"b\":[]}]},\"n\":null}";
    char feature[600], expected[900];

    (void)unused;
    snprintf(feature, sizeof(feature),
             "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":"
             "[-1.18445000000000000000e+02,34.06890000000000000000001]},\"properties\":%s}",
             properties);
    snprintf(expected, sizeof(expected),
             BEGIN ENTRY("34.06890000000000000000001", "-1.18445000000000000000e+02",
                         ",\"name\":\"Caf\\u00e9 \\/ \\\"x\\\\\\\" caf\xC3\xA9\",\"properties\":%s")
                 END,
             properties);
    open_features(feature);
    expect(34.0689, -118.445, 1, 1, expected);
    provider()->close();
}

static void one_entry_one_line(void **unused)
{
    (void)unused;
    open_text(
        "\xEF\xBB\xBF\r\n{\r\n  \"type\": \"FeatureCollection\",\r\n  \"features\": [\r\n    {\r\n"
        "      \"type\": \"Feature\",\r\n      \"properties\": {\r\n        \"name\": \"A  \\n "
        "B\",\r\n"
        "        \"types\": [\r\n          \"a\",\r\n          \"b\"\r\n        ],\r\n\r\n"
        "        \"quote\": \"\\\"  \\\\\"\r\n      },\r\n      \"geometry\": {\r\n"
        "        \"coordinates\": [\r\n          2.5,\r\n          -1.5\r\n        ],\r\n"
        "        \"type\": \"Point\"\r\n      }\r\n    }\r\n  ]\r\n}\r\n\r\n");
    expect(
        -1.5, 2.5, 1, 1,
        BEGIN ENTRY(
            "-1.5", "2.5",
            ",\"name\":\"A  \\n B\",\"types\":[\"a\",\"b\"],\"properties\":{\"name\": \"A  \\n B\","
            "\"types\": [\"a\",\"b\"],\"quote\": \"\\\"  \\\\\"}") END);
    provider()->close();
}

/* Strict JSON has no raw line break in a string, but files have; it is part of the string. */
static void a_break_within_a_string_stays(void **unused)
{
    (void)unused;
    open_features(POINT("1", "1", "{\n \"a\": \"x\\\"\n  y\",\n \"b\": 1\n}"));
    expect(1, 1, 1, 1,
           BEGIN ENTRY("1", "1", ",\"properties\":{\"a\": \"x\\\"\n  y\",\"b\": 1}") END);
    provider()->close();
}

static void skips_what_is_no_point(void **unused)
{
    (void)unused;
    open_features(
        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"MultiPoint\",\"coordinates\":[[1,1]]},"
        "\"properties\":{}},"
        "{\"type\":\"Feature\",\"geometry\":null,\"properties\":{}},"
        "{\"type\":\"Feature\",\"properties\":{}},"
        "{\"type\":\"Point\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,1]}},"
        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\"}},"
        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":{}}},"
        "null,7,[],\"x\",{}," POINT("180.1", "1", "{}") "," POINT("1", "-90.5", "{}") "," POINT(
            "1", "1e400",
            "{}") "," POINT("\"1\"", "1",
                            "{}") "," POINT("1", "null",
                                            "{}") ","
                                                  "{\"type\":\"Feature\",\"geometry\":{\"type\":"
                                                  "\"Point\",\"coordinates\":[1]}},"
                                                  "{\"type\":\"Feature\",\"geometry\":{\"type\":"
                                                  "\"Point\",\"coordinates\":[]}},"
                                                  "{\"type\":\"Feature\",\"geometry\":{\"type\":"
                                                  "\"Point\",\"coordinates\":[1,2,3.5]},\"id\":4}");
    expect(1, 1, 25000, 20, BEGIN ENTRY("2", "1", "") END);
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(logged[1], path));
    assert_non_null(strstr(logged[1], "18 features"));
    provider()->close();
}

static void corners_of_the_earth(void **unused)
{
    (void)unused;
    open_features(
        POINT("180", "0", "{}") "," POINT("-180", "90", "{}") "," POINT("0", "-90", "{}"));
    expect(0, -179.9, 50, 20, BEGIN ENTRY("0", "180", ",\"properties\":{}") END);
    expect(89.9, 12, 50, 20, BEGIN ENTRY("90", "-180", ",\"properties\":{}") END);
    expect(-89.9, 99, 50, 20, BEGIN ENTRY("-90", "0", ",\"properties\":{}") END);
    provider()->close();
}

static void no_features_no_results(void **unused)
{
    (void)unused;
    open_features("");
    expect(34, -118, 50, 20, NOTHING);
    provider()->close();
}

static void refuses_other_files(void **unused)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "empty"},
        {"\xEF\xBB\xBF\r\n", "empty"},
        {"hello", "line 1"},
        {"{\"type\":\"FeatureCollection\",\n\"features\":[\n{]}", "line 3"},
        {"{\"type\":\"FeatureCollection\",\"features\":[]} x", "after the end"},
        {"{\"type\":\"FeatureCollection\",\"features\":[\"\xE9\"]}", "UTF-8"},
        {"{\"type\":\"FeatureCollection\",\"features\":[\"\x01\"]}", "control"},
        {"[]", "FeatureCollection"},
        {"7", "FeatureCollection"},
        {"{}", "FeatureCollection"},
        {"{\"type\":\"Feature\",\"features\":[]}", "FeatureCollection"},
        {"{\"type\":\"FeatureCollection\"}", "features"},
        {"{\"type\":\"FeatureCollection\",\"Features\":[]}", "features"},
        {"{\"type\":\"FeatureCollection\",\"features\":{}}", "features"},
        {"{\"type\":\"FeatureCollection\",\"features\":[],\"features\":[]}", "features"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuse(cases[i].text, strlen(cases[i].text), cases[i].words);
    refuse("{\"type\":\"FeatureCollection\",\"features\":[]}\0", 44, "control");
}

static void refuses_a_deep_nest(void **unused)
{
    static const char head[] = "{\"type\":\"FeatureCollection\",\"features\":[";
    size_t len = 4000000;
    char *text = malloc(len);

    (void)unused;
    memset(text, '[', len);
    memcpy(text, head, sizeof(head) - 1);
    refuse(text, len, "nested");
    free(text);
}

/* A file that was refused leaves nothing behind: the next is opened as if it were the first. */
static void a_refusal_leaves_nothing(void **unused)
{
    (void)unused;
    refuse("{", 1, "early");
    open_features(POINT("1", "1", "null"));
    expect(1, 1, 1, 1, BEGIN ENTRY("1", "1", "") END);
    provider()->close();
}

static void a_missing_file(void **unused)
{
    struct herd_error err;

    (void)unused;
    unlink(path);
    given = false;
    assert_true(try_open(&err));
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(logged[1], path));
    expect(34, -118, 50, 20, NOTHING);
    provider()->close();
    given = true;
    assert_false(try_open(&err));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "No such file"));
    given = false;
}

static void no_regular_file(void **unused)
{
    struct herd_error err;

    (void)unused;
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(try_open(&err));
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(try_open(&err));
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_int_equal(rmdir(path), 0);
}

/* Many threads ask at once and get what one gets. */
static void *ask_often(void *arg)
{
    struct herd_search search = {0};
    const char *expected = arg;
    size_t wrong = 0;

    for (int i = 0; i < 300; i++) {
        ask_into(&search, 34, -118, 50, 20);
        wrong += strcmp(search.json, expected) != 0;
    }
    free(search.json);
    return wrong > 0 || search.answers != 300 ? arg : NULL;
}

static void workers_ask_at_once(void **unused)
{
    pthread_t threads[4];
    char *expected;
    void *wrong;

    (void)unused;
    open_features(POINT("-118.3", "34", "{\"a\":1}") "," POINT("-118.1", "34", "{\"b\":2}"));
    expected = ask(34, -118, 50, 20);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, expected), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    free(expected);
    provider()->close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_googles_form),
        cmocka_unit_test(nearest_first_and_no_more_than_asked),
        cmocka_unit_test(types_from_amenity),
        cmocka_unit_test(keeps_every_byte),
        cmocka_unit_test(one_entry_one_line),
        cmocka_unit_test(a_break_within_a_string_stays),
        cmocka_unit_test(skips_what_is_no_point),
        cmocka_unit_test(corners_of_the_earth),
        cmocka_unit_test(no_features_no_results),
        cmocka_unit_test(refuses_other_files),
        cmocka_unit_test(refuses_a_deep_nest),
        cmocka_unit_test(a_refusal_leaves_nothing),
        cmocka_unit_test(a_missing_file),
        cmocka_unit_test(no_regular_file),
        cmocka_unit_test(workers_ask_at_once),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
