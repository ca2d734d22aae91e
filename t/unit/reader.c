/* What herd-places makes of users' files, whatever is in them: each form, odd files, files that
 * come bit by bit, and any bytes. */
#include "places/reader.h"

#include "json.h"
#include "random.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a file that comes through a pipe, in pieces ---- */

struct feed {
    int fd;
    const char *bytes;
    size_t len, piece;
};

static void *write_pieces(void *arg)
{
    struct feed *feed = arg;

    for (size_t at = 0; at < feed->len;) {
        size_t piece = feed->len - at < feed->piece ? feed->len - at : feed->piece;
        ssize_t put = write(feed->fd, feed->bytes + at, piece);

        if (put <= 0)
            break;
        at += (size_t)put;
    }
    close(feed->fd);
    return NULL;
}

/* All that a reader says, a line each: a place's entry, "LINE: why", and in the end "end" or
 * "failed LINE: why". To be freed. */
static char *read_all(enum reader_format format, const char *bytes, size_t len, size_t piece)
{
    struct source source;
    struct reader reader = {.format = format, .source = &source};
    struct grown said = {0};
    struct herd_error err = {{0}};
    enum reader_result result = READER_PLACE;
    struct feed feed = {.bytes = bytes, .len = len, .piece = piece};
    char path[32], line[700];
    pthread_t thread;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    feed.fd = ends[1];
    assert_int_equal(pthread_create(&thread, NULL, write_pieces, &feed), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    assert_true(source_open(&source, path, &err));
    close(ends[0]);
    while (result == READER_PLACE || result == READER_BAD) {
        struct place place;

        result = reader_next(&reader, &place, &err);
        if (result == READER_PLACE)
            place_render(&place, &said);
        snprintf(line, sizeof(line), "%s%lu: %s", result == READER_FAILED ? "failed " : "",
                 (unsigned long)reader.line, err.text);
        if (result != READER_PLACE)
            grown_text(&said, result == READER_END ? "end" : line);
        grown_text(&said, "\n");
    }
    reader_fini(&reader);
    source_close(&source);
    pthread_join(thread, NULL);
    grown_add(&said, "", 1);
    return said.bytes;
}

static void expect(enum reader_format format, const char *text, const char *expected)
{
    static const size_t pieces[] = {1 << 16, 1, 7};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        char *said = read_all(format, text, strlen(text), pieces[i]);

        assert_string_equal(said, expected);
        free(said);
    }
}

#define AT(lat, lng, more)                                                                         \
    "{\"geometry\":{\"location\":{\"lat\":" lat ",\"lng\":" lng "}}" more "}\n"
#define POINT(lng, lat)                                                                            \
    "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[" lng "," lat "]}}"
#define HEAD "{\"type\":\"FeatureCollection\",\"features\":["

/* ---- the forms ---- */

static void reads_lines(void **unused)
{
    (void)unused;
    expect(READER_JSONL,
           "{\"lat\":1.50,\"lon\":-2,\"amenity\":\"cafe\",\"name\":\"A\",\"tags\":{\"x\": [1]}}\r\n"
           "\n \t\n"
           "{\"Latitude\":1,\"Longitude\":2,\"types\":[\"a\",\"b\"],\"address\":\"1 "
           "Way\",\"name\":7}\n"
           "\x1E" POINT("3", "4") "\n"
                                  "{\"lng\":5,\"lat\":6,\"type\":\"bar\",\"l\\u0061t\":7}",
           AT("1.50", "-2",
              ",\"name\":\"A\",\"types\":[\"cafe\"],\"properties\":{\"tags\":{\"x\": [1]}}")
               AT("1", "2",
                  ",\"types\":[\"a\",\"b\"],\"vicinity\":\"1 Way\",\"properties\":{\"name\":7}")
                   AT("4", "3", "") AT(
                       "6", "5", ",\"types\":[\"bar\"],\"properties\":{\"l\\u0061t\":7}") "end\n");
}

