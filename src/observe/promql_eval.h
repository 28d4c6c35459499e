/*
 * Values of PromQL expressions at one moment, as Prometheus computes them. One thread at a time.
 */
#ifndef OBSERVE_PROMQL_EVAL_H
#define OBSERVE_PROMQL_EVAL_H

#include "base/error.h"
#include "observe/labels.h"
#include "observe/promql_parse.h"
#include "observe/samples.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct promql_world {
    struct labels *labels;
    struct samples *samples;
    int64_t t_ms, lookback_ms;
    bool prometheus_2; /* closed ranges, and the older limit of extrapolation */
    struct error *error;
};

struct promql_element {
    int labels;
    double value;
    int64_t t_ms; /* of the sample, where a selector gave it */
};

struct promql_value {
    bool is_scalar;
    double scalar;
    struct promql_element *element;
    size_t count, capacity;
};

/* The tree must come from promql_parse with the same labels; selectors note in it which series they
 * match. ERR_INPUT if matching is ambiguous; *out needs promql_value_deinit in any case. */
enum err promql_eval(struct promql_node *node, struct promql_world *world, struct promql_value *out)
    __attribute__((warn_unused_result));
void promql_value_deinit(struct promql_value *value);

#endif
