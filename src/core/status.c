/* What USR2 writes to the log. */
#include "core/status.h"

#include "base/log.h"
#include "base/metrics.h"
#include "core/search.h"

#include <inttypes.h>
#include <stdio.h>

#define STATUS_MAX 8000 /* the log cuts what is longer than 8 KiB */

void status_log(const char *server, struct store *store, int64_t up_ns)
{
    char line[STATUS_MAX];
    uint64_t answers, bytes;
    search_gauge(&answers, &bytes);
    size_t len = (size_t)snprintf(
        line, sizeof line,
        "{\"server\":\"%s\",\"uptime_s\":%" PRId64 ",\"clients\":%" PRIu64
        ",\"memory_bytes\":%" PRIu64 ",\"answers_kept\":%" PRIu64 ",\"answers_bytes\":%" PRIu64,
        server, up_ns / 1000000000, store_clients(store), store_bytes(store), answers, bytes);
    for (int i = 0; i < metrics_count() && len < sizeof line; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, ",\"%s\":%" PRIu64, metrics_name(i),
                                metrics_sum(i));
    if (len + 2 <= sizeof line)
        snprintf(line + len, sizeof line - len, "}");
    log_status(line);
}
