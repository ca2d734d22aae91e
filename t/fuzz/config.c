/* A configuration file, what -g lays over it, and a file to include: read as herd -T reads them,
 * modules' groups too. It is refused with a sentence that says where, or taken; and what -T prints
 * of what was taken is taken again and prints the same. The input: the file, then, behind bytes
 * 255, what -g says and the file inc.conf. */
#include "fuzz.h"

#include "core/registry.h"
#include "core/settings.h"

#include <errno.h>
#include <unistd.h>

#define PART 255

/* ---- libconfig's leak ---- */

/* libconfig 1.5 forgets a string at which it finds a syntax error; its text stands in a block of
 * its own, of a multiple of 64 bytes, or of one byte if it is empty. That block, and no other, is
 * freed for it here: whatever of such a size was allocated in config_open and is still there when
 * that has failed so. Only a sanitizer tells. */
#define FORGOTTEN 64
#define SEEN_MAX  4096

extern int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *,
                                                                         size_t),
                                                     void (*free_hook)(const volatile void *))
    __attribute__((weak));

static struct {
    bool watches;
    size_t count;
    const volatile void *blocks[SEEN_MAX];
} seen;

static void on_malloc(const volatile void *block, size_t bytes)
{
    if (seen.watches && (bytes % FORGOTTEN == 0 || bytes == 1) && seen.count < SEEN_MAX)
        seen.blocks[seen.count++] = block;
}

static void on_free(const volatile void *block)
{
    for (size_t i = seen.count; seen.watches && i-- > 0;) {
        if (seen.blocks[i] == block) {
            seen.blocks[i] = seen.blocks[--seen.count];
            return;
        }
    }
}

static struct config *open_config(const char *path, const char *overlay, struct herd_error *err)
{
    seen.watches = true;
    seen.count = 0;
    struct config *config = config_open(path, overlay, err);
    seen.watches = false;
    if (config == NULL && strstr(err->text, "syntax error") != NULL && seen.count == 1)
        free((void *)seen.blocks[0]);
    return config;
}

/* ---- files ---- */

static char folder[64], file[96], included[96], printed[96];

static void remove_folder(void)
{
    unlink(file);
    unlink(included);
    unlink(printed);
    rmdir(folder);
}

static void prepare(void)
{
    struct herd_error err;
    const char *tmp = getenv("TMPDIR");
    if (folder[0] != '\0')
        return;
    snprintf(folder, sizeof folder, "%.40s/herd-fuzz-XXXXXX", tmp != NULL ? tmp : "/tmp");
    must(mkdtemp(folder) != NULL);
    snprintf(file, sizeof file, "%s/h.conf", folder);
    snprintf(included, sizeof included, "%s/inc.conf", folder);
    snprintf(printed, sizeof printed, "%s/t.conf", folder);
    must(atexit(remove_folder) == 0);
    must(registry_open(&err));
    if (__sanitizer_install_malloc_and_free_hooks != NULL)
        must(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *out = fopen(path, "w");
    must(out != NULL && fwrite(bytes, 1, len, out) == len && fclose(out) == 0);
}

/* ---- reading ---- */

static char *print(struct config *config)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    must(out != NULL);
    config_print(config, out);
    must(fclose(out) == 0 && strlen(text) == len);
    return text;
}

static void check_settings(const struct settings *settings)
{
    must(settings->server_count > 0);
    for (size_t i = 0; i < settings->server_count; i++) {
        const struct server_settings *server = &settings->servers[i];
        must(settings_server(settings, server->name) == (int)i && server->host[0] != '\0');
        must(server->port >= 1 && server->port <= 65535);
    }
    for (size_t i = 0; i < settings->link_count; i++) {
        const struct link_settings *link = &settings->links[i];
        must(link->dialler != link->acceptor);
        must((size_t)link->dialler < settings->server_count &&
             (size_t)link->acceptor < settings->server_count);
    }
    must(settings->limits.line_bytes >= 128 && settings->limits.line_bytes <= 65536);
}

/* What -T would print; NULL: it is refused, and err says why. Modules are not loaded: who may write
 * the configuration may run what he likes. */
static char *read_config(const char *path, const char *overlay, struct herd_error *err)
{
    struct settings settings;
    char *text = NULL;
    struct config *config = open_config(path, overlay, err);
    if (config == NULL)
        return NULL;
    if (settings_read(&settings, config, err)) {
        check_settings(&settings);
        if (registry_configure(config, err) && config_check_unknown(config, err))
            text = print(config);
        settings_free(&settings);
    }
    config_close(config);
    return text;
}

static void check_refusal(const struct herd_error *err)
{
    bool ours = strncmp(err->text, folder, strlen(folder)) == 0;
    must(ours || strncmp(err->text, "-g:", 3) == 0);
}

static void check_again(const char *text)
{
    struct herd_error err = {.text = ""};
    write_file(printed, text, strlen(text));
    char *again = read_config(printed, NULL, &err);
    if (again == NULL || strcmp(again, text) != 0)
        fprintf(stderr, "%s\n%s\n", err.text, text);
    must(again != NULL && strcmp(again, text) == 0);
    free(again);
}

/* Takes a part off the front. */
static struct herd_text take_part(struct herd_text *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->bytes, PART, rest->len) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->bytes) : rest->len;
    struct herd_text part = {rest->bytes, n};
    n += end != NULL;
    *rest = (struct herd_text){rest->bytes + n, rest->len - n};
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct herd_text rest = {(const char *)bytes, len};
    struct herd_text text = take_part(&rest), over = take_part(&rest);
    struct herd_error err = {.text = ""};
    prepare();
    write_file(file, text.bytes, text.len);
    write_file(included, rest.bytes, rest.len);
    char *overlay = strndup(over.len > 0 ? over.bytes : "", over.len);
    char *shown = read_config(file, over.len > 0 ? overlay : NULL, &err);
    if (shown != NULL)
        check_again(shown);
    else
        check_refusal(&err);
    free(shown);
    free(overlay);
    return 0;
}
