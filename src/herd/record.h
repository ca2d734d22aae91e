/* A client's record as it lies in a slot, and the order in which reports replace each other. Pure.
 * Whoever owns the slot locks. */
#ifndef HERD_RECORD_H
#define HERD_RECORD_H

#include "herd/names.h"

struct record {
    int64_t time_ns;
    int64_t diff_ns;
    uint32_t seq;             /* the low half of its stripe's seq */
    uint32_t session;         /* it came by; 0: its client's own; see RECORD_LINKS */
    uint32_t client_len : 11; /* 0: the slot holds no record */
    uint32_t location_len : 7;
    uint32_t time_form : 7; /* up to 9: decimals of time_ns; above: 9 and the length of a text */
    uint32_t spare : 7;     /* bytes of the slot that are not used */
    uint16_t origin;        /* number of the server that heard it */
    char text[];            /* client, location, time */
};

#define RECORD_SPARE_MAX 127

/* A session is a number without this bit; or this bit and one other, a link's, and then a record
 * gathers those of all links that have told it. A bit is given to another link in time, so it is
 * good only for a record that changed after the link's session began. */
#define RECORD_LINKS UINT32_C(0x80000000)

/* Bytes that a slot for this report needs, and that the record's slot has. */
size_t record_bytes(const struct herd_report *report);
size_t record_room(const struct record *record);

/* Writes a report into a slot of that many bytes, at most RECORD_SPARE_MAX more than it needs; seq
 * is left alone. */
void record_write(struct record *record, size_t room, const struct herd_report *report,
                  uint16_t origin, uint32_t session);

/* The record's texts, in its own slot; the time's may be printed into room (NUMBER_TIME_MAX bytes).
 */
void record_report(const struct record *record, struct names *names, char *room,
                   struct herd_report *report);

/* The same, with all texts in a room of the caller's. */
void record_copy(const struct record *record, struct names *names, struct herd_room *room,
                 struct herd_report *report);

static inline struct herd_text record_client(const struct record *record)
{
    return (struct herd_text){record->text, record->client_len};
}

/* Whether the session has told the record; since: the record changed after the session began. */
static inline bool record_known(const struct record *record, uint32_t session, bool since)
{
    return session != 0 && (session & RECORD_LINKS ? since : record->session == session) &&
           (record->session & session) == session;
}

/* A session has told the record too; none has any more, where seq is to change and the record does
 * not. */
static inline void record_learn(struct record *record, uint32_t session)
{
    if (session & RECORD_LINKS && (record->session & RECORD_LINKS || record->session == 0))
        record->session |= session;
}

static inline void record_unlearn(struct record *record)
{
    if (record->session & RECORD_LINKS)
        record->session = RECORD_LINKS;
}

/* Whether they are the same in everything, and the report's origin has that number. */
bool record_equal(const struct record *record, const struct herd_report *report, uint16_t origin);

/* Whether the report is equal to the record in location and time text. */
bool record_same_texts(const struct record *record, const struct herd_report *report);

/* The total order: above 0 if the report takes the record's place, 0 if they are equal, below 0
 * otherwise. Greater time, then greater difference, then origin, location text and time text by
 * memcmp. */
int record_compare(const struct herd_report *report, const struct record *record,
                   struct names *names);

/* Whether a report of that time and difference is dead: heard more than forget_after_ns ago (0:
 * never). */
bool record_dead(int64_t time_ns, int64_t diff_ns, int64_t forget_after_ns, int64_t clock_ns);

#endif
