/*
 * Prometheus rule files evaluated in this process, in virtual time: the shipped rules can then be
 * run over a thousand hours of counters in a minute, and a drill can be judged before it is played.
 *
 * The caller feeds samples as a scrape would store them and says when a group is due; the engine
 * does what Prometheus' rule manager does: recording rules in order inside a group, each seeing
 * what the rules before it recorded at the same moment, stale markers for elements that are gone,
 * alerts with `for` and `keep_firing_for`, the series ALERTS and ALERTS_FOR_STATE.
 *
 * The subset of PromQL: selectors with all four matchers (regular expressions without classes such
 * as \d and without flags), offset, ranges; rate, increase, delta, irate, idelta, resets, changes;
 * {avg,min,max,sum,count,last,stddev,stdvar,present}_over_time; sum, min, max, avg, count, group,
 * stddev, stdvar with by and without; arithmetic, comparisons with bool, and, or, unless, with on,
 * ignoring, group_left, group_right; abs, ceil, floor, exp, ln, log2, log10, sqrt, sgn, round,
 * clamp, clamp_min, clamp_max, scalar, vector, time, timestamp, absent, label_replace (without
 * references in the replacement). Everything else (subqueries, @, quantiles, histograms, templates
 * in labels) is an error when the files are loaded.
 *
 * Times are milliseconds since any epoch. One thread at a time; no I/O after rule_engine_load, no
 * clock. Memory is bounded by the number of series and the longest range among the rules.
 */
#ifndef OBSERVE_RULE_ENGINE_H
#define OBSERVE_RULE_ENGINE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rule_engine;

enum rule_state { RULE_INACTIVE, RULE_PENDING, RULE_FIRING };

/* Reads rule files as they stand: production durations, or rendered ones with a compressed clock.
 * Groups keep the order of files and of groups inside a file. Files may be mixed freely; a name of
 * an alert that is there twice is ERR_INPUT, as is anything outside the subset, with file and line.
 * *out needs rule_engine_free after ERR_OK only. */
enum err rule_engine_load(const char *const *paths, size_t count, struct rule_engine **out,
                          struct error *error) __attribute__((warn_unused_result));
void rule_engine_free(struct rule_engine *engine); /* accepts NULL */
/* A second engine with the same rules and series, without samples and alerts, for another thread.
 */
struct rule_engine *rule_engine_clone(const struct rule_engine *engine);
/* Forgets samples, alerts and counts of episodes; rules and ids of series stay. */
void rule_engine_reset(struct rule_engine *engine);

/* Prometheus 2 takes the sample at the left end of a range (and of the lookback) too, and limits
 * the extrapolation to zero at another place; Prometheus 3, the default here, does not. */
void rule_engine_prometheus_2(struct rule_engine *engine, bool on);
/* How old an instant sample may be; 5 minutes unless told. */
void rule_engine_lookback(struct rule_engine *engine, int64_t lookback_ms);

/* Id of a series such as `up{job="a"}`, made if it is new; -1, with the error filled, if the text
 * is no series. Ids are small, dense and stay valid as long as the engine. */
int rule_engine_series(struct rule_engine *engine, const char *text, struct error *error);
/* Appends a sample. Times of a series must rise; a sample that is not newer is dropped. */
void rule_engine_sample(struct rule_engine *engine, int series, int64_t t_ms, double value);
/* The stale marker a failed scrape leaves in every series of the target. */
void rule_engine_stale(struct rule_engine *engine, int series, int64_t t_ms);

/* Evaluates, in order, every group whose interval has passed since its last evaluation (all of them
 * the first time) at t_ms. A rule that fails at run time (many-to-many matching) keeps its last
 * state, as in Prometheus, and is counted. */
void rule_engine_evaluate(struct rule_engine *engine, int64_t t_ms);
/* The shortest interval among the groups; 0 if there is none. */
int64_t rule_engine_interval_ms(const struct rule_engine *engine);
/* Rules that failed at run time so far, and why the last one did ("" if none). */
int64_t rule_engine_failures(const struct rule_engine *engine, const char **why);

/* The newest value, at the last evaluation's moment, of the series recorded under a name; NaN if
 * there is none. With several (labels), the smallest series id is taken. */
double rule_engine_value(const struct rule_engine *engine, const char *record);

/* The worst state over an alert's elements; RULE_INACTIVE for a name that is no alert. */
enum rule_state rule_engine_alert(const struct rule_engine *engine, const char *alert);

/* What is known of every alert, in the order of the files; index < rule_engine_alert_count(). */
struct rule_alert {
    const char *name, *group, *severity; /* severity "" if the rule has no such label */
    const char *quantity;                /* annotation; "" if the rule has none */
    enum rule_state state;
    int64_t active_ms; /* when the oldest active element became pending; meaningless if inactive */
    int64_t fired_ms;  /* when it last began to fire; INT64_MIN if it never did */
    int64_t pendings;  /* times an element became pending (or fired at once) */
    int64_t episodes;  /* times an element began to fire */
    int64_t firing_evaluations; /* evaluations at whose end at least one element fired */
    int64_t evaluations;
};
size_t rule_engine_alert_count(const struct rule_engine *engine);
/* Whether every selector an alert rests on, itself or by way of records, takes some series that was
 * made so far or is recorded by a rule. If not, `missing` gets the text of a selector that takes
 * none: the alert then depends on something that nobody feeds. Names of records are taken whatever
 * their labels; matchers other than = on a name look at the series alone. */
bool rule_engine_is_fed(const struct rule_engine *engine, size_t alert, char *missing, size_t size);
void rule_engine_alert_at(const struct rule_engine *engine, size_t index, struct rule_alert *out);

/* One element of an instant vector; labels as Prometheus prints them: name{a="b"}. */
struct rule_element {
    char *labels;
    double value;
};
/* Evaluates one expression over the samples stored; a scalar is one element with labels "".
 * Elements come sorted by labels. Ranges must not be longer than those of the rules: older samples
 * are gone. *out needs rule_elements_free after ERR_OK only. ERR_INPUT: outside the subset, or it
 * fails. */
enum err rule_engine_query(struct rule_engine *engine, const char *expr, int64_t t_ms,
                           struct rule_element **out, size_t *count, struct error *error)
    __attribute__((warn_unused_result));
void rule_elements_free(struct rule_element *elements, size_t count);

#endif
