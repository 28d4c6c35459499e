#include "observe/rule_engine.h"

#include "base/mem.h"
#include "observe/rule_engine_int.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOOKBACK_MS (INT64_C(5) * 60 * 1000)

struct rule_engine *rule_engine_new(void)
{
    struct rule_engine *engine = mem_zalloc(1, sizeof *engine);
    struct labels *labels = labels_new();
    engine->labels = labels;
    engine->samples = samples_new();
    engine->lookback_ms = LOOKBACK_MS;
    engine->word_alerts = labels_word(labels, "ALERTS", 6);
    engine->word_for_state = labels_word(labels, "ALERTS_FOR_STATE", 16);
    engine->word_alertname = labels_word(labels, "alertname", 9);
    engine->word_alertstate = labels_word(labels, "alertstate", 10);
    engine->word_of_state[RULE_INACTIVE] = LABELS_EMPTY_WORD;
    engine->word_of_state[RULE_PENDING] = labels_word(labels, "pending", 7);
    engine->word_of_state[RULE_FIRING] = labels_word(labels, "firing", 6);
    return engine;
}

struct rule_group *rule_engine_add_group(struct rule_engine *engine, const char *name,
                                         int64_t interval_ms)
{
    if (engine->group_count == engine->group_capacity) {
        engine->group_capacity = engine->group_capacity ? 2 * engine->group_capacity : 4;
        engine->group = mem_resize(engine->group, engine->group_capacity, sizeof *engine->group);
    }
    struct rule_group *group = &engine->group[engine->group_count++];
    *group = (struct rule_group){.name = mem_text(name), .interval_ms = interval_ms};
    return group;
}

struct rule *rule_group_add(struct rule_group *group)
{
    if (group->rule_count == group->rule_capacity) {
        group->rule_capacity = group->rule_capacity ? 2 * group->rule_capacity : 16;
        group->rule = mem_resize(group->rule, group->rule_capacity, sizeof *group->rule);
    }
    struct rule *rule = &group->rule[group->rule_count++];
    *rule = (struct rule){.fired_ms = INT64_MIN};
    return rule;
}

enum err rule_parse(struct rule_engine *engine, struct rule *rule, struct error *error)
{
    return promql_parse(rule->expr, engine->labels, &rule->node, error);
}

void rule_engine_set_horizon(struct rule_engine *engine)
{
    int64_t reach_ms = engine->lookback_ms;
    for (size_t g = 0; g < engine->group_count; g++) {
        for (size_t r = 0; r < engine->group[g].rule_count; r++) {
            int64_t one_ms = promql_reach_ms(engine->group[g].rule[r].node, engine->lookback_ms);
            reach_ms = one_ms > reach_ms ? one_ms : reach_ms;
        }
    }
    samples_horizon(engine->samples, reach_ms);
}

static void free_rule(struct rule *rule)
{
    promql_node_free(rule->node);
    mem_free(rule->name);
    mem_free(rule->expr);
    mem_free(rule->severity);
    mem_free(rule->quantity);
    mem_free(rule->label);
    mem_free(rule->before.series);
    mem_free(rule->now.series);
    mem_free(rule->active);
}

void rule_engine_free(struct rule_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (size_t g = 0; g < engine->group_count; g++) {
        for (size_t r = 0; r < engine->group[g].rule_count; r++) {
            free_rule(&engine->group[g].rule[r]);
        }
        mem_free(engine->group[g].rule);
        mem_free(engine->group[g].name);
    }
    mem_free(engine->group);
    samples_free(engine->samples);
    labels_free(engine->labels);
    mem_free(engine);
}

/* Words have other numbers in another engine. */
static struct label *copy_labels(const struct labels *from, struct labels *to,
                                 const struct label *pair, size_t count)
{
    struct label *out = mem_array(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        const char *name = labels_text(from, pair[i].name);
        const char *value = labels_text(from, pair[i].value);
        out[i].name = labels_word(to, name, strlen(name));
        out[i].value = labels_word(to, value, strlen(value));
    }
    return out;
}

