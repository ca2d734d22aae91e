/* The tree behind herd -T. It owns copies of all names and values. The one hard thing is to write
 * what libconfig 1.5 reads back as the same: floats need a point or an exponent, and strings their
 * escapes. Main thread. */
#include "core/shown.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum kind { SHOWN_VALUE, SHOWN_GROUP, SHOWN_LIST };

struct shown {
    enum kind kind;
    char *name;
    char *value; /* as it is printed */
    struct shown *parent, *next;
    struct shown *first, *last; /* members */
};

struct shown *shown_create(void)
{
    struct shown *top = memory_zeroed(1, sizeof(*top));
    top->kind = SHOWN_GROUP;
    top->name = memory_string("");
    return top;
}

void shown_destroy(struct shown *top)
{
    if (!top)
        return;
    for (struct shown *member = top->first, *next; member; member = next) {
        next = member->next;
        shown_destroy(member);
    }
    free(top->name);
    free(top->value);
    free(top);
}

static struct shown *member(struct shown *parent, const char *name, enum kind kind)
{
    assert(parent && parent->kind != SHOWN_VALUE && name);
    for (struct shown *m = parent->first; m; m = m->next) {
        if (m->kind == kind && strcmp(m->name, name) == 0)
            return m;
    }
    struct shown *m = memory_zeroed(1, sizeof(*m));
    m->kind = kind;
    m->name = memory_string(name);
    m->parent = parent;
    if (parent->last)
        parent->last->next = m;
    else
        parent->first = m;
    parent->last = m;
    return m;
}

struct shown *shown_group(struct shown *parent, const char *name)
{
    return member(parent, name, SHOWN_GROUP);
}

struct shown *shown_list(struct shown *parent, const char *name)
{
    return member(parent, name, SHOWN_LIST);
}

bool shown_has(const struct shown *top, const char *path)
{
    assert(top && path);
    size_t len = strcspn(path, ".");
    for (const struct shown *m = top->first; m; m = m->next) {
        if (strncmp(m->name, path, len) == 0 && m->name[len] == '\0' &&
            (path[len] == '\0' || shown_has(m, path + len + 1)))
            return true;
    }
    return false;
}

/* Takes value over. */
static void note(struct shown *group, const char *name, char *value)
{
    struct shown *setting = member(group, name, SHOWN_VALUE);
    free(setting->value);
    setting->value = value;
}

void shown_bool(struct shown *group, const char *name, bool value)
{
    note(group, name, memory_string(value ? "true" : "false"));
}

void shown_int(struct shown *group, const char *name, int value)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", value);
    note(group, name, memory_string(text));
}

void shown_float(struct shown *group, const char *name, double value)
{
    char text[64];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text) - 2, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    note(group, name, memory_string(text));
}

/* Appends a string in quotes to an open memory stream. */
static void quote(FILE *to, const char *text)
{
    fputc('"', to);
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\x%02X", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

static FILE *open_text(char **text, size_t *len)
{
    FILE *to = open_memstream(text, len);
    if (!to)
        memory_gone();
    return to;
}

/* What was written into memory for text; free it. */
static char *close_text(FILE *to, char **text)
{
    if (fclose(to) != 0 || *text == NULL)
        memory_gone();
    return *text;
}

void shown_string(struct shown *group, const char *name, const char *value)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_text(&text, &len);
    quote(to, value);
    note(group, name, close_text(to, &text));
}

void shown_strings(struct shown *group, const char *name, const char *const *items, size_t count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_text(&text, &len);
    fputs("[ ", to);
    for (size_t i = 0; i < count; i++) {
        quote(to, items[i]);
        fputs(i + 1 < count ? ", " : " ", to);
    }
    fputs("]", to);
    note(group, name, close_text(to, &text));
}

void shown_path(const struct shown *group, const char *name, char *to, size_t room)
{
    assert(group && name && to && room > 0);
    if (!group->parent) {
        snprintf(to, room, "%s", name);
        return;
    }
    shown_path(group->parent, group->name, to, room);
    size_t len = strlen(to);
    if (*name)
        snprintf(to + len, room - len, ".%s", name);
}

static void print_members(const struct shown *group, FILE *out, int depth);

static void print_list(const struct shown *list, FILE *out, int depth)
{
    fprintf(out, "%*s%s = (\n", 4 * depth, "", list->name);
    for (const struct shown *item = list->first; item; item = item->next) {
        fprintf(out, "%*s{\n", 4 * depth + 4, "");
        print_members(item, out, depth + 2);
        fprintf(out, "%*s}%s\n", 4 * depth + 4, "", item->next ? "," : "");
    }
    fprintf(out, "%*s);\n", 4 * depth, "");
}

static void print_members(const struct shown *group, FILE *out, int depth)
{
    for (const struct shown *m = group->first; m; m = m->next) {
        if (m->kind == SHOWN_VALUE) {
            fprintf(out, "%*s%s = %s;\n", 4 * depth, "", m->name, m->value);
        } else if (m->kind == SHOWN_LIST) {
            print_list(m, out, depth);
        } else {
            fprintf(out, "%*s%s:\n%*s{\n", 4 * depth, "", m->name, 4 * depth, "");
            print_members(m, out, depth + 1);
            fprintf(out, "%*s};\n", 4 * depth, "");
        }
    }
}

void shown_print(const struct shown *top, FILE *out)
{
    assert(top && !top->parent && out);
    print_members(top, out, 0);
}
