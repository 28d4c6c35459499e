/*
 * The labels a result can have, from the leaves up. An upper bound: what is not in it is on none of
 * the series, so a rule that groups by it, or a legend that shows it, is mistaken.
 */
#include "observe/lint_series.h"

#include "base/text.h"
#include "observe/lint_series_int.h"

#include <string.h>

static void add_name(struct lint_shape *shape, const char *name)
{
    (void)json_object_set_new(shape->names, name, json_true());
}

static void add_shape(struct lint_shape *shape, const struct lint_shape *more)
{
    shape->any = shape->any || more->any;
    (void)json_object_update(shape->names, more->names);
}

void lint_shape_deinit(struct lint_shape *shape)
{
    json_decref(shape->names);
    *shape = (struct lint_shape){0};
}

bool lint_shape_has(const struct lint_shape *shape, const char *label)
{
    return shape->any || json_object_get(shape->names, label) != NULL;
}

/* Labels that a target's series get at the scrape. */
static void add_target(struct lint_shape *out)
{
    add_name(out, "job");
    add_name(out, "instance");
}

void lint_shape_add_metric(const struct lint_series *series, const char *metric,
                           struct lint_shape *out)
{
    const char *name;
    json_t *value;
    switch (lint_series_origin(series, metric)) {
    case LINT_EXPOSED:
        out->any = out->any || json_is_null(json_object_get(series->exposed, metric));
        json_object_foreach(json_object_get(series->exposed, metric), name, value)
        {
            add_name(out, name);
        }
        add_target(out);
        break;
    case LINT_RECORDED:
        for (size_t i = 0; i < series->record_count; i++) {
            if (strcmp(series->record[i].name, metric) == 0) {
                add_shape(out, &series->record[i].shape);
            }
        }
        break;
    case LINT_SYNTHETIC:
        out->any = out->any || text_starts(metric, "ALERTS");
        add_name(out, "rule_group");
        add_target(out);
        break;
    default:
        out->any = true;
        break;
    }
}

static void of_aggregate(const struct lint_series *series, const struct lint_node *node,
                         struct lint_shape *out)
{
    struct lint_shape below;
    bool keeps = strcmp(node->text, "topk") == 0 || strcmp(node->text, "bottomk") == 0 ||
                 strcmp(node->text, "limitk") == 0 || strcmp(node->text, "limit_ratio") == 0;
    lint_shape_of(series, node->child[node->child_count - 1], &below);
    if (keeps) {
        add_shape(out, &below);
    } else if (node->without) {
        add_shape(out, &below);
        for (size_t i = 0; i < node->names.count; i++) {
            (void)json_object_del(out->names, node->names.name[i]);
        }
    } else {
        for (size_t i = 0; i < node->names.count; i++) {
            if (lint_shape_has(&below, node->names.name[i])) {
                add_name(out, node->names.name[i]);
            }
        }
    }
    if (strcmp(node->text, "count_values") == 0) {
        add_name(out, node->child[0]->text);
    }
    lint_shape_deinit(&below);
}

static void of_call(const struct lint_series *series, const struct lint_node *node,
                    struct lint_shape *out)
{
    if (lint_is_call(node, "absent") || lint_is_call(node, "absent_over_time") ||
        lint_is_call(node, "info")) {
        out->any = true;
        return;
    }
    if (node->type == LINT_SCALAR || lint_is_call(node, "vector")) {
        return;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        struct lint_shape below;
        lint_shape_of(series, node->child[i], &below);
        add_shape(out, &below);
        lint_shape_deinit(&below);
    }
    if (lint_is_call(node, "label_replace") || lint_is_call(node, "label_join")) {
        add_name(out, node->child[1]->text);
    } else if (text_starts(node->text, "histogram_")) {
        (void)json_object_del(out->names, "le");
    }
}

static void of_matched(const struct lint_node *node, const struct lint_shape *left,
                       const struct lint_shape *right, struct lint_shape *out)
{
    const struct lint_shape *many = node->side == LINT_GROUP_RIGHT ? right : left;
    if (node->side == LINT_ONE_TO_ONE && node->on) {
        for (size_t i = 0; i < node->names.count; i++) {
            if (lint_shape_has(many, node->names.name[i])) {
                add_name(out, node->names.name[i]);
            }
        }
        return;
    }
    add_shape(out, many);
    for (size_t i = 0; node->side == LINT_ONE_TO_ONE && i < node->names.count; i++) {
        (void)json_object_del(out->names, node->names.name[i]);
    }
    for (size_t i = 0; i < node->include.count; i++) {
        add_name(out, node->include.name[i]);
    }
}

static void of_binary(const struct lint_series *series, const struct lint_node *node,
                      struct lint_shape *out)
{
    struct lint_shape left, right;
    lint_shape_of(series, node->child[0], &left);
    lint_shape_of(series, node->child[1], &right);
    if (lint_is_operator(node, "or")) {
        add_shape(out, &left);
        add_shape(out, &right);
    } else if (lint_is_operator(node, "and") || lint_is_operator(node, "unless") ||
               node->child[1]->type == LINT_SCALAR) {
        add_shape(out, &left);
    } else if (node->child[0]->type == LINT_SCALAR) {
        add_shape(out, &right);
    } else {
        of_matched(node, &left, &right, out);
    }
    lint_shape_deinit(&left);
    lint_shape_deinit(&right);
}

void lint_shape_of(const struct lint_series *series, const struct lint_node *node,
                   struct lint_shape *out)
{
    *out = (struct lint_shape){.names = json_object()};
    struct lint_shape below;
    switch (node->kind) {
    case LINT_SELECTOR:
        if (*node->text == '\0') {
            out->any = true;
        } else {
            lint_shape_add_metric(series, node->text, out);
        }
        break;
    case LINT_SUBQUERY:
    case LINT_SIGN:
        lint_shape_of(series, node->child[0], &below);
        add_shape(out, &below);
        lint_shape_deinit(&below);
        break;
    case LINT_CALL:
        of_call(series, node, out);
        break;
    case LINT_AGGREGATE:
        of_aggregate(series, node, out);
        break;
    case LINT_BINARY:
        of_binary(series, node, out);
        break;
    default:
        break;
    }
}