static void copy_rule(const struct rule_engine *from, const struct rule *rule,
                      struct rule_engine *to, struct rule_group *group)
{
    struct rule *copy = rule_group_add(group);
    copy->is_alert = rule->is_alert;
    copy->name = mem_text(rule->name);
    copy->expr = mem_text(rule->expr);
    copy->severity = mem_text(rule->severity);
    copy->quantity = mem_text(rule->quantity);
    copy->label = copy_labels(from->labels, to->labels, rule->label, rule->label_count);
    copy->label_count = rule->label_count;
    copy->for_ms = rule->for_ms;
    copy->keep_firing_for_ms = rule->keep_firing_for_ms;
    enum err code = rule_parse(to, copy, NULL);
    assert(code == ERR_OK); /* it was parsed before */
    (void)code;
}

struct rule_engine *rule_engine_clone(const struct rule_engine *engine)
{
    struct rule_engine *copy = rule_engine_new();
    copy->lookback_ms = engine->lookback_ms;
    copy->prometheus_2 = engine->prometheus_2;
    for (size_t g = 0; g < engine->group_count; g++) {
        const struct rule_group *from = &engine->group[g];
        struct rule_group *to = rule_engine_add_group(copy, from->name, from->interval_ms);
        for (size_t r = 0; r < from->rule_count; r++) {
            copy_rule(engine, &from->rule[r], copy, to);
        }
    }
    for (size_t i = 0; i < samples_series_count(engine->samples); i++) {
        char *text = labels_print(engine->labels, samples_labels(engine->samples, (int)i));
        int series = rule_engine_series(copy, text, NULL);
        assert(series == (int)i);
        (void)series;
        mem_free(text);
    }
    rule_engine_set_horizon(copy);
    return copy;
}

static void reset_rule(struct rule *rule)
{
    rule->before.count = rule->now.count = rule->active_count = 0;
    rule->fired_ms = INT64_MIN;
    rule->pendings = rule->episodes = rule->firing_evaluations = rule->evaluations = 0;
}

void rule_engine_reset(struct rule_engine *engine)
{
    samples_clear(engine->samples);
    engine->failures = 0;
    engine->failure = (struct error){.code = ERR_OK};
    engine->t_ms = 0;
    for (size_t g = 0; g < engine->group_count; g++) {
        engine->group[g].was_evaluated = false;
        for (size_t r = 0; r < engine->group[g].rule_count; r++) {
            reset_rule(&engine->group[g].rule[r]);
        }
    }
}

void rule_engine_prometheus_2(struct rule_engine *engine, bool on)
{
    engine->prometheus_2 = on;
}

void rule_engine_lookback(struct rule_engine *engine, int64_t lookback_ms)
{
    assert(lookback_ms > 0);
    engine->lookback_ms = lookback_ms;
    rule_engine_set_horizon(engine);
}

int rule_engine_series(struct rule_engine *engine, const char *text, struct error *error)
{
    int set;
    if (promql_parse_series(text, engine->labels, &set, error) != ERR_OK) {
        return -1;
    }
    return samples_series(engine->samples, set);
}

void rule_engine_sample(struct rule_engine *engine, int series, int64_t t_ms, double value)
{
    samples_append(engine->samples, series, t_ms, value);
}

void rule_engine_stale(struct rule_engine *engine, int series, int64_t t_ms)
{
    samples_append_stale(engine->samples, series, t_ms);
}

static void note_written(struct rule_written *written, int series)
{
    if (written->count == written->capacity) {
        written->capacity = written->capacity ? 2 * written->capacity : 4;
        written->series = mem_resize(written->series, written->capacity, sizeof *written->series);
    }
    written->series[written->count++] = series;
}

void rule_write(struct rule_engine *engine, struct rule *rule, int set, double value)
{
    int series = samples_series(engine->samples, set);
    samples_append(engine->samples, series, engine->t_ms, value);
    note_written(&rule->now, series);
}

static bool wrote(const struct rule_written *written, int series)
{
    for (size_t i = 0; i < written->count; i++) {
        if (written->series[i] == series) {
            return true;
        }
    }
    return false;
}

