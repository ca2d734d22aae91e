/* A provider of places that has `count` of them wherever one asks, and answers at the end of the
 * turn; with `busy` it says that it cannot. */
#include <herd/module.h>

#include <stdio.h>
#include <stdlib.h>

static int count;
static bool busy, is_open;

struct asked {
    struct herd_search *search;
    struct herd_query query;
};

static void answer(void *arg)
{
    struct asked *asked = arg;
    char json[4096];
    uint32_t ends[60];
    unsigned n = (unsigned)count < asked->query.bound ? (unsigned)count : asked->query.bound;
    int len = snprintf(json, sizeof json, "{\"html_attributions\":[],\n\n\"results\":[");
    for (unsigned i = 0; i < n; i++) {
        len += snprintf(json + len, sizeof json - (size_t)len, "%s{\"name\":\"shop %u\"}",
                        i > 0 ? "," : "", i);
        ends[i] = (uint32_t)len;
    }
    len += snprintf(json + len, sizeof json - (size_t)len, "],\"status\":\"OK\"}\n");
    herd_search_answer(asked->search, &(struct herd_answer){{json, (size_t)len}, n, ends});
    free(asked);
}

static void search(struct herd_search *search, const struct herd_query *query)
{
    struct asked *asked = calloc(1, sizeof *asked);
    if (busy || !is_open || asked == NULL) {
        free(asked);
        herd_search_fail(search, "OVER_QUERY_LIMIT", "the shops are \"busy\"");
        return;
    }
    asked->search = search;
    asked->query = *query;
    herd_put_off(answer, asked);
}

static bool open_shops(struct herd_error *err)
{
    if (count == 7)
        return herd_fail(err, "seven shops are too many");
    is_open = true;
    return true;
}

static void close_shops(void)
{
    is_open = false;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    return herd_config_int(group, "count", 3, 0, 60, &count, err) &&
           herd_config_bool(group, "busy", false, &busy, err);
}

static const struct herd_provider provider = {
    .name = "shops",
    .open = open_shops,
    .search = search,
    .close = close_shops,
};

HERD_MODULE_EXPORT(shops) = {
    .abi = HERD_ABI,
    .name = "shops",
    .version = "0.1",
    .summary = "shops everywhere",
    .group = "places.shops",
    .provider = &provider,
    .configure = configure,
};
