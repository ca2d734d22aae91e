/* Shows how the configuration file is parsed: -g over the file, @include, what libconfig would
 * misread, settings that nobody knows, a module's own group, units, and that -T prints what is read
 * again. */
#include "config_text.h"
#include "core/units.h"

static void finds_unknown_settings(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {TWO "places: {\n frovider = \"x\"; };", NULL,
         "h.conf:6: places.frovider: unknown setting"},
        {TWO "plaices: { };", NULL, "h.conf:5: plaices: unknown setting"},
        {TWO "x = ( ( 1 ) );", NULL, "h.conf:5: x: unknown setting"},
        {TWO "places: { google: { key_file = \"k\"; }; };", NULL,
         "h.conf:5: places.google: unknown setting"},
        {TWO, "\nplaces: { frovider = \"x\"; };", "-g:2: places.frovider: unknown setting"},
        {TWO, "limits: 5;", "-g:1: limits: must be a group: { ... }"},
        {TWO "limits = 5;", "limits: { };", "h.conf:5: limits: must be a group: { ... }"},
        /* what -g replaces is not looked at, but was read */
        {"servers = ( { nonsense = 1; } );", TWO, ""},
        {TWO "workers = \"x\";", "workers = 1;", ""},
    };
    EXPECT(cases);
}

static void finds_what_libconfig_would_misread(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {TWO "\nworkers = 1234567890;", NULL, "h.conf:6: integer of more than 9 digits"},
        {TWO "workers = -4294967297;", NULL, "h.conf:5: integer of more than 9 digits"},
        {TWO "workers = 4294967297L;", NULL, "h.conf:5: integer of more than 9 digits"},
        {TWO "workers = 0x100000001;", NULL, "h.conf:5: hexadecimal integer of more than 8 digits"},
        {TWO "workers = 0xFFFFFFFF;", NULL, "h.conf:5: hexadecimal integer above 0x7fffffff"},
        {TWO, "workers = 1;\nworkers = 12345678901;", "-g:2: integer of more than 9 digits"},
        {TWO "pid_file = \"a\\x00b\";", NULL, "h.conf:5: a NUL byte (\\x00) in a string"},
        {TWO "a1234567890 = 1;", NULL, "h.conf:5: a1234567890: unknown setting"},
        {TWO "/* 1234567890 \" */ # 1234567890 \"\n// 1234567890 \"\npid_file = \"\\\"1234567890\";"
             "places: { max_radius_km = 0000000001.5; };",
         NULL, ""},
        {TWO "places: { max_radius_km = 100000000000e-10; };", NULL, ""},
        {TWO "workers = 0x10; limits: { clients = 999999999L; }; # no line end", NULL, ""},
    };
    EXPECT(cases);
    write_file("h.conf", "a = 1;\n\0b = 2;", 14);
    struct herd_error err;
    assert_null(config_open(file, NULL, &err));
    assert_string_equal(err.text + strlen(dir) + 1, "h.conf:2: a NUL byte");
}

static void finds_what_cannot_be_parsed(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"a = 1;\na = 2;", NULL, "h.conf:2: duplicate setting name"},
        {"a = \n\n ;", NULL, "h.conf:3: syntax error"},
        {"a = \"x", NULL, "h.conf:1: a string without an end"},
        {"a = 1;\n/* x\n\n/", NULL, "h.conf:2: a comment without an end"},
        {"a = \"x\\", NULL, "h.conf:1: a string without an end"},
        {TWO, "workers = ", "-g:2: syntax error"},
        {"\n@include \"none.conf\"", NULL,
         "h.conf:2: @include \"none.conf\": No such file or directory"},
        {"\n@include \"\"*\".conf\"", NULL, "h.conf:2: @include \"\": Is a directory"},
        {"\n@include \"/none.conf\"", NULL,
         "h.conf:2: @include takes a path from the configuration file's folder"},
    };
    EXPECT(cases);
    struct herd_error err;
    assert_null(config_open("/nonexistent/h.conf", NULL, &err));
    assert_string_equal(err.text, "/nonexistent/h.conf: No such file or directory");
    assert_null(config_open("/", NULL, &err));
    assert_string_equal(err.text, "/: Is a directory");
}

