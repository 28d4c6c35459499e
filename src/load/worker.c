/*
 * The loop of one worker, and its life.
 *
 * Three sources of work meet in it: the global sequence of visits (of which it takes those of its
 * people), a heap of actions by the time they are due, and completed requests. Nothing waits for a
 * response except the visitor who asked: a due action starts as soon as a connection slot is free
 * (a rating that may share a request after a short wait for others, worker_parcel.c), and without
 * one it stays in the heap, counted as late. Its latency runs from the intended start
 * all the same, so a slow target cannot hide behind a polite generator.
 *
 * All times are drill time (plan->start_mono_ns = 0) except what passes the transport table, and
 * what is schedule time (pace.h): the starts of visits and the nominal times of steps.
 */
#include "base/mem.h"
#include "load/worker_int.h"

#include <assert.h>
#include <string.h>
#include <sys/prctl.h>

#define LATENCY_MAX_NS (UINT64_C(3600) * CLOCK_NS_PER_S)
/* The longest sleep: how soon a stop or a change of rate is noticed. */
#define NAP_NS (INT64_C(20) * CLOCK_NS_PER_MS)
/* Visits of a closed loop have no time of their own, and no end but that of the loop. */
#define CLOSED_VISITS_PER_S 1e6
#define CLOSED_END_NS (INT64_MAX / 4)

/* ---- the loop ---- */

static bool in_flight(const struct worker *worker)
{
    return worker->free_count < worker->plan->connections;
}

static int64_t wake_ns(const struct worker *worker, int64_t now_ns, bool stopping)
{
    int64_t wake = now_ns + NAP_NS;
    if (!stopping && worker->next_ns < wake) {
        wake = worker->next_ns;
    }
    if (!stopping && worker->free_count > 0) {
        int64_t due_ns = due_heap_next_ns(&worker->heap);
        int64_t ready_ns = worker_parcel_ready_ns(worker);
        due_ns = due_ns < ready_ns ? due_ns : ready_ns;
        wake = due_ns < wake ? due_ns : wake;
    }
    return wake;
}

/* Waits for answers and handles those that came. */
static void take_answers(struct worker *worker, int64_t until_ns)
{
    const struct engine_plan *plan = worker->plan;
    worker->turn_ns = worker->busy_ns - worker->received_ns;
    int count =
        plan->transport->wait(worker->transport, until_ns + plan->start_mono_ns, worker->done);
    if (count > 0) {
        worker->batch_ns = worker->done[0]->done_ns - plan->start_mono_ns;
    }
    for (int i = 0; i < count; i++) {
        worker->received_ns = worker->done[i]->done_ns - plan->start_mono_ns;
        worker_complete(worker, worker->done[i]);
    }
    if (count == 0) {
        worker->received_ns = worker_now(worker);
    }
}

static void play(struct worker *worker)
{
    int64_t stopped_ns = INT64_MIN;
    worker->received_ns = worker_now(worker);
    while (worker->has_next || worker->heap.count > 0 || worker->parcel.count > 0 ||
           in_flight(worker)) {
        int64_t now_ns = worker_now(worker);
        worker->busy_ns = now_ns;
        bool stopping = atomic_load_explicit(&worker->signals->stop, memory_order_acquire);
        if (stopping && stopped_ns == INT64_MIN) {
            stopped_ns = now_ns;
        }
        if (stopping && !in_flight(worker)) {
            break;
        }
        if (worker_read_pace(worker->signals, &worker->pace)) {
            worker_next_moved(worker);
        }
        if (!stopping) {
            worker_take_arrivals(worker, now_ns);
            worker_send_due(worker, now_ns);
            worker_tell_waiting(worker, now_ns);
        }
        take_answers(worker, wake_ns(worker, now_ns, stopping));
    }
    live_set(&worker->live.waiting, 0);
    if (stopped_ns != INT64_MIN) {
        worker_parcel_unpack(worker);
        worker_count_unsent(worker, stopped_ns);
    }
}

static void count_cpu(struct worker *worker, int64_t cpu_ns)
{
    struct engine_result *result = &worker->result;
    int64_t busy_ns = result->ended_ns - result->started_ns;
    result->cpu_s = (double)cpu_ns / (double)CLOCK_NS_PER_S;
    if (result->started_ns < result->ended_ns && busy_ns > 0) {
        result->cpu_share_max = (double)cpu_ns / (double)busy_ns;
    }
}

