/*
 * The life of an alert's elements, as in rules/alerting.go of Prometheus: pending from the first
 * evaluation that has it, firing when `for` has passed since, gone at the first evaluation that
 * does not have it, unless it fires and keep_firing_for has not passed since that evaluation.
 */
#include "observe/rule_engine_int.h"

#include "base/mem.h"

#include <string.h>

#define MS_PER_S 1000.0

static int element_labels(const struct rule_engine *engine, const struct rule *rule, int set)
{
    static const int name = LABELS_NAME;
    struct label alertname = {engine->word_alertname,
                              labels_word(engine->labels, rule->name, strlen(rule->name))};
    int out = labels_drop(engine->labels, set, &name, 1);
    out = labels_with(engine->labels, out, rule->label, rule->label_count);
    return labels_with(engine->labels, out, &alertname, 1);
}

static struct rule_active *find_active(const struct rule *rule, int labels)
{
    for (size_t i = 0; i < rule->active_count; i++) {
        if (rule->active[i].labels == labels) {
            return &rule->active[i];
        }
    }
    return NULL;
}

static struct rule_active *add_active(struct rule *rule, int labels, int64_t t_ms)
{
    if (rule->active_count == rule->active_capacity) {
        rule->active_capacity = rule->active_capacity ? 2 * rule->active_capacity : 4;
        rule->active = mem_resize(rule->active, rule->active_capacity, sizeof *rule->active);
    }
    struct rule_active *active = &rule->active[rule->active_count++];
    *active = (struct rule_active){.labels = labels, .state = RULE_PENDING, .active_ms = t_ms};
    rule->pendings++;
    return active;
}

/* Two elements that become one alert are an error before anything has changed. */
static enum err check_twins(const struct rule_engine *engine, const struct rule *rule,
                            const struct promql_value *result, struct error *error)
{
    for (size_t i = 1; i < result->count; i++) {
        int labels = element_labels(engine, rule, result->element[i].labels);
        for (size_t k = 0; k < i; k++) {
            if (labels == element_labels(engine, rule, result->element[k].labels)) {
                return error_set(error, ERR_INPUT, NULL, 0,
                                 "vector contains metrics with the same labelset after applying "
                                 "alert labels");
            }
        }
    }
    return ERR_OK;
}

/* Whether an element that the result no longer has stays, because it keeps firing. */
static bool keeps_firing(const struct rule *rule, struct rule_active *active, int64_t t_ms)
{
    if (active->state != RULE_FIRING || rule->keep_firing_for_ms == 0) {
        return false;
    }
    if (!active->keeping) {
        active->keeping = true;
        active->keeping_ms = t_ms;
    }
    return t_ms - active->keeping_ms < rule->keep_firing_for_ms;
}

static void write_state(struct rule_engine *engine, struct rule *rule,
                        const struct rule_active *active)
{
    struct label alerts[] = {{LABELS_NAME, engine->word_alerts},
                             {engine->word_alertstate, engine->word_of_state[active->state]}};
    struct label for_state = {LABELS_NAME, engine->word_for_state};
    rule_write(engine, rule, labels_with(engine->labels, active->labels, alerts, 2), 1);
    rule_write(engine, rule, labels_with(engine->labels, active->labels, &for_state, 1),
               (double)active->active_ms / MS_PER_S);
}

/* False if the element is gone. */
static bool advance(struct rule_engine *engine, struct rule *rule, struct rule_active *active)
{
    if (!active->seen && !keeps_firing(rule, active, engine->t_ms)) {
        return false;
    }
    if (active->seen) {
        active->keeping = false;
    }
    if (active->state == RULE_PENDING && engine->t_ms - active->active_ms >= rule->for_ms) {
        active->state = RULE_FIRING;
        rule->fired_ms = engine->t_ms;
        rule->episodes++;
    }
    write_state(engine, rule, active);
    return true;
}

enum err rule_alert_update(struct rule_engine *engine, struct rule *rule,
                           const struct promql_value *result, struct error *error)
{
    size_t kept = 0;
    bool firing = false;
    enum err code = check_twins(engine, rule, result, error);
    if (code != ERR_OK) {
        return code;
    }
    for (size_t i = 0; i < rule->active_count; i++) {
        rule->active[i].seen = false;
    }
    for (size_t i = 0; i < result->count; i++) {
        int labels = element_labels(engine, rule, result->element[i].labels);
        struct rule_active *active = find_active(rule, labels);
        active = active != NULL ? active : add_active(rule, labels, engine->t_ms);
        active->seen = true;
    }
    for (size_t i = 0; i < rule->active_count; i++) {
        if (advance(engine, rule, &rule->active[i])) {
            firing = firing || rule->active[i].state == RULE_FIRING;
            rule->active[kept++] = rule->active[i];
        }
    }
    rule->active_count = kept;
    rule->evaluations++;
    rule->firing_evaluations += firing;
    return ERR_OK;
}
