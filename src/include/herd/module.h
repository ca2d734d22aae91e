/* The public door: all that a module may use of herd, built in or loaded.
 *
 * A module is a const struct herd_module. It brings commands (a verb, how many fields, who may say
 * it, what to do), or a provider of places, or both, or only follows the changes of the store; and
 * reads a group of the configuration of its own. Its source ends with HERD_MODULE_EXPORT, and so
 * can be built in or be a shared object that load_modules names:
 *
 *     cc -shared -fPIC $(pkg-config --cflags herd) -o mine.so mine.c
 *
 * Threads: configure, start and stop run on the main thread, before the workers begin and after
 * they have ended; so do check, open and close of a provider. A fetch's check runs on the upstream
 * thread. All else that herd calls, it calls on the workers, several at once; a request belongs to
 * the worker that received it and is touched on no other thread.
 *
 * Texts that a function hands out are not terminated by NUL unless it says so, and live as long as
 * the request they came with; those that it is given it copies. What creates something never
 * returns NULL: where memory is out herd has a reserve, and ends when that is used up. What is
 * forbidden here and noticed ends it too (SIGABRT), with a sentence on standard error and in the
 * log. */
#ifndef HERD_MODULE_H
#define HERD_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rises whenever a struct or a function below changes. A module built for another number is
 * refused. */
#define HERD_ABI 4

#if defined(__GNUC__)
#define HERD_PRINTF(which, first) __attribute__((format(printf, which, first)))
#else
#define HERD_PRINTF(which, first)
#endif

/* Some bytes; any byte may stand in them. */
struct herd_text {
    const char *bytes;
    size_t len;
};

/* One sentence that tells a user what is wrong and where. */
struct herd_error {
    char text[512];
};

/* Writes the sentence. Returns false always, so that a function can end with it. */
bool herd_fail(struct herd_error *err, const char *format, ...) HERD_PRINTF(2, 3);

struct herd_request; /* one command of one client or neighbour */
struct herd_group;   /* a group of settings in the configuration */

/* ---- commands ---- */

enum herd_result {
    HERD_OK,      /* executed; what herd_reply was given is the answer, and may be nothing */
    HERD_INVALID, /* not a command of this form: what was replied is thrown away, and the client
                     gets the answer for invalid commands */
    HERD_LATER,   /* herd_defer was called; the answer follows */
    HERD_END      /* only from a neighbour's command: it broke the protocol, the link is ended. From
                     a client's: as HERD_INVALID */
};

enum herd_from { HERD_CLIENT, HERD_PEER };

/* A verb. The dispatcher looks the verb up among those of the side that speaks and counts the
 * fields before it calls run, so run sees no other. The verb itself is field 0 and counts. The
 * empty verb "" takes what no other took. */
struct herd_command {
    const char *verb;
    unsigned min_fields, max_fields; /* max_fields 0: no limit */
    enum herd_from from;
    enum herd_result (*run)(struct herd_request *req);
    const char *usage; /* "client location time" */
    unsigned client;   /* the field, 1 to 6, whose record it asks for first, which is then fetched
                          from memory before its turn comes; 0: none */
};

/* The line as it came, less its line end. */
struct herd_text herd_line(const struct herd_request *req);

/* How many fields the line has, and one of them. Fields 0 to 6 and the last one can be had; others
 * are empty. */
size_t herd_field_count(const struct herd_request *req);
struct herd_text herd_field(const struct herd_request *req, size_t i);

/* Appends to the answer. It leaves when the command is done. */
void herd_reply(struct herd_request *req, struct herd_text text);

/* This server's name, and the neighbour that speaks (NULL: a client). Both end with NUL. */
const char *herd_server_name(const struct herd_request *req);
const char *herd_neighbour_name(const struct herd_request *req);

/* This server's clock when it read the command: nanoseconds since 1970. Two commands of a worker
 * never read the same. */
int64_t herd_clock_ns(const struct herd_request *req);

/* Keeps a client's request beyond its handler, which then returns HERD_LATER. Returns a copy, with
 * texts of its own, that herd_reply and herd_done take; the handler may still read the request that
 * it was given, and replies to the copy only. The lines behind it wait. If the client goes first,
 * cancelled(arg) is called, on the same thread, and the copy is gone; NULL: nobody need know, and
 * herd_done is still owed. Call herd_done once, on the request's thread, unless cancelled was
 * called; it may be called before the handler returns. */
struct herd_request *herd_defer(struct herd_request *req, void (*cancelled)(void *arg), void *arg);
void herd_done(struct herd_request *deferred);

