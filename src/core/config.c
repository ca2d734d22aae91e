/* Wraps libconfig 1.5. A group is a pair: what -g says and what the file says, either of which may
 * be absent; so nothing is ever copied from one tree into the other. Whatever is asked for is
 * marked as read in both trees (by libconfig's hook), which finds the settings that nobody knows;
 * and is noted with the value used (shown.c), which herd -T prints. The text is read here and given
 * to libconfig as a string: libconfig's own reading would take a folder for an empty file. Main
 * thread.
 *
 * What one must know of libconfig 1.5: it cuts integers (scan.c refuses them); a comment must end
 * with a line end; a setting's file is NULL unless it was included; the line of an array's item may
 * be the line behind it; a string where none may stand is a syntax error, for which it leaks 64
 * bytes. */
#include "core/config.h"

#include "base/memory.h"
#include "core/scan.h"
#include "core/shown.h"

#include <assert.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROOM 256 /* of a setting, in messages */

struct herd_group {
    struct config *config;
    struct shown *shown;
    config_setting_t *over, *file; /* NULL: not there */
};

struct config {
    char *name; /* of the file, as it was given */
    char *dir;
    config_t over, file;
    struct herd_group top;
    struct shown *shown;
    struct kept *kept;
};

/* What is handed out and must live as long as the configuration. */
struct kept {
    struct kept *next;
    void *memory;
};

/* Marks: a setting that was read with all in it, and one of whose members each must be read. */
static char read_whole, read_itself;

static void *keep(struct config *config, void *memory)
{
    struct kept *kept = memory_alloc(sizeof(*kept));
    *kept = (struct kept){.next = config->kept, .memory = memory};
    config->kept = kept;
    return memory;
}

/* ---- opening ---- */

/* A path from the configuration file's folder. The caller frees it. */
static char *join(const struct config *config, const char *path)
{
    const char *slash = strrchr(config->name, '/');
    if (path[0] == '/' || !slash)
        return memory_string(path);
    size_t dir_len = (size_t)(slash - config->name) + 1, len = strlen(path);
    char *joined = memory_alloc(dir_len + len + 1);
    memcpy(joined, config->name, dir_len);
    memcpy(joined + dir_len, path, len + 1);
    return joined;
}

static bool fail_parse(struct config *config, const config_t *tree, const char *name,
                       struct herd_error *err)
{
    const char *included = config_error_file(tree);
    char *path = included ? join(config, included) : NULL;
    herd_fail(err, "%s:%d: %s", path ? path : name, config_error_line(tree),
              config_error_text(tree));
    free(path);
    return false;
}

/* text has room for one byte more than len and its NUL. */
static bool parse(struct config *config, config_t *tree, char *text, size_t len, const char *name,
                  struct herd_error *err)
{
    if (!scan_text(text, len, name, config->dir, err))
        return false;
    memcpy(text + len, "\n", 2);
    config_set_include_dir(tree, config->dir);
    return config_read_string(tree, text) || fail_parse(config, tree, name, err);
}

static bool parse_file(struct config *config, struct herd_error *err)
{
    size_t len = 0;
    char *text = scan_read(config->name, &len, err);
    if (!text)
        return false;
    text = memory_resize(text, len + 2);
    bool good = parse(config, &config->file, text, len, config->name, err);
    free(text);
    return good;
}

static bool parse_overlay(struct config *config, const char *overlay, struct herd_error *err)
{
    size_t len = strlen(overlay);
    char *text = memory_alloc(len + 2);
    memcpy(text, overlay, len + 1);
    bool good = parse(config, &config->over, text, len, "-g", err);
    free(text);
    return good;
}

struct config *config_open(const char *file, const char *overlay, struct herd_error *err)
{
    assert(file && err);
    struct config *config = memory_zeroed(1, sizeof(*config));
    const char *slash = strrchr(file, '/');
    config->name = memory_string(file);
    config->dir = slash ? memory_string_of(file, (size_t)(slash - file) + (slash == file))
                        : memory_string(".");
    config->shown = shown_create();
    config_init(&config->over);
    config_init(&config->file);
    if (!parse_file(config, err) || (overlay && !parse_overlay(config, overlay, err))) {
        config_close(config);
        return NULL;
    }
    config->top = (struct herd_group){
        .config = config,
        .shown = config->shown,
        .over = config_root_setting(&config->over),
        .file = config_root_setting(&config->file),
    };
    return config;
}

