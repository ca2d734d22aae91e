/* Places on the globe as ISO 6709:2008, annex H, writes them in decimal degrees, with both signs
 * demanded and neither height nor solidus: +34.068930-118.445127. Pure; any thread. */
#ifndef WIRE_ISO6709_H
#define WIRE_ISO6709_H

#include <herd/module.h>

/* False: not of the form [+-]D[+-]D, D = digits, or digits, a point and digits; or not within -90
 * to 90 and -180 to 180; or longer than HERD_LOCATION_MAX. lat_deg and lon_deg may be NULL. The
 * form and the range are decided exactly, on the digits (90.000000000000000000000001 is out of
 * range), and no locale changes the reading. */
bool iso6709_parse(struct herd_text text, double *lat_deg, double *lon_deg);

#endif