static void follows_includes(void **state)
{
    (void)state;
    write_text("inc.conf", "workers = 3;\n\nplaces: { x = 1; };\n");
    static const struct wrong unknown[] = {
        {TWO "@include \"inc.conf\"\n", NULL, "inc.conf:3: places.x: unknown setting"},
        {TWO, " @include \"inc.conf\"", "inc.conf:3: places.x: unknown setting"},
    };
    EXPECT(unknown);
    write_text("inc.conf", "workers = 3;\n\ny = 12345678901;\n");
    static const struct wrong digits[] = {
        {TWO "@include\t\"inc.conf\"\n", NULL, "inc.conf:3: integer of more than 9 digits"},
        {TWO "pid_file = \"x\n @include \\\"inc.conf\\\"\";", NULL, ""},
    };
    EXPECT(digits);
    write_text("inc.conf", "x = 3;\n y = ;\n");
    static const struct wrong syntax[] = {
        {TWO "@include \"inc.conf\"\n", NULL, "inc.conf:2: syntax error"},
    };
    EXPECT(syntax);
    write_text("inc.conf", "@include \"inc.conf\"\n");
    assert_non_null(strstr(mistake(TWO "@include \"inc.conf\"\n", NULL), "too deep"));
}

#define INCLUDE     "@include \"inc.conf\"\n"
#define INCLUDE_TEN INCLUDE INCLUDE INCLUDE INCLUDE INCLUDE INCLUDE INCLUDE INCLUDE INCLUDE INCLUDE

/* The first that is too deep is told, and not only after all the others have been looked for: those
 * would be ten thousand million. */
static void one_include_too_deep_is_enough(void **state)
{
    (void)state;
    alarm(60);
    write_text("inc.conf", INCLUDE_TEN);
    assert_string_equal(mistake(TWO INCLUDE, NULL), "inc.conf:1: include file nesting too deep");
    alarm(0);
}

/* A chain of files, the last of which has an integer that libconfig would cut. */
static const char *integer_in(int depth)
{
    char name[16], text[32];
    for (int i = 1; i < depth; i++) {
        snprintf(name, sizeof(name), "%d.conf", i);
        snprintf(text, sizeof(text), "@include \"%d.conf\"\n", i + 1);
        write_text(name, text);
    }
    snprintf(name, sizeof(name), "%d.conf", depth);
    write_text(name, "x = 42949672960;");
    const char *said = mistake("@include \"1.conf\"\n", NULL);
    for (int i = 1; i <= depth; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%d.conf", dir, i);
        unlink(path);
    }
    return said;
}

static void scans_as_deep_as_libconfig_reads(void **state)
{
    (void)state;
    assert_string_equal(integer_in(1), "1.conf:1: integer of more than 9 digits");
    assert_string_equal(integer_in(10), "10.conf:1: integer of more than 9 digits");
    assert_string_equal(integer_in(11), "10.conf:1: include file nesting too deep");
}

static void lays_g_over_the_file(void **state)
{
    (void)state;
    struct herd_error err;
    struct settings s;
    struct config *config = open_text(
        TWO "limits: { line = \"256\"; commands = 7; };\nload_modules = [ \"x\", \"y\" ];",
        "limits: { line = \"1k\"; };\nload_modules = [ \"m/z.so\", \"/z.so\", \"w\" ]");
    assert_true(settings_read(&s, config, &err));
    assert_int_equal(s.limits.line_bytes, 1024);
    assert_int_equal(s.limits.commands, 7);
    assert_int_equal(s.load_module_count, 3);
    char path[128];
    snprintf(path, sizeof(path), "%s/m/z.so", dir);
    assert_string_equal(s.load_modules[0], path);
    assert_string_equal(s.load_modules[1], "/z.so");
    assert_true(config_check_unknown(config, &err));
    settings_free(&s);
    config_close(config);
}

/* What a module does with its group. */
static void gives_modules_their_group(void **state)
{
    (void)state;
    struct herd_error err;
    const char *path = NULL, *text = NULL;
    double number = 0;
    struct config *config = open_text("places: { my: { file = \"p/x\"; n = 3; odd = 1; }; };",
                                      NULL);
    struct herd_group *group = config_group(config, "places.my", &err);
    assert_non_null(group);
    assert_true(herd_config_given(group, "file"));
    assert_false(herd_config_given(group, "other"));
    assert_true(herd_config_path(group, "file", "d", &path, &err));
    assert_string_equal(path + strlen(dir), "/p/x");
    assert_true(herd_config_path(group, "none", "", &path, &err));
    assert_string_equal(path, "");
    assert_true(herd_config_string(group, "other", "d", &text, &err));
    assert_string_equal(text, "d");
    assert_true(herd_config_float(group, "n", 1.0, 0.0, 9.0, &number, &err));
    assert_true(number == 3.0);
    assert_false(herd_config_fail(group, "n", &err, "is %d", 3));
    assert_string_equal(err.text + strlen(dir) + 1, "h.conf:1: places.my.n: is 3");
    assert_false(config_check_unknown(config, &err));
    assert_string_equal(err.text + strlen(dir) + 1, "h.conf:1: places.my.odd: unknown setting");
    static const char *const no_names[] = {"", "a.b", "n.n", ".n", "n.", "1n", "-n", "n n"};
    for (size_t i = 0; i < sizeof(no_names) / sizeof(no_names[0]); i++) {
        assert_false(herd_config_string(group, no_names[i], "d", &text, &err));
        assert_non_null(strstr(err.text, ": is no name of a setting"));
        assert_false(herd_config_given(group, no_names[i]));
    }
    assert_false(herd_config_bool(group, "a.b", false, &(bool){false}, &err));
    assert_false(herd_config_int(group, "a.b", 1, 0, 9, &(int){0}, &err));
    assert_false(herd_config_float(group, "a.b", 1, 0, 9, &number, &err));
    assert_string_equal(err.text + strlen(dir) + 1,
                        "h.conf:1: places.my.a.b: is no name of a setting");
    assert_true(herd_config_string(group, "*a-b_1Z", "d", &text, &err));
    assert_non_null(config_group(config, "not.there", &err));
    assert_null(config_group(config, "places.my.n", &err));
    assert_string_equal(err.text + strlen(dir) + 1,
                        "h.conf:1: places.my.n: must be a group: { ... }");
    config_close(config);
}

