/* What the configuration says of a source: whom it asks, whose certificates it trusts, and its key.
 *
 * The hard thing is the key. That nobody else can read its file is herd_secret_read's to see to;
 * here it is held to bytes that stand in URLs and headers as they are, so that nothing needs to be
 * escaped and nothing can break out of them. */
#include "nearby.h"

#include <assert.h>
#include <string.h>

bool nearby_configure(struct nearby_source *source, struct herd_group *group, const char *url,
                      struct herd_error *err)
{
    struct herd_error why;
    const char *ca_file;

    assert(source && group && url && err);
    source->group = group;
    if ((source->keyed && !herd_config_path(group, "key_file", "", &source->key_file, err)) ||
        !herd_config_path(group, "ca_file", "", &ca_file, err) ||
        !herd_config_string(group, "url", url, &source->url, err))
        return false;
    source->ca_file = ca_file[0] ? ca_file : NULL;
    return herd_fetch_check(source->url, NULL, &why) ||
           herd_config_fail(group, "url", err, "%s", why.text);
}

static bool is_key(const char *text)
{
    return text[strspn(
               text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")] == '\0';
}

/* err never says what is in the file. */
static bool load_key(struct nearby_source *source, struct herd_error *err)
{
    struct herd_error why;

    if (source->key_file[0] == '\0')
        return herd_config_fail(source->group, "key_file", err,
                                "must name the file with the key, for this provider is chosen");
    if (!herd_secret_read(source->key_file, source->key, sizeof(source->key), &why))
        return herd_config_fail(source->group, "key_file", err, "%s", why.text);
    if (is_key(source->key))
        return true;
    nearby_close(source);
    return herd_config_fail(source->group, "key_file", err,
                            "%s: holds no key: one line of letters, digits and -._~",
                            source->key_file);
}

bool nearby_check(struct nearby_source *source, struct herd_error *err)
{
    struct herd_error why;
    bool good = !source->keyed || load_key(source, err);

    nearby_close(source);
    if (!good)
        return false;
    return !source->ca_file || herd_fetch_check(source->url, source->ca_file, &why) ||
           herd_config_fail(source->group, "ca_file", err, "%s", why.text);
}

bool nearby_open(struct nearby_source *source, struct herd_error *err)
{
    return !source->keyed || load_key(source, err);
}

void nearby_close(struct nearby_source *source)
{
    explicit_bzero(source->key, sizeof(source->key));
}
