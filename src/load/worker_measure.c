#include "load/worker_int.h"

#include "base/mem.h"

#include <string.h>

static bool is_measured(const struct worker *worker, int64_t intended_ns)
{
    return intended_ns >= worker->plan->measure_from_ns;
}

/* The block that a measured request belongs to; NULL if none are kept. */
static struct engine_block *block_of(struct worker *worker, int64_t intended_ns)
{
    const struct engine_plan *plan = worker->plan;
    struct engine_result *result = &worker->result;
    if (plan->block_ns <= 0) {
        return NULL;
    }
    int64_t place = (intended_ns - plan->measure_from_ns) / plan->block_ns;
    if (place >= ENGINE_BLOCKS_MAX) {
        result->ledger->lost++;
        return NULL;
    }
    if (place >= worker->block_room) {
        int64_t room = place + place / 2 + 64;
        struct engine_block *grown =
            mem_try_resize(result->block, (size_t)room * sizeof *result->block);
        if (grown == NULL) {
            result->ledger->lost++;
            return NULL;
        }
        memset(grown + worker->block_room, 0, (size_t)(room - worker->block_room) * sizeof *grown);
        result->block = grown;
        worker->block_room = room;
    }
    result->block_count = place < result->block_count ? result->block_count : place + 1;
    return &result->block[place];
}

void worker_measure_sent(struct worker *worker, const struct visitor *who, int endpoint,
                         int64_t due_ns, int64_t now_ns)
{
    struct engine_result *result = &worker->result;
    int64_t late_ns = now_ns > due_ns ? now_ns - due_ns : 0;
    int64_t wait_ns = slot_wait_ns(&worker->slots, due_ns, now_ns);
    bool waited = wait_ns > 0;
    worker->busy_ns = now_ns;
    if (worker->free_count == 0) {
        slot_wait_full(&worker->slots, now_ns);
    }
    live_record(&worker->live.schedule_lag, late_ns);
    live_raise(&worker->live.lag_max_ns, late_ns);
    if (waited) {
        result->ledger->steps_late++;
        live_add(&worker->live.steps_late, 1);
    }
    if (!is_measured(worker, who->intended_ns)) {
        return;
    }
    histogram_record(result->schedule_lag, (uint64_t)late_ns);
    histogram_record(result->part[endpoint][ENGINE_PART_LAG], (uint64_t)(late_ns - wait_ns));
    if (waited) {
        result->late_starts++;
        histogram_record(result->part[endpoint][ENGINE_PART_CONNECTION_WAIT], (uint64_t)wait_ns);
    }
    struct engine_block *block = block_of(worker, who->intended_ns);
    if (block != NULL) {
        block->by[endpoint].sent++;
    }
}

void worker_measure_unsent(struct worker *worker, int64_t intended_ns, int endpoint, int64_t due_ns,
                           int64_t stopped_ns)
{
    if (!is_measured(worker, intended_ns)) {
        return;
    }
    int64_t wait_ns = slot_wait_ns(&worker->slots, due_ns, stopped_ns);
    worker->result.unsent[endpoint]++;
    worker->result.unsent_late += wait_ns > 0 && wait_ns > (stopped_ns - due_ns) / 2;
    struct engine_block *block = block_of(worker, intended_ns);
    if (block != NULL) {
        block->by[endpoint].unsent++;
    }
}

static bool is_fallback(const struct engine_plan *plan, const struct scan_text *source)
{
    bool found = false;
    for (int i = 0; i < plan->fallback_count && !found; i++) {
        found = scan_text_is(source, plan->fallback[i]);
    }
    return found;
}

void worker_measure_list(struct worker *worker, const struct visitor *who,
                         const struct witness_list *shown, const struct target_sources *sources)
{
    if (!is_measured(worker, who->intended_ns)) {
        return;
    }
    struct engine_block *block = block_of(worker, who->intended_ns);
    if (block == NULL) {
        return;
    }
    bool named = shown->list.count > 0 && sources->place[0].bytes != NULL;
    block->lists++;
    block->named += named;
    block->fallback += named && is_fallback(worker->plan, &sources->place[0]);
    block->hits += who->chosen.rank > 0 && who->chosen.half_stars >= LEDGER_CONVERTED_HALF_STARS;
}

static void count_answer(struct worker *worker, const struct exchange *exchange,
                         enum worker_answer answer)
{
    int endpoint = exchange->endpoint;
    if (answer == WORKER_FAILED) {
        worker->result.failures[endpoint][exchange->failure]++;
        live_add(&worker->live.failure[endpoint][exchange->failure], 1);
    } else if (answer == WORKER_SHED) {
        worker->result.shed[endpoint]++;
        live_add(&worker->live.shed[endpoint], 1);
    }
}

