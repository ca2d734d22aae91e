/* WHATSAT client radius bound: where a client is, and which places lie near it. The AT line is the
 * one that every server of the herd has for the newest report; the places come from the provider
 * that the configuration names. */
#include <herd/module.h>

static bool read_search(const struct herd_request *req, double *radius_km, unsigned *bound)
{
    return herd_decimal_parse(herd_field(req, 2), radius_km) &&
           herd_places_radius_valid(*radius_km) && herd_count_parse(herd_field(req, 3), bound) &&
           herd_places_bound_valid(*bound);
}

static enum herd_result whatsat(struct herd_request *req)
{
    double radius_km, lat_deg = 0, lon_deg = 0;
    unsigned bound;
    struct herd_report report;
    struct herd_room room;
    if (!read_search(req, &radius_km, &bound))
        return HERD_INVALID;
    if (!herd_report_get(req, herd_field(req, 1), &report, &room))
        return HERD_INVALID;
    bool asks = radius_km > 0 && bound > 0; /* else it does not matter where */
    if (asks && !herd_location_parse(report.location, &lat_deg, &lon_deg))
        return HERD_INVALID;
    herd_reply_at(req, &report);
    return herd_places_search(req, lat_deg, lon_deg, radius_km, bound);
}

static const struct herd_command commands[] = {
    {.verb = "WHATSAT",
     .min_fields = 4,
     .max_fields = 4,
     .from = HERD_CLIENT,
     .run = whatsat,
     .usage = "client radius bound",
     .client = 1},
    {.verb = NULL},
};

HERD_MODULE_EXPORT(whatsat) = {
    .abi = HERD_ABI,
    .name = "whatsat",
    .version = "1.0",
    .summary = "tells where a client is, and what is near",
    .commands = commands,
};
