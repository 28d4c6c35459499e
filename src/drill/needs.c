/*
 * An expression yields something only if the series it reads are there: both sides of an arithmetic
 * or comparing operator, of `and`; either side of `or`; the left side of `unless`. Two habits of
 * rules need care.
 *
 * `x or y * 0` says "0 as long as x has never counted", and does not mean a target that has no x:
 * its conversion would be 0 for ever, and the alert on it would cry. So x is needed. But on the
 * right of `unless` the same is a mere help, and there it is not.
 *
 * `a unless b` with a `b` that can never be keeps firing where it should not, so b must be possible
 * in the lenient reading. And absent(x) of what is never there is always true: x is needed.
 *
 * Records read each other, some themselves; one that is being looked at is taken not to be there,
 * so that it needs what it begins from. `itself or y * 0` begins from y.
 *
 * One record may hold several counters told apart by a label, `label_replace(x, "counter", "a", "",
 * "") or label_replace(y, "counter", "b", "", "")`; who selects {counter="a"} from it needs x
 * alone.
 */
#include "drill/needs.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/yaml.h"
#include "observe/lint_expr.h"
#include "observe/lint_text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define JOB "recommender" /* what the target is called in rules and dashboards */

struct rule {
    const char *name; /* of the alert or of what is recorded; in the documents */
    const char *group;
    bool is_alert, is_silent; /* silent: of severity none, which always fires */
    bool looked_at[2];        /* is being looked at: strictly, leniently */
    struct lint_node *expr;   /* NULL: unreadable */
};

struct needs {
    const struct metric_map *map;
    json_t *documents; /* array */
    struct labels *words;
    struct rule *rule;
    size_t count, capacity;
};

struct look {
    struct needs *needs;
    const struct lint_node *wanted; /* whose matchers hold for what is looked at; NULL: nobody's */
    bool lenient;
    char *missing;
    size_t size;
};

/* ---- rules ---- */

static void add_rule(struct needs *needs, const json_t *group, const json_t *rule)
{
    const char *alert = json_string_value(json_object_get(rule, "alert"));
    const char *record = json_string_value(json_object_get(rule, "record"));
    const char *expr = json_string_value(json_object_get(rule, "expr"));
    const char *severity =
        json_string_value(json_object_get(json_object_get(rule, "labels"), "severity"));
    if (alert == NULL && record == NULL) {
        return;
    }
    if (needs->count == needs->capacity) {
        needs->capacity = needs->capacity == 0 ? 64 : 2 * needs->capacity;
        needs->rule = mem_resize(needs->rule, needs->capacity, sizeof *needs->rule);
    }
    struct rule *out = &needs->rule[needs->count++];
    *out = (struct rule){.name = alert != NULL ? alert : record,
                         .group = json_string_value(json_object_get(group, "name")),
                         .is_alert = alert != NULL,
                         .is_silent = severity != NULL && strcmp(severity, "none") == 0};
    if (expr != NULL && lint_expr_parse(expr, needs->words, &out->expr, NULL) != ERR_OK) {
        out->expr = NULL;
    }
}

static enum err add_file(struct needs *needs, const char *path, struct error *error)
{
    json_t *document = NULL;
    enum err code = yaml_read_file(path, &document, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    json_array_append_new(needs->documents, document);
    const json_t *groups = json_object_get(document, "groups");
    for (size_t g = 0; g < json_array_size(groups); g++) {
        const json_t *group = json_array_get(groups, g);
        const json_t *rules = json_object_get(group, "rules");
        for (size_t r = 0; r < json_array_size(rules); r++) {
            add_rule(needs, group, json_array_get(rules, r));
        }
    }
    return ERR_OK;
}

enum err needs_new(const char *const *rules, size_t count, const struct metric_map *map,
                   struct needs **out, struct error *error)
{
    struct needs *needs = mem_zalloc(1, sizeof *needs);
    enum err code = ERR_OK;
    needs->map = map;
    needs->documents = json_array();
    needs->words = labels_new();
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        code = add_file(needs, rules[i], error);
    }
    if (code != ERR_OK) {
        needs_free(needs);
        return code;
    }
    *out = needs;
    return ERR_OK;
}

