/* Records are thrift: 30 bytes and the texts. A time's text is kept only where it cannot be printed
 * again from the nanoseconds and a number of decimals. */
#include "herd/record.h"

#include "herd/broken.h"
#include "wire/line.h"
#include "wire/number.h"

#include <assert.h>
#include <string.h>

#define HEAD    offsetof(struct record, text)
#define AS_TEXT 9

_Static_assert(HEAD == 30, "the head of a record has no holes");
_Static_assert(HERD_CLIENT_MAX < 1 << 11 && AS_TEXT + HERD_LOCATION_MAX < 1 << 7,
               "lengths fit into their bits");

/* How the time is kept: so many decimals, or AS_TEXT and the length of its text. */
static unsigned time_form(struct herd_text time)
{
    unsigned decimals = number_time_decimals(time);
    return decimals == NUMBER_AS_TEXT ? AS_TEXT + (unsigned)time.len : decimals;
}

static size_t time_bytes(unsigned form)
{
    return form > AS_TEXT ? form - AS_TEXT : 0;
}

size_t record_bytes(const struct herd_report *report)
{
    return HEAD + report->client.len + report->location.len + time_bytes(time_form(report->time));
}

size_t record_room(const struct record *record)
{
    return HEAD + record->client_len + record->location_len + time_bytes(record->time_form) +
           record->spare;
}

void record_write(struct record *record, size_t room, const struct herd_report *report,
                  uint16_t origin, uint32_t session)
{
    assert(report->client.len > 0 && report->client.len <= HERD_CLIENT_MAX);
    assert(report->location.len <= HERD_LOCATION_MAX && report->time.len <= HERD_LOCATION_MAX);
    unsigned form = time_form(report->time);
    size_t bytes = HEAD + report->client.len + report->location.len + time_bytes(form);
    assert(bytes <= room && room - bytes <= RECORD_SPARE_MAX);
    record->time_ns = report->time_ns;
    record->diff_ns = report->diff_ns;
    record->session = session;
    record->origin = origin;
    record->client_len = (uint32_t)report->client.len & 0x7ff;
    record->location_len = (uint32_t)report->location.len & 0x7f;
    record->time_form = form & 0x7f;
    record->spare = (uint32_t)(room - bytes) & 0x7f;
    char *to = record->text;
    bytes_copy(to, report->client.bytes, report->client.len);
    to += report->client.len;
    bytes_copy(to, report->location.bytes, report->location.len);
    to += report->location.len;
    bytes_copy(to, report->time.bytes, time_bytes(form));
}

static struct herd_text location_of(const struct record *record)
{
    return (struct herd_text){record->text + record->client_len, record->location_len};
}

static struct herd_text time_of(const struct record *record, char *room)
{
    size_t bytes = time_bytes(record->time_form);
    if (bytes == 0)
        return (struct herd_text){room,
                                  number_time_print(room, record->time_ns, record->time_form)};
    return (struct herd_text){record->text + record->client_len + record->location_len, bytes};
}

void record_report(const struct record *record, struct names *names, char *room,
                   struct herd_report *report)
{
    assert(record->client_len > 0);
    report->server = names_text(names, record->origin);
    report->client = record_client(record);
    report->location = location_of(record);
    report->time = time_of(record, room);
    report->time_ns = record->time_ns;
    report->diff_ns = record->diff_ns;
}

/* The texts that a record holds lie behind each other there, and so they do here. */
void record_copy(const struct record *record, struct names *names, struct herd_room *room,
                 struct herd_report *report)
{
    char *to = room->bytes;
    struct herd_text server = names_text(names, record->origin);
    size_t time_len = time_bytes(record->time_form);
    size_t held = record->client_len + record->location_len + time_len;
    assert(record->client_len > 0);
    bytes_copy(to, server.bytes, server.len);
    report->server = (struct herd_text){to, server.len};
    to += server.len;
    bytes_copy(to, record->text, held);
    report->client = (struct herd_text){to, record->client_len};
    to += record->client_len;
    report->location = (struct herd_text){to, record->location_len};
    to += record->location_len;
    if (time_len == 0)
        time_len = number_time_print(to, record->time_ns, record->time_form);
    report->time = (struct herd_text){to, time_len};
    report->time_ns = record->time_ns;
    report->diff_ns = record->diff_ns;
}

bool record_same_texts(const struct record *record, const struct herd_report *report)
{
    char room[NUMBER_TIME_MAX];
    return record->time_ns == report->time_ns &&
           text_equal(location_of(record), report->location) &&
           text_equal(time_of(record, room), report->time);
}

bool record_equal(const struct record *record, const struct herd_report *report, uint16_t origin)
{
    if (record->time_ns != report->time_ns || record->diff_ns != report->diff_ns ||
        record->origin != origin || !text_equal(location_of(record), report->location))
        return false;
    unsigned form = time_form(report->time);
    size_t bytes = time_bytes(form);
    const char *kept = record->text + record->client_len + record->location_len;
    return form == record->time_form && bytes_equal(kept, report->time.bytes, bytes);
}

static int compare_texts(struct herd_text a, struct herd_text b)
{
    int order = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int record_compare(const struct herd_report *report, const struct record *record,
                   struct names *names)
{
    char room[NUMBER_TIME_MAX];
    if (report->time_ns != record->time_ns)
        return report->time_ns > record->time_ns ? 1 : -1;
    if (BROKEN(no_tiebreak))
        return -1;
    if (report->diff_ns != record->diff_ns)
        return report->diff_ns > record->diff_ns ? 1 : -1;
    int order = compare_texts(report->server, names_text(names, record->origin));
    if (order == 0)
        order = compare_texts(report->location, location_of(record));
    if (order == 0)
        order = compare_texts(report->time, time_of(record, room));
    return order;
}

bool record_dead(int64_t time_ns, int64_t diff_ns, int64_t forget_after_ns, int64_t clock_ns)
{
    int64_t heard_ns, ends_ns;
    if (forget_after_ns == 0)
        return false;
    if (__builtin_add_overflow(time_ns, diff_ns, &heard_ns))
        return diff_ns < 0;
    if (__builtin_add_overflow(heard_ns, forget_after_ns, &ends_ns))
        return false;
    return ends_ns < clock_ns;
}
