/* Whether an answer that was made of another form says what came, and nothing else; it ends the
 * target if not. */
#ifndef FUZZ_MADE_H
#define FUZZ_MADE_H

#include <cjson/cJSON.h>

#define MADE_LAT 34.0 /* where one asks */
#define MADE_LON (-118.0)

/* Of Google's Places API (New). */
void made_check_places(const cJSON *body, const cJSON *left, unsigned bound);

/* Of an Overpass server. */
void made_check_elements(const cJSON *body, const cJSON *left, unsigned bound);

#endif
