/*
 * Expositions and rules become maps of names. What Prometheus, Alertmanager, Grafana and the drill
 * say of themselves is judged only if one of the expositions given is theirs: a check of the
 * recommender's metrics must not blame a panel for what another program exposes.
 */
#include "observe/lint_series.h"

#include "base/mem.h"
#include "base/text.h"
#include "observe/lint_series_int.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES 256
#define RULES_DEEP 6 /* rules read each other, and some themselves */

static const char *const foreign[] = {"prometheus_", "alertmanager_", "grafana_", "driftdrill_",
                                      "go_",         "net_",          "promhttp_"};
static const char *const synthetic[] = {"up", "ALERTS", "ALERTS_FOR_STATE", "driftdrill:heartbeat"};

struct lint_series *lint_series_new(void)
{
    struct lint_series *series = mem_zalloc(1, sizeof *series);
    series->words = labels_new();
    series->exposed = json_object();
    series->types = json_object();
    return series;
}

void lint_series_free(struct lint_series *series)
{
    if (series == NULL) {
        return;
    }
    for (size_t i = 0; i < series->record_count; i++) {
        lint_node_free(series->record[i].expr);
        json_decref(series->record[i].labels);
        lint_shape_deinit(&series->record[i].shape);
    }
    mem_free(series->record);
    json_decref(series->exposed);
    json_decref(series->types);
    mem_free(series->limit);
    labels_free(series->words);
    mem_free(series);
}

struct labels *lint_series_words(const struct lint_series *series)
{
    return series->words;
}

/* The object at key, made if it is not there. */
static json_t *child(json_t *object, const char *key)
{
    if (json_object_get(object, key) == NULL) {
        (void)json_object_set_new(object, key, json_object());
    }
    return json_object_get(object, key);
}

/* A family without a series yet is one whose labels nobody knows. */
static void expose_empty(struct lint_series *series, const char *family, const char *type)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    char name[NAME_BYTES];
    bool histogram = strcmp(type, "histogram") == 0;
    bool summary = strcmp(type, "summary") == 0;
    bool plain = json_object_get(series->exposed, family) != NULL;
    for (size_t i = 0; i < 3 && (histogram || summary); i++) {
        (void)snprintf(name, sizeof name, "%s%s", family, suffixes[i]);
        plain = plain || json_object_get(series->exposed, name) != NULL;
    }
    for (size_t i = 0; i < 3 && (histogram || summary) && !plain; i++) {
        (void)snprintf(name, sizeof name, "%s%s", family, suffixes[i]);
        if (histogram || i > 0) {
            (void)json_object_set_new(series->exposed, name, json_null());
        }
    }
    if (!plain && !histogram) {
        (void)json_object_set_new(series->exposed, family, json_null());
    }
}

void lint_series_expose(struct lint_series *series, const char *job,
                        const struct metrics_snapshot *snapshot)
{
    for (size_t i = 0; i < metrics_series_count(snapshot); i++) {
        const struct metrics_label *label;
        size_t count;
        const char *metric = metrics_series_at(snapshot, i, &label, &count);
        json_t *labels = child(series->exposed, metric);
        if (json_is_object(labels)) {
            (void)json_object_set_new(child(labels, "job"), job != NULL ? job : "", json_true());
        }
        for (size_t k = 0; k < count && json_is_object(labels); k++) {
            (void)json_object_set_new(child(labels, label[k].name), label[k].value, json_true());
        }
    }
    for (size_t i = 0; i < metrics_family_count(snapshot); i++) {
        const char *type;
        const char *family = metrics_family_at(snapshot, i, &type);
        (void)json_object_set_new(series->types, family, json_string(type));
        expose_empty(series, family, type);
    }
}

