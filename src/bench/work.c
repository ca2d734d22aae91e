/* What builders of requests need: ids, times, places, digits. A request is patched together from
 * constants and digits, without printf, since this program must cost less than the server that it
 * measures. */
#include "bench/work.h"

#include <assert.h>
#include <string.h>

#define NS_PER_S 1000000000

size_t work_request_max(const struct work *work, const struct work_plan *plan)
{
    assert(work && plan);
    return work->room + plan->id_len;
}

void work_source_init(struct work_source *source, const struct work_plan *plan, size_t index,
                      size_t connections)
{
    assert(source && plan && plan->ids > 0 && index < connections);
    uint64_t from = plan->ids * index / connections, to = plan->ids * (index + 1) / connections;
    memset(source, 0, sizeof *source);
    source->plan = plan;
    source->first = from;
    source->count = to > from ? to - from : 1;
    source->random = plan->seed * UINT64_C(0xd1342543de82ef95) + index;
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
uint64_t work_random(struct work_source *source)
{
    uint64_t z = source->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t work_next_id(struct work_source *source)
{
    assert(source->count <= UINT32_MAX);
    if (!source->in_order)
        return source->first + (((work_random(source) >> 32) * source->count) >> 32);
    uint64_t id = source->first + source->next++;
    if (source->next == source->count)
        source->next = 0;
    return id;
}

int64_t work_next_time(struct work_source *source, uint64_t id)
{
    assert(id < source->plan->ids);
    source->time_ns++;
    if (source->plan->newest_ns != NULL)
        source->plan->newest_ns[id] = source->time_ns;
    return source->time_ns;
}

char *work_put_digits(char *to, uint64_t value, unsigned digits)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    unsigned left = digits;
    for (; left >= 2; left -= 2, value /= 100)
        memcpy(to + left - 2, pairs + 2 * (value % 100), 2);
    if (left > 0)
        to[0] = (char)('0' + value % 10);
    return to + digits;
}

/* The digits go over the noughts that number 0 ends in. */
char *work_put_id(const struct work_source *source, char *to, uint64_t id)
{
    const struct work_plan *plan = source->plan;
    unsigned digits = 1;
    memcpy(to, plan->id, plan->id_len);
    for (uint64_t rest = id; rest >= 10; rest /= 10)
        digits++;
    assert(digits <= plan->id_len);
    return work_put_digits(to + plan->id_len - digits, id, digits);
}

char *work_put_location(struct work_source *source, char *to)
{
    uint64_t random = work_random(source);
    memcpy(to, "+34.000000-118.000000", WORK_LOCATION_LEN);
    work_put_digits(to + 4, (random >> 32) * 1000000 >> 32, 6);
    work_put_digits(to + 15, (random & UINT32_MAX) * 1000000 >> 32, 6);
    return to + WORK_LOCATION_LEN;
}

/* Ten digits of seconds last from 2001 to 2286. */
char *work_put_time(char *to, int64_t time_ns)
{
    to = work_put_digits(to, (uint64_t)time_ns / NS_PER_S, 10);
    *to++ = '.';
    return work_put_digits(to, (uint64_t)time_ns % NS_PER_S, 9);
}
