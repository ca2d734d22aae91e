/* Looks through a configuration text for what libconfig 1.5 would misread in silence. It knows just
 * enough of the grammar to tell numbers from names, strings and comments; what is wrong in any
 * other way is left to libconfig, which says so. The hard thing is to part the text exactly as
 * libconfig's own scanner does, @include lines too: they count only at the beginning of a line.
 * Main thread. */
#include "core/scan.h"

#include "base/memory.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX       ((size_t)16 << 20)
#define INCLUDE_DEPTH  10 /* libconfig's own; what is deeper is refused */
#define DIGITS_MAX     9
#define HEX_DIGITS_MAX 8

struct scanner {
    const char *begin, *at, *end;
    unsigned line;
    unsigned depth; /* of @include */
    const char *name;
    const char *dir;
    struct herd_error *err;
};

char *scan_read(const char *path, size_t *len, struct herd_error *err)
{
    assert(path && len && err);
    FILE *file = fopen(path, "re");
    if (!file) {
        herd_fail(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = NULL;
    size_t room = 0, n = 0;
    *len = 0;
    do {
        if (room - *len < 2) {
            room = room ? 2 * room : 4096;
            text = memory_resize(text, room);
        }
        n = fread(text + *len, 1, room - *len - 1, file);
        *len += n;
    } while (n > 0 && *len <= FILE_MAX);
    text[*len] = '\0';
    bool good = true;
    if (ferror(file))
        good = herd_fail(err, "%s: %s", path, strerror(errno));
    else if (*len > FILE_MAX)
        good = herd_fail(err, "%s: larger than 16 MiB", path);
    fclose(file);
    if (!good) {
        free(text);
        text = NULL;
    }
    return text;
}

static bool refuse(struct scanner *s, unsigned line, const char *what)
{
    return herd_fail(s->err, "%s:%u: %s", s->name, line, what);
}

/* The byte so many behind the place; NUL behind the end. */
static char peek(const struct scanner *s, size_t ahead)
{
    return (size_t)(s->end - s->at) > ahead ? s->at[ahead] : '\0';
}

static void step(struct scanner *s)
{
    assert(s->at < s->end);
    if (*s->at == '\n')
        s->line++;
    s->at++;
}

static void skip_line(struct scanner *s)
{
    while (s->at < s->end && *s->at != '\n')
        s->at++;
}

/* One without an end would swallow the rest of the file, and libconfig would not say so. */
static bool scan_comment(struct scanner *s)
{
    unsigned begin = s->line;
    s->at += 2;
    while (s->at < s->end && !(peek(s, 0) == '*' && peek(s, 1) == '/'))
        step(s);
    if (s->at == s->end)
        return refuse(s, begin, "a comment without an end");
    s->at += 2;
    return true;
}

static bool scan_string(struct scanner *s)
{
    unsigned begin = s->line;
    step(s);
    while (s->at < s->end && *s->at != '"') {
        if (*s->at == '\\') {
            if (tolower((unsigned char)peek(s, 1)) == 'x' && peek(s, 2) == '0' && peek(s, 3) == '0')
                return refuse(s, s->line, "a NUL byte (\\x00) in a string");
            step(s);
        }
        if (s->at < s->end)
            step(s);
    }
    if (s->at == s->end)
        return refuse(s, begin, "a string without an end");
    step(s);
    return true;
}

bool scan_is_name(const char *name, size_t len)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*-_0123456789";
    assert(name);
    return (isalpha((unsigned char)*name) || *name == '*') && strspn(name, all) >= len;
}

static void skip_name(struct scanner *s)
{
    while (isalnum((unsigned char)peek(s, 0)) || (peek(s, 0) && strchr("-_*", peek(s, 0))))
        s->at++;
}

static size_t skip_digits(struct scanner *s)
{
    const char *from = s->at;
    while (isdigit((unsigned char)peek(s, 0)))
        s->at++;
    return (size_t)(s->at - from);
}

/* The exponent of a float, if one stands here. */
static bool skip_exponent(struct scanner *s)
{
    size_t sign = peek(s, 1) == '-' || peek(s, 1) == '+';
    if (tolower((unsigned char)peek(s, 0)) != 'e' || !isdigit((unsigned char)peek(s, 1 + sign)))
        return false;
    s->at += 1 + sign;
    skip_digits(s);
    return true;
}

static bool scan_hex(struct scanner *s)
{
    s->at += 2;
    const char *digits = s->at;
    while (isxdigit((unsigned char)peek(s, 0)))
        s->at++;
    size_t count = (size_t)(s->at - digits);
    if (count > HEX_DIGITS_MAX)
        return refuse(s, s->line, "hexadecimal integer of more than 8 digits");
    if (count == HEX_DIGITS_MAX && *digits > '7')
        return refuse(s, s->line, "hexadecimal integer above 0x7fffffff");
    return true;
}

static bool scan_number(struct scanner *s)
{
    if (peek(s, 0) == '0' && tolower((unsigned char)peek(s, 1)) == 'x')
        return scan_hex(s);
    size_t count = skip_digits(s);
    bool is_float = false;
    if (peek(s, 0) == '.') {
        is_float = true;
        s->at++;
        skip_digits(s);
    }
    is_float = skip_exponent(s) || is_float;
    if (!is_float && count > DIGITS_MAX)
        return refuse(s, s->line, "integer of more than 9 digits");
    while (peek(s, 0) == 'L')
        s->at++;
    return true;
}

static bool scan_all(struct scanner *s);

/* unread says the whole path, of so many bytes, and then why, as far as there is room. */
static bool fail_include(struct scanner *s, const char *path, size_t len,
                         const struct herd_error *unread)
{
    const char *why = len < strlen(unread->text) ? unread->text + len : ": its path is too long";
    return herd_fail(s->err, "%s:%u: @include \"%.200s\"%s", s->name, s->line, path, why);
}

/* Scans an included file. libconfig must not meet one that cannot be read: of a folder its scanner
 * ends the process. */
static bool scan_include(struct scanner *s, const char *path)
{
    if (path[0] == '/')
        return refuse(s, s->line, "@include takes a path from the configuration file's folder");
    if (s->depth == INCLUDE_DEPTH)
        return refuse(s, s->line, "include file nesting too deep");
    size_t room = strlen(s->dir) + strlen(path) + 2;
    char *full = memory_alloc(room);
    snprintf(full, room, "%s/%s", s->dir, path);
    struct herd_error unread;
    size_t len = 0;
    char *text = scan_read(full, &len, &unread);
    bool good;
    if (text) {
        struct scanner in = {text, text, text + len, 1, s->depth + 1, full, s->dir, s->err};
        good = scan_all(&in);
    } else {
        good = fail_include(s, path, strlen(full), &unread);
    }
    free(text);
    free(full);
    return good;
}

/* Whether an @include line begins here; if so, the place moves on to its quote. */
static bool find_include(struct scanner *s)
{
    static const char word[] = "@include";
    const char *p = s->at;
    if (p != s->begin && p[-1] != '\n')
        return false;
    p += strspn(p, " \t");
    if (strncmp(p, word, sizeof(word) - 1) != 0)
        return false;
    p += sizeof(word) - 1;
    size_t blanks = strspn(p, " \t");
    if (blanks == 0 || p[blanks] != '"')
        return false;
    s->at = p + blanks;
    return true;
}

static bool take_include(struct scanner *s)
{
    char *path = memory_alloc((size_t)(s->end - s->at) + 1);
    size_t n = 0;
    s->at++;
    while (s->at < s->end && *s->at != '"') {
        if (*s->at == '\\' && (peek(s, 1) == '"' || peek(s, 1) == '\\'))
            s->at++;
        path[n++] = *s->at;
        step(s);
    }
    path[n] = '\0';
    if (s->at < s->end)
        s->at++;
    bool good = scan_include(s, path);
    free(path);
    return good;
}

/* One token, or one byte of what is between tokens. */
static bool scan_token(struct scanner *s)
{
    char c = peek(s, 0);
    if (find_include(s))
        return take_include(s);
    if (c == '"')
        return scan_string(s);
    if (c == '/' && peek(s, 1) == '*')
        return scan_comment(s);
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)peek(s, 1))))
        return scan_number(s);
    if (c == '#' || (c == '/' && peek(s, 1) == '/'))
        skip_line(s);
    else if (isalpha((unsigned char)c) || c == '*')
        skip_name(s);
    else
        step(s);
    return true;
}

/* libconfig would stop at a NUL, and take the rest as never written. */
static bool check_nul(struct scanner *s)
{
    const char *nul = memchr(s->begin, '\0', (size_t)(s->end - s->begin));
    if (!nul)
        return true;
    while (s->at < nul)
        step(s);
    return refuse(s, s->line, "a NUL byte");
}

static bool scan_all(struct scanner *s)
{
    if (!check_nul(s))
        return false;
    while (s->at < s->end) {
        if (!scan_token(s))
            return false;
    }
    return true;
}

bool scan_text(const char *text, size_t len, const char *name, const char *dir,
               struct herd_error *err)
{
    assert(text && name && dir && err);
    assert(text[len] == '\0');
    struct scanner s = {text, text, text + len, 1, 0, name, dir, err};
    return scan_all(&s);
}