void *worker_main(void *context)
{
    struct worker *worker = context;
    int64_t cpu_ns = clock_thread_cpu_ns();
    /* The kernel may round this thread's sleeps up by 50 us unless told otherwise. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    play(worker);
    count_cpu(worker, clock_thread_cpu_ns() - cpu_ns);
    atomic_fetch_sub_explicit(&worker->signals->running, 1, memory_order_release);
    return NULL;
}

/* ---- life ---- */

static void start_arrivals(struct worker *worker)
{
    const struct engine_plan *plan = worker->plan;
    struct arrivals_config config = plan->arrivals;
    if (worker_is_closed(worker)) {
        int32_t users = plan->closed_users, step = worker->crowd.step;
        config.process = ARRIVALS_POISSON;
        config.visits_per_s = CLOSED_VISITS_PER_S;
        config.end_ns = CLOSED_END_NS;
        config.joins_per_s = 0;
        config.drift = NULL;
        worker->closed_share = users / step + (worker->crowd.first < users % step);
    }
    arrivals_init(&worker->arrivals, &config);
    worker_visits_start(worker);
}

static void make_slots(struct worker *worker)
{
    size_t connections = (size_t)worker->plan->connections;
    worker->exchange = mem_zalloc(connections, sizeof *worker->exchange);
    worker->flight = mem_zalloc(connections, sizeof *worker->flight);
    worker->done = mem_zalloc(connections, sizeof(struct exchange *));
    worker->free_slot = mem_zalloc(connections, sizeof(int));
    for (int slot = worker->plan->connections - 1; slot >= 0; slot--) {
        worker->exchange[slot].slot = slot;
        buf_init(&worker->exchange[slot].answer, WORKER_ANSWER_MAX_BYTES);
        worker->free_slot[worker->free_count++] = slot;
    }
}

static void make_result(struct worker *worker)
{
    const struct engine_plan *plan = worker->plan;
    struct engine_result *result = &worker->result;
    result->ledger = ledger_new(plan->arrivals.end_ns, plan->phase_start_ns, plan->phase_count);
    ledger_set_drift(result->ledger, plan->drift);
    result->events.complete = plan->keep_events;
    result->schedule_lag = histogram_new(LATENCY_MAX_NS);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        result->from_intended[e] = histogram_new(LATENCY_MAX_NS);
        result->from_send[e] = histogram_new(LATENCY_MAX_NS);
        for (int p = 0; p < ENGINE_PARTS; p++) {
            result->part[e][p] = histogram_new(LATENCY_MAX_NS);
        }
    }
    result->threads = 1;
    result->started_ns = INT64_MAX;
}

enum err worker_new(const struct engine_plan *plan, unsigned index, struct worker_signals *signals,
                    struct worker **out, struct error *error)
{
    struct worker *worker = mem_zalloc(1, sizeof *worker);
    worker->plan = plan;
    worker->signals = signals;
    worker->unix_start_ns = clock_wall_ns() - clock_mono_ns() + plan->start_mono_ns;
    struct transport_config config = {.slots = plan->connections,
                                      .timeout_ms = plan->timeout_ms,
                                      .answer_max_bytes = WORKER_ANSWER_MAX_BYTES};
    config.shape = target_shapes(plan->target, &config.shape_count);
    enum err code = plan->transport->open(&config, &worker->transport, error);
    if (code != ERR_OK) {
        mem_free(worker);
        return code;
    }
    crowd_init(&worker->crowd, plan, index);
    due_heap_init(&worker->heap, worker->crowd.count);
    worker_parcel_init(worker);
    start_arrivals(worker);
    make_slots(worker);
    make_result(worker);
    *out = worker;
    return ERR_OK;
}

const struct live *worker_live(const struct worker *worker)
{
    return &worker->live;
}

void worker_take_result(struct worker *worker, struct engine_result *out)
{
    *out = worker->result;
    memset(&worker->result, 0, sizeof worker->result);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    worker->plan->transport->close(worker->transport);
    for (int slot = 0; slot < worker->plan->connections; slot++) {
        buf_deinit(&worker->exchange[slot].answer);
    }
    engine_result_deinit(&worker->result);
    crowd_deinit(&worker->crowd);
    arrivals_deinit(&worker->arrivals);
    due_heap_deinit(&worker->heap);
    worker_parcel_deinit(worker);
    mem_free(worker->exchange);
    mem_free(worker->flight);
    mem_free(worker->done);
    mem_free(worker->free_slot);
    mem_free(worker);
}