void config_close(struct config *config)
{
    if (!config)
        return;
    for (struct kept *kept = config->kept, *next; kept; kept = next) {
        next = kept->next;
        free(kept->memory);
        free(kept);
    }
    shown_destroy(config->shown);
    config_destroy(&config->over);
    config_destroy(&config->file);
    free(config->dir);
    free(config->name);
    free(config);
}

/* ---- saying what is wrong ---- */

/* "FILE:LINE", or "FILE" if there is no such setting. */
static void locate(const struct config *config, const config_setting_t *setting, char *to,
                   size_t room)
{
    if (!setting || config_setting_is_root(setting)) {
        snprintf(to, room, "%s", config->name);
        return;
    }
    const char *included = config_setting_source_file(setting);
    char *path = included ? join(config, included) : NULL;
    const char *name = setting->config == &config->over ? "-g" : config->name;
    snprintf(to, room, "%s:%u", path ? path : name, config_setting_source_line(setting));
    free(path);
}

static config_setting_t *member(const config_setting_t *group, const char *name)
{
    return group && config_setting_is_group(group) ? config_setting_get_member(group, name) : NULL;
}

/* Where a setting of the group stands, or else the group. name may go on with an item:
 * "talks_to.[1]". */
static const config_setting_t *find(const struct herd_group *group, const char *name)
{
    char first[PATH_ROOM];
    snprintf(first, sizeof(first), "%.*s", (int)strcspn(name, "."), name);
    const config_setting_t *setting = member(group->over, first);
    if (!setting)
        setting = member(group->file, first);
    if (!setting)
        setting = group->file ? group->file : group->over;
    return setting;
}

bool herd_config_fail(struct herd_group *group, const char *name, struct herd_error *err,
                      const char *format, ...)
{
    assert(group && name && err && format);
    char where[PATH_ROOM], path[PATH_ROOM], what[sizeof(err->text)];
    locate(group->config, find(group, name), where, sizeof(where));
    shown_path(group->shown, name, path, sizeof(path));
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return herd_fail(err, "%s: %s: %s", where, path, what);
}

/* ---- groups and lists ---- */

static void mark(config_setting_t *setting, char *how)
{
    if (setting)
        config_setting_set_hook(setting, how);
}

/* The setting that counts, -g's or else the file's; NULL: neither names it. Both count as read. */
static config_setting_t *take(struct herd_group *group, const char *name)
{
    config_setting_t *over = member(group->over, name), *file = member(group->file, name);
    mark(over, &read_whole);
    mark(file, &read_whole);
    return over ? over : file;
}

bool herd_config_given(struct herd_group *group, const char *name)
{
    assert(group && name);
    return scan_is_name(name, strlen(name)) &&
           (member(group->over, name) || member(group->file, name));
}

static struct herd_group *make_group(struct config *config, struct shown *shown,
                                     config_setting_t *over, config_setting_t *file)
{
    struct herd_group *group = keep(config, memory_alloc(sizeof(*group)));
    *group = (struct herd_group){config, shown, over, file};
    mark(over, &read_itself);
    mark(file, &read_itself);
    return group;
}

static bool is_group(const config_setting_t *setting)
{
    return !setting || config_setting_is_group(setting);
}

static struct herd_group *open_group(struct herd_group *parent, const char *name,
                                     struct herd_error *err)
{
    config_setting_t *over = member(parent->over, name), *file = member(parent->file, name);
    if (!is_group(over) || !is_group(file)) {
        /* of the two, the one that is no group is to blame */
        struct herd_group blamed = *parent;
        if (is_group(over))
            blamed.over = NULL;
        herd_config_fail(&blamed, name, err, "must be a group: { ... }");
        return NULL;
    }
    return make_group(parent->config, shown_group(parent->shown, name), over, file);
}