void needs_free(struct needs *needs)
{
    if (needs == NULL) {
        return;
    }
    for (size_t i = 0; i < needs->count; i++) {
        lint_node_free(needs->rule[i].expr);
    }
    mem_free(needs->rule);
    labels_free(needs->words);
    json_decref(needs->documents);
    mem_free(needs);
}

/* ---- expressions ---- */

static bool met(struct look *look, const struct lint_node *node);

static bool lacks(struct look *look, const char *metric)
{
    if (look->missing[0] == '\0') {
        (void)text_copy(look->missing, look->size, metric);
    }
    return false;
}

static bool is_of_target(const struct lint_node *selector)
{
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct lint_matcher *matcher = &selector->matcher[i];
        if (strcmp(matcher->name, "job") == 0 && strcmp(matcher->sign, "=") == 0) {
            return strcmp(matcher->value, JOB) == 0;
        }
    }
    return false;
}

/* Every rule that records the series must be able to: each gives a part of it. */
static bool met_by_records(struct look *look, const struct lint_node *selector, bool *found)
{
    const char *name = selector->text;
    for (size_t i = 0; i < look->needs->count; i++) {
        struct rule *rule = &look->needs->rule[i];
        if (rule->is_alert || strcmp(rule->name, name) != 0) {
            continue;
        }
        *found = true;
        if (rule->expr == NULL) {
            continue;
        }
        if (rule->looked_at[look->lenient]) {
            return false;
        }
        rule->looked_at[look->lenient] = true;
        struct look inside = *look;
        inside.wanted = selector->matcher_count > 0 ? selector : look->wanted;
        bool is_met = met(&inside, rule->expr);
        rule->looked_at[look->lenient] = false;
        if (!is_met) {
            return false;
        }
    }
    return true;
}

static bool met_by_selector(struct look *look, const struct lint_node *selector)
{
    const char *name = selector->text;
    const struct metric_map *map = look->needs->map;
    bool found = false;
    if (!met_by_records(look, selector, &found)) {
        return false;
    }
    if (found) {
        return true;
    }
    if (metric_map_is_ours(name)) {
        return (map != NULL && metric_map_has(map, name)) || lacks(look, name);
    }
    return map != NULL || !is_of_target(selector) || lacks(look, name);
}

/* `y * 0`, what a rule puts in the place of a series that has not begun. */
static bool is_zero(const struct lint_node *node)
{
    const struct lint_node *last =
        lint_is_operator(node, "*") ? node->child[node->child_count - 1] : NULL;
    return last != NULL && last->kind == LINT_NUMBER && last->number == 0;
}

static bool is_being_looked_at(const struct look *look, const struct lint_node *node)
{
    for (size_t i = 0; node->kind == LINT_SELECTOR && i < look->needs->count; i++) {
        const struct rule *rule = &look->needs->rule[i];
        if (!rule->is_alert && rule->looked_at[look->lenient] &&
            strcmp(rule->name, node->text) == 0) {
            return true;
        }
    }
    return false;
}

/* Without a word of what one side lacks if the other is enough. */
static bool met_by_either(struct look *look, const struct lint_node *node)
{
    char missing[128] = "";
    struct look quiet = *look;
    quiet.missing = missing;
    quiet.size = sizeof missing;
    bool begins = is_being_looked_at(look, node->child[0]);
    bool helps = look->lenient || begins || !is_zero(node->child[1]);
    return met(&quiet, node->child[0]) || (helps && met(&quiet, node->child[1])) ||
           lacks(look, missing);
}

static bool met_by_unless(struct look *look, const struct lint_node *node)
{
    struct look help = *look;
    help.lenient = true;
    return met(look, node->child[0]) && met(&help, node->child[1]);
}

