/* The hard thing here is that a cursor must survive that its record moves on. It holds no record:
 * it is a seq, and the index in the journal that goes with it is looked up again whenever the
 * journal was packed.
 *
 * Seqs have 64 bits where they are compared and sent, but a record and a journal entry keep only
 * the low half. That tells them apart as long as all live ones lie within 2^32 of the tail; a
 * record that has not changed for 2^31 changes of its stripe is therefore given a new seq when the
 * journal is packed. Its readers get it once more, which does no harm. */
#include "herd/stripe.h"

#include "base/memory.h"
#include "base/metrics.h"
#include "base/siphash.h"
#include "herd/broken.h"
#include "wire/line.h"
#include "wire/number.h"

#include <assert.h>
#include <string.h>

_Static_assert(offsetof(struct stripe, slab.base) < MEMORY_LINE, "finding a record needs one line");

#define LIST_AHEAD 8  /* entries of the journal whose records are fetched ahead of their reading */
#define SPARE_MAX  64 /* bytes of a slot that a shorter report may leave unused */
_Static_assert(SPARE_MAX + SLAB_STEP <= RECORD_SPARE_MAX,
               "what a slot does not use can be written");

void stripe_init(struct stripe *stripe, struct stripe_context *context)
{
    memset(stripe, 0, sizeof *stripe);
    stripe->context = context;
    pthread_mutex_init(&stripe->lock, NULL);
    slab_init(&stripe->slab, &context->pool, &context->index);
    table_init(&stripe->table, &context->index);
    journal_init(&stripe->journal, &context->index);
}

void stripe_fini(struct stripe *stripe)
{
    pthread_mutex_destroy(&stripe->lock);
}

/* What is there changes seldom, and never without a word of who changes it. */
static void account(struct stripe *stripe)
{
    stripe->grown = false;
    size_t bytes = slab_bytes(&stripe->slab) + table_bytes(&stripe->table) +
                   segments_bytes(&stripe->journal.entries);
    if (bytes == stripe->bytes)
        return;
    atomic_fetch_add_explicit(&stripe->context->bytes, bytes - stripe->bytes, memory_order_relaxed);
    stripe->bytes = bytes;
}

static bool is_short(const struct stripe_context *context)
{
    return atomic_load_explicit(&context->bytes, memory_order_relaxed) >=
           atomic_load_explicit(&context->bytes_max, memory_order_relaxed);
}

/* ---- looking ahead ---- */

/* A record of a short id lies in two cache lines. */
static void fetch_record(const struct stripe *stripe, uint32_t slot)
{
    const char *record = slab_at(&stripe->slab, slot);
    __builtin_prefetch(record);
    __builtin_prefetch(record + MEMORY_LINE);
}

void stripe_fetch(const struct stripe *stripe, uint64_t hash)
{
    __builtin_prefetch(&stripe->lock);
    table_fetch(&stripe->table, hash);
}

void stripe_fetch_record(const struct stripe *stripe, uint64_t hash)
{
    uint32_t slot = table_guess(&stripe->table, hash);
    if (slot != 0)
        fetch_record(stripe, slot);
}

static void fetch_slot(void *arg, uint32_t slot)
{
    fetch_record(arg, slot);
}

static inline void fetch_changed(void *arg, const struct journal_entry *entry)
{
    __builtin_prefetch(slab_at(&((const struct stripe *)arg)->slab, entry->slot));
}

/* ---- changing ---- */

static inline bool is_live(void *arg, const struct journal_entry *entry)
{
    const struct stripe *stripe = arg;
    const struct record *record = slab_at(&stripe->slab, entry->slot);
    return record->client_len > 0 && record->seq == entry->seq;
}

static void append(struct stripe *stripe, uint32_t slot)
{
    struct record *record = slab_at(&stripe->slab, slot);
    record->seq = (uint32_t)++stripe->tail;
    journal_add(&stripe->journal, slot, record->seq);
}

static void pack(struct stripe *stripe)
{
    const struct journal_judge judge = {is_live, fetch_changed, stripe};
    journal_pack(&stripe->journal, &judge, is_short(stripe->context));
}

/* Packing leaves room to append what is stale again; where memory is short perhaps not for all of
 * it, and then the rest is as stale the next time. The last entry is for what made this necessary.
 */