static void names_bad_lines(void **unused)
{
    (void)unused;
    expect(READER_JSONL,
           "{\"lat\":1}\n[1]\n{\"lat\":\"1\",\"lon\":2}\n{\"lat\":91,\"lon\":2}\n{\"lat\":1,"
           "\"lon\":2\n"
           "{\"type\":\"Feature\"}\n\"\xFF\"\n{\"lat\":1e999,\"lon\":2}\n{\"lat\":1,\"lon\":2}\n",
           "1: no number lon\n2: not an object\n3: no number lat\n4: not on the earth\n"
           "5: it ends too early\n6: not a Feature with a Point on the earth\n"
           "7: bytes that are not UTF-8\n8: not on the earth\n" AT("1", "2", "") "end\n");
    expect(READER_JSONL, "", "end\n");
}

static void reads_tables(void **unused)
{
    (void)unused;
    expect(READER_CSV,
           "\xEF\xBB\xBFname,LAT,\"lon\",type,address,\"o\"\"x\",y\r\n"
           "\"A, \"\"B\"\"\n\",1.50,-2,cafe,1 Way,,\x01\r\n"
           "\n"
           ",+.5,01,,,q,\n",
           AT("1.50", "-2",
              ",\"name\":\"A, \\\"B\\\"\\u000a\",\"types\":[\"cafe\"],\"vicinity\":\"1 "
              "Way\",\"properties\":{\"y\":\"\\u0001\"}")
               AT("0.5", "1", ",\"properties\":{\"o\\\"x\":\"q\"}") "end\n");
}

static void names_bad_rows(void **unused)
{
    (void)unused;
    expect(READER_CSV,
           "lat,lon,name\n1,2\n1,2,3,4\nx,2,\n1,0x2,\n,2,\nnan,2,\n1,181,\n1,2,\"a\n3,4,\"b\"\n",
           "2: 2 fields for 3 columns\n3: 4 fields for 3 columns\n4: lat is not a number\n"
           "5: lon is not a number\n6: lat is not a number\n7: lat is not a number\n"
           "8: not on the earth\n9: a closing quote that does not end its field\n" AT(
               "3", "4", ",\"name\":\"b\"") "end\n");
    expect(READER_CSV, "", "failed 1: it is empty; its first line has to name the columns\n");
    expect(READER_CSV, "lat,name\n", "failed 1: no column lon\n");
    expect(READER_CSV, "lat,lon,LATITUDE\n", "failed 1: two columns for the same: LATITUDE\n");
    expect(READER_CSV, "lat,\"lon\n", "failed 1: a quote that is not closed\n");
    expect(READER_CSV, "lat,lon\n1,2\n\"3,4\n5,6\n",
           AT("1", "2", "") "3: a quote that is not closed\n" AT("5", "6", "") "end\n");
    /* the rest of a bad row is none, also where it has not come in yet */
    expect(READER_CSV, "lat,lon\nx\"y,1\n\"a\"b\n5,6\n1\"2,3",
           "2: a quote within a field\n3: a closing quote that does not end its field\n" AT(
               "5", "6", "") "5: a quote within a field\nend\n");
}

static void reads_features(void **unused)
{
    (void)unused;
    expect(READER_GEOJSON,
           "\xEF\xBB\xBF {\"x\":[1,{\"a\":\"]}\\\"\"}],\n\"type\":\"FeatureCollection\",\"n\":-1.5,"
           "\"features\": [ " POINT("1", "2") "\n,\n" POINT("3", "4") " ] , \"b\":null}\n",
           AT("2", "1", "") AT("4", "3", "") "end\n");
    expect(READER_GEOJSON, HEAD "]}", "end\n");
    expect(READER_GEOJSON, "{\"features\":[" POINT("1", "2") "],\"type\":\"FeatureCollection\"}",
           AT("2", "1", "") "end\n");
}

static void names_bad_features(void **unused)
{
    (void)unused;
    expect(
        READER_GEOJSON,
        HEAD
        "\n7,\n{\"a\":01},\nnull,\"x\",{},\n" POINT("181", "2") ",\n[[}],\n" POINT("1", "2") "]}",
        "2: not a Feature with a Point on the earth\n3: a number that is none\n"
        "4: not a Feature with a Point on the earth\n4: not a Feature with a Point on the earth\n"
        "4: not a Feature with a Point on the earth\n5: not a Feature with a Point on the earth\n"
        "6: not JSON from here on\n" AT("2", "1", "") "end\n");
}