/* What -T prints for a text. The caller frees it. */
static char *print_of(const char *text, const char *overlay)
{
    struct herd_error err = {""};
    struct settings s;
    char *printed = NULL;
    size_t len = 0;
    struct config *config = open_text(text, overlay);
    assert_true(settings_read(&s, config, &err));
    assert_true(config_check_unknown(config, &err));
    FILE *out = open_memstream(&printed, &len);
    config_print(config, out);
    fclose(out);
    settings_free(&s);
    config_close(config);
    return printed;
}

static void prints_what_it_reads_again(void **state)
{
    (void)state;
    char *first = print_of(TWO "adjacency = ( { server = \"a\"; talks_to = [ \"b\" ]; } );\n"
                               "pid_file = \"a\\\"\\\\\\n\\x07\\x7f\xc3\xa9%n\";\n"
                               "places: { max_radius_km = 0.1; };",
                           "limits: { line = \"2k\"; }; places: { max_radius_km = 1e3; };");
    assert_non_null(strstr(first, "    line = \"2k\";\n"));
    assert_non_null(strstr(first, "    connections = 10000;\n"));
    assert_non_null(strstr(first, "    max_radius_km = 1000.0;\n"));
    assert_non_null(strstr(first, "pid_file = \"a\\\"\\\\\\x0A\\x07\\x7F\xc3\xa9%n\";\n"));
    assert_non_null(strstr(first, "        talks_to = [ \"b\" ];\n"));
    assert_non_null(strstr(first, "load_modules = [ ];\n"));
    char *second = print_of(first, NULL);
    assert_string_equal(first, second);
    char *plain = print_of(TWO, NULL), *again = print_of(plain, NULL);
    assert_string_equal(plain, again);
    free(first);
    free(second);
    free(plain);
    free(again);
}

static void reads_units(void **state)
{
    (void)state;
    uint64_t bytes;
    int64_t ns;
    assert_true(units_size("0", &bytes) && bytes == 0);
    assert_true(units_size("17", &bytes) && bytes == 17);
    assert_true(units_size("3m", &bytes) && bytes == 3 * 1048576);
    assert_true(units_size("17179869183g", &bytes) && bytes == UINT64_C(17179869183) << 30);
    assert_false(units_size("17179869184g", &bytes));
    assert_true(units_size("18446744073709551615", &bytes) && bytes == UINT64_MAX);
    assert_false(units_size("18446744073709551616", &bytes));
    static const char *const no_size[] = {"",   "k",  "-1",  "+1",   " 1",
                                          "1 ", "1K", "1kb", "1.5k", "0x1"};
    for (size_t i = 0; i < sizeof(no_size) / sizeof(no_size[0]); i++)
        assert_false(units_size(no_size[i], &bytes));
    assert_true(units_duration("0", &ns) && ns == 0);
    assert_true(units_duration("2", &ns) && ns == 2000000000);
    assert_true(units_duration("500ms", &ns) && ns == 500000000);
    assert_true(units_duration("2h", &ns) && ns == INT64_C(7200000000000));
    assert_true(units_duration("106751d", &ns) && ns == INT64_C(106751) * 86400000000000);
    assert_false(units_duration("106752d", &ns));
    assert_false(units_duration("1w", &ns));
    assert_false(units_duration("m", &ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_unknown_settings),
        cmocka_unit_test(finds_what_libconfig_would_misread),
        cmocka_unit_test(finds_what_cannot_be_parsed),
        cmocka_unit_test(follows_includes),
        cmocka_unit_test(one_include_too_deep_is_enough),
        cmocka_unit_test(scans_as_deep_as_libconfig_reads),
        cmocka_unit_test(lays_g_over_the_file),
        cmocka_unit_test(gives_modules_their_group),
        cmocka_unit_test(prints_what_it_reads_again),
        cmocka_unit_test(reads_units),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("config", tests, make_dir, remove_dir);
}
