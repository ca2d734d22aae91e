/* A provider whose settings are what it sends: a body, headers. The radius says how many of the
 * headers go, and from 10 on nothing is posted. Its answer is what came back, or why nothing did.
 * Its key goes with all of them, from the stack, which is overwritten at once. */
#include <herd/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ask {
    struct herd_search *search;
    char said[200];
};

static const char *url, *key_file, *body, *headers[3];
static int megabytes;
static char key[100];

static void check(void *arg, const struct herd_response *response)
{
    struct ask *ask = arg;
    snprintf(ask->said, sizeof ask->said, "%s",
             response->error != NULL ? response->error : "there is an answer");
}

static void done(void *arg)
{
    struct ask *ask = arg;
    herd_search_fail(ask->search, "SAID", ask->said);
    free(ask);
}

/* What is sent is copied: nothing of it is left when the request goes. */
static void search(struct herd_search *search, const struct herd_query *query)
{
    size_t body_len = strlen(body), len = megabytes > 0 ? (size_t)megabytes << 20 : body_len;
    char *bytes = malloc(len + 1), secret[120];
    const char *all[5] = {secret};
    struct ask *ask = calloc(1, sizeof *ask);
    unsigned which = (unsigned)query->radius_km;
    if (bytes == NULL || ask == NULL)
        abort();
    memset(bytes, 'm', len);
    memcpy(bytes, body, body_len);
    snprintf(secret, sizeof secret, "X-Key: %s", key);
    for (unsigned i = 0; i < which % 10 && i < 3; i++)
        all[i + 1] = headers[i];
    ask->search = search;
    herd_fetch(&(struct herd_fetch){
        .url = url,
        .post = {which < 10 ? bytes : NULL, len},
        .headers = all,
        .body_max = 1000,
        .connect_ns = INT64_C(20000000000),
        .total_ns = INT64_C(20000000000),
        .check = check,
        .done = done,
        .arg = ask,
    });
    memset(secret, 'x', sizeof secret);
    memset(bytes, 'x', len);
    free(bytes);
}

static bool open_post(struct herd_error *err)
{
    return herd_secret_read(key_file, key, sizeof key, err);
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    return herd_config_string(group, "url", "http://127.0.0.1/", &url, err) &&
           herd_config_path(group, "key_file", "key", &key_file, err) &&
           herd_config_string(group, "body", "", &body, err) &&
           herd_config_int(group, "megabytes", 0, 0, 9, &megabytes, err) &&
           herd_config_string(group, "first", "", &headers[0], err) &&
           herd_config_string(group, "second", "", &headers[1], err) &&
           herd_config_string(group, "third", "", &headers[2], err);
}

static const struct herd_provider provider = {
    .name = "post",
    .open = open_post,
    .search = search,
    .fetches = true,
};

HERD_MODULE_EXPORT(post) = {
    .abi = HERD_ABI,
    .name = "post",
    .version = "0.1",
    .summary = "sends what it is told to",
    .group = "places.post",
    .provider = &provider,
    .configure = configure,
};