static void make_room(struct stripe *stripe)
{
    struct journal *journal = &stripe->journal;
    pack(stripe);
    uint32_t kept = journal->count;
    for (uint32_t i = 0; i < kept && journal->count + 1 < journal->room; i++) {
        const struct journal_entry entry = *journal_at(journal, i);
        if ((uint32_t)stripe->tail - entry.seq < stripe->context->stale || !journal_ready(journal))
            break;
        record_unlearn(slab_at(&stripe->slab, entry.slot));
        append(stripe, entry.slot);
    }
}

/* Without memory for the journal's growth there may be entries in it that can be dropped; but where
 * nothing has changed since they were, looking for them again each time would be work for nothing.
 */
static bool make_ready_slowly(struct stripe *stripe)
{
    struct journal *journal = &stripe->journal;
    stripe->grown = true;
    if (journal_full(journal))
        make_room(stripe);
    if (journal_full(journal))
        make_room(stripe);
    if (!journal_ready(journal) && journal->count > journal->kept)
        make_room(stripe);
    return !journal_full(journal) && journal_ready(journal);
}

/* Sees to it that one change can be noted, before anything changes. False: memory is out. */
static bool make_ready(struct stripe *stripe)
{
    const struct journal *journal = &stripe->journal;
    return (journal->count < journal->room && journal->count < journal->entries.count) ||
           make_ready_slowly(stripe);
}

/* From now on until the store recovers it is full. Returns false. */
static bool refuse(struct stripe *stripe)
{
    atomic_store(&stripe->context->bytes_max, 0);
    memory_failed();
    return false;
}

static uint64_t hash_of(void *arg, uint32_t slot)
{
    const struct stripe *stripe = arg;
    struct herd_text client = record_client(slab_at(&stripe->slab, slot));
    return siphash13(stripe->context->key, client.bytes, client.len);
}

static struct record *find(struct stripe *stripe, struct table_probe *probe,
                           struct herd_text client, uint32_t *slot)
{
    while ((*slot = table_next(probe)) != 0) {
        struct record *record = slab_at(&stripe->slab, *slot);
        if (text_equal(record_client(record), client))
            return record;
    }
    return NULL;
}

/* What limits let in of a client itself. */
static bool has_room(const struct stripe_context *context, const struct herd_report *report)
{
    uint64_t clients_max = atomic_load_explicit(&context->clients_max, memory_order_relaxed);
    uint64_t clients = atomic_load_explicit(&context->clients, memory_order_relaxed);
    if (report->client.len > context->id_max)
        metric_add(refused_id, 1);
    else if (clients_max > 0 && clients >= clients_max)
        metric_add(refused_clients, 1);
    else if (is_short(context))
        metric_add(refused_memory, 1);
    else
        return true;
    return false;
}

/* Clients that are known may move on where the limit is reached; but what they say may be four
 * times as long as what is held of them, so that has an end too.
 */
static bool may_move(const struct stripe *stripe, size_t bytes)
{
    uint64_t max = atomic_load_explicit(&stripe->context->bytes_max, memory_order_relaxed);
    if (atomic_load_explicit(&stripe->context->bytes, memory_order_relaxed) < max + max / 8 ||
        slab_has(&stripe->slab, bytes))
        return true;
    metric_add(refused_memory, 1);
    return false;
}

/* 0: memory is out. */
static uint32_t write_new(struct stripe *stripe, size_t bytes, const struct herd_report *report,
                          uint16_t origin, uint32_t session)
{
    stripe->grown = true;
    stripe->slab.thrifty = is_short(stripe->context);
    uint32_t slot = slab_alloc(&stripe->slab, bytes);
    if (slot != 0)
        record_write(slab_at(&stripe->slab, slot), slab_size(bytes), report, origin, session);
    return slot;
}

static void drop(struct stripe *stripe, uint32_t slot)
{
    struct record *record = slab_at(&stripe->slab, slot);
    size_t room = record_room(record);
    record->client_len = 0;
    slab_free(&stripe->slab, slot, room);
}