struct herd_group *config_group(struct config *config, const char *path, struct herd_error *err)
{
    assert(config && path && err);
    struct herd_group *group = &config->top;
    while (*path && group) {
        size_t len = strcspn(path, ".");
        char *name = memory_string_of(path, len);
        group = open_group(group, name, err);
        free(name);
        path += len + (path[len] == '.');
    }
    return group;
}

bool config_is_known(const struct config *config, const char *path)
{
    assert(config && path);
    return shown_has(config->shown, path);
}

/* Makes a group of each item of a list. */
static bool open_items(struct herd_group *group, const char *name, config_setting_t *list,
                       struct herd_group **items, struct herd_error *err)
{
    struct config *config = group->config;
    struct shown *shown = shown_list(group->shown, name);
    for (unsigned i = 0; i < (unsigned)config_setting_length(list); i++) {
        config_setting_t *item = config_setting_get_elem(list, i);
        char at[32];
        snprintf(at, sizeof(at), "[%u]", i);
        bool is_over = item->config == &config->over;
        if (!config_setting_is_group(item)) {
            char path[PATH_ROOM];
            snprintf(path, sizeof(path), "%s.%s", name, at);
            return herd_config_fail(group, path, err, "must be a group: { ... }");
        }
        items[i] = make_group(config, shown_group(shown, at), is_over ? item : NULL,
                              is_over ? NULL : item);
    }
    return true;
}

bool config_list(struct herd_group *group, const char *name, struct herd_group ***items,
                 size_t *count, struct herd_error *err)
{
    assert(group && name && items && count && err);
    config_setting_t *list = take(group, name);
    *items = NULL;
    *count = 0;
    shown_list(group->shown, name);
    if (!list)
        return true;
    if (!config_setting_is_list(list))
        return herd_config_fail(group, name, err, "must be a list of groups: ( { ... }, ... )");
    mark(list, &read_itself);
    *count = (size_t)config_setting_length(list);
    *items = keep(group->config, memory_zeroed(*count + 1, sizeof(**items)));
    return open_items(group, name, list, *items, err);
}

bool config_strings(struct herd_group *group, const char *name, const char ***items, size_t *count,
                    struct herd_error *err)
{
    assert(group && name && items && count && err);
    config_setting_t *array = take(group, name);
    if (array && !config_setting_is_array(array) && !config_setting_is_list(array))
        return herd_config_fail(group, name, err, "must be an array of strings: [ \"...\" ]");
    *count = array ? (size_t)config_setting_length(array) : 0;
    *items = keep(group->config, memory_zeroed(*count + 1, sizeof(**items)));
    for (unsigned i = 0; i < *count; i++) {
        (*items)[i] = config_setting_get_string_elem(array, (int)i);
        if (!(*items)[i])
            return herd_config_fail(group, name, err, "must be an array of strings: [ \"...\" ]");
    }
    shown_strings(group->shown, name, *items, *count);
    return true;
}

/* ---- single settings ---- */

/* Of a path libconfig would compare what stands before the first point. */
static bool take_one(struct herd_group *group, const char *name, config_setting_t **setting,
                     struct herd_error *err)
{
    if (!scan_is_name(name, strlen(name)))
        return herd_config_fail(group, name, err, "is no name of a setting");
    *setting = take(group, name);
    return true;
}

bool herd_config_string(struct herd_group *group, const char *name, const char *otherwise,
                        const char **value, struct herd_error *err)
{
    assert(group && name && otherwise && value && err);
    config_setting_t *setting = NULL;
    if (!take_one(group, name, &setting, err))
        return false;
    if (setting && config_setting_type(setting) != CONFIG_TYPE_STRING)
        return herd_config_fail(group, name, err, "must be a string: \"...\"");
    *value = setting ? config_setting_get_string(setting) : otherwise;
    shown_string(group->shown, name, *value);
    return true;
}

bool herd_config_bool(struct herd_group *group, const char *name, bool otherwise, bool *value,
                      struct herd_error *err)
{
    assert(group && name && value && err);
    config_setting_t *setting = NULL;
    if (!take_one(group, name, &setting, err))
        return false;
    if (setting && config_setting_type(setting) != CONFIG_TYPE_BOOL)
        return herd_config_fail(group, name, err, "must be true or false");
    *value = setting ? config_setting_get_bool(setting) : otherwise;
    shown_bool(group->shown, name, *value);
    return true;
}