void lint_series_add_rule(struct lint_series *series, const json_t *rule)
{
    const char *name = json_string_value(json_object_get(rule, "record"));
    const char *text = json_string_value(json_object_get(rule, "expr"));
    struct lint_node *expr = NULL;
    if (text != NULL && lint_expr_parse(text, series->words, &expr, NULL) != ERR_OK) {
        expr = NULL;
    }
    if (name == NULL) {
        lint_limits_add(series, rule, expr);
        lint_node_free(expr);
        return;
    }
    if (series->record_count == series->record_capacity) {
        series->record_capacity = series->record_capacity ? 2 * series->record_capacity : 32;
        series->record =
            mem_resize(series->record, series->record_capacity, sizeof *series->record);
    }
    int word = labels_word(series->words, name, strlen(name));
    json_t *labels = json_deep_copy(json_object_get(rule, "labels"));
    series->record[series->record_count++] =
        (struct lint_record){.name = labels_text(series->words, word),
                             .expr = expr,
                             .labels = labels,
                             .shape = {.any = expr == NULL, .names = json_object()}};
}

/* Rules read each other and themselves, so their shapes grow until nothing is added any more. */
void lint_series_settle(struct lint_series *series)
{
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < series->record_count; i++) {
            struct lint_record *record = &series->record[i];
            struct lint_shape shape;
            if (record->shape.any) {
                continue;
            }
            lint_shape_of(series, record->expr, &shape);
            const char *name;
            json_t *value;
            json_object_foreach(record->labels, name, value)
            {
                (void)json_object_set_new(shape.names, name, json_true());
            }
            grown = grown || shape.any != record->shape.any ||
                    json_object_size(shape.names) > json_object_size(record->shape.names);
            lint_shape_deinit(&record->shape);
            record->shape = shape;
        }
    }
}

/* Whether any exposition holds a metric with this beginning. */
static bool exposes_prefix(const struct lint_series *series, const char *prefix)
{
    const char *name;
    json_t *value;
    json_object_foreach(series->exposed, name, value)
    {
        if (text_starts(name, prefix)) {
            return true;
        }
    }
    return false;
}

static bool is_judged(const struct lint_series *series, const char *metric)
{
    if (json_object_size(series->exposed) == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (text_starts(metric, foreign[i])) {
            return exposes_prefix(series, foreign[i]);
        }
    }
    return true;
}

enum lint_origin lint_series_origin(const struct lint_series *series, const char *metric)
{
    if (json_object_get(series->exposed, metric) != NULL) {
        return LINT_EXPOSED;
    }
    for (size_t i = 0; i < series->record_count; i++) {
        if (strcmp(series->record[i].name, metric) == 0) {
            return LINT_RECORDED;
        }
    }
    for (size_t i = 0; i < sizeof synthetic / sizeof synthetic[0]; i++) {
        if (strcmp(synthetic[i], metric) == 0) {
            return LINT_SYNTHETIC;
        }
    }
    if (text_starts(metric, "scrape_")) {
        return LINT_SYNTHETIC;
    }
    /* A colon is for rules, so no exposition needs to be looked at. */
    if (strchr(metric, ':') != NULL) {
        return LINT_NOWHERE;
    }
    return is_judged(series, metric) ? LINT_NOWHERE : LINT_UNJUDGED;
}

const char *lint_series_type(const struct lint_series *series, const char *metric)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    char name[NAME_BYTES];
    const char *type = json_string_value(json_object_get(series->types, metric));
    for (size_t i = 0; type == NULL && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (text_ends(metric, suffixes[i]) && strlen(metric) < sizeof name) {
            (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(metric) - strlen(suffixes[i])),
                           metric);
            type = json_object_get(series->types, name) != NULL ? "counter" : NULL;
        }
    }
    return type;
}

const json_t *lint_series_values(const struct lint_series *series, const char *metric,
                                 const char *label)
{
    static const char *const closed[] = {"le", "quantile", "recommender", "stage", "result"};
    const json_t *values = json_object_get(json_object_get(series->exposed, metric), label);
    if (strcmp(label, "job") == 0) {
        return json_object_get(values, "") == NULL ? values : NULL;
    }
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        if (strcmp(closed[i], label) == 0) {
            return values;
        }
    }
    return NULL;
}

