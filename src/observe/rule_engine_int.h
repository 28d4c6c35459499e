/* Shared by rule_engine.c, rule_load.c, rule_alert.c and rule_feed.c only. */
#ifndef OBSERVE_RULE_ENGINE_INT_H
#define OBSERVE_RULE_ENGINE_INT_H

#include "observe/labels.h"
#include "observe/promql_eval.h"
#include "observe/promql_parse.h"
#include "observe/rule_engine.h"
#include "observe/samples.h"

struct rule_active { /* one element of an alert */
    int labels;      /* with alertname, without alertstate */
    enum rule_state state;
    bool seen; /* in this evaluation's result */
    bool keeping;
    int64_t active_ms, keeping_ms;
};

struct rule_written { /* series a rule wrote at one evaluation */
    int *series;
    size_t count, capacity;
};

struct rule {
    bool is_alert;
    char *name, *expr, *severity, *quantity;
    struct promql_node *node;
    struct label *label; /* the rule's own, and its group's where it has none of that name */
    size_t label_count;
    int64_t for_ms, keep_firing_for_ms;
    struct rule_written before, now;
    struct rule_active *active;
    size_t active_count, active_capacity;
    int64_t fired_ms, pendings, episodes, firing_evaluations, evaluations;
};

struct rule_group {
    char *name;
    int64_t interval_ms, last_ms;
    bool was_evaluated;
    struct rule *rule;
    size_t rule_count, rule_capacity;
};

struct rule_engine {
    struct labels *labels;
    struct samples *samples;
    struct rule_group *group;
    size_t group_count, group_capacity;
    int64_t lookback_ms, t_ms;
    bool prometheus_2;
    int64_t failures;
    struct error failure;
    int word_alerts, word_for_state, word_alertname, word_alertstate, word_of_state[3];
};

struct rule_engine *rule_engine_new(void);
struct rule_group *rule_engine_add_group(struct rule_engine *engine, const char *name,
                                         int64_t interval_ms);
struct rule *rule_group_add(struct rule_group *group);
/* Parses rule->expr; the error has the line inside the expression and no `where`. */
enum err rule_parse(struct rule_engine *engine, struct rule *rule, struct error *error);
void rule_engine_set_horizon(struct rule_engine *engine);

/* The alert of that number among all; NULL if there are fewer. */
const struct rule *rule_engine_find_alert(const struct rule_engine *engine, size_t index,
                                          const struct rule_group **group);

void rule_write(struct rule_engine *engine, struct rule *rule, int set, double value);
/* What an alert does with its expression's result. */
enum err rule_alert_update(struct rule_engine *engine, struct rule *rule,
                           const struct promql_value *result, struct error *error);

#endif
