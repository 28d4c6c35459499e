/*
 * The simulator's own /metrics under driftdrill_ names, and process_* of the process: what `run`
 * serves with --listen and what `verify` lets its Prometheus scrape as the job "driftdrill".
 *
 * The server may start before there is an engine to tell of, and outlive several of them: totals
 * then add up, as counters of one process must. All functions but own_metrics_write may be called
 * while the server answers.
 */
#ifndef DRILL_OWN_METRICS_H
#define DRILL_OWN_METRICS_H

#include "base/buf.h"
#include "base/error.h"
#include "drill/scenario.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

enum own_metrics_cause { OWN_METRICS_SCHEDULE, OWN_METRICS_ALERT, OWN_METRICS_CAUSES };

struct own_metrics_config { /* copied, but for what the pointers name: that must outlive the server
                             */
    uint64_t seed;
    double requested_steps_per_s;
    const struct drift *drift; /* NULL = nothing is injected */
    int phase_count;           /* 0 = no phases are told of */
    const char *phase_name[SCENARIO_PHASES_MAX];
    int64_t phase_start_ns[SCENARIO_PHASES_MAX]; /* drill time, rising */
};

/* What the page is made of at one moment. */
struct own_metrics_now {
    struct engine_live live; /* totals since the server started */
    bool playing;            /* else no phase is under way and no injection in force */
    int64_t schedule_ns;     /* where its schedule stands, if it plays: drill time at first */
    double rate_factor;      /* how fast that runs, if it plays: 1 unless changed */
    int64_t loops;           /* engines that ended */
    int64_t retrains[OWN_METRICS_CAUSES];
    double start_unix_s; /* of the server */
};

struct own_metrics;

/* Phases and drift of a scenario, which must outlive the server. */
void own_metrics_describe(const struct scenario *scenario, uint64_t seed, double steps_per_s,
                          struct own_metrics_config *out);
/* Serves GET /metrics on `listen`, "HOST:PORT", 0 being a free port. */
enum err own_metrics_start(const struct own_metrics_config *config, const char *listen,
                           struct own_metrics **out, struct error *error)
    __attribute__((warn_unused_result));
const char *own_metrics_url(const struct own_metrics *metrics); /* without /metrics */
/* The engine to tell of from now on, and the moment of its drill time 0. */
void own_metrics_attach(struct own_metrics *metrics, const struct engine *engine,
                        int64_t start_mono_ns);
/* Drill time 0 of the engine that plays is told to have been at another moment: phases were
 * skipped.
 */
void own_metrics_skip(struct own_metrics *metrics, int64_t start_mono_ns);
/* The engine is about to go: its totals are kept. Before engine_join. */
void own_metrics_detach(struct own_metrics *metrics);
/* A retraining was done, and what it was asked for. */
void own_metrics_retrained(struct own_metrics *metrics, enum own_metrics_cause cause);
void own_metrics_stop(struct own_metrics *metrics); /* accepts NULL */

/* Would a drill that ended now be found fit to measure? By the live figures, whose latencies are
 * coarse: at most one request in a hundred was sent more than 100 ms late, or found no connection.
 */
bool own_metrics_fit(const struct engine_live *live);
/* The page. */
void own_metrics_write(const struct own_metrics_config *config, const struct own_metrics_now *now,
                       struct buf *out);

#endif