static enum herd_put insert(struct stripe *stripe, uint64_t hash, const struct herd_report *report,
                            uint16_t origin, uint32_t session)
{
    if (session == 0 && !has_room(stripe->context, report))
        return HERD_PUT_FULL;
    const struct table_hashes held = {hash_of, fetch_slot, stripe};
    uint32_t slot = 0;
    if (!make_ready(stripe) ||
        (slot = write_new(stripe, record_bytes(report), report, origin, session)) == 0) {
        refuse(stripe);
        return HERD_PUT_FULL;
    }
    if (!table_add(&stripe->table, hash, slot, &held)) {
        drop(stripe, slot);
        refuse(stripe);
        return HERD_PUT_FULL;
    }
    append(stripe, slot);
    atomic_fetch_add_explicit(&stripe->context->clients, 1, memory_order_relaxed);
    return HERD_PUT_NEW;
}

/* A record whose report no longer fits moves to another slot; that a running sweep may have passed
 * that one already is made good by the new seq. One that shrinks a little stays: it may grow again.
 * False: there is no memory for it, and nothing has changed. */
static bool replace(struct stripe *stripe, struct table_probe *probe, uint32_t slot,
                    const struct herd_report *report, uint16_t origin, uint32_t session)
{
    struct record *record = slab_at(&stripe->slab, slot);
    size_t bytes = record_bytes(report), room = record_room(record);
    if (!make_ready(stripe))
        return refuse(stripe);
    if (bytes <= room && room - bytes <= SPARE_MAX) {
        record_write(record, room, report, origin, session);
    } else {
        uint32_t old = slot;
        if (session == 0 && !may_move(stripe, bytes))
            return false;
        slot = write_new(stripe, bytes, report, origin, session);
        if (slot == 0)
            return refuse(stripe);
        table_replace(probe, slot);
        drop(stripe, old);
    }
    append(stripe, slot);
    return true;
}

static bool is_dead(struct stripe *stripe, int64_t time_ns, int64_t diff_ns, int64_t clock_ns)
{
    int64_t after = atomic_load_explicit(&stripe->context->forget_after_ns, memory_order_relaxed);
    return record_dead(time_ns, diff_ns, after, clock_ns);
}

/* What becomes of a report of a client whose record is held and alive. */
static enum herd_put judge(struct stripe *stripe, const struct herd_report *report,
                           const struct record *record, uint32_t session)
{
    if (session == 0 && record_same_texts(record, report))
        return HERD_PUT_REPEAT;
    int order = record_compare(report, record, stripe->context->names);
    if (order <= 0)
        return order == 0 ? HERD_PUT_REPEAT : HERD_PUT_OLDER;
    return report->time_ns > record->time_ns ? HERD_PUT_NEWER : HERD_PUT_TIE;
}

static enum herd_put put(struct stripe *stripe, uint64_t hash, const struct herd_report *report,
                         uint32_t session, int64_t clock_ns)
{
    uint16_t origin = names_number(stripe->context->names, report->server);
    if (origin == 0)
        return session == 0 ? HERD_PUT_FULL : HERD_PUT_INVALID;
    struct table_probe probe = table_probe(&stripe->table, hash);
    uint32_t slot;
    struct record *record = find(stripe, &probe, report->client, &slot);
    if (record == NULL)
        return insert(stripe, hash, report, origin, session);
    if (session != 0 && record_equal(record, report, origin)) {
        record_learn(record, session);
        return HERD_PUT_REPEAT;
    }
    enum herd_put result = HERD_PUT_NEW;
    if (!is_dead(stripe, record->time_ns, record->diff_ns, clock_ns))
        result = judge(stripe, report, record, session);
    bool changes = result == HERD_PUT_NEW || result == HERD_PUT_NEWER || result == HERD_PUT_TIE;
    if (changes && !replace(stripe, &probe, slot, report, origin, session))
        return HERD_PUT_FULL;
    return result;
}

enum herd_put stripe_put(struct stripe *stripe, uint64_t hash, const struct herd_report *report,
                         uint32_t session, int64_t clock_ns)
{
    if (is_dead(stripe, report->time_ns, report->diff_ns, clock_ns))
        return HERD_PUT_DEAD;
    pthread_mutex_lock(&stripe->lock);
    enum herd_put result = put(stripe, hash, report, session, clock_ns);
    if (stripe->grown)
        account(stripe);
    pthread_mutex_unlock(&stripe->lock);
    return result;
}