/* In place of herd_done, once it turns out that the command is invalid: what was replied is thrown
 * away, and the client gets the answer for invalid commands. Not for the verb "" itself. */
void herd_done_invalid(struct herd_request *deferred);

/* ---- what the lines are made of ---- */

/* ISO 6709 decimal degrees, both signs written: +34.068930-118.445127. False: not of that form or
 * range. */
bool herd_location_parse(struct herd_text text, double *lat_deg, double *lon_deg);

/* POSIX seconds with up to 18 decimals, as nanoseconds (the rest is cut off). False: not of that
 * form or range. */
bool herd_time_parse(struct herd_text text, int64_t *time_ns);

/* A difference as the AT line writes it, sign, seconds and nine decimals. False: not of that form.
 */
bool herd_difference_parse(struct herd_text text, int64_t *diff_ns);

/* An unsigned decimal with an optional fraction, and one without. False: not of that form, or too
 * large. */
bool herd_decimal_parse(struct herd_text text, double *value);
bool herd_count_parse(struct herd_text text, unsigned *value);

/* A server's name: 1 to 64 bytes of [A-Za-z0-9._-]. */
bool herd_name_valid(struct herd_text text);

/* ---- reports: where a client is ---- */

#define HERD_CLIENT_MAX   1024 /* bytes of a client's id */
#define HERD_LOCATION_MAX 64   /* bytes of a location, and of a time */
#define HERD_NAME_MAX     64   /* bytes of a server's name */
#define HERD_AT_MAX                                                                                \
    (3 + HERD_NAME_MAX + 1 + 21 + 1 + HERD_CLIENT_MAX + 2 * (1 + HERD_LOCATION_MAX) + 1)

struct herd_report {
    struct herd_text server;   /* that heard it from the client */
    struct herd_text client;   /* the client's id */
    struct herd_text location; /* as the client wrote it */
    struct herd_text time;     /* as the client wrote it */
    int64_t time_ns;           /* the same time */
    int64_t diff_ns;           /* that server's clock when it heard, less time_ns */
};

/* What a report met in the store. */
enum herd_put {
    HERD_PUT_NEW,    /* the client was not known */
    HERD_PUT_NEWER,  /* it is newer by the client's time */
    HERD_PUT_TIE,    /* the same time, and it takes the place of the one held */
    HERD_PUT_OLDER,  /* the one held stays */
    HERD_PUT_REPEAT, /* it is the one held */
    HERD_PUT_FULL,   /* a new client, and no room for one, or its id is over limits.id, or no room
                        for so long a report (from clients only); or no memory */
    HERD_PUT_AHEAD,  /* stamped too far ahead of this server's clock (from clients only) */
    HERD_PUT_DEAD,   /* older than forget_after */
    HERD_PUT_INVALID /* a text of it is not of its form (from herd_put only); or the neighbours'
                        servers have had too many names (from neighbours only) */
};

/* Stores the report if it is the newest, and lets the neighbours know. The report is copied. Its
 * texts are fields of a line, of their forms: the caller has looked, and only what is empty, too
 * long or not filled in ends the server. A client's report and a neighbour's differ: limits bind
 * clients only. */
enum herd_put herd_report_put(struct herd_request *req, const struct herd_report *report);

/* Looks a client up. The texts of *report then live in room, which is the caller's. False: not
 * known. */
struct herd_room {
    char bytes[HERD_AT_MAX];
};
bool herd_report_get(struct herd_request *req, struct herd_text client, struct herd_report *report,
                     struct herd_room *room);

/* Appends the report's AT line, with its LF, to the answer. */
void herd_reply_at(struct herd_request *req, const struct herd_report *report);

/* ---- places ---- */

/* The limits of a search, from the configuration. */
bool herd_places_radius_valid(double radius_km);
bool herd_places_bound_valid(unsigned bound);

/* Asks the configured provider for places within radius_km, and appends Nearby Search JSON and two
 * LFs to the answer. Returns what the handler returns: HERD_OK or HERD_LATER. */
enum herd_result herd_places_search(struct herd_request *req, double lat_deg, double lon_deg,
                                    double radius_km, unsigned bound);

/* One search under way, a provider's until it has answered once. */
struct herd_search;

/* Several who ask the same are answered from one search: the position is theirs rounded to
 * places.NAME.decimals, and the bound is the greatest that anybody may ask for. */
struct herd_query {
    double lat_deg, lon_deg, radius_km;
    unsigned bound; /* at most so many results, at least 1 */
};

