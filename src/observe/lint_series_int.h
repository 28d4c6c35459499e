/* Shared by lint_series.c, lint_limit.c and lint_shape.c only. */
#ifndef OBSERVE_LINT_SERIES_INT_H
#define OBSERVE_LINT_SERIES_INT_H

#include "observe/lint_series.h"

struct lint_record {        /* one rule */
    const char *name;       /* "" for an alert */
    struct lint_node *expr; /* NULL if it does not parse */
    json_t *labels;         /* names of the rule's own */
    struct lint_shape shape;
};

struct lint_series {
    struct labels *words;
    json_t *exposed; /* metric -> label -> value -> true */
    json_t *types;   /* family -> type */
    struct lint_record *record;
    size_t record_count, record_capacity;
    struct lint_limit *limit;
    size_t limit_count, limit_capacity;
};

/* Adds what a metric's series can carry. */
void lint_shape_add_metric(const struct lint_series *series, const char *metric,
                           struct lint_shape *out);

/* The limits of an alert; `expr` may be NULL. */
void lint_limits_add(struct lint_series *series, const json_t *rule, const struct lint_node *expr);

#endif
