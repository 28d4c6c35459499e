/*
 * Live figures of one worker: C11 atomics written by that worker alone (load, add, store, all
 * relaxed; no read-modify-write) and read by any thread.
 */
#ifndef LOAD_LIVE_H
#define LOAD_LIVE_H

#include "load/engine.h"

#include <stdatomic.h>
#include <stdint.h>

#define LIVE_CACHE_LINE 64
#define LIVE_RANK_UNITS 4294967296.0

typedef _Atomic int64_t live_count;

struct live_latency {
    live_count count[ENGINE_LIVE_BOUNDS + 1];
    live_count sum_ns;
};

struct live {
    char before[LIVE_CACHE_LINE]; /* keeps neighbours' writes off these lines */
    live_count visits, visits_delayed, steps, steps_late;
    live_count lists, in_flight, waiting, lag_max_ns;
    live_count sent[ENGINE_ENDPOINTS], failed[ENGINE_ENDPOINTS], unknown[ENGINE_ENDPOINTS];
    live_count shed[ENGINE_ENDPOINTS], failure[ENGINE_ENDPOINTS][EXCHANGE_FAILURES], retried;
    live_count stars[10];
    live_count reciprocal_rank; /* in 2^-32 */
    struct live_latency latency[ENGINE_ENDPOINTS][ENGINE_CLOCKS];
    struct live_latency schedule_lag;
    char after[LIVE_CACHE_LINE];
};

/* The owning worker only. */
static inline void live_add(live_count *count, int64_t amount)
{
    int64_t value = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, value + amount, memory_order_relaxed);
}

static inline void live_set(live_count *count, int64_t value)
{
    atomic_store_explicit(count, value, memory_order_relaxed);
}

void live_record(struct live_latency *latency, int64_t ns);
void live_raise(live_count *maximum, int64_t value);

/* Any thread: adds this worker's figures to *into (lag_max_ns by maximum). */
void live_collect(const struct live *live, struct engine_live *into);

#endif
