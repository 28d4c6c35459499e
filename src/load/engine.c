/*
 * All workers are made before the first thread starts and share nothing that changes but two
 * atomics, stop and running. The loops therefore take no lock, and neither do the results: they are
 * merged after the join, the others' into the first worker's. A thread that cannot be started stops
 * those before it.
 *
 * Rejected: one queue of due actions for all threads. It needs a lock a request, and what a person
 * does would depend on which thread came first.
 */
#include "load/engine.h"

#include "base/mem.h"
#include "load/live.h"
#include "load/worker.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

struct engine {
    struct engine_plan plan;
    struct worker_signals signals;
    unsigned count; /* workers whose thread runs */
    struct worker **worker;
    pthread_t *thread;
};

static void check_plan(const struct engine_plan *plan)
{
    assert(plan->threads >= 1 && plan->connections >= 1 && plan->timeout_ms >= 1);
    assert(plan->population != NULL && plan->drift != NULL && plan->target != NULL);
    assert(plan->target->list_length >= 1 && plan->target->list_length <= POPULATION_LIST_MAX);
    assert(plan->arrivals.people <= population_users(plan->population));
    (void)plan;
}

static void engine_free(struct engine *engine)
{
    for (unsigned i = 0; i < engine->plan.threads; i++) {
        worker_free(engine->worker[i]);
    }
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
    struct engine *engine = mem_zalloc(1, sizeof *engine);
    engine->plan = *plan;
    if (plan->arrivals.drift == NULL) {
        engine->plan.arrivals.drift = plan->drift;
    }
    engine->worker = mem_zalloc(plan->threads, sizeof(struct worker *));
    engine->thread = mem_zalloc(plan->threads, sizeof *engine->thread);
    atomic_init(&engine->signals.stop, false);
    atomic_init(&engine->signals.running, plan->threads);
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

static void merge_result(struct engine_result *into, struct engine_result *from)
{
    uint8_t source[LEDGER_SOURCE_ROWS];
    ledger_merge(into->ledger, from->ledger, source);
    events_rename_sources(&from->events, source);
    events_merge(&into->events, &from->events);
    histogram_merge(into->schedule_lag, from->schedule_lag);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        histogram_merge(into->from_intended[e], from->from_intended[e]);
        histogram_merge(into->from_send[e], from->from_send[e]);
    }
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
        merge_result(out, &part);
        engine_result_deinit(&part);
    }
    uint8_t source[LEDGER_SOURCE_ROWS];
    ledger_settle(out->ledger, source);
    events_rename_sources(&out->events, source);
    events_sort(&out->events);
    if (out->started_ns > out->ended_ns) {
        out->started_ns = out->ended_ns;
    }
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
    }
    memset(result, 0, sizeof *result);
}
