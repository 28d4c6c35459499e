/*
 * All workers are made before the first thread starts and share nothing that changes but three
 * atomics: stop, running, and how many changes of rate there have been, each of which is written
 * before it is counted and never again. The loops therefore take no lock, and neither do the
 * results: they are merged after the join, the others' into the first worker's. A thread that
 * cannot be started stops those before it.
 *
 * Rejected: one queue of due actions for all threads. It needs a lock a request, and what a person
 * does would depend on which thread came first.
 */
#include "load/engine.h"

#include "base/mem.h"
#include "load/descriptors.h"
#include "load/live.h"
#include "load/worker.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

const char *const engine_part_name[ENGINE_PARTS] = {
    [ENGINE_PART_LAG] = "lag",         [ENGINE_PART_CONNECTION_WAIT] = "connection_wait",
    [ENGINE_PART_CONNECT] = "connect", [ENGINE_PART_FIRST_BYTE] = "first_byte",
    [ENGINE_PART_BODY] = "body",       [ENGINE_PART_UNREAD] = "unread",
    [ENGINE_PART_SCAN] = "scan",
};

struct engine {
    struct engine_plan plan;
    struct worker_signals signals;
    pthread_mutex_t changing; /* held while a change of rate is added */
    unsigned count;           /* workers whose thread runs */
    struct worker **worker;
    pthread_t *thread;
};

static void check_plan(const struct engine_plan *plan)
{
    assert(plan->threads >= 1 && plan->connections >= 1 && plan->timeout_ms >= 1);
    assert(plan->population != NULL && plan->drift != NULL && plan->target != NULL);
    assert(target_catalogue(plan->target) != NULL);
    assert(target_has(plan->target)->ratings || plan->lists_only);
    assert(plan->arrivals.people <= population_users(plan->population));
    assert(plan->mode == ENGINE_OPEN || plan->closed_users >= 1);
    assert(plan->shard < plan->shards || plan->shards == 0);
    assert(plan->measure_from_ns >= 0 && plan->block_ns >= 0);
    assert(plan->fallback_count >= 0 && plan->fallback_count <= ENGINE_FALLBACKS_MAX);
    (void)plan;
}

static void engine_free(struct engine *engine)
{
    for (unsigned i = 0; i < engine->plan.threads; i++) {
        worker_free(engine->worker[i]);
    }
    pthread_mutex_destroy(&engine->changing);
    mem_free(engine->worker);
    mem_free(engine->thread);
    mem_free(engine);
}

static void join_threads(struct engine *engine)
{
    for (unsigned i = 0; i < engine->count; i++) {
        pthread_join(engine->thread[i], NULL);
    }
}

enum err engine_start(const struct engine_plan *plan, struct engine **out, struct error *error)
{
    check_plan(plan);
    enum err room = descriptors_reserve(plan->threads, plan->connections, error);
    if (room != ERR_OK) {
        return room;
    }
    struct engine *engine = mem_zalloc(1, sizeof *engine);
    engine->plan = *plan;
    if (plan->arrivals.drift == NULL) {
        engine->plan.arrivals.drift = plan->drift;
    }
    engine->worker = mem_zalloc(plan->threads, sizeof(struct worker *));
    engine->thread = mem_zalloc(plan->threads, sizeof *engine->thread);
    atomic_init(&engine->signals.stop, false);
    atomic_init(&engine->signals.running, plan->threads);
    atomic_init(&engine->signals.rate_changes, 0);
    pthread_mutex_init(&engine->changing, NULL);
    for (unsigned i = 0; i < plan->threads; i++) {
        enum err code = worker_new(&engine->plan, i, &engine->signals, &engine->worker[i], error);
        if (code != ERR_OK) {
            engine_free(engine);
            return code;
        }
    }
    for (unsigned i = 0; i < plan->threads; i++) {
        int failure = pthread_create(&engine->thread[i], NULL, worker_main, engine->worker[i]);
        if (failure != 0) {
            char text[64];
            engine_stop(engine);
            join_threads(engine);
            engine_free(engine);
            return error_set(error, ERR_PROCESS, NULL, 0, "worker thread %u: %s", i,
                             err_errno_text(failure, text, sizeof text));
        }
        engine->count++;
    }
    *out = engine;
    return ERR_OK;
}

void engine_live(const struct engine *engine, struct engine_live *out)
{
    *out = (struct engine_live){0};
    for (unsigned i = 0; i < engine->count; i++) {
        live_collect(worker_live(engine->worker[i]), out);
    }
}

bool engine_finished(const struct engine *engine)
{
    return atomic_load_explicit(&engine->signals.running, memory_order_acquire) == 0;
}

void engine_stop(struct engine *engine)
{
    atomic_store_explicit(&engine->signals.stop, true, memory_order_release);
}

bool engine_set_rate_factor(struct engine *engine, double factor, int64_t effective_ns)
{
    struct worker_signals *signals = &engine->signals;
    pthread_mutex_lock(&engine->changing);
    int count = atomic_load_explicit(&signals->rate_changes, memory_order_relaxed);
    bool possible = count < PACE_CHANGES_MAX && engine->plan.mode == ENGINE_OPEN;
    if (possible) {
        signals->rate_change[count] =
            pace_next_change(signals->rate_change, count, factor, effective_ns);
        atomic_store_explicit(&signals->rate_changes, count + 1, memory_order_release);
    }
    pthread_mutex_unlock(&engine->changing);
    return possible;
}

