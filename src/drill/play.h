/*
 * Playing a scenario: starts the load engine, walks the phases on the main thread, asks for
 * retraining, watches the children, shows the status line. It judges nothing. Main thread only;
 * SIGINT and SIGTERM must be blocked.
 */
#ifndef DRILL_PLAY_H
#define DRILL_PLAY_H

#include "base/error.h"
#include "drill/bundled.h"
#include "drill/disturbances.h"
#include "drill/judge.h"
#include "drill/own_metrics.h"
#include "drill/scenario.h"
#include "drill/stack.h"
#include "drill/target_link.h"
#include "load/engine.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

struct play_config { /* borrowed */
    const struct scenario *scenario;
    const struct population *population;
    struct engine_seen seen;
    const struct arrivals_config *arrivals; /* with the bound drift, if any */
    bool keep_events;
    unsigned threads;
    int connections; /* per thread */
    struct target_link *link;
    const char *later_folder; /* data set handed over by a phase that retrains; NULL if none */
    struct stack *stack;      /* NULL: nothing watches (calibration) */
    struct own_metrics *own;  /* told of engine and retraining; NULL = nobody is */
    struct bundled *bundled;
    const char *last_metrics_path; /* that the target writes when it is restarted */
    int last_phase;                /* the drill ends after this phase */
};

struct play_result {
    struct engine_result engine;
    double origin_unix_s; /* Unix time of drill time 0 */
    double end_s;         /* drill time at which the last phase ended */
    bool interrupted;
    /* Lives of the target that ended in a restart, the first one first. */
    int life_count;
    struct disturbance_life life[SCENARIO_DISTURBANCES_MAX];
    double retrained_s; /* drill time at which retraining was done; NaN = it was not */
    char retrain_error[256];
};

/* What the engine is to play; its start and the starts of the phases are left to fill in. */
enum err play_plan(const struct play_config *config, const struct target *target,
                   struct engine_plan *plan, struct error *error)
    __attribute__((warn_unused_result));

/* Whatever makes the drill invalid is added to `judgement`. */
enum err play(const struct play_config *config, struct judgement *judgement,
              struct play_result *out, struct error *error);

void play_result_deinit(struct play_result *result);

/* True once SIGINT or SIGTERM arrived; waits for one at most timeout_ns. */
bool play_interrupted(int64_t timeout_ns);

#endif
