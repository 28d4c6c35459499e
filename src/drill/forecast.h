/*
 * Can this drill show what it claims? Before it is played, the schedule of its visits is known, and
 * so is what the injections do to people (population/effect.h) and the rules that watch. So the
 * drill is played in virtual time: counters as a target would export them, scraped and evaluated at
 * the drill's intervals by the very rule files (observe/rule_engine.h), once with what is expected
 * of each list and some times with drawn outcomes, whose clustering by visit gives shares of lists
 * a design effect of 1.5 with two lists a visit.
 *
 * What is assumed: the target's lists at rest are worth what the objectives were measured at, and
 * lose with the drift what those of the effect sample lose; a target that retrains is back at rest
 * when the phase that retrains ends; nothing else goes wrong. An expectation that rests on more
 * than that (a disturbance, a fire after retraining, no objectives, a rule on a metric that is not
 * simulated) has no forecast. Pure but for the rule files it reads; main thread.
 */
#ifndef DRILL_FORECAST_H
#define DRILL_FORECAST_H

#include "base/error.h"
#include "base/parallel.h"
#include "drill/objectives.h"
#include "drill/scenario.h"
#include "load/arrivals.h"
#include "population/effect.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define FORECAST_REPLICATES 24
#define FORECAST_REPLICATES_MAX 1000
#define FORECAST_LIKELY_SHARE 0.9 /* of the replicates that meet the expectation */

enum forecast_verdict {
    FORECAST_UNKNOWN,
    FORECAST_LIKELY,  /* expected outcomes and most drawn ones meet the expectation */
    FORECAST_UNLIKELY /* the drill would probably fail through no fault of the rules */
};

struct forecast_row { /* one `fires` or `silent` of the scenario; seconds are drill time */
    const struct scenario_expectation *expectation; /* borrowed */
    enum forecast_verdict verdict;
    char why[160];          /* of FORECAST_UNKNOWN */
    int unfed;              /* alerts of a group that rest on what is not simulated: left out */
    int replicates, met;    /* drawn plays, and those that meet the expectation */
    double probability;     /* that a play meets it: (met + 1/2) / (replicates + 1) */
    double delay_s;         /* fires: median from the phase's start to firing; NaN if never */
    double least_s, most_s; /* its range among the plays in which it fires; NaN if never */
    double expected_s;      /* the same with expected outcomes; NaN if never */
    char alert[128];        /* silent_group: the alert of the group that fires most */
    enum scenario_quantity quantity; /* what the alert watches; SCENARIO_NO_QUANTITY if unknown */
    double value;     /* predicted mean over the phase; silent: the worst of the phases; NaN */
    double objective; /* NaN if the rules have none */
};

struct forecast {
    int count;
    struct forecast_row row[SCENARIO_EXPECTATIONS_MAX];
    int replicates;
    int64_t visits, lists;                       /* of the schedule */
    double lists_per_s;                          /* over the drill */
    double production_lists_per_s, production_s; /* what the drill stands for */
    bool has_objectives;
};

struct forecast_request { /* borrowed */
    const struct scenario *scenario;
    const struct drift *drift; /* bound and solved; the injections of scenario->drift */
    const struct effect_sample *sample;
    const struct arrivals_config *arrivals; /* as the engine will have it */
    const char *const *rules;               /* rule files with their objectives, production time */
    size_t rule_count;
    const struct objectives_head *rest; /* levels at rest; NULL = no objectives fit */
    const struct parallel *parallel;
    int replicates; /* plays with drawn outcomes; 0 = FORECAST_REPLICATES */
};

/* ERR_INPUT, ERR_IO: the rule files cannot be read or evaluated. A scenario without `fires` and
 * `silent` has an empty forecast. */
enum err forecast_make(const struct forecast_request *request, struct forecast *out,
                       struct error *error) __attribute__((warn_unused_result));
/* A line on what the drill stands for, and a line for each expectation. */
void forecast_print(FILE *file, const struct forecast *forecast);
/* Expectations with FORECAST_UNLIKELY; a strict drill does not begin if there are any. */
int forecast_unlikely(const struct forecast *forecast);
const char *forecast_verdict_name(enum forecast_verdict verdict); /* "likely", ... */

#endif