/* libconfig tells integers with an L behind them from the others; here nobody need. */
static bool read_int(const config_setting_t *setting, int *value)
{
    int type = config_setting_type(setting);
    if (type == CONFIG_TYPE_INT)
        *value = config_setting_get_int(setting);
    else if (type == CONFIG_TYPE_INT64)
        *value = (int)config_setting_get_int64(setting); /* the scan let 9 digits through */
    else
        return false;
    return true;
}

bool herd_config_int(struct herd_group *group, const char *name, int otherwise, int min, int max,
                     int *value, struct herd_error *err)
{
    assert(group && name && value && err && min <= max);
    config_setting_t *setting = NULL;
    if (!take_one(group, name, &setting, err))
        return false;
    *value = otherwise;
    if (setting && !read_int(setting, value))
        return herd_config_fail(group, name, err, "must be an integer");
    if (setting && (*value < min || *value > max))
        return herd_config_fail(group, name, err, "%d is not within %d to %d", *value, min, max);
    shown_int(group->shown, name, *value);
    return true;
}

bool herd_config_float(struct herd_group *group, const char *name, double otherwise, double min,
                       double max, double *value, struct herd_error *err)
{
    assert(group && name && value && err && min <= max);
    config_setting_t *setting = NULL;
    int whole = 0;
    if (!take_one(group, name, &setting, err))
        return false;
    *value = otherwise;
    if (setting && config_setting_type(setting) == CONFIG_TYPE_FLOAT)
        *value = config_setting_get_float(setting);
    else if (setting && read_int(setting, &whole))
        *value = whole;
    else if (setting)
        return herd_config_fail(group, name, err, "must be a number");
    if (setting && !(*value >= min && *value <= max))
        return herd_config_fail(group, name, err, "%g is not within %g to %g", *value, min, max);
    shown_float(group->shown, name, *value);
    return true;
}

bool herd_config_path(struct herd_group *group, const char *name, const char *otherwise,
                      const char **path, struct herd_error *err)
{
    const char *text = NULL;
    if (!herd_config_string(group, name, otherwise, &text, err))
        return false;
    *path = *text ? keep(group->config, join(group->config, text)) : text;
    return true;
}

bool config_paths(struct herd_group *group, const char *name, const char ***items, size_t *count,
                  struct herd_error *err)
{
    if (!config_strings(group, name, items, count, err))
        return false;
    for (size_t i = 0; i < *count; i++)
        (*items)[i] = keep(group->config, join(group->config, (*items)[i]));
    return true;
}

/* ---- what nobody read, and what was ---- */

/* The path of a setting, as shown_path has it, from libconfig's tree. */
static void print_path(const config_setting_t *setting, char *to, size_t room)
{
    const config_setting_t *parent = config_setting_parent(setting);
    if (!config_setting_is_root(parent))
        print_path(parent, to, room);
    else
        *to = '\0';
    size_t len = strlen(to);
    const char *name = config_setting_name(setting), *dot = len ? "." : "";
    if (name)
        snprintf(to + len, room - len, "%s%s", dot, name);
    else
        snprintf(to + len, room - len, "%s[%d]", dot, config_setting_index(setting));
}

/* Looks at the members of a setting that was itself read. */
static bool check_members(struct config *config, const config_setting_t *parent,
                          struct herd_error *err)
{
    for (unsigned i = 0; i < (unsigned)config_setting_length(parent); i++) {
        const config_setting_t *setting = config_setting_get_elem(parent, i);
        const void *how = config_setting_get_hook(setting);
        if (!how) {
            char where[PATH_ROOM], path[PATH_ROOM];
            locate(config, setting, where, sizeof(where));
            print_path(setting, path, sizeof(path));
            return herd_fail(err, "%s: %s: unknown setting", where, path);
        }
        if (how == &read_itself && !check_members(config, setting, err))
            return false;
    }
    return true;
}

bool config_check_unknown(struct config *config, struct herd_error *err)
{
    assert(config && err);
    return check_members(config, config->top.file, err) &&
           check_members(config, config->top.over, err);
}

void config_print(struct config *config, FILE *out)
{
    assert(config && out);
    shown_print(config->shown, out);
}