bool lint_series_constant(const struct lint_series *series, const char *metric, double *value)
{
    const struct lint_record *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < series->record_count; i++) {
        if (strcmp(series->record[i].name, metric) == 0) {
            found = &series->record[i];
            count++;
        }
    }
    if (count != 1 || found->expr == NULL || !lint_is_call(found->expr, "vector")) {
        return false;
    }
    const struct lint_node *number = found->expr->child[0];
    bool minus = number->kind == LINT_SIGN;
    number = minus ? number->child[0] : number;
    *value = minus ? -number->number : number->number;
    return number->kind == LINT_NUMBER;
}

static bool node_fixed(const struct lint_series *series, const struct lint_node *node, int depth);

static bool metric_fixed(const struct lint_series *series, const char *metric, int depth)
{
    bool fixed = false;
    for (size_t i = 0; depth > 0 && i < series->record_count; i++) {
        const struct lint_record *record = &series->record[i];
        if (strcmp(record->name, metric) == 0) {
            fixed = record->expr != NULL && node_fixed(series, record->expr, depth - 1);
            if (!fixed) {
                return false;
            }
        }
    }
    return fixed;
}

static bool node_fixed(const struct lint_series *series, const struct lint_node *node, int depth)
{
    bool fixed = node->kind != LINT_SELECTOR ||
                 (lint_is_series(node) && metric_fixed(series, node->text, depth));
    for (size_t i = 0; fixed && i < node->child_count; i++) {
        fixed = node_fixed(series, node->child[i], depth);
    }
    return fixed;
}

bool lint_series_fixed(const struct lint_series *series, const char *metric)
{
    return metric_fixed(series, metric, RULES_DEEP);
}

void lint_series_reads_of(const struct lint_series *series, const char *metric, json_t *out)
{
    if (json_object_get(out, metric) != NULL || lint_series_fixed(series, metric)) {
        return;
    }
    (void)json_object_set_new(out, metric, json_true());
    for (size_t i = 0; i < series->record_count; i++) {
        const struct lint_record *record = &series->record[i];
        if (strcmp(record->name, metric) == 0 && record->expr != NULL) {
            lint_series_reads(series, record->expr, out);
        }
    }
}

void lint_series_reads(const struct lint_series *series, const struct lint_node *node, json_t *out)
{
    if (node->kind == LINT_SELECTOR && *node->text != '\0') {
        lint_series_reads_of(series, node->text, out);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        lint_series_reads(series, node->child[i], out);
    }
}

static bool metric_guards(const struct lint_series *series, const char *metric, const char *divisor,
                          int depth);

/* (divisor > 0), as it stands below a stroke, here or in what is read here. */
static bool node_guards(const struct lint_series *series, const struct lint_node *node,
                        const char *divisor, int depth)
{
    bool above = (lint_is_operator(node, ">") || lint_is_operator(node, ">=")) && !node->as_bool;
    bool there = above && lint_is_series(node->child[0]) &&
                 strcmp(node->child[0]->text, divisor) == 0 &&
                 node->child[1]->kind == LINT_NUMBER && node->child[1]->number >= 0;
    there = there || (lint_is_series(node) && metric_guards(series, node->text, divisor, depth));
    for (size_t i = 0; !there && i < node->child_count; i++) {
        there = node_guards(series, node->child[i], divisor, depth);
    }
    return there;
}

static bool metric_guards(const struct lint_series *series, const char *metric, const char *divisor,
                          int depth)
{
    for (size_t i = 0; depth > 0 && i < series->record_count; i++) {
        const struct lint_record *record = &series->record[i];
        if (strcmp(record->name, metric) == 0 && record->expr != NULL &&
            node_guards(series, record->expr, divisor, depth - 1)) {
            return true;
        }
    }
    return false;
}

bool lint_series_guards(const struct lint_series *series, const char *metric, const char *divisor)
{
    return metric_guards(series, metric, divisor, RULES_DEEP);
}
