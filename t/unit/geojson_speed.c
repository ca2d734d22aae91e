/* The provider geojson with 15,000 places: how long it takes to load them and to answer. HERD_OSM
 * may name a file of real ones: gzip, a JSON object a line that begins {"lat":...,"lon":..., */
#include "geojson_door.h"

#include <time.h>

static size_t count_results(const char *answer)
{
    struct herd_text results, entry;
    struct json_walk walk;
    size_t count = 0;

    assert_int_equal(json_member((struct herd_text){answer, strlen(answer)}, "results", &results),
                     1);
    walk = json_enter(results);
    while (json_next_element(&walk, &entry))
        count++;
    return count;
}

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not by valgrind, nor by a compiler that was told to leave the code as it stands. */
static bool is_fast(void)
{
#ifdef __OPTIMIZE__
    return getenv("HERD_MEMCHECK") == NULL;
#else
    return false;
#endif
}

/* Loads what is in path, and asks widely and narrowly. */
static void measure(double lat, double lon, const char *what)
{
    static const struct {
        double radius_km;
        unsigned bound;
    } asked[] = {{50, 20}, {50, 1}, {10, 20}};
    struct herd_search search = {0};
    struct herd_error err;
    double began = cpu_seconds();

    if (!try_open(&err))
        fail_msg("%s", err.text);
    printf("# %s: %s; %.0f ms to load\n", what, strchr(logged[0], '/') ? logged[0] : "?",
           (cpu_seconds() - began) * 1e3);
    assert_true(cpu_seconds() - began < 2 || !is_fast());
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        double us;

        began = cpu_seconds();
        for (int round = 0; round < 200; round++)
            ask_into(&search, lat + round * 1e-4, lon, asked[i].radius_km, asked[i].bound);
        us = (cpu_seconds() - began) / 200 * 1e6;
        printf("# %s: %.0f km, %u results: %.0f us\n", what, asked[i].radius_km, asked[i].bound,
               us);
        assert_true(us < 1000 || !is_fast());
        assert_true(count_results(search.json) == asked[i].bound);
    }
    free(search.json);
    provider()->close();
}

static void fifteen_thousand_made_up_places(void **unused)
{
    FILE *file = fopen(path, "w");

    (void)unused;
    assert_non_null(file);
    fputs("{\"type\":\"FeatureCollection\",\"features\":[\n", file);
    for (unsigned i = 0; i < 15000; i++) {
        unsigned a = i * 2654435761u, b = a * 2246822519u + i;

        fprintf(file,
                "%s{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[-118.%"
                "06u,34.%06u]},"
                "\"properties\":{\"name\":\"Place "
                "%u\",\"amenity\":\"cafe\",\"tags\":{\"opening_hours\":\"Mo-Su "
                "06:00-22:00\",\"addr:street\":\"A street with a name of its "
                "own\",\"note\":\"%0100u\"}}}",
                i ? ",\n" : "", 100000 + (a >> 8) % 800000, (b >> 8) % 500000, i, i);
    }
    fputs("\n]}\n", file);
    assert_int_equal(fclose(file), 0);
    measure(34.25, -118.5, "made up");
}

/* {"lat":49.34,"lon":-123.00,...} as a feature whose properties it is. */
static void write_feature(FILE *to, char *line, bool first)
{
    char lat[32], lon[32];

    line[strcspn(line, "\n")] = '\0';
    assert_int_equal(sscanf(line, "{\"lat\":%31[^,],\"lon\":%31[^,],", lat, lon), 2);
    fprintf(to,
            "%s{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[%s,%s]},"
            "\"properties\":%s}",
            first ? "" : ",\n", lon, lat, line);
}

static void real_places(void **unused)
{
    FILE *from, *to;
    char *line = NULL;
    size_t room = 0, count = 0;

    (void)unused;
    if (!getenv("HERD_OSM")) {
        printf("# skipped: HERD_OSM names no file of amenities (JSON lines, gzip)\n");
        return;
    }
    from = popen("gzip -dc -- \"$HERD_OSM\"", "r");
    to = fopen(path, "w");
    assert_non_null(from);
    assert_non_null(to);
    fputs("{\"type\":\"FeatureCollection\",\"features\":[\n", to);
    while (getline(&line, &room, from) > 0)
        write_feature(to, line, count++ == 0);
    fputs("\n]}\n", to);
    free(line);
    assert_int_equal(pclose(from), 0);
    assert_int_equal(fclose(to), 0);
    assert_true(count > 1000);
    measure(49.26, -123.11, "HERD_OSM");
    assert_int_equal(warnings, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifteen_thousand_made_up_places),
        cmocka_unit_test(real_places),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
