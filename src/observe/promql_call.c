#include "observe/promql_eval_int.h"

#include <assert.h>
#include <math.h>

#define MS_PER_S 1000.0

static double sign_of(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x; /* zero and NaN are their own */
}

static double round_to(double x, double step)
{
    double inverse = 1 / step;
    return floor(x * inverse + 0.5) / inverse;
}

/* Functions that turn each value into another; a and b are their numbers. */
static double of_value(enum promql_function function, double x, double a, double b)
{
    switch (function) {
    case PROMQL_FN_ABS:
        return fabs(x);
    case PROMQL_FN_CEIL:
        return ceil(x);
    case PROMQL_FN_EXP:
        return exp(x);
    case PROMQL_FN_FLOOR:
        return floor(x);
    case PROMQL_FN_LN:
        return log(x);
    case PROMQL_FN_LOG2:
        return log2(x);
    case PROMQL_FN_LOG10:
        return log10(x);
    case PROMQL_FN_SGN:
        return sign_of(x);
    case PROMQL_FN_SQRT:
        return sqrt(x);
    case PROMQL_FN_ROUND:
        return round_to(x, a);
    case PROMQL_FN_CLAMP:
        return isnan(x) ? x : fmax(a, fmin(b, x));
    case PROMQL_FN_CLAMP_MIN:
        return isnan(x) ? x : fmax(x, a);
    default:
        assert(function == PROMQL_FN_CLAMP_MAX);
        return isnan(x) ? x : fmin(x, a);
    }
}

static enum err eval_number(struct promql_node *node, size_t index, struct promql_world *world,
                            double absent, double *out)
{
    struct promql_value value = {0};
    *out = absent;
    if (index >= node->argument_count) {
        return ERR_OK;
    }
    enum err code = promql_eval(node->argument[index], world, &value);
    *out = value.scalar;
    promql_value_deinit(&value);
    return code;
}

static enum err eval_values(struct promql_node *node, struct promql_world *world,
                            const struct promql_value *from, struct promql_value *out)
{
    double a = 0, b = 0;
    enum err code = eval_number(node, 1, world, 1, &a);
    if (code == ERR_OK) {
        code = eval_number(node, 2, world, 1, &b);
    }
    if (code != ERR_OK || (node->function == PROMQL_FN_CLAMP && a > b)) {
        return code; /* clamp with an empty interval gives nothing */
    }
    bool nan = isnan(a) || (node->function == PROMQL_FN_CLAMP && isnan(b));
    for (size_t i = 0; i < from->count; i++) {
        double x = nan ? NAN : of_value(node->function, from->element[i].value, a, b);
        promql_add(out, promql_nameless(world, from->element[i].labels), x, world->t_ms);
    }
    return promql_check_unique(world, out);
}

static enum err eval_range(struct promql_node *node, struct promql_world *world,
                           struct promql_value *out)
{
    struct promql_node *selector = node->argument[0];
    struct promql_span span = {.prometheus_2 = world->prometheus_2};
    span.until_ms = world->t_ms - selector->offset_ms;
    span.from_ms = span.until_ms - selector->range_ms;
    promql_find_series(selector, world);
    for (size_t i = 0; i < selector->series_count; i++) {
        double value;
        int series = selector->series[i];
        span.slice = samples_between(world->samples, series, span.from_ms - world->prometheus_2,
                                     span.until_ms);
        if (promql_over_range(node->function, &span, &value)) {
            int set = samples_labels(world->samples, series);
            bool named = node->function == PROMQL_FN_LAST_OVER_TIME;
            promql_add(out, named ? set : promql_nameless(world, set), value, world->t_ms);
        }
    }
    return promql_check_unique(world, out);
}

/* The labels that the matchers of a selector leave no doubt about. */
static int certain_labels(const struct promql_node *selector, struct labels *labels)
{
    int set = LABELS_EMPTY_SET;
    for (size_t i = 0; selector->kind == PROMQL_SELECTOR && i < selector->matcher_count; i++) {
        struct label pair = {selector->matcher[i].name, selector->matcher[i].value};
        bool certain = selector->matcher[i].match == PROMQL_EQUAL && pair.name != LABELS_NAME;
        for (size_t k = 0; k < selector->matcher_count; k++) {
            certain = certain && (k == i || selector->matcher[k].name != pair.name);
        }
        set = certain ? labels_with(labels, set, &pair, 1) : set;
    }
    return set;
}

static enum err eval_timestamps(const struct promql_node *node, const struct promql_world *world,
                                const struct promql_value *from, struct promql_value *out)
{
    bool sampled = node->argument[0]->kind == PROMQL_SELECTOR;
    for (size_t i = 0; i < from->count; i++) {
        int64_t t_ms = sampled ? from->element[i].t_ms : world->t_ms;
        promql_add(out, promql_nameless(world, from->element[i].labels), (double)t_ms / MS_PER_S,
                   world->t_ms);
    }
    return promql_check_unique(world, out);
}

static enum err eval_replacement(const struct promql_node *node, struct promql_world *world,
                                 const struct promql_value *from, struct promql_value *out)
{
    for (size_t i = 0; i < from->count; i++) {
        int set = from->element[i].labels;
        if (promql_matches(node, world->labels, set)) {
            set = labels_with(world->labels, set, &node->replacement, 1);
        }
        promql_add(out, set, from->element[i].value, world->t_ms);
    }
    return promql_check_unique(world, out);
}

static enum err eval_with_argument(struct promql_node *node, struct promql_world *world,
                                   const struct promql_value *from, struct promql_value *out)
{
    switch (node->function) {
    case PROMQL_FN_VECTOR_OF:
        promql_add(out, LABELS_EMPTY_SET, from->scalar, world->t_ms);
        return ERR_OK;
    case PROMQL_FN_SCALAR_OF:
        out->is_scalar = true;
        out->scalar = from->count == 1 ? from->element[0].value : NAN;
        return ERR_OK;
    case PROMQL_FN_ABSENT:
        if (from->count == 0) {
            promql_add(out, certain_labels(node->argument[0], world->labels), 1, world->t_ms);
        }
        return ERR_OK;
    case PROMQL_FN_LABEL_REPLACE:
        return eval_replacement(node, world, from, out);
    case PROMQL_FN_TIMESTAMP:
        return eval_timestamps(node, world, from, out);
    default:
        return eval_values(node, world, from, out);
    }
}

enum err promql_eval_call(struct promql_node *node, struct promql_world *world,
                          struct promql_value *out)
{
    struct promql_value from = {0};
    if (node->argument_count == 0) {
        assert(node->function == PROMQL_FN_TIME);
        out->is_scalar = true;
        out->scalar = (double)world->t_ms / MS_PER_S;
        return ERR_OK;
    }
    if (node->argument[0]->type == PROMQL_MATRIX) {
        return eval_range(node, world, out);
    }
    enum err code = promql_eval(node->argument[0], world, &from);
    if (code == ERR_OK) {
        code = eval_with_argument(node, world, &from, out);
    }
    promql_value_deinit(&from);
    return code;
}