static void count_in_block(struct worker *worker, const struct visitor *who, int endpoint,
                           enum worker_answer answer, int64_t from_intended_ns)
{
    const struct engine_plan *plan = worker->plan;
    struct engine_block *kept = block_of(worker, who->intended_ns);
    if (kept == NULL) {
        return;
    }
    struct engine_block_counts *block = &kept->by[endpoint];
    block->failed += answer == WORKER_FAILED;
    block->shed += answer == WORKER_SHED;
    block->answered += answer == WORKER_ACCEPTED;
    for (int i = 0; i < ENGINE_SLOS_MAX && answer == WORKER_ACCEPTED; i++) {
        block->over[i] += plan->slo_ns[i] > 0 && from_intended_ns > plan->slo_ns[i];
    }
}

static void record(struct histogram *histogram, int64_t ns)
{
    histogram_record(histogram, ns > 0 ? (uint64_t)ns : 0);
}

/* Nobody looked for it since the turn before, or since the first answer of its batch was there. */
static int64_t unread_ns(const struct worker *worker, int64_t sent_ns, int64_t done_ns)
{
    int64_t at_most_ns = worker->turn_ns + done_ns - worker->batch_ns;
    return at_most_ns < done_ns - sent_ns ? at_most_ns : done_ns - sent_ns;
}

/* Where the time from the send to the answer went, as far as the transport knows. */
static void record_parts(struct worker *worker, const struct exchange *exchange,
                         const struct visitor *who, int64_t sent_ns, int64_t done_ns)
{
    struct histogram **part = worker->result.part[exchange->endpoint];
    int64_t start_ns = worker->plan->start_mono_ns, from_ns = sent_ns;
    if (exchange->connected_ns != 0) {
        from_ns = exchange->connected_ns - start_ns;
        worker->result.connects +=
            who == &worker->crowd.visitor[worker->flight[exchange->slot].visitor];
        record(part[ENGINE_PART_CONNECT], from_ns - sent_ns);
    }
    if (exchange->first_byte_ns != 0) {
        int64_t first_ns = exchange->first_byte_ns - start_ns;
        record(part[ENGINE_PART_FIRST_BYTE], first_ns - from_ns);
        record(part[ENGINE_PART_BODY], done_ns - first_ns);
        record(part[ENGINE_PART_UNREAD], unread_ns(worker, sent_ns, done_ns));
    }
}

/* A request that did not reach the target says nothing about latency. One that did and was cut off
 * would have taken longer still: left out, a target that breaks off what is slow would look fast.
 * But one cut off at once tells nothing either, and its short time would make a target look the
 * faster the more it breaks off. What divides them must be the same for every thread and shard. */
static bool tells_latency(const struct worker *worker, const struct exchange *exchange,
                          int64_t from_send_ns)
{
    int64_t long_ns = (int64_t)worker->plan->timeout_ms * 1000000 / ENGINE_CUT_OFF_PART;
    return exchange->status != 0 || exchange->failure == EXCHANGE_TIMEOUT ||
           (exchange->sent_ns != 0 && from_send_ns >= long_ns);
}

void worker_measure_done(struct worker *worker, const struct exchange *exchange,
                         const struct visitor *who, enum worker_answer answer)
{
    const struct flight *flight = &worker->flight[exchange->slot];
    int64_t done_ns = exchange->done_ns - worker->plan->start_mono_ns;
    int64_t from_send_ns = done_ns - flight->sent_ns;
    int64_t from_intended_ns = done_ns - who->intended_ns;
    int endpoint = exchange->endpoint;
    count_answer(worker, exchange, answer);
    if (is_measured(worker, who->intended_ns)) {
        count_in_block(worker, who, endpoint, answer, from_intended_ns);
    }
    if (answer == WORKER_SHED || !tells_latency(worker, exchange, from_send_ns)) {
        return;
    }
    live_record(&worker->live.latency[endpoint][ENGINE_FROM_SEND], from_send_ns);
    live_record(&worker->live.latency[endpoint][ENGINE_FROM_INTENDED], from_intended_ns);
    if (is_measured(worker, who->intended_ns)) {
        record(worker->result.from_send[endpoint], from_send_ns);
        record(worker->result.from_intended[endpoint], from_intended_ns);
        record_parts(worker, exchange, who, flight->sent_ns, done_ns);
    }
}
