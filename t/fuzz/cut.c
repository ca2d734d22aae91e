/* What a client reads of a provider's answer: cut to as many results as were asked for, and else
 * the provider's own bytes, less newlines; always JSON, always good UTF-8, its end the first empty
 * line. cJSON's reading of both is the judge; where the answer is made of another form, made.c. The
 * input: two bytes that say who was asked for how many and how the fetch ended, then the body. */
#include "fuzz.h"

#include "base/log.h"
#include "core/places.h"
#include "google_places.h"
#include "herd/request.h"
#include "json.h"
#include "made.h"
#include "net/worker.h"
#include "overpass_elements.h"
#include "same.h"

#define SECRET "s3cret"

/* ---- the door, played by the target ---- */

static struct herd_fetch asked;
static struct herd_fetching {
    unsigned cancels;
} fetching;
static struct buffer out;
static struct herd_request now, later;
static unsigned done;
static struct errand *put_off;

/* In place of worker_put_off (ld's --wrap), for there is no worker. */
void __wrap_worker_put_off(struct worker *worker, struct errand *errand);
void __wrap_worker_put_off(struct worker *worker, struct errand *errand)
{
    must(worker == NULL && (put_off == NULL || put_off == errand));
    put_off = errand;
}

static void run_errands(void)
{
    while (put_off != NULL) {
        struct errand *errand = put_off;
        put_off = NULL;
        errand->run(errand->arg);
    }
}

struct herd_fetching *herd_fetch(const struct herd_fetch *fetch)
{
    asked = *fetch;
    return &fetching;
}

void herd_fetch_cancel(struct herd_fetching *which)
{
    which->cancels++;
}

struct herd_request *herd_defer(struct herd_request *req, void (*cancelled)(void *), void *arg)
{
    (void)cancelled, (void)arg;
    later = *req;
    req->out = NULL;
    return &later;
}

void herd_done(struct herd_request *deferred)
{
    must(deferred == &later);
    done++;
}

/* ---- the provider ---- */

enum kind { GOOGLE, GOOGLE_NEW, OVERPASS };

static enum kind kind;
static struct nearby_source sources[] = {
    [GOOGLE] = {.name = "google", .key = SECRET, .body_max = NEARBY_BODY_MAX},
    [GOOGLE_NEW] = {.name = "google_new",
                    .key = SECRET,
                    .body_max = NEARBY_BODY_MAX,
                    .read = google_places_read},
    [OVERPASS] = {.name = "overpass", .body_max = NEARBY_BODY_MAX, .read = overpass_elements_read},
};

static void search(struct herd_search *search, const struct herd_query *query)
{
    nearby_ask(&sources[kind], &(struct nearby_request){.url = "https://localhost/?key=" SECRET},
               search, query);
}

static const struct herd_provider provider = {.name = "google", .search = search, .fetches = true};
static struct chain_link only = {.provider = &provider};
static const struct chain chain = {&only, 1};

/* ---- the judge ---- */

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Strictly, as RFC 3629 has it. */
static bool is_utf8(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)bytes[i];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        uint32_t code = n == 1 ? c : c & (0x7fU >> n);
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || len - i < n)
            return false;
        for (size_t k = 1; k < n; k++) {
            if ((bytes[i + k] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (bytes[i + k] & 0x3f);
        }
        if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff)) ||
            (code >= 0xd800 && code < 0xe000))
            return false;
        i += n;
    }
    return true;
}

/* One value of JSON and nothing else; NULL: it is not. */
static cJSON *parse(struct herd_text text)
{
    const char *stop = text.bytes, *end = text.bytes + text.len;
    cJSON *value = cJSON_ParseWithLengthOpts(text.bytes, text.len, &stop, false);
    while (stop < end && is_white(*stop))
        stop++;
    if (stop < end) {
        cJSON_Delete(value);
        return NULL;
    }
    return value;
}

/* The provider's answer, and what is left of it. */
static void check_cut(const cJSON *body, const cJSON *left, unsigned bound)
{
    const cJSON *x = body->child, *y = left->child;
    unsigned found = 0;
    must(cJSON_IsObject(body) && cJSON_IsObject(left));
    for (; x != NULL; x = x->next, y = y->next) {
        bool results = strcmp(x->string, "results") == 0 && cJSON_IsArray(x);
        must(y != NULL);
        if (results && cJSON_GetArraySize(x) != cJSON_GetArraySize(y)) {
            must(found++ == 0 && cJSON_GetArraySize(y) == (int)bound);
            must(same_children(x, y, bound));
        } else {
            must(!results || strlen(x->string) == 7);
            must(same_text(x->string, y->string) && same_value(x, y));
        }
    }
    must(y == NULL);
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(left, "results");
    must(results != NULL && cJSON_GetArraySize(results) <= (int)bound);
}

