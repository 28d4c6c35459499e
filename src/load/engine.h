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
#include "load/events.h"
#include "load/ledger.h"
#include "load/target.h"
#include "load/transport.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_seen {      /* films each person saw before the drill; may be all zero */
    const int64_t *start; /* [people + 1] */
    const int32_t *item;  /* rising within a person */
};

struct engine_plan { /* borrowed and constant until engine_join returns */
    const struct population *population;
    const struct drift *drift;
    const struct target *target;
    struct engine_seen seen;
    struct arrivals_config arrivals; /* its drift NULL = the one above */
    const struct transport_class *transport;
    unsigned threads;
    int connections; /* per worker */
    long timeout_ms;
    int64_t start_mono_ns; /* drill time 0; may lie in the future */
    const int64_t *phase_start_ns;
    int phase_count;
    /* Both cost some microseconds a list: the expected values of the ledger, and with keep_events
     * those of each list (which implies the former). */
    bool keep_truth, keep_events;
};

enum engine_endpoint { ENGINE_GET, ENGINE_POST, ENGINE_ENDPOINTS };

enum engine_clock { ENGINE_FROM_INTENDED, ENGINE_FROM_SEND, ENGINE_CLOCKS };

/* Coarse live latency: bucket i counts values <= engine_live_bound_s[i], the last one the rest. */
#define ENGINE_LIVE_BOUNDS 13
extern const double engine_live_bound_s[ENGINE_LIVE_BOUNDS];

struct engine_live_latency {
    int64_t count[ENGINE_LIVE_BOUNDS + 1];
    double sum_s;
};

/* A generator whose schedule lag has a larger 99th percentile was not fit to measure anything. */
#define ENGINE_LAG_P99_MAX_NS INT64_C(100000000)

struct engine_live { /* totals since the start; each is exact, together they are no snapshot */
    int64_t lists, rated, converted, failed, unknown, in_flight;
    double stars;           /* sum of accepted ratings */
    double reciprocal_rank; /* sum over accepted ratings of films shown */
    int64_t lag_max_ns;     /* largest schedule lag so far */
    int64_t visits, visits_delayed, steps, steps_late;
    int64_t sent_by[ENGINE_ENDPOINTS], failed_by[ENGINE_ENDPOINTS], unknown_by[ENGINE_ENDPOINTS];
    int64_t rated_by_half_stars[10]; /* half stars - 1 */
    struct engine_live_latency latency[ENGINE_ENDPOINTS][ENGINE_CLOCKS];
    struct engine_live_latency schedule_lag;
};

struct engine_result {
    struct ledger *ledger;
    struct events events; /* sorted; count 0 and not complete unless the plan keeps them */
    /* Latency of every answer, and of every request given up after the timeout, from the intended
     * start and from the actual send. A first list is intended at the visit's start even if the
     * person was still busy then; what follows is intended a pause after the answer before it. */
    struct histogram *from_intended[ENGINE_ENDPOINTS];
    struct histogram *from_send[ENGINE_ENDPOINTS];
    /* How late requests were sent: from the moment the person was ready (the intended start, or
     * the end of the earlier visit) to the send. What the generator and the connections cost. */
    struct histogram *schedule_lag;
    int64_t started_ns, ended_ns; /* drill time of the first send and the last completion */
    struct error problem;         /* the earliest failed or unanswered request; code OK if none */
    int64_t problem_ns;
};

struct engine;

/*
 * What is played, as a function of the plan and of the target's answers alone:
 * - every visit that nominally starts before arrivals.end_ns, however late it gets its turn;
 * - a step (list, look, rating) whose nominal time lies before arrivals.end_ns, to its end. The
 *   nominal time of a step is its visit's start plus the pauses in the visit so far, as if answers
 *   took no time. The first step at or after end_ns ends the visit;
 * - a request that fails (status outside 2xx, unreadable list, no answer) ends its step and visit.
 * The ledger's nominal counts go by the nominal time of the step, its digest holds finished steps.
 * Against a target that answers by the asking user alone both are therefore equal for any number
 * of threads, and do not depend on speed, unless engine_stop cuts the run short. Behind an
 * overloaded target the engine may run long after end_ns: callers bound it with engine_stop.
 */
enum err engine_start(const struct engine_plan *plan, struct engine **out, struct error *error)
    __attribute__((warn_unused_result));
void engine_live(const struct engine *engine, struct engine_live *out); /* any thread */
bool engine_finished(const struct engine *engine); /* all visits played and answered */
void engine_stop(struct engine *engine);           /* no new actions; what is in flight completes */
/* Waits for the workers; *out is the caller's (engine_result_deinit). Frees the engine. */
void engine_join(struct engine *engine, struct engine_result *out);
void engine_result_deinit(struct engine_result *result);

#endif