/* Ends the series that the rule wrote at the evaluation before and not at this one. */
static void end_series(struct rule_engine *engine, struct rule *rule)
{
    for (size_t i = 0; i < rule->before.count; i++) {
        if (!wrote(&rule->now, rule->before.series[i])) {
            samples_append_stale(engine->samples, rule->before.series[i], engine->t_ms);
        }
    }
    struct rule_written before = rule->before;
    rule->before = rule->now;
    rule->now = before;
    rule->now.count = 0;
}

static enum err record(struct rule_engine *engine, struct rule *rule,
                       const struct promql_value *result, struct error *error)
{
    struct label name = {LABELS_NAME, labels_word(engine->labels, rule->name, strlen(rule->name))};
    int *set = mem_array(result->count + 1, sizeof *set);
    enum err code = ERR_OK;
    for (size_t i = 0; i < result->count; i++) {
        set[i] = labels_with(engine->labels, result->element[i].labels, &name, 1);
        set[i] = labels_with(engine->labels, set[i], rule->label, rule->label_count);
        for (size_t k = 0; k < i; k++) {
            if (set[k] == set[i]) {
                code = error_set(error, ERR_INPUT, NULL, 0,
                                 "vector contains metrics with the same labelset after applying "
                                 "rule labels");
            }
        }
    }
    for (size_t i = 0; code == ERR_OK && i < result->count; i++) {
        rule_write(engine, rule, set[i], result->element[i].value);
    }
    mem_free(set);
    return code;
}

static enum err evaluate_rule(struct rule_engine *engine, struct rule *rule, struct error *error)
{
    struct promql_value result = {0};
    struct promql_world world = {.labels = engine->labels,
                                 .samples = engine->samples,
                                 .t_ms = engine->t_ms,
                                 .lookback_ms = engine->lookback_ms,
                                 .prometheus_2 = engine->prometheus_2,
                                 .error = error};
    enum err code = promql_eval(rule->node, &world, &result);
    if (code == ERR_OK && result.is_scalar) {
        struct promql_element element = {LABELS_EMPTY_SET, result.scalar, engine->t_ms};
        struct promql_value one = {.element = &element, .count = 1};
        code = rule->is_alert ? rule_alert_update(engine, rule, &one, error)
                              : record(engine, rule, &one, error);
    } else if (code == ERR_OK) {
        code = rule->is_alert ? rule_alert_update(engine, rule, &result, error)
                              : record(engine, rule, &result, error);
    }
    promql_value_deinit(&result);
    return code;
}

static void evaluate_group(struct rule_engine *engine, struct rule_group *group)
{
    for (size_t i = 0; i < group->rule_count; i++) {
        struct error error = {.code = ERR_OK};
        if (evaluate_rule(engine, &group->rule[i], &error) == ERR_OK) {
            end_series(engine, &group->rule[i]);
        } else {
            engine->failures++;
            engine->failure = error;
        }
    }
}

void rule_engine_evaluate(struct rule_engine *engine, int64_t t_ms)
{
    engine->t_ms = t_ms;
    for (size_t i = 0; i < engine->group_count; i++) {
        struct rule_group *group = &engine->group[i];
        if (!group->was_evaluated || t_ms - group->last_ms >= group->interval_ms) {
            group->was_evaluated = true;
            group->last_ms = t_ms;
            evaluate_group(engine, group);
        }
    }
}

int64_t rule_engine_interval_ms(const struct rule_engine *engine)
{
    int64_t shortest_ms = 0;
    for (size_t i = 0; i < engine->group_count; i++) {
        int64_t interval_ms = engine->group[i].interval_ms;
        if (shortest_ms == 0 || interval_ms < shortest_ms) {
            shortest_ms = interval_ms;
        }
    }
    return shortest_ms;
}

int64_t rule_engine_failures(const struct rule_engine *engine, const char **why)
{
    *why = engine->failure.text;
    return engine->failures;
}

