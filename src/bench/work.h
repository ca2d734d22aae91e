/* What a load is made of: a work builds one request after the other and knows its answers. The
 * engine knows nothing else of it, so that the same engine can ask other servers of other kinds:
 * whoever has works of his own gives them to bench_main. A source, the ids and the times of one
 * connection, belongs to that connection's thread. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <herd/module.h>

/* What all requests of a run have in common. */
struct work_plan {
    char id[HERD_CLIENT_MAX]; /* the id of number 0 */
    size_t id_len;
    uint64_t ids;       /* how many there are */
    char question[48];  /* what a WHATSAT asks: " 0 0" */
    unsigned reads;     /* of a mix, in percent */
    uint64_t seed;      /* of the ids' order and of the places */
    int64_t *newest_ns; /* the time last sent for each id; NULL: nobody wants to know */
};

/* One connection's share of the ids, and where it is in it. Connections share ids only where there
 * are more connections than ids. */
struct work_source {
    const struct work_plan *plan;
    uint64_t first, count; /* its ids */
    uint64_t next;         /* the next one of an order */
    bool in_order;         /* one after the other; else at random */
    uint64_t random;
    int64_t time_ns; /* of the last report; the engine moves it to the clock before each batch */
};

struct work {
    const char *name;
    const char *summary;
    const char *fill; /* the work that stores each id before this one is asked; NULL: none */
    size_t room;      /* the most bytes of a request, besides its id */

    /* Writes one request and returns its length. kind is kept for its answer. */
    size_t (*build)(struct work_source *source, char *to, unsigned char *kind);

    /* The length of the answer that these bytes begin with, or 0 if its end has not come yet. good
     * says whether it is one that the work wants. */
    size_t (*scan)(unsigned char kind, const char *bytes, size_t len, bool *good);
};

/* herd's own, and the kinds of their requests. */
enum { WORK_IAMAT, WORK_WHATSAT };
extern const struct work work_iamat, work_whatsat, work_mix;

/* The most bytes of one of the work's requests. */
size_t work_request_max(const struct work *work, const struct work_plan *plan);

/* Connection index's part of the ids, of so many connections. */
void work_source_init(struct work_source *source, const struct work_plan *plan, size_t index,
                      size_t connections);

/* For builders: the number of the next id; a random number; the next time, later than all before;
 * the id of that number, written to to, which returns where it ends; a number of so many digits. */
uint64_t work_next_id(struct work_source *source);
uint64_t work_random(struct work_source *source);
int64_t work_next_time(struct work_source *source, uint64_t id);
char *work_put_id(const struct work_source *source, char *to, uint64_t id);
char *work_put_digits(char *to, uint64_t value, unsigned digits);

/* For builders of many kinds: a place, six decimals each, as IAMAT writes it, and seconds with nine
 * decimals. */
#define WORK_LOCATION_LEN 21
#define WORK_TIME_LEN     20
char *work_put_location(struct work_source *source, char *to);
char *work_put_time(char *to, int64_t time_ns);

#endif
