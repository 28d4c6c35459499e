#include "observe/promql_eval.h"

#include "base/mem.h"
#include "observe/promql_eval_int.h"

#include <assert.h>
#include <math.h>

void promql_add(struct promql_value *value, int labels, double number, int64_t t_ms)
{
    if (value->count == value->capacity) {
        value->capacity = value->capacity ? 2 * value->capacity : 4;
        value->element = mem_resize(value->element, value->capacity, sizeof *value->element);
    }
    value->element[value->count++] =
        (struct promql_element){.labels = labels, .value = number, .t_ms = t_ms};
}

void promql_value_deinit(struct promql_value *value)
{
    mem_free(value->element);
    *value = (struct promql_value){0};
}

int promql_nameless(const struct promql_world *world, int set)
{
    static const int name = LABELS_NAME;
    return labels_drop(world->labels, set, &name, 1);
}

enum err promql_check_unique(const struct promql_world *world, const struct promql_value *value)
{
    for (size_t i = 1; i < value->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (value->element[i].labels == value->element[k].labels) {
                return error_set(world->error, ERR_INPUT, NULL, 0,
                                 "vector cannot contain metrics with the same labelset");
            }
        }
    }
    return ERR_OK;
}

void promql_find_series(struct promql_node *selector, const struct promql_world *world)
{
    size_t count = samples_series_count(world->samples);
    for (; selector->series_seen < count; selector->series_seen++) {
        int series = (int)selector->series_seen;
        if (!promql_matches(selector, world->labels, samples_labels(world->samples, series))) {
            continue;
        }
        if (selector->series_count == selector->series_capacity) {
            selector->series_capacity = selector->series_capacity ? 2 * selector->series_count : 4;
            selector->series =
                mem_resize(selector->series, selector->series_capacity, sizeof *selector->series);
        }
        selector->series[selector->series_count++] = series;
    }
}

static void eval_selector(struct promql_node *node, const struct promql_world *world,
                          struct promql_value *out)
{
    int64_t until_ms = world->t_ms - node->offset_ms;
    int64_t from_ms = until_ms - world->lookback_ms - world->prometheus_2;
    promql_find_series(node, world);
    for (size_t i = 0; i < node->series_count; i++) {
        int64_t t_ms;
        double value;
        if (samples_newest(world->samples, node->series[i], from_ms, until_ms, &t_ms, &value)) {
            promql_add(out, samples_labels(world->samples, node->series[i]), value, t_ms);
        }
    }
}

struct group {
    int labels;
    double sum, extreme, count, mean, squares; /* mean and squares: Welford's */
};

static void add_to_group(struct group *group, enum promql_aggregation aggregation, double value)
{
    double sign = aggregation == PROMQL_MIN_BY ? -1 : 1;
    if (group->count == 0 || isnan(group->extreme) || sign * value > sign * group->extreme) {
        group->extreme = value;
    }
    group->count++;
    group->sum += value;
    double step = value - group->mean;
    group->mean += step / group->count;
    group->squares += step * (value - group->mean);
}

static double group_value(const struct group *group, enum promql_aggregation aggregation)
{
    switch (aggregation) {
    case PROMQL_SUM_BY:
        return group->sum;
    case PROMQL_AVG_BY:
        return group->sum / group->count;
    case PROMQL_MIN_BY:
    case PROMQL_MAX_BY:
        return group->extreme;
    case PROMQL_COUNT_BY:
        return group->count;
    case PROMQL_GROUP_BY:
        return 1;
    case PROMQL_STDVAR_BY:
        return group->squares / group->count;
    case PROMQL_STDDEV_BY:
        break;
    }
    return sqrt(group->squares / group->count);
}

/* The groups of a vector; *list has room for as many as the vector has elements. */
static size_t fill_groups(const struct promql_node *node, const struct promql_world *world,
                          const struct promql_value *from, struct group *list)
{
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct promql_words *names = &node->names;
        int set = from->element[i].labels;
        set = node->without ? labels_drop(world->labels, set, names->word, names->count)
                            : labels_keep(world->labels, set, names->word, names->count);
        size_t at = 0;
        while (at < count && list[at].labels != set) {
            at++;
        }
        if (at == count) {
            list[count++] = (struct group){.labels = set};
        }
        add_to_group(&list[at], node->aggregation, from->element[i].value);
    }
    return count;
}

static enum err eval_aggregate(struct promql_node *node, struct promql_world *world,
                               struct promql_value *out)
{
    struct promql_value from = {0};
    enum err code = promql_eval(node->argument[0], world, &from);
    struct group *list = mem_array(from.count + 1, sizeof *list);
    size_t count = code == ERR_OK ? fill_groups(node, world, &from, list) : 0;
    for (size_t i = 0; i < count; i++) {
        promql_add(out, list[i].labels, group_value(&list[i], node->aggregation), world->t_ms);
    }
    mem_free(list);
    promql_value_deinit(&from);
    return code;
}

static enum err eval_negate(struct promql_node *node, struct promql_world *world,
                            struct promql_value *out)
{
    enum err code = promql_eval(node->argument[0], world, out);
    out->scalar = -out->scalar;
    for (size_t i = 0; i < out->count; i++) {
        out->element[i].value = -out->element[i].value;
        out->element[i].labels = promql_nameless(world, out->element[i].labels);
    }
    return code == ERR_OK ? promql_check_unique(world, out) : code;
}

enum err promql_eval(struct promql_node *node, struct promql_world *world, struct promql_value *out)
{
    *out = (struct promql_value){0};
    switch (node->kind) {
    case PROMQL_LITERAL:
        out->is_scalar = true;
        out->scalar = node->number;
        return ERR_OK;
    case PROMQL_SELECTOR:
        eval_selector(node, world, out);
        return ERR_OK;
    case PROMQL_CALL:
        return promql_eval_call(node, world, out);
    case PROMQL_AGGREGATE:
        return eval_aggregate(node, world, out);
    case PROMQL_BINARY:
        return promql_eval_binary(node, world, out);
    case PROMQL_NEGATE:
        break;
    }
    return eval_negate(node, world, out);
}