/* A provider of places. check, open and close run on the main thread, and only for the providers
 * that the configuration names. check (NULL: there is nothing to) runs when the configuration has
 * been read, also for herd -t, and looks whether what it names (a file of a key, say) is there and
 * good; it leaves nothing open. search runs on a worker, answers once, at once or later but in
 * worker_stop at the latest, on the same thread, and never blocks. */
#define HERD_EXACT 0
struct herd_provider {
    const char *name;
    bool (*check)(struct herd_error *err);
    bool (*open)(struct herd_error *err);
    void (*search)(struct herd_search *search, const struct herd_query *query);
    void (*close)(void);
    bool fetches;      /* it calls herd_fetch, which fails where no provider does */
    int64_t keep_ns;   /* how long an answer may be kept, where places.NAME.keep does not say; 0:
                          not at all */
    unsigned decimals; /* of degrees, 1 to 9, that a position is rounded to where
                          places.NAME.decimals does not say; HERD_EXACT: it is not */
};

/* A whole Nearby Search object, and where in json each entry of `results` ends, in their order: the
 * offset behind its last byte. So herd can cut it for each who asks: to the first k of count
 * entries by leaving out what stands between the end of entry k and that of the last one. */
struct herd_answer {
    struct herd_text json; /* less than 4 GiB */
    size_t count;          /* of the entries, at most bound */
    const uint32_t *ends;  /* count of them; NULL where that is 0 */
};

/* Answers. What is given is copied. Runs of newlines in it are squeezed. */
void herd_search_answer(struct herd_search *search, const struct herd_answer *answer);

/* Has cancelled(arg) run when the last client that waits for it goes before the answer, on the same
 * thread; at once if it has gone already. The answer is still owed, though nobody reads it: what it
 * would take can be left undone. NULL: the provider need not know, or no more. */
void herd_search_on_cancel(struct herd_search *search, void (*cancelled)(void *arg), void *arg);

/* Answers with no results, a status (UNKNOWN_ERROR, OVER_QUERY_LIMIT, ...) and why. */
void herd_search_fail(struct herd_search *search, const char *status, const char *message);

/* The same with UNKNOWN_ERROR, where it was never asked: for want of memory, or of room in a queue.
 * That is no failure of the provider's, and takes nothing from its budget. */
void herd_search_unasked(struct herd_search *search, const char *message);

/* ---- configuration: a module's own group ---- */

/* Each reads one setting of the group, by its plain name, or takes the default where it is absent;
 * lists, arrays and groups in the group cannot be read. False: wrong type or range, or no name of a
 * setting, and err names file, line and setting. Settings that nobody read are reported as unknown
 * after configure. Strings end with NUL and live until the server stops. */
bool herd_config_string(struct herd_group *group, const char *name, const char *otherwise,
                        const char **value, struct herd_error *err);
bool herd_config_bool(struct herd_group *group, const char *name, bool otherwise, bool *value,
                      struct herd_error *err);
bool herd_config_int(struct herd_group *group, const char *name, int otherwise, int min, int max,
                     int *value, struct herd_error *err);
bool herd_config_float(struct herd_group *group, const char *name, double otherwise, double min,
                       double max, double *value, struct herd_error *err);

/* A string with a unit: bytes ("4k", "1m", "2g"), or a time ("500ms", "15m", "1d"), in bytes and in
 * nanoseconds. */
bool herd_config_size(struct herd_group *group, const char *name, const char *otherwise,
                      uint64_t *bytes, struct herd_error *err);
bool herd_config_duration(struct herd_group *group, const char *name, const char *otherwise,
                          int64_t *ns, struct herd_error *err);

/* A path of a file to read; a relative one is relative to the configuration file. */
bool herd_config_path(struct herd_group *group, const char *name, const char *otherwise,
                      const char **path, struct herd_error *err);

/* Whether the configuration names the setting. */
bool herd_config_given(struct herd_group *group, const char *name);

/* Says what is wrong with a setting: "FILE:LINE: GROUP.NAME: ...". The line of one that is absent
 * is its group's. Returns false always. */
bool herd_config_fail(struct herd_group *group, const char *name, struct herd_error *err,
                      const char *format, ...) HERD_PRINTF(4, 5);

/* ---- counters ---- */

