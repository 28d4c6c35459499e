/*
 * What an alert rests on: the selectors of its expression and, where one names a record, those of
 * all rules that record it. Records may read themselves and each other, so every rule is looked at
 * once.
 */
#include "base/mem.h"
#include "base/text.h"
#include "observe/rule_engine_int.h"

#include <stdio.h>
#include <string.h>

struct walk {
    const struct rule_engine *engine;
    bool *seen; /* by rule, counted over all groups */
    char *missing;
    size_t size;
};

static bool visit_node(struct walk *walk, const struct promql_node *node);

/* The word a selector's name must equal; -1 if it is not told by =. */
static int name_of(const struct promql_node *selector)
{
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct promql_matcher *matcher = &selector->matcher[i];
        if (matcher->name == LABELS_NAME && matcher->match == PROMQL_EQUAL) {
            return matcher->value;
        }
    }
    return -1;
}

static bool is_written_by_alerts(const struct rule_engine *engine, int name)
{
    return name == engine->word_alerts || name == engine->word_for_state;
}

static bool takes_a_series(const struct rule_engine *engine, const struct promql_node *selector)
{
    for (size_t i = 0; i < samples_series_count(engine->samples); i++) {
        if (promql_matches(selector, engine->labels, samples_labels(engine->samples, (int)i))) {
            return true;
        }
    }
    return false;
}

static void print_selector(const struct walk *walk, const struct promql_node *selector)
{
    static const char *const signs[] = {[PROMQL_EQUAL] = "=",
                                        [PROMQL_NOT_EQUAL] = "!=",
                                        [PROMQL_LIKE] = "=~",
                                        [PROMQL_NOT_LIKE] = "!~"};
    const struct labels *labels = walk->engine->labels;
    int name = name_of(selector);
    int used =
        snprintf(walk->missing, walk->size, "%s", name >= 0 ? labels_text(labels, name) : "");
    bool open = false;
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct promql_matcher *matcher = &selector->matcher[i];
        if (matcher->name == LABELS_NAME && matcher->value == name) {
            continue;
        }
        if (used >= 0 && (size_t)used < walk->size) {
            used += snprintf(walk->missing + used, walk->size - (size_t)used, "%s%s%s\"%s\"",
                             open ? "," : "{", labels_text(labels, matcher->name),
                             signs[matcher->match], labels_text(labels, matcher->value));
        }
        open = true;
    }
    if (open && used >= 0 && (size_t)used < walk->size) {
        snprintf(walk->missing + used, walk->size - (size_t)used, "}");
    }
}

/* Goes on with a rule if it records `name`, unless that was done before. */
static bool visit_record(struct walk *walk, const struct rule *rule, size_t number,
                         const char *name, bool *recorded)
{
    if (rule->is_alert || strcmp(rule->name, name) != 0) {
        return true;
    }
    bool seen = walk->seen[number];
    *recorded = walk->seen[number] = true;
    return seen || visit_node(walk, rule->node);
}

/* Goes on with the rules that record `name`. */
static bool visit_records(struct walk *walk, int name, bool *recorded)
{
    bool fed = true;
    size_t number = 0;
    const char *text = labels_text(walk->engine->labels, name);
    for (size_t g = 0; g < walk->engine->group_count; g++) {
        const struct rule_group *group = &walk->engine->group[g];
        for (size_t r = 0; r < group->rule_count && fed; r++, number++) {
            fed = visit_record(walk, &group->rule[r], number, text, recorded);
        }
    }
    return fed;
}

static bool visit_selector(struct walk *walk, const struct promql_node *selector)
{
    int name = name_of(selector);
    bool recorded = false;
    if (name >= 0 && is_written_by_alerts(walk->engine, name)) {
        return true;
    }
    if (name >= 0 && !visit_records(walk, name, &recorded)) {
        return false;
    }
    if (recorded || takes_a_series(walk->engine, selector)) {
        return true;
    }
    print_selector(walk, selector);
    return false;
}

static bool visit_node(struct walk *walk, const struct promql_node *node)
{
    if (node->kind == PROMQL_SELECTOR) {
        return visit_selector(walk, node);
    }
    for (size_t i = 0; i < node->argument_count; i++) {
        if (!visit_node(walk, node->argument[i])) {
            return false;
        }
    }
    return true;
}

bool rule_engine_is_fed(const struct rule_engine *engine, size_t alert, char *missing, size_t size)
{
    size_t rules = 0;
    const struct rule_group *group;
    const struct rule *rule = rule_engine_find_alert(engine, alert, &group);
    for (size_t g = 0; g < engine->group_count; g++) {
        rules += engine->group[g].rule_count;
    }
    struct walk walk = {.engine = engine,
                        .seen = mem_zalloc(rules + 1, sizeof *walk.seen),
                        .missing = missing,
                        .size = size};
    (void)text_copy(missing, size, "");
    bool fed = rule == NULL || visit_node(&walk, rule->node);
    mem_free(walk.seen);
    return fed;
}
