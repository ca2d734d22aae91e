/* Which rule herd-broken breaks is the environment's to say: HERD_BREAK is its name in
 * herd/broken.h. Linked to herd's own main, which knows nothing of it. */
#include "herd/broken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum broken broken_rule;

__attribute__((constructor)) static void break_rule(void)
{
    static const struct {
        const char *name;
        enum broken rule;
    } rules[] = {{"skip_by_peer", BROKEN_skip_by_peer},
                 {"ignore_epoch", BROKEN_ignore_epoch},
                 {"no_tiebreak", BROKEN_no_tiebreak},
                 {"clock_check_on_merge", BROKEN_clock_check_on_merge},
                 {"never_sweep", BROKEN_never_sweep}};
    const char *name = getenv("HERD_BREAK");
    for (size_t i = 0; name != NULL && i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(name, rules[i].name) == 0)
            broken_rule = rules[i].rule;
    if (name != NULL && broken_rule == BROKEN_none) {
        fprintf(stderr, "HERD_BREAK=%s: no such rule\n", name);
        exit(2);
    }
}
