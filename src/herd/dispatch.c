/* A handful of verbs of each side, clients and neighbours: two lists do. */
#include "herd/dispatch.h"

#include "base/memory.h"
#include "base/metrics.h"
#include "base/misuse.h"
#include "herd/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const struct herd_command *command;
    struct herd_text verb; /* the command's */
    const char *module;
};

struct side {
    struct entry *entries;
    size_t count;
};

struct dispatch {
    struct side sides[HERD_PEER + 1];     /* by enum herd_from */
    const struct herd_command *otherwise; /* takes clients' invalid lines */
};

struct dispatch *dispatch_create(void)
{
    return memory_zeroed(1, sizeof(struct dispatch));
}

void dispatch_destroy(struct dispatch *dispatch)
{
    free(dispatch->sides[HERD_CLIENT].entries);
    free(dispatch->sides[HERD_PEER].entries);
    free(dispatch);
}

static const struct entry *find(const struct dispatch *dispatch, enum herd_from from,
                                struct herd_text verb)
{
    const struct side *side = &dispatch->sides[from];
    for (size_t i = 0; i < side->count; i++)
        if (text_equal(verb, side->entries[i].verb))
            return &side->entries[i];
    return NULL;
}

/* The table is asked first, so what stands in it would never come to link.c. */
static bool is_link_verb(const struct herd_command *command)
{
    static const char *const verbs[] = {"HELLO", "MARK", "PING", "PONG"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(command->verb, verbs[i]) == 0)
            return command->from == HERD_PEER;
    return false;
}

bool dispatch_add(struct dispatch *dispatch, const struct herd_command *command, const char *module,
                  struct herd_error *err)
{
    assert(command->verb != NULL && command->run != NULL);
    struct herd_text verb = {command->verb, strlen(command->verb)};
    const struct entry *taken = find(dispatch, command->from, verb);
    if (is_link_verb(command))
        return herd_fail(err, "module %s: the verb \"%s\" is herd's own", module, command->verb);
    if (taken != NULL)
        return herd_fail(err, "module %s: the verb \"%s\" is module %s's", module, command->verb,
                         taken->module);
    struct side *side = &dispatch->sides[command->from];
    side->entries = memory_resize(side->entries, (side->count + 1) * sizeof side->entries[0]);
    side->entries[side->count++] = (struct entry){command, verb, module};
    if (verb.len == 0 && command->from == HERD_CLIENT)
        dispatch->otherwise = command;
    return true;
}

/* herd_defer takes the request's answer from it. */
static enum herd_result run(const struct herd_command *command, struct herd_request *request)
{
    enum herd_result result = command->run(request);
    bool deferred = request->out == NULL;
    if ((result == HERD_LATER) != deferred)
        misuse_end((const void *)command->run,
                   deferred ? "herd_defer, and its command does not return HERD_LATER"
                            : "HERD_LATER without herd_defer");
    return result;
}

enum herd_result dispatch_invalid(const struct dispatch *dispatch, struct herd_request *request)
{
    metric_add(invalid, 1);
    return dispatch->otherwise != NULL ? run(dispatch->otherwise, request) : HERD_INVALID;
}

const struct herd_command *dispatch_find(const struct dispatch *dispatch, enum herd_from from,
                                         const struct line *line)
{
    if (line->count == 0)
        return NULL;
    const struct entry *entry = find(dispatch, from, line->field[0]);
    if (entry == NULL || line->count < entry->command->min_fields ||
        (entry->command->max_fields > 0 && line->count > entry->command->max_fields))
        return NULL;
    return entry->command;
}

enum herd_result dispatch_run(const struct dispatch *dispatch, const struct herd_command *command,
                              struct herd_request *request)
{
    assert(request->line->count > 0 && request->out != NULL);
    size_t begins = buffer_len(request->out);
    enum herd_result result = command != NULL ? run(command, request) : HERD_INVALID;
    if (result != HERD_INVALID && result != HERD_END)
        return result;
    request->out->to = request->out->from + begins; /* what was replied is no part of the answer */
    return request->neighbour == NULL ? dispatch_invalid(dispatch, request) : result;
}
