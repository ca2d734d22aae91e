/* Places that another server knows: asked for, and its answer checked and read on the upstream
 * thread. For every provider that asks one by HTTPS. One that hands back Google's Nearby Search
 * JSON has it cut in its own bytes; another has a reader of its own. */
#ifndef PLACES_NEARBY_H
#define PLACES_NEARBY_H

#include "entries.h"

#include <herd/module.h>

#define NEARBY_STATUS_MAX  32  /* bytes of a status */
#define NEARBY_MESSAGE_MAX 256 /* bytes of a message, with its NUL */

/* What is to be said to the client: JSON, or else a status and why. */
struct nearby {
    char *json;     /* the holder's to free, as ends; NULL: there is none */
    uint32_t *ends; /* where in it the entries end, */
    size_t count;   /* so many */
    size_t len;
    char status[NEARBY_STATUS_MAX + 1];
    char message[NEARBY_MESSAGE_MAX];
};

/* Reads a provider's answer: one JSON object with one status and one array `results` of objects,
 * which is cut to bound (1 or more) entries; every other byte stays. A status that is one of
 * failure counts, whatever is beside it. What is none of this is UNKNOWN_ERROR and says why. One
 * thread at a time (json.h). */
void nearby_read(struct nearby *nearby, struct herd_text body, unsigned bound);

/* For a reader of another form, each once at the most and then no other; nearby is cleared. Says
 * that there are no places, and why. */
void nearby_fail(struct nearby *nearby, const char *status, const char *why);
void nearby_refuse(struct nearby *nearby, const char *why); /* UNKNOWN_ERROR */

/* Whether the body is one object of JSON; if not, that is said, and *object has no length. */
bool nearby_object(struct nearby *nearby, struct herd_text body, struct herd_text *object);

/* Ends what was made, and takes it. */
void nearby_take(struct nearby *nearby, struct entries *entries);

/* What came of a request. */
struct nearby_reply {
    long status; /* of HTTP */
    struct herd_text body;
    struct herd_query query; /* what was asked */
};

#define NEARBY_BODY_MAX ((size_t)512 << 10) /* what is usual */
#define NEARBY_KEY_MAX  256                 /* bytes of a key */

/* The provider that asks; it lives as long as its module. */
struct nearby_source {
    /* The module's: */
    const char *name;
    size_t body_max; /* bytes of an answer */
    bool keyed;      /* it needs an operator's key, from its setting key_file */
    /* Reads one, on the upstream thread, into a cleared nearby. NULL: it is nearby_read's, if the
     * status of HTTP is 200. */
    void (*read)(struct nearby *nearby, const struct nearby_reply *reply);
    /* The configuration's, good until the server has stopped: */
    struct herd_group *group;
    const char *url, *ca_file, *key_file; /* ca_file NULL, key_file "": none */
    /* From open to close; workers only read it, and nobody may read it in an answer. "": none. */
    char key[NEARBY_KEY_MAX + 1];
};

/* What a provider's configure, check, open and close have in common; main thread. configure reads
 * url, which is `url` if it is absent, ca_file and, if it is keyed, key_file. The key is in memory
 * from open to close alone. */
bool nearby_configure(struct nearby_source *source, struct herd_group *group, const char *url,
                      struct herd_error *err);
bool nearby_check(struct nearby_source *source, struct herd_error *err);
bool nearby_open(struct nearby_source *source, struct herd_error *err);
void nearby_close(struct nearby_source *source);

/* As herd_fetch has them. */
struct nearby_request {
    const char *url;
    struct herd_text post;
    const char *const *headers;
};

/* Asks, and answers the search: within 5 s, 2 s of them to connect. Where the client goes first,
 * the request is given up. A worker's thread. */
void nearby_ask(struct nearby_source *source, const struct nearby_request *request,
                struct herd_search *search, const struct herd_query *query);

/* Degrees with seven decimals, a centimetre, whatever the locale says of points. */
#define NEARBY_DEGREES_MAX 32 /* bytes of them, with a NUL */
void nearby_degrees(char to[NEARBY_DEGREES_MAX], double deg);

/* Whole metres, at least 1. */
unsigned long nearby_metres(double radius_km);

#endif