double engine_rate_factor(const struct engine *engine)
{
    struct pace pace = {0};
    worker_read_pace(&engine->signals, &pace);
    return pace_factor(&pace);
}

int64_t engine_schedule_ns(const struct engine *engine, int64_t drill_ns)
{
    struct pace pace = {0};
    worker_read_pace(&engine->signals, &pace);
    return pace_schedule_ns(&pace, drill_ns);
}

int64_t engine_drill_ns(const struct engine *engine, int64_t schedule_ns)
{
    struct pace pace = {0};
    worker_read_pace(&engine->signals, &pace);
    return pace_drill_ns(&pace, schedule_ns);
}

static void merge_counts(struct engine_result *into, const struct engine_result *from)
{
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            into->failures[e][f] += from->failures[e][f];
        }
        into->shed[e] += from->shed[e];
        into->unsent[e] += from->unsent[e];
    }
    into->unsent_late += from->unsent_late;
    into->retried += from->retried;
    into->late_starts += from->late_starts;
    into->connects += from->connects;
    into->taken += from->taken;
    into->liked += from->liked;
    into->threads += from->threads;
    into->cpu_s += from->cpu_s;
    if (from->cpu_share_max > into->cpu_share_max) {
        into->cpu_share_max = from->cpu_share_max;
    }
}

static void merge_histograms(struct engine_result *into, const struct engine_result *from)
{
    histogram_merge(into->schedule_lag, from->schedule_lag);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        histogram_merge(into->from_intended[e], from->from_intended[e]);
        histogram_merge(into->from_send[e], from->from_send[e]);
        for (int p = 0; p < ENGINE_PARTS; p++) {
            histogram_merge(into->part[e][p], from->part[e][p]);
        }
    }
}

static void add_block(struct engine_block_counts *into, const struct engine_block_counts *from)
{
    into->sent += from->sent;
    into->answered += from->answered;
    into->failed += from->failed;
    into->shed += from->shed;
    into->unsent += from->unsent;
    for (int i = 0; i < ENGINE_SLOS_MAX; i++) {
        into->over[i] += from->over[i];
    }
}

static void merge_blocks(struct engine_result *into, const struct engine_result *from)
{
    if (from->block_count > into->block_count) {
        size_t before = (size_t)into->block_count, after = (size_t)from->block_count;
        into->block = mem_resize(into->block, after, sizeof *into->block);
        memset(into->block + before, 0, (after - before) * sizeof *into->block);
        into->block_count = from->block_count;
    }
    for (int64_t b = 0; b < from->block_count; b++) {
        struct engine_block *sum = &into->block[b];
        const struct engine_block *part = &from->block[b];
        for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
            add_block(&sum->by[e], &part->by[e]);
        }
        sum->lists += part->lists;
        sum->named += part->named;
        sum->fallback += part->fallback;
        sum->hits += part->hits;
    }
}

void engine_result_merge(struct engine_result *into, struct engine_result *from)
{
    uint8_t source[LEDGER_SOURCE_ROWS];
    ledger_merge(into->ledger, from->ledger, source);
    events_rename_sources(&from->events, source);
    events_merge(&into->events, &from->events);
    merge_counts(into, from);
    merge_histograms(into, from);
    merge_blocks(into, from);
    into->started_ns = from->started_ns < into->started_ns ? from->started_ns : into->started_ns;
    into->ended_ns = from->ended_ns > into->ended_ns ? from->ended_ns : into->ended_ns;
    bool earlier = into->problem.code == ERR_OK || from->problem_ns < into->problem_ns;
    if (from->problem.code != ERR_OK && earlier) {
        into->problem = from->problem;
        into->problem_ns = from->problem_ns;
    }
}

void engine_join(struct engine *engine, struct engine_result *out)
{
    join_threads(engine);
    worker_take_result(engine->worker[0], out);
    for (unsigned i = 1; i < engine->count; i++) {
        struct engine_result part;
        worker_take_result(engine->worker[i], &part);
        engine_result_merge(out, &part);
        engine_result_deinit(&part);
    }
    uint8_t source[LEDGER_SOURCE_ROWS];
    ledger_settle(out->ledger, source);
    events_rename_sources(&out->events, source);
    events_sort(&out->events);
    if (out->started_ns > out->ended_ns) {
        out->started_ns = out->ended_ns;
    }
    struct pace pace = {0};
    worker_read_pace(&engine->signals, &pace);
    out->rate_changes = pace.count;
    memcpy(out->rate_change, pace.change, sizeof out->rate_change);
    engine_free(engine);
}

void engine_result_deinit(struct engine_result *result)
{
    ledger_free(result->ledger);
    events_deinit(&result->events);
    histogram_free(result->schedule_lag);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        histogram_free(result->from_intended[e]);
        histogram_free(result->from_send[e]);
        for (int p = 0; p < ENGINE_PARTS; p++) {
            histogram_free(result->part[e][p]);
        }
    }
    mem_free(result->block);
    memset(result, 0, sizeof *result);
}
