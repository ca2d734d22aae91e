/* The answer to what is no command: a question mark and the line as it came. This is the smallest
 * module there is; copy it to begin one of your own. */
#include <herd/module.h>

static enum herd_result echo(struct herd_request *req)
{
    herd_reply(req, (struct herd_text){"? ", 2});
    herd_reply(req, herd_line(req));
    herd_reply(req, (struct herd_text){"\n", 1});
    return HERD_OK;
}

static const struct herd_command commands[] = {
    {.verb = "", .from = HERD_CLIENT, .run = echo, .usage = "anything else"},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(invalid) = {
    .abi = HERD_ABI,
    .name = "invalid",
    .version = "1.0",
    .summary = "answers what is no command with a question mark",
    .commands = commands,
};