/* A counter of the module's own, which the status line then shows as NAME: 1 to 64 bytes of
 * [a-z0-9_], and is copied. From configure or start; the same name again is the same counter.
 * Returns what herd_count takes; below 0, which herd_count ignores, after a warning in the log: no
 * such name, one of herd's own, HERD_COUNTERS_MAX are taken, or a new one after the start. Counting
 * shares nothing between threads and is cheap. Any thread. */
#define HERD_COUNTERS_MAX 64
int herd_counter(const char *name);
void herd_count(int counter, uint64_t n);

/* ---- workers: timers, work put off, other threads ---- */

/* The worker whose thread this is; NULL on any other, before worker_start and after worker_stop.
 * Timers, cursors and work put off belong to the worker on whose thread they were created, and are
 * used and destroyed there, at the latest in worker_stop: what is left then ends the server. */
struct herd_worker;
struct herd_worker *herd_worker(void);

/* Runs a function once on a worker's thread, at once if this is it. Any thread, from the first
 * worker_start to the last worker_stop: threads of the module's own are joined there at the latest,
 * best each in the worker_stop of the worker that created it. The function always runs; if the
 * worker has stopped by then, somewhere with herd_worker() NULL, before the module's stop: it only
 * frees then. */
void herd_worker_tell(struct herd_worker *worker, void (*run)(void *arg), void *arg);

/* Runs a function once at the end of this turn of the loop, when all that came in with it is done
 * and its changes are announced, or of the next if it is called there; before worker_stop at the
 * latest, so what puts itself off again must come to an end when the server stops (1000 rounds).
 * worker_stop itself puts nothing off. */
void herd_put_off(void (*run)(void *arg), void *arg);

/* A timer that runs a function once each time that it was set (after_ns below 0: as 0, which is the
 * next turn). Setting it again moves it; its function may set and destroy it. */
struct herd_timer;
struct herd_timer *herd_timer_create(void (*run)(void *arg), void *arg);
void herd_timer_set(struct herd_timer *timer, int64_t after_ns);
void herd_timer_clear(struct herd_timer *timer);
void herd_timer_destroy(struct herd_timer *timer);

/* ---- records without a request, and their changes ---- */

/* As herd_report_put and herd_report_get, for a timer or a cursor, on a worker. herd_put reads
 * client, location and time, and checks their forms; the rest it fills in: the report counts as
 * heard by this server, now. */
enum herd_put herd_put(const struct herd_report *report);
bool herd_get(struct herd_text client, struct herd_report *report, struct herd_room *room);

/* A place in the feed of changes. It begins with all that is held, finds each client once with its
 * latest report however late it reads, and costs the same then. changed is called at the end of a
 * turn once there may be something to read, first soon after opening, and then not again before a
 * read. A change is certain to be handed out only when the turn in which a worker put it has ended,
 * and changed is called then, or, on another worker, soon after; herd_get and herd_report_get know
 * it at once. So what is kept from a cursor's changes lags behind them by that. */
struct herd_cursor;
struct herd_cursor *herd_cursor_open(void (*changed)(void *arg), void *arg);

/* Hands changes to take until there are none, or it was long enough for one turn, or take returns
 * false, which means that it did not take the one it was given. take runs under a lock of the
 * store: it copies, and calls nothing of herd but what stands under "what the lines are made of",
 * herd_log and herd_count. True: take said no, and changed is not called before the next read,
 * which is the module's to make. False: there were none, or it was long enough; changed is called
 * when there is more, in the second case at the end of this turn or the next. */
bool herd_cursor_read(struct herd_cursor *cursor,
                      bool (*take)(void *arg, const struct herd_report *report), void *arg);

/* Not from take. changed may close its own cursor. */
void herd_cursor_close(struct herd_cursor *cursor);

/* ---- asking other servers by HTTPS ---- */

struct herd_response {
    const char *error;     /* why there is no answer, one sentence; NULL: it came whole */
    bool cancelled;        /* it was, and that is the error */
    bool unsent;           /* nobody was asked: there was no room, or its turn never came */
    long status;           /* of HTTP */
    struct herd_text body; /* good until check returns */
};

/* A GET, or a POST of the bytes in post. headers go with it, each "Name: value", the array ends
 * with NULL: one may be another User-Agent than herd's own; what names the body's kind is the
 * caller's; Content-Length, Transfer-Encoding and Expect are herd's, and a control byte (CR and LF
 * above all) is no part of a header: with such a one it fails. https only, or http to a loopback
 * address; certificates and host names are verified, and nothing turns that off; no redirects, no
 * proxy, no decompression. 32 are under way at once, others wait for their turn, within their own
 * time; very many fail at once. check runs on the upstream thread, where it may take its time and
 * must not touch anything of a worker's (what is refused while the server stops, on the worker's
 * own); then done runs on the worker that asked, but not before herd_fetch has returned. Both
 * always run, once, also when it is cancelled and when the server stops. */
