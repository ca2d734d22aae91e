/* What a key is made of stands in URLs and headers as it is, so that nothing needs to be escaped
 * and nothing can break out of them. That nobody else can read it is herd_secret_read's to see to.
 */
#include "key.h"

#include <assert.h>
#include <string.h>

static bool is_key(const char *text)
{
    return text[strspn(
               text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")] == '\0';
}

bool key_load(struct herd_group *group, const char *key_file, char key[KEY_MAX + 1],
              struct herd_error *err)
{
    struct herd_error why;

    assert(group && key_file && key && err);
    if (key_file[0] == '\0')
        return herd_config_fail(group, "key_file", err,
                                "must name the file with the key, for this provider is chosen");
    if (!herd_secret_read(key_file, key, KEY_MAX + 1, &why))
        return herd_config_fail(group, "key_file", err, "%s", why.text);
    if (is_key(key))
        return true;
    explicit_bzero(key, KEY_MAX + 1);
    return herd_config_fail(group, "key_file", err,
                            "%s: holds no key: one line of letters, digits and -._~", key_file);
}