static void refuses_other_files(void **unused)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "failed 1: not a GeoJSON FeatureCollection\n"},
        {"[]", "failed 1: not a GeoJSON FeatureCollection\n"},
        {"{}", "failed 1: not a GeoJSON FeatureCollection\n"},
        {"{\"type\":\"Feature\"}", "failed 1: not a GeoJSON FeatureCollection\n"},
        {"{\"features\":[]}", "failed 1: not a GeoJSON FeatureCollection\n"},
        {"{\"type\":\"FeatureCollection\"}",
         "failed 1: a FeatureCollection needs one array of features\n"},
        {"{\"features\":{}}", "failed 1: a FeatureCollection needs one array of features\n"},
        {HEAD "],\"features\":[]}", "failed 1: a FeatureCollection needs one array of features\n"},
        {HEAD "]", "failed 1: it ends too early\n"},
        {HEAD, "failed 1: it ends too early\n"},
        {HEAD "\n{\"a\":\"", "failed 2: it ends too early\n"},
        {HEAD "]}x", "failed 1: text after the end\n"},
        {HEAD "],}", "failed 1: not JSON\n"},
        {"{,}", "failed 1: not JSON\n"},
        {"{\"a\" 1}", "failed 1: not JSON: ':' should stand here\n"},
        {"{\"a\":1 \"b\":2}", "failed 1: not JSON: ',' should stand here\n"},
        {"{\"a\":1e}", "failed 1: a number without digits in its exponent\n"},
        {"{\"\xFF\":1}", "failed 1: bytes that are not UTF-8\n"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(READER_GEOJSON, cases[i].text, cases[i].expected);
    expect(READER_GEOJSON, HEAD POINT("1", "2") " 7]}",
           AT("2", "1", "") "failed 1: not JSON: ',' should stand here\n");
}

/* ---- what is too large ---- */

/* before, then so many bytes, then after; what is said of it. To be freed. */
static char *read_large(enum reader_format format, const char *before, char byte, size_t count,
                        const char *after)
{
    size_t len = strlen(before) + count + strlen(after);
    char *text = malloc(len + 1), *said;

    strcpy(text, before);
    memset(text + strlen(before), byte, count);
    strcpy(text + strlen(before) + count, after);
    said = read_all(format, text, len, 1 << 16);
    free(text);
    return said;
}

static void skips_what_is_too_large(void **unused)
{
    static const struct {
        enum reader_format format;
        const char *before, *after, *expected;
    } cases[] = {
        {READER_JSONL, "{\"lat\":1,\"lon\":2,\"name\":\"", "\"}\n{\"lat\":3,\"lon\":4}",
         "1: longer than 1048576 bytes\n" AT("3", "4", "") "end\n"},
        {READER_CSV, "lat,lon,name\n1,2,\"", "\"\n3,4,\n",
         "2: longer than 1048576 bytes\n" AT("3", "4", "") "end\n"},
        {READER_CSV, "name,lat,lon\n1\"", ",1,2\n,3,4\n",
         "2: a quote within a field\n" AT("3", "4", "") "end\n"},
        {READER_GEOJSON, HEAD "\n{\"a\":\"", "\",\"b\":[{}]},\n" POINT("4", "3") "]}",
         "2: longer than 1048576 bytes\n" AT("3", "4", "") "end\n"},
        {READER_GEOJSON, "{\"a\":\"", "\",\"type\":\"FeatureCollection\",\"features\":[]}",
         "end\n"},
        {READER_GEOJSON, "{\"a\":\"", "", "failed 1: it ends too early\n"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *said = read_large(cases[i].format, cases[i].before, 'x', 20000000, cases[i].after);

        assert_string_equal(said, cases[i].expected);
        free(said);
    }
}

/* What is a byte too long is refused also if the window has all of it. */
static void measures_records(void **unused)
{
    static const struct {
        enum reader_format format;
        const char *before, *after, *next;
    } cases[] = {
        {READER_JSONL, "{\"lat\":1,\"lon\":2,\"name\":\"", "\"}", "\n{\"lat\":3,\"lon\":4}"},
        {READER_CSV, "1,2,\"", "\"\n", "3,4,\n"},
        {READER_GEOJSON,
         "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[2,1]},"
         "\"properties\":{\"name\":\"",
         "\"}}", "," POINT("4", "3") "]}"},
    };
    static const char *const heads[] = {HEAD, "", "lat,lon,name\n"};

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t frame = strlen(cases[i].before) + strlen(cases[i].after);
        char before[200], after[200], why[128];

        snprintf(before, sizeof(before), "%s%s", heads[cases[i].format], cases[i].before);
        snprintf(after, sizeof(after), "%s%s", cases[i].after, cases[i].next);
        snprintf(why, sizeof(why), ": longer than %zu bytes\n" AT("3", "4", ""), SOURCE_RECORD_MAX);
        for (size_t over = 0; over < 2; over++) {
            char *said = read_large(cases[i].format, before, 'x', SOURCE_RECORD_MAX - frame + over,
                                    after);

            assert_true((strstr(said, why) != NULL) == (over == 1));
            assert_non_null(strstr(said, AT("3", "4", "") "end\n"));
            free(said);
        }
    }
}

