/*
 * Which side of which number is bad, as alerts say it: `upper < on () group_left ()
 * objective:x:min` is bad below, `ratio > 0.05` above. What stands behind `unless` says when the
 * alert is off, so it is read the other way round. A number behind `and` or `unless` is mostly a
 * sample size; it counts only if the alert compares what it watches with the same one (two
 * windows).
 */
#include "base/mem.h"
#include "observe/lint_series_int.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

struct reading {
    struct lint_series *series;
    const char *alert; /* a word */
    size_t first;      /* of this alert's limits */
};

static const char *word(struct lint_series *series, const char *text)
{
    return labels_text(series->words, labels_word(series->words, text, strlen(text)));
}

static void add(struct lint_series *series, struct lint_limit limit)
{
    if (series->limit_count == series->limit_capacity) {
        series->limit_capacity = series->limit_capacity ? 2 * series->limit_capacity : 32;
        series->limit = mem_resize(series->limit, series->limit_capacity, sizeof *series->limit);
    }
    series->limit[series->limit_count++] = limit;
}

/* A number, or arithmetic of numbers: 14.4 * 0.001. */
static bool fold(const struct lint_node *node, double *value)
{
    double left, right;
    if (node->kind == LINT_NUMBER) {
        *value = node->number;
        return true;
    }
    if (node->kind == LINT_SIGN && fold(node->child[0], &left)) {
        *value = -left;
        return true;
    }
    if (node->kind != LINT_BINARY || lint_is_comparison(node) || !fold(node->child[0], &left) ||
        !fold(node->child[1], &right)) {
        return false;
    }
    switch (*node->text) {
    case '+':
        *value = left + right;
        return true;
    case '-':
        *value = left - right;
        return true;
    case '*':
        *value = left * right;
        return true;
    case '/':
        *value = left / right;
        return true;
    default:
        *value = pow(left, right);
        return *node->text == '^';
    }
}

static bool has_number(const struct reading *reading, double value)
{
    for (size_t i = reading->first; i < reading->series->limit_count; i++) {
        const struct lint_limit *limit = &reading->series->limit[i];
        if (limit->objective == NULL && limit->value == value) {
            return true;
        }
    }
    return false;
}

/* `what` against `bound`; `side` is where it is bad. */
static void note(const struct reading *reading, const struct lint_node *what,
                 const struct lint_node *bound, enum lint_side_bad side, bool guard)
{
    struct lint_limit limit = {
        .metric = lint_is_series(what) ? what->text : "", .side = side, .alert = reading->alert};
    if (lint_is_series(bound)) {
        limit.objective = bound->text;
    } else if (!fold(bound, &limit.value) || (guard && !has_number(reading, limit.value))) {
        return;
    }
    add(reading->series, limit);
}

static void read_condition(const struct reading *reading, const struct lint_node *node,
                           bool inverted, bool guard)
{
    if (lint_is_operator(node, "and") || lint_is_operator(node, "unless") ||
        lint_is_operator(node, "or")) {
        bool or = lint_is_operator(node, "or");
        read_condition(reading, node->child[0], inverted, guard);
        read_condition(reading, node->child[1], inverted != lint_is_operator(node, "unless"),
                       guard || ! or);
    } else if (lint_is_comparison(node) && !node->as_bool &&
               (*node->text == '<' || *node->text == '>')) {
        bool above = (*node->text == '>') != inverted;
        enum lint_side_bad side = above ? LINT_BAD_ABOVE : LINT_BAD_BELOW;
        enum lint_side_bad other = above ? LINT_BAD_BELOW : LINT_BAD_ABOVE;
        note(reading, node->child[0], node->child[1], side, guard);
        note(reading, node->child[1], node->child[0], other, guard);
    }
}

void lint_limits_add(struct lint_series *series, const json_t *rule, const struct lint_node *expr)
{
    const json_t *annotations = json_object_get(rule, "annotations");
    const char *objective = json_string_value(json_object_get(annotations, "objective"));
    const char *recovered = json_string_value(json_object_get(annotations, "recovered"));
    const char *alert = json_string_value(json_object_get(rule, "alert"));
    struct reading reading = {series, word(series, alert != NULL ? alert : ""),
                              series->limit_count};
    if (expr != NULL) {
        read_condition(&reading, expr, false, false);
    }
    if (objective == NULL || recovered == NULL) {
        return;
    }
    struct lint_limit limit = {.metric = word(series, recovered),
                               .objective = word(series, objective),
                               .alert = reading.alert};
    for (size_t i = reading.first; i < series->limit_count && limit.side == LINT_BAD_UNKNOWN; i++) {
        const char *other = series->limit[i].objective;
        limit.side = other != NULL && strcmp(other, objective) == 0 ? series->limit[i].side
                                                                    : LINT_BAD_UNKNOWN;
    }
    add(series, limit);
}

/* The length of a recorded name without the window it ends with: ratio15m, mean_upper7m30s. */
static size_t stem(const char *metric)
{
    size_t len = strlen(metric), at = len;
    while (at > 1 && strchr("smhdwy", metric[at - 1]) != NULL &&
           isdigit((unsigned char)metric[at - 2])) {
        for (at--; at > 0 && isdigit((unsigned char)metric[at - 1]); at--) {
        }
    }
    return strchr(metric, ':') != NULL ? at : len;
}

bool lint_limit_is_of(const struct lint_limit *limit, const char *metric)
{
    size_t len = stem(metric);
    return len == stem(limit->metric) && strncmp(metric, limit->metric, len) == 0;
}

size_t lint_series_limits(const struct lint_series *series, const struct lint_limit **out)
{
    *out = series->limit;
    return series->limit_count;
}