struct herd_fetch {
    const char *url;            /* copied; it may hold a secret and is never logged */
    const char *ca_file;        /* certificates trusted besides the system's; NULL: none */
    struct herd_text post;      /* bytes NULL: a GET. As the URL: copied, never logged */
    const char *const *headers; /* NULL: none. As the URL, too */
    size_t body_max;            /* bytes of the answer's body */
    int64_t connect_ns, total_ns;
    void (*check)(void *arg, const struct herd_response *response);
    void (*done)(void *arg);
    void *arg;
};
struct herd_fetching; /* one under way, until done is called */
struct herd_fetching *herd_fetch(const struct herd_fetch *fetch);

/* Ends it soon, if it has not ended yet, and makes room for others; on the worker that asked,
 * before done is called. check sees that it was cancelled, or else what came before; so done is
 * always called. A second time it does nothing. */
void herd_fetch_cancel(struct herd_fetching *fetching);

/* Whether herd_fetch takes that url, and that ca_file (NULL: none), which is read. For configure,
 * check and open: main thread. */
bool herd_fetch_check(const char *url, const char *ca_file, struct herd_error *err);

/* ---- secrets ---- */

/* Reads a key or the like from a file that is its owner's alone: regular, the superuser's or this
 * user's, without any permission for group and others. It is one line of 1 to room - 1 bytes, none
 * of them NUL, and ends with NUL in `to`, without its LF, or CR and LF. From then on the process
 * leaves no core file and cannot be traced. Wiping `to` is the caller's. False: err says why,
 * beginning with the path, and nothing is in `to`. For check and open: main thread. */
bool herd_secret_read(const char *path, char *to, size_t room, struct herd_error *err);

/* ---- log ---- */

enum herd_level { HERD_LOG_DEBUG, HERD_LOG_INFO, HERD_LOG_WARN, HERD_LOG_ERROR };

/* One event, one line; unprintable bytes are escaped, but %.*s ends at a NUL. Any thread; one of
 * the module's own must have ended when stop returns. */
void herd_log(enum herd_level level, const char *format, ...) HERD_PRINTF(2, 3);

/* ---- the module ---- */

struct herd_module {
    unsigned abi;        /* HERD_ABI */
    const char *name;    /* iamat: of a server name's form */
    const char *version; /* 1.0 */
    const char *summary; /* one line for herd -V */
    const char *group;   /* its group in the configuration, "wave" or, of a provider,
                            "places.wave", in libconfig's names; it lies in none of herd's own but
                            places, nor in another module's; NULL: no settings, no configure */

    const struct herd_command *commands;  /* ends with one whose verb is NULL; NULL: none */
    const struct herd_provider *provider; /* NULL: none */

    /* Reads the group, which lives until the server has stopped. Also called by herd -t, so it
     * opens nothing. */
    bool (*configure)(struct herd_group *group, struct herd_error *err);
    /* On the main thread, before the workers begin, and after they have ended. stop is called
     * only after a start that went well. */
    bool (*start)(struct herd_error *err);
    void (*stop)(void);
    /* On each worker's thread, before its first turn, and after its last, when no request is left
     * and nobody hears any more what is put into the store. */
    void (*worker_start)(void);
    void (*worker_stop)(void);
};

/* How a module's source ends: HERD_MODULE_EXPORT(mine) = {.abi = HERD_ABI, .name = "mine", ...};
 * In a shared object that is the symbol herd_module, the only one that herd looks for. A source
 * that is built in (-DHERD_BUILT_IN) shares its program with others, so its name is part of the
 * symbol. */
#ifdef __cplusplus
#define HERD_MODULE_EXTERN extern "C"
#else
#define HERD_MODULE_EXTERN extern
#endif
#ifdef HERD_BUILT_IN
#define HERD_MODULE_EXPORT(name)                                                                   \
    HERD_MODULE_EXTERN const struct herd_module herd_module_##name;                                \
    const struct herd_module herd_module_##name
#else
#define HERD_MODULE_EXPORT(name)                                                                   \
    HERD_MODULE_EXTERN __attribute__((visibility("default")))                                      \
    const struct herd_module herd_module;                                                          \
    const struct herd_module herd_module
#endif

#ifdef __cplusplus
}
#endif
#endif