static size_t forget_slots(struct stripe *stripe, size_t slots, int64_t clock_ns)
{
    size_t freed = 0;
    for (; slots > 0; slots--) {
        uint32_t slot = slab_next(&stripe->slab, &stripe->dead_walk, slab_end(&stripe->slab));
        if (slot == 0) {
            stripe->dead_walk = (struct slab_walk){0};
            break;
        }
        const struct record *record = slab_at(&stripe->slab, slot);
        if (record->client_len == 0 || !is_dead(stripe, record->time_ns, record->diff_ns, clock_ns))
            continue;
        struct table_probe probe = table_probe(&stripe->table, hash_of(stripe, slot));
        uint32_t found;
        find(stripe, &probe, record_client(record), &found);
        assert(found == slot);
        table_remove(&stripe->table, &probe);
        drop(stripe, slot);
        freed++;
    }
    return freed;
}

size_t stripe_forget(struct stripe *stripe, size_t slots, int64_t clock_ns)
{
    pthread_mutex_lock(&stripe->lock);
    size_t freed = forget_slots(stripe, slots, clock_ns);
    account(stripe);
    pthread_mutex_unlock(&stripe->lock);
    metric_add(forgotten, freed);
    atomic_fetch_sub_explicit(&stripe->context->clients, freed, memory_order_relaxed);
    return freed;
}

/* ---- tidying up ---- */

static bool is_held(void *arg, uint32_t slot)
{
    const struct record *record = slab_at(&((const struct stripe *)arg)->slab, slot);
    return record->client_len > 0;
}

/* As where a report no longer fits; who has told it may have done so in a session that is gone. */
static void move(void *arg, uint32_t from, uint32_t to)
{
    struct stripe *stripe = arg;
    struct record *record = slab_at(&stripe->slab, from);
    struct table_probe probe = table_probe(&stripe->table, hash_of(stripe, from));
    uint32_t found;
    find(stripe, &probe, record_client(record), &found);
    assert(found == from);
    memcpy(slab_at(&stripe->slab, to), record, record_room(record));
    record_unlearn(slab_at(&stripe->slab, to));
    table_replace(&probe, to);
    record->client_len = 0;
    if (!make_ready(stripe))
        pack(stripe); /* at least the entry of what has just moved is dropped */
    append(stripe, to);
}

/* The journal names slots of the chunks that were emptied until it is packed, and a record that
 * came to stand across one of them would be misread. */
void stripe_tidy(struct stripe *stripe)
{
    pthread_mutex_lock(&stripe->lock);
    const struct slab_mover mover = {is_held, move, stripe};
    bool untidy = stripe->slab.held_bytes < stripe->slab.bytes / 8 * 7;
    uint32_t emptied = untidy ? slab_vacate(&stripe->slab, &mover) : 0;
    if (emptied != 0) {
        make_room(stripe);
        slab_give_back(&stripe->slab, emptied);
    }
    account(stripe);
    pthread_mutex_unlock(&stripe->lock);
}

size_t stripe_slots(struct stripe *stripe)
{
    pthread_mutex_lock(&stripe->lock);
    size_t slots = stripe->slab.slots;
    pthread_mutex_unlock(&stripe->lock);
    return slots;
}

/* ---- reading ---- */

bool stripe_get(struct stripe *stripe, uint64_t hash, struct herd_text client, int64_t clock_ns,
                struct herd_report *report, struct herd_room *room)
{
    pthread_mutex_lock(&stripe->lock);
    struct table_probe probe = table_probe(&stripe->table, hash);
    uint32_t slot;
    const struct record *record = find(stripe, &probe, client, &slot);
    bool known = record != NULL && !is_dead(stripe, record->time_ns, record->diff_ns, clock_ns);
    if (known)
        record_copy(record, stripe->context->names, room, report);
    pthread_mutex_unlock(&stripe->lock);
    return known;
}

uint64_t stripe_tail(struct stripe *stripe)
{
    pthread_mutex_lock(&stripe->lock);
    uint64_t tail = stripe->tail;
    pthread_mutex_unlock(&stripe->lock);
    return tail;
}

static bool passed_over(const struct stripe *stripe, const struct record *record, bool since,
                        const struct stripe_sink *sink)
{
    int64_t after = atomic_load_explicit(&stripe->context->forget_after_ns, memory_order_relaxed);
    return record_known(record, sink->session, since || BROKEN(bits_outlive_sessions)) ||
           record_dead(record->time_ns, record->diff_ns, after, sink->clock_ns);
}

