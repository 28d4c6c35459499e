/*
 * The load engine: N worker threads play the people's visits against a target under open arrivals.
 * A worker owns its people (person mod threads), connections, transport, histograms and ledger;
 * everything in the plan is constant before the first thread; results merge after join. Live
 * figures are single-writer atomics.
 */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "base/error.h"
#include "base/histogram.h"
#include "load/arrivals.h"
#include "load/ledger.h"
#include "load/target.h"
#include "load/transport.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_seen { /* films each person saw before the drill; may be all zero */
    const int64_t *start; /* [people + 1] */
    const int32_t *item;  /* rising within a person */
};

struct engine_plan { /* borrowed and constant until engine_join returns */
    const struct population *population;
    const struct drift *drift;
    const struct target *target;
    struct engine_seen seen;
    struct arrivals_config arrivals;
    const struct transport_class *transport;
    unsigned threads;
    int connections;      /* per worker */
    long timeout_ms;
    int64_t start_mono_ns; /* drill time 0; may lie in the future */
    const int64_t *phase_start_ns;
    int phase_count;
};

enum engine_endpoint { ENGINE_GET, ENGINE_POST, ENGINE_ENDPOINTS };

struct engine_live { /* totals since the start */
    int64_t lists, rated, converted, failed, unknown, in_flight;
    double stars;      /* sum of accepted ratings */
    int64_t lag_max_ns; /* largest schedule lag so far */
};

struct engine_result {
    struct ledger *ledger;
    /* Latency from the intended start and from the actual send, and their difference. */
    struct histogram *from_intended[ENGINE_ENDPOINTS];
    struct histogram *from_send[ENGINE_ENDPOINTS];
    struct histogram *schedule_lag;
    int64_t started_ns, ended_ns; /* drill time of the first and last action */
};

struct engine;

enum err engine_start(const struct engine_plan *plan, struct engine **out, struct error *error);
void engine_live(const struct engine *engine, struct engine_live *out); /* any thread */
bool engine_finished(const struct engine *engine); /* all visits played and answered */
void engine_stop(struct engine *engine);           /* no new actions; what is in flight completes */
/* Waits for the workers; *out is the caller's (engine_result_deinit). Frees the engine. */
void engine_join(struct engine *engine, struct engine_result *out);
void engine_result_deinit(struct engine_result *result);

#endif
