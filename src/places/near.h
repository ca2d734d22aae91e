/* herd-places near and herd-places info: what is in a file of places. Main thread. */
#ifndef PLACES_NEAR_H
#define PLACES_NEAR_H

#include <stdbool.h>
#include <stddef.h>

struct near {
    const char *db;
    double lat_deg, lon_deg, radius_km;
    size_t bound;
    bool json; /* what WHATSAT would answer */
};

/* Each returns the exit status. */
int near_run(const struct near *near);
int info_run(const char *db);

#endif
