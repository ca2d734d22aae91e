/* Of several servers, processes that share a folder, the first one that starts dies of it, by a
 * signal or with a status of its own; the others start. */
#include <herd/module.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int status;

static bool start(struct herd_error *err)
{
    (void)err;
    if (open("dead", O_WRONLY | O_CREAT | O_EXCL, 0600) < 0)
        return true;
    if (status > 0)
        _exit(status);
    return raise(SIGKILL) == 0;
}

static bool configure(struct herd_group *group, struct herd_error *err)
{
    return herd_config_int(group, "status", 0, 0, 255, &status, err);
}

HERD_MODULE_EXPORT(mortal) = {
    .abi = HERD_ABI,
    .name = "mortal",
    .version = "0.1",
    .summary = "dies young",
    .group = "mortal",
    .configure = configure,
    .start = start,
};
