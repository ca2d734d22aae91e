/* Sizes and times with units. Strict, for "15M" or "15 m" read as something else would be worse
 * than an error: lower case, no blanks, no sign, no fraction. The first two are pure; the door's
 * functions belong to the main thread. */
#include "core/units.h"

#include <herd/module.h>

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

struct unit {
    const char *name;
    uint64_t factor;
};

/* Reads digits and one of the units, the product at most max. */
static bool parse(const char *text, const struct unit *units, size_t count, uint64_t max,
                  uint64_t *value)
{
    const char *p = text;
    uint64_t n = 0;
    for (; isdigit((unsigned char)*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = 10 * n + digit;
    }
    if (p == text)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(p, units[i].name) == 0) {
            *value = n * units[i].factor;
            return n <= max / units[i].factor;
        }
    }
    return false;
}

bool units_size(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},
        {"k", UINT64_C(1) << 10},
        {"m", UINT64_C(1) << 20},
        {"g", UINT64_C(1) << 30},
    };
    assert(text && bytes);
    return parse(text, units, sizeof(units) / sizeof(units[0]), UINT64_MAX, bytes);
}

bool units_duration(const char *text, int64_t *ns)
{
    static const struct unit units[] = {
        {"", NS_PER_S},       {"ms", NS_PER_MS},      {"s", NS_PER_S},
        {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S},
    };
    assert(text && ns);
    uint64_t value = 0;
    if (!parse(text, units, sizeof(units) / sizeof(units[0]), INT64_MAX, &value))
        return false;
    *ns = (int64_t)value;
    return true;
}

bool herd_config_size(struct herd_group *group, const char *name, const char *otherwise,
                      uint64_t *bytes, struct herd_error *err)
{
    const char *text = NULL;
    if (!herd_config_string(group, name, otherwise, &text, err))
        return false;
    return units_size(text, bytes) ||
           herd_config_fail(group, name, err,
                            "\"%s\" is no size, such as \"512\", \"4k\" or \"2g\"", text);
}

bool herd_config_duration(struct herd_group *group, const char *name, const char *otherwise,
                          int64_t *ns, struct herd_error *err)
{
    const char *text = NULL;
    if (!herd_config_string(group, name, otherwise, &text, err))
        return false;
    return units_duration(text, ns) ||
           herd_config_fail(group, name, err,
                            "\"%s\" is no time, such as \"500ms\", \"30s\" or \"15m\"", text);
}
