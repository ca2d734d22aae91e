/* What the tests of the configuration share: texts written to files of their own folder, and what
 * herd says of them. */
#ifndef UNIT_CONFIG_TEXT_H
#define UNIT_CONFIG_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/config.h"
#include "core/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/herd-config-XXXXXX"; /* of the files that a case writes */
static char file[64];

#define TWO                                                                                        \
    "servers = (\n"                                                                                \
    "  { name = \"a\"; host = \"127.0.0.1\"; port = 1001; peer_port = 2001; },\n"                  \
    "  { name = \"b\"; host = \"127.0.0.1\"; port = 1002; peer_port = 2002; }\n"                   \
    ");\n"

static inline void write_file(const char *name, const char *text, size_t len)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

/* Reads text as herd would, modules aside. Returns what is wrong, the folder's path left out; "":
 * nothing is. */
static inline const char *mistake(const char *text, const char *overlay)
{
    static struct herd_error err;
    struct settings settings;
    write_text("h.conf", text);
    err.text[0] = '\0';
    struct config *config = config_open(file, overlay, &err);
    if (config && settings_read(&settings, config, &err)) {
        config_check_unknown(config, &err);
        settings_free(&settings);
    }
    config_close(config);
    size_t skip = strncmp(err.text, dir, strlen(dir)) == 0 ? strlen(dir) + 1 : 0;
    return err.text + skip;
}

struct wrong {
    const char *text, *overlay, *message;
};

static inline void expect(const struct wrong *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(mistake(cases[i].text, cases[i].overlay), cases[i].message);
}

#define EXPECT(cases) expect(cases, sizeof(cases) / sizeof((cases)[0]))

static inline struct config *open_text(const char *text, const char *overlay)
{
    struct herd_error err = {""};
    write_text("h.conf", text);
    struct config *config = config_open(file, overlay, &err);
    assert_string_equal(err.text, "");
    assert_non_null(config);
    return config;
}

static inline int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof(file), "%s/h.conf", dir);
    return 0;
}

static inline int remove_dir(void **state)
{
    (void)state;
    char path[128];
    unlink(file);
    snprintf(path, sizeof(path), "%s/inc.conf", dir);
    unlink(path);
    return rmdir(dir);
}

#endif
