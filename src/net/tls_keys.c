/* Reads lines with the wire's own reader of them, as names have the wire's form. The keys stand in
 * one array that is wiped when it grows. */
#include "net/tls_keys.h"

#include "base/memory.h"
#include "net/secret.h"
#include "wire/at.h"
#include "wire/line.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME_ROOM 65

struct pair {
    char name[2][NAME_ROOM];
    struct tls_key key;
};

struct tls_keys {
    struct pair *pairs;
    size_t count, room;
};

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static bool parse_key(struct tls_key *key, struct herd_text hex)
{
    key->len = hex.len / 2;
    if (hex.len % 2 != 0 || key->len < TLS_KEY_MIN || key->len > TLS_KEY_MAX)
        return false;
    for (size_t i = 0; i < key->len; i++) {
        int high = hex_value(hex.bytes[2 * i]), low = hex_value(hex.bytes[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key->bytes[i] = (unsigned char)(16 * high + low);
    }
    return true;
}

static bool parse_name(char name[NAME_ROOM], struct herd_text text)
{
    if (!at_name_valid(text))
        return false;
    memcpy(name, text.bytes, text.len);
    name[text.len] = '\0';
    return true;
}

/* What is wrong with a line; NULL: nothing. */
static const char *parse_pair(struct pair *pair, const struct line *line)
{
    if (line->count != 3)
        return "must be two servers' names and a key";
    if (!parse_name(pair->name[0], line_field(line, 0)) ||
        !parse_name(pair->name[1], line_field(line, 1)))
        return "a server's name has 1 to 64 bytes of [A-Za-z0-9._-]";
    if (strcmp(pair->name[0], pair->name[1]) == 0)
        return "a server needs no key for itself";
    return parse_key(&pair->key, line_field(line, 2))
               ? NULL
               : "a key has 32 to 128 hexadecimal digits, an even number of them";
}

static bool is_of(const struct pair *pair, const char *one, const char *other)
{
    return (strcmp(pair->name[0], one) == 0 && strcmp(pair->name[1], other) == 0) ||
           (strcmp(pair->name[0], other) == 0 && strcmp(pair->name[1], one) == 0);
}

static void make_room(struct tls_keys *keys)
{
    if (keys->count < keys->room)
        return;
    keys->room = keys->room > 0 ? 2 * keys->room : 16;
    struct pair *pairs = memory_zeroed(keys->room, sizeof *pairs);
    if (keys->count > 0) {
        memcpy(pairs, keys->pairs, keys->count * sizeof *pairs);
        explicit_bzero(keys->pairs, keys->count * sizeof *pairs);
    }
    free(keys->pairs);
    keys->pairs = pairs;
}

/* What is wrong with a line; NULL: nothing. */
static const char *take_line(struct tls_keys *keys, const char *self, const struct line *line)
{
    struct pair pair;
    if (line->count == 0 || line->field[0].bytes[0] == '#')
        return NULL;
    const char *wrong = parse_pair(&pair, line);
    bool kept = wrong == NULL && (self == NULL || strcmp(pair.name[0], self) == 0 ||
                                  strcmp(pair.name[1], self) == 0);
    if (kept && tls_keys_find(keys, pair.name[0], pair.name[1]) != NULL) {
        wrong = "this pair has a key already";
    } else if (kept) {
        make_room(keys);
        keys->pairs[keys->count++] = pair;
    }
    explicit_bzero(&pair, sizeof pair);
    return wrong;
}

struct tls_keys *tls_keys_read(const char *path, const char *self, struct herd_error *err)
{
    struct secret file;
    if (!secret_read(&file, path, err))
        return NULL;
    struct tls_keys *keys = memory_zeroed(1, sizeof *keys);
    const char *wrong = NULL;
    unsigned number = 0;
    for (size_t at = 0, n; at < file.len && wrong == NULL; at += n) {
        struct line line;
        n = line_length(file.bytes + at, file.len - at);
        n = n > 0 ? n : file.len - at;
        line_parse(&line, file.bytes + at, n);
        wrong = take_line(keys, self, &line);
        number++;
    }
    secret_wipe(&file);
    if (wrong == NULL)
        return keys;
    tls_keys_free(keys);
    herd_fail(err, "%s:%u: %s", path, number, wrong);
    return NULL;
}

const struct tls_key *tls_keys_find(const struct tls_keys *keys, const char *one, const char *other)
{
    assert(keys != NULL && one != NULL && other != NULL);
    for (size_t i = 0; i < keys->count; i++)
        if (is_of(&keys->pairs[i], one, other))
            return &keys->pairs[i].key;
    return NULL;
}

void tls_keys_free(struct tls_keys *keys)
{
    if (keys == NULL)
        return;
    if (keys->count > 0)
        explicit_bzero(keys->pairs, keys->count * sizeof *keys->pairs);
    free(keys->pairs);
    free(keys);
}
