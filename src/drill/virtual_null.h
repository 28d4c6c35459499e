/*
 * A thousand hours without drift, in a minute: the arithmetic of the shipped rules on resampled
 * events. Whole visits of a quiet run are drawn with replacement (so that ratings keep their
 * clusters, their lags and their clumps in a visit) and put at the moments of a Poisson process of
 * the same rate; what a service would have counted is scraped into a rule engine, whose groups are
 * evaluated at their intervals. All in production time.
 *
 * What it cannot know: people are those of the quiet run, their visits are independent, scrapes are
 * never missed. Null drills with the real Prometheus show the rest, at a few hours' worth.
 *
 * k false alarms in T alert-hours bound the rate by chi2^-1(confidence; 2 k + 2) / (2 T), exactly
 * (Garwood, Biometrika 28, 1936; one-sided). Alert-hours are those of the alerts that watch a
 * quantity: the others cannot fire here, where the target is always up and answers, and would only
 * thin the rate. Pure, apart from reading the rule files.
 */
#ifndef DRILL_VIRTUAL_NULL_H
#define DRILL_VIRTUAL_NULL_H

#include "base/error.h"
#include "base/parallel.h"
#include "load/events.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VIRTUAL_NULL_CONFIDENCE 0.95

struct virtual_null_part { /* of one quiet run; borrowed */
    const struct events *events;
    int64_t from_ns, until_ns; /* drill time: visits whose first list falls inside are drawn */
};

struct virtual_null_request { /* borrowed */
    const struct virtual_null_part *part;
    size_t part_count;
    int64_t time_scale;       /* of the runs: drill time times this is production time */
    int64_t scrape_ns;        /* production time */
    int64_t lookback_ns;      /* production time; 0 = 5 minutes */
    const char *const *rules; /* files with production durations, objectives among them */
    size_t rule_count;
    double hours;  /* to count, in production time, over all shards; > 0 */
    uint64_t seed; /* the result is a function of it, whatever the number of threads */
};

struct virtual_null_alert {
    char name[128], group[128];
    bool fed;                 /* all that it reads is simulated in these hours */
    bool watches;             /* and it has a quantity, so people can make it fire */
    int64_t alarms, pendings; /* times an element began to fire, or became pending; one more if the
                                 alert already was when a shard's counted hours began */
    double firing_hours;
    double per_hour, per_hour_upper;
};

struct virtual_null {
    double hours;
    int64_t visits, lists, ratings, scrapes, evaluations;
    int64_t failures;  /* evaluations of a rule that failed */
    char failure[256]; /* the engine's text of one of them; "" if there is none */
    double conversion, reciprocal_rank, mean_rating; /* of what was drawn */
    size_t alert_count;                              /* without those of severity none */
    struct virtual_null_alert *alert;
    int64_t alarms; /* of all alerts */
    double firing_hours;
    size_t watching_count; /* alerts that watch a quantity, as are the rest */
    int64_t watching_alarms;
    double alert_hours, per_alert_hour, per_alert_hour_upper;
};

/* ERR_INPUT: rules outside the engine's subset, or no visit in the parts. Rules that fail to
 * evaluate do not end the run; the verdict knows them. *out needs virtual_null_deinit after ERR_OK
 * only. Every hour needs about .1 s of one core. */
enum err virtual_null_run(const struct virtual_null_request *request,
                          const struct parallel *parallel, struct virtual_null *out,
                          struct error *error) __attribute__((warn_unused_result));
void virtual_null_deinit(struct virtual_null *result);

/* ERR_INPUT if a rule failed, whatever else was seen: silence proves nothing then. ERR_FAILED if
 * there was an alarm, or an alert fired at all. `folder` is where the evidence is. */
enum err virtual_null_verdict(const struct virtual_null *result, const char *folder,
                              struct error *error) __attribute__((warn_unused_result));
void virtual_null_print(FILE *file, const struct virtual_null *result);
json_t *virtual_null_json(const struct virtual_null *result); /* the caller's */

/* Upper bound of a rate of which `alarms` were seen in `hours`. */
double virtual_null_upper(int64_t alarms, double hours, double confidence);

#endif
