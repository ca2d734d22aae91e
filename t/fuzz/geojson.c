/* A file of places, and searches in it: whatever the file says, an answer is JSON with at most as
 * many results as were asked for, nearest first, none beyond the radius and none left out, by a
 * slow reading of what all of them say. The input: eight bytes that say what to look for, then the
 * file. */
#include "fuzz.h"

#include "json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD      8
#define EARTH_KM  6371.0088
#define ALL       1000000
#define NEAR_EDGE 1e-6 /* km: so near the radius either answer is right */

extern const struct herd_module herd_module_geojson;

/* ---- the door, played by the target ---- */

struct herd_search {
    char *json;
    size_t len;
    unsigned answers;
};

static char path[64];
static int file = -1;

void herd_log(enum herd_level level, const char *format, ...)
{
    (void)level, (void)format;
}

bool herd_config_given(struct herd_group *group, const char *name)
{
    (void)group, (void)name;
    return true;
}

bool herd_config_path(struct herd_group *group, const char *name, const char *otherwise,
                      const char **value, struct herd_error *err)
{
    (void)group, (void)name, (void)otherwise, (void)err;
    *value = path;
    return true;
}

void herd_search_answer(struct herd_search *search, const struct herd_answer *answer)
{
    search->answers++;
    search->json = fuzz_copy(answer->json.bytes, answer->json.len);
    search->len = answer->json.len;
    for (size_t i = 0; i < answer->count; i++)
        must(answer->ends[i] < search->len && search->json[answer->ends[i] - 1] == '}');
}

void herd_search_unasked(struct herd_search *search, const char *message)
{
    (void)search, (void)message;
    must(!"a search fails");
}

/* ---- looking ---- */

static double to_radians(double deg)
{
    return deg * (M_PI / 180);
}

/* By the haversine formula, which points.c does not use. */
static double distance_km(double lat1, double lon1, double lat2, double lon2)
{
    double s = sin(to_radians(lat2 - lat1) / 2), t = sin(to_radians(lon2 - lon1) / 2);
    double h = s * s + cos(to_radians(lat1)) * cos(to_radians(lat2)) * t * t;
    return 2 * EARTH_KM * asin(sqrt(h < 1 ? h : 1));
}

static cJSON *ask(const struct herd_query *query)
{
    struct herd_search search = {.json = NULL};
    struct herd_error err;
    herd_module_geojson.provider->search(&search, query);
    must(search.answers == 1);
    must(json_check((struct herd_text){search.json, search.len}, &err));
    cJSON *answer = cJSON_ParseWithLength(search.json, search.len);
    must(cJSON_IsObject(answer));
    free(search.json);
    return answer;
}

static const cJSON *results_of(const cJSON *answer)
{
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(answer, "results");
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "status"));
    must(cJSON_IsArray(results) && status != NULL);
    must(strcmp(status, results->child != NULL ? "OK" : "ZERO_RESULTS") == 0);
    return results;
}

static double place_km(const cJSON *place, const struct herd_query *query)
{
    const cJSON *geometry = cJSON_GetObjectItem(place, "geometry");
    const cJSON *location = cJSON_GetObjectItem(geometry, "location");
    const cJSON *lat = cJSON_GetObjectItem(location, "lat");
    const cJSON *lng = cJSON_GetObjectItem(location, "lng");
    must(cJSON_IsNumber(lat) && cJSON_IsNumber(lng));
    must(fabs(lat->valuedouble) <= 90 && fabs(lng->valuedouble) <= 180);
    return distance_km(query->lat_deg, query->lon_deg, lat->valuedouble, lng->valuedouble);
}

/* How many of all places lie within the radius, but for what rounding decides. */
static size_t count_within(const cJSON *all, const struct herd_query *query, double slack_km)
{
    const cJSON *place;
    size_t count = 0;
    cJSON_ArrayForEach(place, all) count += place_km(place, query) <= query->radius_km + slack_km;
    return count;
}

static void check_search(const cJSON *all, const struct herd_query *query)
{
    cJSON *answer = ask(query);
    const cJSON *results = results_of(answer), *place;
    size_t count = 0, least = count_within(all, query, -NEAR_EDGE);
    size_t most = count_within(all, query, NEAR_EDGE);
    double before_km = 0;
    cJSON_ArrayForEach(place, results)
    {
        double km = place_km(place, query);
        must(km <= query->radius_km + NEAR_EDGE && km >= before_km - NEAR_EDGE);
        before_km = km;
        count++;
    }
    must(count <= query->bound && count <= most);
    must(count >= (least < query->bound ? least : query->bound));
    cJSON_Delete(answer);
}

static void search(const uint8_t head[HEAD])
{
    struct herd_query everything = {0, 0, 20100, ALL};
    struct herd_query query = {.lat_deg = (int16_t)(head[0] | head[1] << 8) / 32768.0 * 90,
                               .lon_deg = (int16_t)(head[2] | head[3] << 8) / 32768.0 * 180,
                               .radius_km = (head[4] | head[5] << 8) * 0.31,
                               .bound = 1 + head[6] % 60};
    if (head[7] & 1) {
        query.lat_deg = round(query.lat_deg);
        query.lon_deg = round(query.lon_deg);
    }
    cJSON *all = ask(&everything);
    check_search(results_of(all), &query);
    query.radius_km /= 1000;
    check_search(results_of(all), &query);
    cJSON_Delete(all);
}

/* The file has no name, but one in /proc. */
static void prepare(void)
{
    if (file >= 0)
        return;
    file = memfd_create("places", 0);
    must(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    struct herd_error err;
    must(herd_module_geojson.configure(NULL, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct herd_error err = {.text = ""};
    if (len < HEAD)
        return 0;
    prepare();
    must(ftruncate(file, 0) == 0);
    must(pwrite(file, bytes + HEAD, len - HEAD, 0) == (ssize_t)(len - HEAD));
    if (herd_module_geojson.provider->open(&err)) {
        search(bytes);
        herd_module_geojson.provider->close();
    } else {
        must(strncmp(err.text, path, strlen(path)) == 0);
    }
    return 0;
}
