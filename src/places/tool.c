/* herd-places' command line. A verb comes first, then its options, then what it is about; options
 * end there, for a longitude may begin with a minus. */
#include "places/tool.h"

#include "base/output.h"
#include "places/import.h"
#include "places/near.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static const char usage[] =
    "usage: herd-places import [-v] [--strict] [--format FORMAT] FILE DB\n"
    "       herd-places near [-j] DB LAT LON KM N\n"
    "       herd-places info DB\n"
    "\n"
    "  import      makes DB of FILE (-: standard input); what DB was before it stays\n"
    "              until all is done\n"
    "    -v        tells how far it is, also where that is no terminal\n"
    "    --strict  a record that is no place ends it\n"
    "    --format  geojson, jsonl or csv; without it FILE's name tells\n"
    "  near        prints the N places nearest to LAT LON, within KM kilometres:\n"
    "              distance, latitude, longitude, name\n"
    "    -j        prints them as WHATSAT answers\n"
    "  info        prints how many places there are, where, and since when\n"
    "\n"
    "  -h          shows this\n"
    "  --version   shows the version\n";

static int complain(const char *format, const char *what)
{
    fputs("herd-places: ", stderr);
    fprintf(stderr, format, what);
    fputs("; herd-places -h shows the usage\n", stderr);
    return EXIT_FAILURE;
}

static bool take_number(const char *text, double min, double max, double *number)
{
    char *end;

    if (text[0] == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
        return false;
    *number = strtod(text, &end);
    return *end == '\0' && *number >= min && *number <= max;
}

/* ---- the verbs ---- */

static int take_import(int argc, char **argv)
{
    static const struct option longs[] = {
        {"strict", no_argument, NULL, 's'}, {"format", required_argument, NULL, 'f'}, {0}};
    struct import import = {0};
    const char *format = NULL;
    int letter;

    while ((letter = getopt_long(argc, argv, "+:v", longs, NULL)) != -1) {
        if (letter == 's')
            import.strict = true;
        else if (letter == 'f')
            format = optarg;
        else if (letter == 'v')
            import.verbose = true;
        else
            return complain("import: option %s is unknown or wants a value", argv[optind - 1]);
    }
    if (argc - optind != 2)
        return complain("%s", "import wants a FILE and a DB");
    import.from = argv[optind];
    import.to = argv[optind + 1];
    if (format && (strchr(format, '.') || !reader_format_of(format, &import.format)))
        return complain("--format: %s is none; there are geojson, jsonl and csv", format);
    if (!format && !(strchr(import.from, '.') && reader_format_of(import.from, &import.format)))
        return complain("%s: its name tells no format; --format does", import.from);
    return import_run(&import);
}

static int take_near(int argc, char **argv)
{
    struct near near = {0};
    double bound;
    int letter;

    while ((letter = getopt(argc, argv, "+:j")) != -1) {
        if (letter != 'j')
            return complain("near: unknown option %s", argv[optind - 1]);
        near.json = true;
    }
    if (argc - optind != 5)
        return complain("%s", "near wants a DB, LAT, LON, KM and N");
    argv += optind;
    near.db = argv[0];
    if (!take_number(argv[1], -90, 90, &near.lat_deg))
        return complain("LAT: %s is not a number within -90 to 90", argv[1]);
    if (!take_number(argv[2], -180, 180, &near.lon_deg))
        return complain("LON: %s is not a number within -180 to 180", argv[2]);
    if (!take_number(argv[3], 0, 1e6, &near.radius_km))
        return complain("KM: %s is not a number within 0 to 1000000", argv[3]);
    if (argv[4][strspn(argv[4], "0123456789")] != '\0' || !take_number(argv[4], 0, 1e9, &bound))
        return complain("N: %s is not a whole number within 0 to 1000000000", argv[4]);
    near.bound = (size_t)bound;
    return near_run(&near);
}

static int take_info(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-')
        return complain("%s", "info wants a DB");
    return info_run(argv[1]);
}

int tool_main(int argc, char **argv)
{
    static const struct {
        const char *verb;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"import", take_import}, {"near", take_near}, {"info", take_info}};
    int status = -1;

    opterr = 0;
    if (argc < 2)
        return complain("%s", "no verb");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && status < 0; i++) {
        if (strcmp(argv[1], verbs[i].verb) == 0)
            status = verbs[i].run(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        status = EXIT_SUCCESS;
    } else if (strcmp(argv[1], "--version") == 0) {
        puts("herd-places " PACKAGE_VERSION);
        status = EXIT_SUCCESS;
    }
    if (status < 0)
        return complain("%s is no verb", argv[1]);
    return output_end("herd-places") == 0 ? status : EXIT_FAILURE;
}