/* label_replace(x, "label", "value", "", ""), which gives every element the label. */
static bool is_labelled(const struct lint_node *node)
{
    return lint_is_call(node, "label_replace") && node->child[3]->text[0] == '\0' &&
           node->child[4]->text[0] == '\0';
}

/* Whether the elements of such a call can be among those that are wanted. */
static bool is_wanted(const struct look *look, const struct lint_node *call)
{
    for (size_t i = 0; look->wanted != NULL && i < look->wanted->matcher_count; i++) {
        const struct lint_matcher *matcher = &look->wanted->matcher[i];
        if (strcmp(matcher->name, call->child[1]->text) == 0 && strcmp(matcher->sign, "=") == 0 &&
            strcmp(matcher->value, call->child[2]->text) != 0) {
            return false;
        }
    }
    return true;
}

static bool met(struct look *look, const struct lint_node *node)
{
    if (is_labelled(node) && !is_wanted(look, node)) {
        return false;
    }
    if (node->kind == LINT_SELECTOR) {
        return met_by_selector(look, node);
    }
    if (lint_is_operator(node, "or")) {
        return met_by_either(look, node);
    }
    if (lint_is_operator(node, "unless")) {
        return met_by_unless(look, node);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (!met(look, node->child[i])) {
            return false;
        }
    }
    return true;
}

/* ---- questions ---- */

/* absent() is looked for in every branch: one that is always true decides. */
static bool absent_met(struct look *look, const struct lint_node *node)
{
    if (lint_is_call(node, "absent") || lint_is_call(node, "absent_over_time")) {
        return met(look, node);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (!absent_met(look, node->child[i])) {
            return false;
        }
    }
    return true;
}

static bool expr_met(struct needs *needs, const struct lint_node *expr, char *missing, size_t size)
{
    struct look look = {.needs = needs, .missing = missing, .size = size};
    missing[0] = '\0';
    bool is_met = expr == NULL || (absent_met(&look, expr) && met(&look, expr));
    if (!is_met && missing[0] == '\0') {
        (void)lacks(&look, "a series that begins from nothing");
    }
    return is_met;
}

bool needs_met_by_alert(struct needs *needs, const char *alert, char *missing, size_t size)
{
    missing[0] = '\0';
    for (size_t i = 0; i < needs->count; i++) {
        const struct rule *rule = &needs->rule[i];
        if (rule->is_alert && strcmp(rule->name, alert) == 0) {
            return expr_met(needs, rule->expr, missing, size);
        }
    }
    return true;
}

bool needs_met_by_group(struct needs *needs, const char *group, char *missing, size_t size)
{
    missing[0] = '\0';
    for (size_t i = 0; i < needs->count; i++) {
        const struct rule *rule = &needs->rule[i];
        bool meant = group == NULL || (rule->group != NULL && strcmp(rule->group, group) == 0);
        if (rule->is_alert && !rule->is_silent && meant &&
            expr_met(needs, rule->expr, missing, size)) {
            return true;
        }
    }
    return false;
}

/* Label matchers may stand behind the name. */
bool needs_met_by_series(struct needs *needs, const char *series, char *missing, size_t size)
{
    return needs_met_by_query(needs, series, missing, size);
}

bool needs_met_by_query(struct needs *needs, const char *query, char *missing, size_t size)
{
    struct lint_filled filled = {0};
    struct lint_node *node = NULL;
    missing[0] = '\0';
    lint_fill(query, NULL, &filled);
    bool is_met = lint_expr_parse(filled.text, needs->words, &node, NULL) != ERR_OK ||
                  expr_met(needs, node, missing, size);
    lint_node_free(node);
    lint_filled_deinit(&filled);
    return is_met;
}

const char *needs_alert_at(const struct needs *needs, size_t index, const char **group)
{
    for (size_t i = 0; i < needs->count; i++) {
        const struct rule *rule = &needs->rule[i];
        if (rule->is_alert && index-- == 0) {
            if (group != NULL) {
                *group = rule->group;
            }
            return rule->name;
        }
    }
    return NULL;
}
