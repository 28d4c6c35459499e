/*
 * What a scenario does to the target and to Prometheus while people play: restarts, stalls, faults
 * on demand. disturbances_move is asked at every turn of the drill's loop and begins and ends what
 * is due. It asks processes to end or to answer and looks at the next turn whether they have; only
 * the request that begins a fault is waited for. Main thread only, but for the questions about a
 * scenario, which are pure.
 */
#ifndef DRILL_DISTURBANCES_H
#define DRILL_DISTURBANCES_H

#include "base/http.h"
#include "base/metrics.h"
#include "drill/bundled.h"
#include "drill/scenario.h"
#include "drill/stack.h"

#include <stdbool.h>
#include <stdint.h>

enum watched_series { WATCHED_SCRAPES, WATCHED_EVALUATIONS };

/* Is this gap (drill time, seconds) of the scenario's own making: does it lie within a disturbance
 * that stops such a series, give or take what a stopped process needs to be back? A stalled
 * Prometheus stops both; a target that restarts, or a fault that touches /metrics, scrapes only;
 * any other fault neither. */
bool scenario_disturbed(const struct scenario *scenario, enum watched_series what, double from_s,
                        double to_s);
/* The longest gap between points of a series inside [from_s, to_s], edges included, that is not of
 * the scenario's own making. */
double scenario_longest_gap(const struct scenario *scenario, enum watched_series what,
                            const struct prometheus_series *series, double from_s, double to_s);
/* Does the scenario restart the target? */
bool scenario_restarts(const struct scenario *scenario);
/* Does it need the target's faults on demand? */
bool scenario_breaks(const struct scenario *scenario);

enum disturbance_state { DISTURBANCE_AHEAD, DISTURBANCE_ON, DISTURBANCE_OVER };

/* A life of the target: what it had counted at its end. The first one began before the drill. */
struct disturbance_life {
    int64_t ended_ns;               /* drill time: it was over and the next one began */
    struct metrics_snapshot *after; /* the caller's to free; NULL: it could not be learnt */
};

struct disturbances_config { /* borrowed as long as it is moved */
    const struct scenario *scenario;
    struct http *http;
    struct stack *stack;     /* NULL: no Prometheus to stall */
    struct bundled *bundled; /* NULL: no target that could be restarted */
    const char *target_url;
    const char *last_metrics_path; /* what the bundled target writes when it ends */
};

struct disturbances {
    struct disturbances_config config;
    enum disturbance_state state[SCENARIO_DISTURBANCES_MAX];
    enum { TARGET_UP, TARGET_ENDING, TARGET_DOWN, TARGET_STARTING } target;
    bool prometheus_stalled;
    int life_count; /* that are over */
    struct disturbance_life life[SCENARIO_DISTURBANCES_MAX];
};

void disturbances_init(struct disturbances *disturbances, const struct disturbances_config *config);
/* Is there something to begin or to end at this drill time? */
bool disturbances_due(const struct disturbances *disturbances, int64_t now_ns);
/* Begins and ends what is due at this drill time. An error means that the drill did not do what
 * its scenario says. */
enum err disturbances_move(struct disturbances *disturbances, int64_t now_ns, struct error *error)
    __attribute__((warn_unused_result));
/* Ends what is still on, waiting for a target that is starting at most until deadline_mono_ns. */
enum err disturbances_finish(struct disturbances *disturbances, int64_t now_ns,
                             int64_t deadline_mono_ns, struct error *error)
    __attribute__((warn_unused_result));

#endif
