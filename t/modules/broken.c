/* Modules that herd must refuse: each -D makes another. */
#include <herd/module.h>

static enum herd_result run(struct herd_request *req)
{
    (void)req;
    return HERD_OK;
}

static void search(struct herd_search *search, const struct herd_query *query)
{
    (void)query;
    herd_search_fail(search, "UNKNOWN_ERROR", "broken");
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
#ifdef CONFIGURE_FAILS
    const char *path;
    if (herd_config_path(group, "path", "none", &path, err))
        herd_fail(err, "cannot be so");
    return false;
#elif defined(SAYS_NOTHING)
    (void)group, (void)err;
    return false;
#else
    int depth;
    return herd_config_int(group, "depth", 1, 0, 5, &depth, err);
#endif
}

static bool start(struct herd_error *err)
{
#ifdef START_FAILS
    return herd_fail(err, "does not start");
#elif defined(MISSING_FUNCTION)
    extern bool herd_has_no_such_function(struct herd_error * err);
    return herd_has_no_such_function(err);
#elif defined(INNER_FUNCTION)
    extern bool log_messages(void);
    (void)err;
    return log_messages();
#else
    (void)err;
    return true;
#endif
}

#ifndef VERB
#define VERB "BROKEN"
#endif
#ifndef FROM
#define FROM HERD_CLIENT
#endif
#ifndef NAME
#define NAME "broken"
#endif
#ifndef GROUP
#define GROUP "broken"
#endif
#ifndef PROVIDER
#define PROVIDER "broken"
#endif
#ifndef RUN
#define RUN run
#endif
#ifndef ABI
#define ABI HERD_ABI
#endif

static const struct herd_command commands[] = {
    {.verb = VERB, .from = FROM, .run = RUN},
    {.verb = NULL},
};

static const struct herd_provider provider = {.name = PROVIDER, .search = search};

#ifdef NO_SYMBOL
const struct herd_module other_module = {
#else
HERD_MODULE_EXPORT(broken) = {
#endif
    .abi = ABI,
    .name = NAME,
    .version = "0.1",
    .summary = "is broken",
    .group = GROUP,
    .commands = commands,
    .provider = &provider,
    .configure = configure,
    .start = start,
};
