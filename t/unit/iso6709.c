/* A location is [+-]D[+-]D within 90 and 180 degrees, decided on its digits; its degrees are those
 * of strtod. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/iso6709.h"

/* Parses a copy that ends where its memory ends. */
static bool parse_bytes(const char *bytes, size_t len, double *lat, double *lon)
{
    char *copy = malloc(len);

    assert_true(copy != NULL || len == 0);
    memcpy(copy, bytes, len);
    bool ok = iso6709_parse((struct herd_text){copy, len}, lat, lon);
    free(copy);
    return ok;
}

static bool is_place(const char *text)
{
    return parse_bytes(text, strlen(text), NULL, NULL);
}

static void reads_degrees(void **unused)
{
    static const struct {
        const char *text;
        double lat, lon;
    } places[] = {
        {"+34.068930-118.445127", 34.068930, -118.445127},
        {"-33.86705222+151.19575", -33.86705222, 151.19575},
        {"+34.0+0", 34.0, 0},
        {"+0-0", 0, 0},
        {"-90-180", -90, -180},
        {"+90.000+180.0", 90, 180},
        {"+0.1+0.3", 0.1, 0.3},
        {"+0034.5+000118.25", 34.5, 118.25},
        {"+27.591711111111111111111111-100.1234567890123456789012345678901",
         27.591711111111111111111111, -100.1234567890123456789012345678901},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        double lat, lon;
        assert_true(parse_bytes(places[i].text, strlen(places[i].text), &lat, &lon));
        assert_true(lat == places[i].lat);
        assert_true(lon == places[i].lon);
    }
}

static void refuses_other_forms(void **unused)
{
    static const char *const texts[] = {
        "",         "+",        "+1",       "+1+",
        "++1",      "+1-",      "1+1",      "1.0-1.0",
        "+1 +1",    "+1+1 ",    " +1+1",    "+1+1+1",
        "+1+1/",    "+1.+1",    "+.5+1",    "+1+.5",
        "+1+1.",    "+1.5.5+1", "+1+1.5.5", "+1,5+1",
        "+1e1+1",   "+0x1+1",   "+nan+1",   "+inf+1",
        "--1+1",    "+-1+1",    "+1+-1",    "+1++1",
        "+1-+1",    "+.+.",     "+1+1\n",   "+34.068930,-118.445127",
        "\xb1+1+1",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (is_place(texts[i]))
            fail_msg("taken: %s", texts[i]);
    assert_false(parse_bytes("+1\0+1", 5, NULL, NULL));
    assert_false(parse_bytes("+1+1\0", 5, NULL, NULL));
    assert_true(parse_bytes("+1+1", 4, NULL, NULL));
}

static void decides_the_range_on_the_digits(void **unused)
{
    (void)unused;
    assert_true(is_place("+90+180"));
    assert_true(is_place("-90-180"));
    assert_true(is_place("+90.00000000000000000000000+180.0000000000000000000000000000"));
    assert_true(is_place("+0000000090.0-000000000180.0"));
    assert_true(is_place("+89.9999999999999999999999999-179.999999999999999999999999"));
    assert_true(is_place("+9+99"));
    assert_false(is_place("+90.000000000000000000000001+0"));
    assert_false(is_place("-90.000000000000000000000001+0"));
    assert_false(is_place("+0+180.000000000000000000000001"));
    assert_false(is_place("+0-180.000000000000000000000001"));
    assert_false(is_place("+91+0"));
    assert_false(is_place("+100+0"));
    assert_false(is_place("+0+181"));
    assert_false(is_place("+0+200"));
    assert_false(is_place("+0+1000"));
    assert_false(is_place("+0-99999999999999999999999999999999999999999999999999"));
}

static void bounds_the_length(void **unused)
{
    char text[80];

    (void)unused;
    memset(text, '0', sizeof text);
    memcpy(text, "+1+1.", 5);
    assert_true(parse_bytes(text, HERD_LOCATION_MAX, NULL, NULL));
    assert_false(parse_bytes(text, HERD_LOCATION_MAX + 1, NULL, NULL));
}

/* Parts of every length, in memory that ends with the text, and a byte that is none anywhere. */
static void finds_its_parts_at_every_place(void **unused)
{
    char text[70];

    (void)unused;
    for (int lat = 0; lat <= 28; lat++)
        for (int lon = 0; lon <= 28; lon++) {
            snprintf(text, sizeof text, "+7%s%.*s-99%s%.*s", lat > 0 ? "." : "", lat,
                     "12345678901234567890123456789", lon > 0 ? "." : "", lon,
                     "98765432109876543210987654321");
            assert_true(is_place(text));
            text[(size_t)(lat * 29 + lon) % strlen(text)] = '/';
            assert_false(is_place(text));
        }
}

static const char *skip_decimal(const char *p)
{
    const char *from = p;

    while (*p == '0')
        p++;
    if (p == from)
        return NULL;
    if (*p != '.')
        return p;
    for (from = ++p; *p == '0';)
        p++;
    return p > from ? p : NULL;
}

/* The form, read from left to right. */
static bool has_the_form(const char *p)
{
    for (int i = 0; i < 2; i++) {
        if (*p != '+' && *p != '-')
            return false;
        p = skip_decimal(p + 1);
        if (p == NULL)
            return false;
    }
    return *p == '\0';
}

static void knows_every_short_text(void **unused)
{
    static const char letters[] = "0+-.x";
    unsigned taken = 0;

    (void)unused;
    for (unsigned number = 0; number < 5 * 5 * 5 * 5 * 5 * 5 * 5 * 5; number++) {
        char text[9] = "";
        unsigned rest = number;
        for (size_t i = 0; i < 8 - number % 5; i++, rest /= 5)
            text[i] = letters[rest % 5];
        if (is_place(text) != has_the_form(text))
            fail_msg("%s", text);
        taken += is_place(text);
    }
    assert_true(taken > 100);
}

static void gives_what_strtod_gives(void **unused)
{
    uint64_t x = 88172645463325252; /* xorshift64 */

    (void)unused;
    for (int i = 0; i < 20000; i++) {
        char text[80];
        double lat, lon;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        int len = snprintf(text, sizeof text, "%+.*f%+.*f", (int)(x % 20),
                           (double)(x % 89999) / 1000, (int)(x % 23),
                           -(double)(x % 179999) / 1000 - 0.0001);
        assert_true(parse_bytes(text, (size_t)len, &lat, &lon));
        char *end;
        assert_true(lat == strtod(text, &end));
        assert_true(lon == strtod(end, &end));
        assert_int_equal(*end, '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_degrees),
        cmocka_unit_test(refuses_other_forms),
        cmocka_unit_test(decides_the_range_on_the_digits),
        cmocka_unit_test(bounds_the_length),
        cmocka_unit_test(finds_its_parts_at_every_place),
        cmocka_unit_test(knows_every_short_text),
        cmocka_unit_test(gives_what_strtod_gives),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("iso6709", tests, NULL, NULL);
}
