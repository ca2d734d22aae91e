/* A request's options, one after the other, and the judging of its URL, which libcurl's own eyes
 * read. upstream.c has the loop; no third file knows libcurl. */
#include "net/easy.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <strings.h>

_Static_assert(sizeof((struct herd_fetching *)0)->why >= CURL_ERROR_SIZE,
               "libcurl's words have room");

/* ---- which URLs ---- */

static bool is_loopback(const char *host)
{
    struct in_addr four;
    return strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

/* Read as libcurl reads it, so that what is judged here is where the request goes. */
static bool judge_parts(CURLU *parts, bool *plain, struct herd_error *err)
{
    char *scheme = NULL, *host = NULL, *fragment = NULL;
    bool good = false;
    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        herd_fail(err, "not a URL with a host in it");
    } else {
        *plain = strcmp(scheme, "http") == 0;
        if (!*plain && strcmp(scheme, "https") != 0)
            herd_fail(err, "must begin with https://");
        else if (*plain && !is_loopback(host))
            herd_fail(err, "must begin with https://; http is for loopback addresses "
                           "(127.0.0.1, [::1]) alone");
        else if (curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
            herd_fail(err, "must not hold a #");
        else
            good = true;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(fragment);
    return good;
}

static bool judge_url(const char *url, bool *plain, struct herd_error *err)
{
    CURLU *parts = curl_url();
    if (parts == NULL)
        return herd_fail(err, "no memory");
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    bool good = code == CURLUE_OK ? judge_parts(parts, plain, err)
                                  : herd_fail(err, "%s", curl_url_strerror(code));
    curl_url_cleanup(parts);
    return good;
}

/* ---- certificates ---- */

static struct trust_system find_system(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return (struct trust_system){info->cainfo, info->capath};
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    (void)easy;
    return trust_use(arg, ssl_ctx) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

bool herd_fetch_check(const char *url, const char *ca_file, struct herd_error *err)
{
    assert(url != NULL && err != NULL);
    bool plain;
    if (!judge_url(url, &plain, err))
        return false;
    struct trust *trusts = NULL;
    bool good = ca_file == NULL || trust_find(&trusts, ca_file, find_system(), err) != NULL;
    trust_forget(&trusts);
    return good;
}

/* ---- a request ---- */

static size_t on_body(char *bytes, size_t one, size_t len, void *fetch)
{
    return fetch_take_body(fetch, bytes, one * len) ? one * len : 0;
}

/* The return value that libcurl takes for an error is any other than the length. */
static size_t on_header(char *bytes, size_t one, size_t len, void *fetch)
{
    (void)bytes;
    return fetch_take_header(fetch, one * len) ? one * len : 0;
}

/* Before a name is looked up, and when it is found and there is a socket to connect. */
static int on_look_up(void *resolver, void *reserved, void *fetch)
{
    (void)resolver, (void)reserved;
    ((struct herd_fetching *)fetch)->looking_up = true;
    return 0;
}

/* Where nobody waits any more, it ends here. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    struct herd_fetching *fetch = arg;
    (void)fd, (void)purpose;
    fetch->looking_up = false;
    return fetch->answered ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

static void set_security(struct herd_fetching *fetch, bool plain, const struct trust *trust)
{
    CURL *easy = fetch->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* also not those of the environment */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (trust == NULL)
        return;
    /* Trust is on_ssl_ctx's. The name of the file is what keeps a connection that was verified
     * with it from being used for a fetch without. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, fetch->asked.ca_file);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)trust);
}

static void set_request(struct herd_fetching *fetch)
{
    CURL *easy = fetch->easy;
    curl_easy_setopt(easy, CURLOPT_URL, fetch->asked.url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "herd");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(fetch->asked.connect_ns / 1000000));
    curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_look_up);
    curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, fetch);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->why);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
}

/* ---- headers, and what is posted ---- */

static bool is_named(const char *header, const char *name)
{
    size_t len = strlen(name);
    return strncasecmp(header, name, len) == 0 && header[len] == ':';
}

/* A name of RFC 9110's tokens, a colon, and text. What frames the request is libcurl's, and what
 * could end a header and begin another is no text. */
static bool judge_header(const char *header)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    size_t name = strspn(header, token);
    if (name == 0 || header[name] != ':' || is_named(header, "Content-Length") ||
        is_named(header, "Transfer-Encoding") || is_named(header, "Expect"))
        return false;
    const char *value = header + name + 1 + strspn(header + name + 1, " ");
    for (const char *at = value; *at != '\0'; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return false;
    return *value != '\0';
}

static bool add_header(struct herd_fetching *fetch, const char *header)
{
    struct curl_slist *longer = curl_slist_append(fetch->headers, header);
    if (longer != NULL)
        fetch->headers = longer;
    return longer != NULL;
}

/* libcurl would have a server asked first whether it likes to be sent what is long, and would call
 * what is sent a form: an empty header of that name stops it. */
static const char *set_headers(struct herd_fetching *fetch)
{
    const char *const *headers = fetch->asked.headers;
    bool typed = false, added = true;
    for (; headers != NULL && *headers != NULL && added; headers++) {
        if (!judge_header(*headers))
            return "a header of the request is none";
        typed = typed || is_named(*headers, "Content-Type");
        added = add_header(fetch, *headers);
    }
    if (fetch->asked.post.bytes != NULL)
        added = added && add_header(fetch, "Expect:") &&
                (typed || add_header(fetch, "Content-Type:"));
    if (!added)
        return "no memory";
    if (fetch->headers != NULL)
        curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
    return NULL;
}

/* libcurl makes no copy: what is posted lives as long as the fetch. */
static void set_post(struct herd_fetching *fetch)
{
    if (fetch->asked.post.bytes == NULL)
        return;
    curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->asked.post.len);
    curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, fetch->asked.post.bytes);
}

const char *easy_create(struct herd_fetching *fetch, struct trust **trusts, struct herd_error *err)
{
    const struct trust *trust = NULL;
    const char *ca_file = fetch->asked.ca_file;
    bool plain;
    assert(fetch->easy == NULL);
    if (!judge_url(fetch->asked.url, &plain, err))
        return err->text;
    if (ca_file != NULL && !(trust = trust_find(trusts, ca_file, find_system(), err)))
        return "the certificates trusted besides the system's cannot be read";
    fetch->easy = curl_easy_init();
    if (fetch->easy == NULL)
        return "no memory";
    set_request(fetch);
    set_security(fetch, plain, trust);
    set_post(fetch);
    return set_headers(fetch);
}

void easy_free(struct herd_fetching *fetch)
{
    struct curl_slist *headers = fetch->headers;
    curl_easy_cleanup(fetch->easy);
    fetch->easy = NULL;
    for (struct curl_slist *one = headers; one != NULL; one = one->next)
        explicit_bzero(one->data, strlen(one->data));
    curl_slist_free_all(headers);
    fetch->headers = NULL;
}

/* ---- its end ---- */

/* What libcurl says about these has names of hosts and of certificates in it, never the URL. */
const char *easy_explain(const struct herd_fetching *fetch, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return NULL;
    case CURLE_WRITE_ERROR:
        return fetch->too_large   ? "the answer is too large"
               : fetch->body.lost ? "no memory"
                                  : curl_easy_strerror(code);
    case CURLE_OPERATION_TIMEDOUT:
        return "no connection in time";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return fetch->why[0] != '\0' ? fetch->why : curl_easy_strerror(code);
    default:
        return curl_easy_strerror(code);
    }
}