/* A copy without line breaks. */
static char *squeeze(const char *bytes, size_t *len)
{
    char *to = malloc(*len + 1);
    size_t n = 0;
    must(to != NULL);
    for (size_t i = 0; i < *len; i++)
        if (bytes[i] != '\n' && bytes[i] != '\r')
            to[n++] = bytes[i];
    *len = n;
    return to;
}

/* What is left are the first bytes of the body and its last ones. */
static void check_bytes(struct herd_text body, struct herd_text left)
{
    size_t body_len = body.len, left_len = left.len, head = 0, tail = 0;
    char *a = squeeze(body.bytes, &body_len), *b = squeeze(left.bytes, &left_len);
    while (head < left_len && head < body_len && a[head] == b[head])
        head++;
    while (tail < left_len && tail < body_len && a[body_len - 1 - tail] == b[left_len - 1 - tail])
        tail++;
    must(left_len <= body_len && head + tail >= left_len);
    free(a);
    free(b);
}

/* herd's own object, where the provider's did not do. */
static bool is_failure(const cJSON *left)
{
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(left, "results");
    return cJSON_GetObjectItemCaseSensitive(left, "error_message") != NULL &&
           cJSON_IsArray(results) && results->child == NULL && left->child != NULL &&
           strcmp(left->child->string, "html_attributions") == 0;
}

static void check_answer(struct herd_text body, struct herd_text answer, unsigned bound)
{
    struct herd_error err;
    must(answer.len > 2 && memcmp(answer.bytes + answer.len - 2, "\n\n", 2) == 0);
    answer.len -= 2;
    must(memmem(answer.bytes, answer.len, "\n\n", 2) == NULL);
    must(answer.bytes[0] == '{' && answer.bytes[answer.len - 1] == '}');
    must(is_utf8(answer.bytes, answer.len));
    must(json_check(answer, &err));
    must(kind == OVERPASS || memmem(answer.bytes, answer.len, SECRET, strlen(SECRET)) == NULL);
    cJSON *left = parse(answer);
    must(left != NULL && cJSON_GetObjectItemCaseSensitive(left, "status") != NULL);
    struct herd_text own = json_trim(body);
    cJSON *whole = parse(own);
    must(whole != NULL || is_failure(left));
    if (!is_failure(left) && kind == GOOGLE) {
        check_cut(whole, left, bound);
        check_bytes(own, answer);
    } else if (!is_failure(left)) {
        (kind == GOOGLE_NEW ? made_check_places : made_check_elements)(whole, left, bound);
    }
    cJSON_Delete(whole);
    cJSON_Delete(left);
}

static void answer(struct herd_text body, unsigned how)
{
    struct herd_response response = {.status = how & 1 ? 500 : 200, .body = body};
    if (how & 2)
        response.error = "no answer in time";
    if (how & 4)
        response.cancelled = true, response.error = "cancelled";
    asked.check(asked.arg, &response);
    asked.done(asked.arg);
    run_errands();
    must(done == 1);
}

static void prepare(void)
{
    const struct log_config quiet = {.file = "/dev/null", .level = HERD_LOG_ERROR};
    struct herd_error err;
    if (!log_is_open())
        must(log_open(&quiet, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct settings settings = {
        .places = {.provider = "google", .max_radius_km = 50, .max_items = 60}};
    struct herd_error err;
    if (len < 2)
        return 0;
    unsigned bound = 1 + bytes[0] % 60, how = bytes[1] < 0xf8 ? 0 : bytes[1] & 7;
    struct herd_text body = {fuzz_copy(bytes + 2, len - 2), len - 2};
    kind = bytes[0] / 60 == 2 ? GOOGLE_NEW : bytes[0] / 60 == 3 ? OVERPASS : GOOGLE;
    prepare();
    done = 0;
    now = (struct herd_request){.out = &out};
    must(places_open(&settings, &chain, &err));
    must(herd_places_search(&now, MADE_LAT, MADE_LON, 20100, bound) == HERD_LATER);
    answer(body, how);
    check_answer(body, (struct herd_text){buffer_at(&out), buffer_len(&out)}, bound);
    places_close();
    buffer_free(&out);
    free((char *)body.bytes);
    return 0;
}
