/*
 * Which series can there be: those of expositions, those that rules record, those that Prometheus
 * makes itself; and which labels the result of an expression can carry.
 */
#ifndef OBSERVE_LINT_SERIES_H
#define OBSERVE_LINT_SERIES_H

#include "base/metrics.h"
#include "observe/lint_expr.h"

#include <jansson.h>
#include <stdbool.h>

enum lint_origin {
    LINT_EXPOSED,
    LINT_RECORDED,
    LINT_SYNTHETIC, /* up, ALERTS, scrape_* */
    LINT_UNJUDGED,  /* no exposition could have it, so nothing is known */
    LINT_NOWHERE,
};

struct lint_series;

struct lint_series *lint_series_new(void); /* one thread at a time, as its words */
void lint_series_free(struct lint_series *series);
struct labels *lint_series_words(const struct lint_series *series); /* for lint_expr_parse */

/* Adds what the targets of a job expose (NULL: it is not known of which); several can be added.
 * Without any, metrics are LINT_UNJUDGED. */
void lint_series_expose(struct lint_series *series, const char *job,
                        const struct metrics_snapshot *snapshot);
/* Adds a rule of a rule file, alerts included; one whose expression does not parse may have any
 * label. The rule is not kept. */
void lint_series_add_rule(struct lint_series *series, const json_t *rule);
/* After the last rule and exposition, and before anything below. */
void lint_series_settle(struct lint_series *series);

enum lint_origin lint_series_origin(const struct lint_series *series, const char *metric);
/* "counter", "gauge", ...; NULL if it is not known. */
const char *lint_series_type(const struct lint_series *series, const char *metric);
/* The values of a label of an exposed metric (an object, value -> true) if an exposition always
 * holds all of them, as it does of `le`; else NULL. So, too, are the jobs, if all are known.
 * Borrowed. */
const json_t *lint_series_values(const struct lint_series *series, const char *metric,
                                 const char *label);
/* The number that one rule alone records for ever: vector(0.2). */
bool lint_series_constant(const struct lint_series *series, const char *metric, double *value);
enum lint_side_bad { LINT_BAD_UNKNOWN, LINT_BAD_BELOW, LINT_BAD_ABOVE };

struct lint_limit {        /* what an alert compares with what */
    const char *metric;    /* "" for what is more than one series */
    const char *objective; /* the series it is compared with; NULL: the number `value` */
    double value;
    enum lint_side_bad side;
    const char *alert;
};

/* All limits that alerts know; borrowed. The series an alert recovers by has its objective, too. */
size_t lint_series_limits(const struct lint_series *series, const struct lint_limit **out);
/* Whether the limit is one of `metric`, over whatever window both are recorded (ratio3m, ratio15m).
 */
bool lint_limit_is_of(const struct lint_limit *limit, const char *metric);
/* Adds the names of all series that the expression reads, also through what rules record, to `out`,
 * an object; those that hold numbers written in rules (objectives) are left out. */
void lint_series_reads(const struct lint_series *series, const struct lint_node *node, json_t *out);
/* The same of one series by its name. */
void lint_series_reads_of(const struct lint_series *series, const char *metric, json_t *out);
/* Whether what rules record as `metric` follows from numbers written in rules alone. */
bool lint_series_fixed(const struct lint_series *series, const char *metric);
/* Whether a rule that records `metric`, or what it reads, yields nothing unless `divisor`, a
 * metric, is above 0. */
bool lint_series_guards(const struct lint_series *series, const char *metric, const char *divisor);

struct lint_shape { /* the labels that a result can have */
    bool any;       /* nobody knows */
    json_t *names;  /* object, name -> true */
};

void lint_shape_of(const struct lint_series *series, const struct lint_node *node,
                   struct lint_shape *out);
bool lint_shape_has(const struct lint_shape *shape, const char *label);
void lint_shape_deinit(struct lint_shape *shape);

#endif
