/* Google Nearby Search JSON that another server hands back: asked for, checked on the upstream
 * thread, and cut in its own bytes. For every provider that asks one by HTTPS. */
#ifndef PLACES_NEARBY_H
#define PLACES_NEARBY_H

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

/* The provider that asks. Lives as long as its module; failing is the upstream thread's, but
 * for what is refused while the server stops. */
struct nearby_source {
    const char *name;
    const char *ca_file;  /* NULL: none */
    const char *secret;   /* what nobody may read in an answer; NULL: nothing */
    _Atomic bool failing; /* the last answer was none: one warning is enough */
};

/* Asks that URL and answers the search: within 5 s, 2 s of them to connect. Where the client goes
 * first, the request is given up. A worker's thread. */
void nearby_ask(struct nearby_source *source, const char *url, struct herd_search *search,
                unsigned bound);

#endif