/* since: whether it changed after the reader's session began. */
static bool give(const struct stripe *stripe, const struct record *record, bool since,
                 const struct stripe_sink *sink)
{
    if (passed_over(stripe, record, since, sink))
        return true;
    char time[NUMBER_TIME_MAX];
    struct herd_report report;
    record_report(record, stripe->context->names, time, &report);
    return sink->take(sink->arg, &report);
}

static enum stripe_read list(struct stripe *stripe, struct stripe_cursor *cursor, uint64_t until,
                             unsigned most, const struct stripe_sink *sink)
{
    const struct journal *journal = &stripe->journal;
    cursor->tail = stripe->tail;
    if (BROKEN(index_outlives_packing)) {
        cursor->index = cursor->index < journal->count ? cursor->index : journal->count;
    } else if (cursor->packed != journal->packed) {
        cursor->index = journal_find(journal, cursor->pos, stripe->tail);
        cursor->packed = journal->packed;
    }
    for (; most > 0 && cursor->index < journal->count; most--) {
        if (journal->count - cursor->index > LIST_AHEAD)
            fetch_record(stripe, journal_at(journal, cursor->index + LIST_AHEAD)->slot);
        const struct journal_entry *entry = journal_at(journal, cursor->index);
        uint64_t seq = journal_seq(entry->seq, stripe->tail);
        if (seq > until)
            break;
        if (is_live(stripe, entry) &&
            !give(stripe, slab_at(&stripe->slab, entry->slot), seq > cursor->began, sink))
            return STRIPE_FULL;
        cursor->pos = seq;
        cursor->index++;
    }
    if (cursor->index == journal->count)
        cursor->pos = stripe->tail;
    else if (journal_seq(journal_at(journal, cursor->index)->seq, stripe->tail) <= until)
        return STRIPE_MORE;
    return STRIPE_DONE;
}

enum stripe_read stripe_list(struct stripe *stripe, struct stripe_cursor *cursor, uint64_t until,
                             unsigned most, const struct stripe_sink *sink)
{
    pthread_mutex_lock(&stripe->lock);
    enum stripe_read result = list(stripe, cursor, until, most, sink);
    pthread_mutex_unlock(&stripe->lock);
    return result;
}

void stripe_sweep_begin(struct stripe *stripe, struct stripe_cursor *cursor)
{
    pthread_mutex_lock(&stripe->lock);
    cursor->sweep_tail = stripe->tail;
    cursor->sweep = (struct slab_walk){0};
    cursor->sweep_end = slab_end(&stripe->slab);
    pthread_mutex_unlock(&stripe->lock);
}

static enum stripe_read sweep(struct stripe *stripe, struct stripe_cursor *cursor, unsigned most,
                              const struct stripe_sink *sink)
{
    cursor->tail = stripe->tail;
    for (; most > 0; most--) {
        struct slab_walk walk = cursor->sweep;
        uint32_t slot = slab_next(&stripe->slab, &walk, cursor->sweep_end);
        if (slot == 0)
            break;
        const struct record *record = slab_at(&stripe->slab, slot);
        uint64_t seq = record->client_len > 0 ? journal_seq(record->seq, stripe->tail) : 0;
        if (seq > cursor->pos && !give(stripe, record, seq > cursor->began, sink))
            return STRIPE_FULL;
        if (BROKEN(sweep_marks_early) && seq > cursor->pos)
            cursor->pos = seq;
        cursor->sweep = walk;
    }
    if (most == 0)
        return STRIPE_MORE;
    cursor->pos = BROKEN(sweep_jumps_to_tail) ? stripe->tail : cursor->sweep_tail;
    cursor->index = journal_find(&stripe->journal, cursor->pos, stripe->tail);
    cursor->packed = stripe->journal.packed;
    return STRIPE_DONE;
}

enum stripe_read stripe_sweep(struct stripe *stripe, struct stripe_cursor *cursor, unsigned most,
                              const struct stripe_sink *sink)
{
    pthread_mutex_lock(&stripe->lock);
    enum stripe_read result = sweep(stripe, cursor, most, sink);
    pthread_mutex_unlock(&stripe->lock);
    return result;
}