double rule_engine_value(const struct rule_engine *engine, const char *name)
{
    int64_t t_ms;
    double value;
    for (size_t i = 0; i < samples_series_count(engine->samples); i++) {
        int set = samples_labels(engine->samples, (int)i);
        const char *text =
            labels_text(engine->labels, labels_value(engine->labels, set, LABELS_NAME));
        if (strcmp(text, name) == 0 &&
            samples_newest(engine->samples, (int)i, engine->t_ms - engine->lookback_ms,
                           engine->t_ms, &t_ms, &value)) {
            return value;
        }
    }
    return NAN;
}

const struct rule *rule_engine_find_alert(const struct rule_engine *engine, size_t index,
                                          const struct rule_group **group)
{
    for (size_t g = 0; g < engine->group_count; g++) {
        for (size_t r = 0; r < engine->group[g].rule_count; r++) {
            const struct rule *rule = &engine->group[g].rule[r];
            if (rule->is_alert && index-- == 0) {
                *group = &engine->group[g];
                return rule;
            }
        }
    }
    return NULL;
}

size_t rule_engine_alert_count(const struct rule_engine *engine)
{
    const struct rule_group *group;
    size_t count = 0;
    while (rule_engine_find_alert(engine, count, &group) != NULL) {
        count++;
    }
    return count;
}

void rule_engine_alert_at(const struct rule_engine *engine, size_t index, struct rule_alert *out)
{
    const struct rule_group *group = NULL;
    const struct rule *rule = rule_engine_find_alert(engine, index, &group);
    assert(rule != NULL);
    *out = (struct rule_alert){.name = rule->name,
                               .group = group->name,
                               .severity = rule->severity,
                               .quantity = rule->quantity,
                               .active_ms = INT64_MAX,
                               .fired_ms = rule->fired_ms,
                               .pendings = rule->pendings,
                               .episodes = rule->episodes,
                               .firing_evaluations = rule->firing_evaluations,
                               .evaluations = rule->evaluations};
    for (size_t i = 0; i < rule->active_count; i++) {
        const struct rule_active *active = &rule->active[i];
        out->state = active->state > out->state ? active->state : out->state;
        out->active_ms = active->active_ms < out->active_ms ? active->active_ms : out->active_ms;
    }
}

enum rule_state rule_engine_alert(const struct rule_engine *engine, const char *alert)
{
    struct rule_alert found;
    size_t count = rule_engine_alert_count(engine);
    for (size_t i = 0; i < count; i++) {
        rule_engine_alert_at(engine, i, &found);
        if (strcmp(found.name, alert) == 0) {
            return found.state;
        }
    }
    return RULE_INACTIVE;
}

static int compare_elements(const void *left, const void *right)
{
    return strcmp(((const struct rule_element *)left)->labels,
                  ((const struct rule_element *)right)->labels);
}

static struct rule_element *print_value(const struct rule_engine *engine,
                                        const struct promql_value *value, size_t *count)
{
    *count = value->is_scalar ? 1 : value->count;
    struct rule_element *out = mem_array(*count + 1, sizeof *out);
    for (size_t i = 0; i < value->count; i++) {
        out[i].labels = labels_print(engine->labels, value->element[i].labels);
        out[i].value = value->element[i].value;
    }
    if (value->is_scalar) {
        out[0] = (struct rule_element){mem_text(""), value->scalar};
    }
    qsort(out, *count, sizeof *out, compare_elements);
    return out;
}

enum err rule_engine_query(struct rule_engine *engine, const char *expr, int64_t t_ms,
                           struct rule_element **out, size_t *count, struct error *error)
{
    struct promql_node *node = NULL;
    struct promql_value value = {0};
    struct promql_world world = {.labels = engine->labels,
                                 .samples = engine->samples,
                                 .t_ms = t_ms,
                                 .lookback_ms = engine->lookback_ms,
                                 .prometheus_2 = engine->prometheus_2,
                                 .error = error};
    enum err code = promql_parse(expr, engine->labels, &node, error);
    if (code == ERR_OK) {
        code = promql_eval(node, &world, &value);
    }
    if (code == ERR_OK) {
        *out = print_value(engine, &value, count);
    }
    promql_value_deinit(&value);
    promql_node_free(node);
    return code;
}

void rule_elements_free(struct rule_element *elements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mem_free(elements[i].labels);
    }
    mem_free(elements);
}