static void deep_nests(void **unused)
{
    char *said = read_large(READER_GEOJSON, HEAD, '[', 5000000, "");

    (void)unused;
    assert_string_equal(said, "failed 1: it ends too early\n");
    free(said);
    said = read_large(READER_JSONL, "", '[', 900000, "\n{\"lat\":3,\"lon\":4}\n");
    assert_non_null(strstr(said, "nested"));
    assert_non_null(strstr(said, AT("3", "4", "") "end\n"));
    free(said);
}

/* ---- any bytes ---- */

/* Parts of good files and bad, in any order: it comes to an end, and what is a place is JSON. */
static void any_text(void **unused)
{
    static const char *const parts[] = {
        HEAD,
        POINT("1", "2"),
        ",",
        "]",
        "}",
        "{",
        "[",
        "\n",
        "\"",
        "\\",
        "7",
        "-",
        " ",
        "\r\n",
        "null",
        "\xFF",
        "\x01",
        ":",
        "lat",
        ",lon",
        "lat,lon\n",
        "1,2\n",
        "\"a\"\"b\"",
        "\"lat\":1",
        "{\"lat\":1,\"lon\":2}\n",
        "\"type\":\"FeatureCollection\"",
        "\"features\":[",
    };
    char text[600];

    (void)unused;
    for (int round = 0; round < 6000; round++) {
        size_t len = 0, count = random_next() % 14;
        char *said, *line, *rest;

        for (size_t i = 0; i < count; i++) {
            const char *part = parts[random_next() % (sizeof(parts) / sizeof(parts[0]))];

            memcpy(text + len, part, strlen(part));
            len += strlen(part);
        }
        said = read_all((enum reader_format)(round % 3), text, len, round % 2 ? 3 : 4096);
        for (line = strtok_r(said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            struct herd_error err;

            if (strncmp(line, "{\"geometry\"", 11) == 0 && round % 3 != READER_CSV)
                assert_true(json_check((struct herd_text){line, strlen(line)}, &err));
        }
        free(said);
    }
}

static void formats_by_name(void **unused)
{
    enum reader_format format;

    (void)unused;
    assert_true(reader_format_of("a.b/x.GeoJSON", &format) && format == READER_GEOJSON);
    assert_true(reader_format_of("x.csv", &format) && format == READER_CSV);
    assert_true(reader_format_of("jsonl", &format) && format == READER_JSONL);
    assert_false(reader_format_of("x.gz", &format));
    assert_false(reader_format_of("-", &format));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines),
        cmocka_unit_test(names_bad_lines),
        cmocka_unit_test(reads_tables),
        cmocka_unit_test(names_bad_rows),
        cmocka_unit_test(reads_features),
        cmocka_unit_test(names_bad_features),
        cmocka_unit_test(refuses_other_files),
        cmocka_unit_test(skips_what_is_too_large),
        cmocka_unit_test(measures_records),
        cmocka_unit_test(deep_nests),
        cmocka_unit_test(any_text),
        cmocka_unit_test(formats_by_name),
    };

    signal(SIGPIPE, SIG_IGN); /* a reader that fails leaves the rest of its file */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
