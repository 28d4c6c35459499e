/*
 * Panels: what a reader needs (title, description, unit), what the queries ask for, and colours
 * that mean what the alert means: a panel that draws an objective, or the series an alert compares
 * with it, must change colour at that value.
 */
#include "observe/lint_dashboard_int.h"
#include "observe/lint_links.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EQUAL 1e-9 /* relative: both are decimal numbers somebody wrote */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* Panels without queries of their own. */
static bool is_silent(const char *type)
{
    static const char *const types[] = {"row",       "text", "dashlist", "news",
                                        "alertlist", "logs", "annolist", "welcome"};
    return is_one_of(type, types, sizeof types / sizeof types[0]);
}

/* Panels of numbers; the others show words. */
static bool needs_unit(const char *type)
{
    static const char *const types[] = {"stat",  "gauge",   "bargauge",  "timeseries",
                                        "graph", "heatmap", "histogram", "barchart",
                                        "trend", "xychart", "piechart",  "singlestat"};
    return is_one_of(type, types, sizeof types / sizeof types[0]);
}

static void check_reader(const struct lint_board_work *work, const json_t *panel, const char *base,
                         const char *who)
{
    char path[LINT_PATH_BYTES];
    const char *type = text_of(panel, "type");
    struct lint_place place = lint_board_place(work, base, "", who, path);
    const json_t *defaults = json_object_get(json_object_get(panel, "fieldConfig"), "defaults");
    const json_t *axis = json_object_get(json_object_get(panel, "options"), "yAxis");
    if (*text_of(panel, "title") == '\0') {
        lint_fault(work->lint, &place, "expected a title");
    }
    if (strcmp(type, "row") == 0 || strcmp(type, "text") == 0) {
        return;
    }
    if (*text_of(panel, "description") == '\0') {
        lint_fault(work->lint, &place, "expected a description");
    }
    if (needs_unit(type) && *text_of(defaults, "unit") == '\0' && *text_of(axis, "unit") == '\0') {
        lint_fault(work->lint, &place, "expected a unit (fieldConfig/defaults/unit)");
    }
    if (!is_silent(type) && json_array_size(json_object_get(panel, "targets")) == 0) {
        lint_fault(work->lint, &place, "expected a query");
    }
}

/* Ids and titles are how links and people name panels. */
static void claim(const struct lint_board_work *work, const struct lint_place *place, json_t *seen,
                  const char *what, const char *text)
{
    json_t *first = json_object_get(seen, text);
    if (first != NULL) {
        lint_fault(work->lint, place, "the panel of line %lld has the %s %s, too",
                   (long long)json_integer_value(first), what, text);
    } else {
        (void)json_object_set_new(seen, text, json_integer(place->line));
    }
}

static void check_names(const struct lint_board_work *work, const json_t *panel, const char *base,
                        const char *who)
{
    char path[LINT_PATH_BYTES], text[24];
    const json_t *id = json_object_get(panel, "id");
    struct lint_place place = lint_board_place(work, base, "", who, path);
    if (json_is_integer(id)) {
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(id));
        claim(work, &place, work->ids, "id", text);
    } else {
        lint_fault(work->lint, &place, "expected an id, or no link can lead to the panel");
    }
    if (strcmp(text_of(panel, "type"), "row") != 0 && *text_of(panel, "title") != '\0') {
        claim(work, &place, work->titles, "title", text_of(panel, "title"));
    }
    const char *repeat = text_of(panel, "repeat");
    if (*repeat != '\0' && json_object_get(work->values, repeat) == NULL) {
        lint_fault(work->lint, &place, "repeats for the unknown variable $%s", repeat);
    }
}

/* Whether the panel has steps but none at the value. */
static bool differs(const json_t *steps, double value, double *nearest)
{
    size_t index;
    json_t *step;
    bool any = false;
    json_array_foreach(steps, index, step)
    {
        const json_t *at = json_object_get(step, "value");
        if (!json_is_number(at)) {
            continue;
        }
        double number = json_number_value(at);
        if (fabs(number - value) <= EQUAL * fabs(value)) {
            return false;
        }
        if (!any || fabs(number - value) < fabs(*nearest - value)) {
            *nearest = number;
        }
        any = true;
    }
    return any;
}

/* The objective that the query draws itself, or with which an alert compares what it draws. */
static const char *objective_of(const struct lint *lint, const struct lint_node *node,
                                double *value)
{
    if (!lint_is_series(node)) {
        return NULL;
    }
    if (lint_series_constant(lint->series, node->text, value)) {
        return node->text;
    }
    const char *objective = lint_series_objective(lint->series, node->text);
    return objective != NULL && lint_series_constant(lint->series, objective, value) ? objective
                                                                                     : NULL;
}

static void check_thresholds(const struct lint_board_work *work, const json_t *panel,
                             const char *base, const char *who, const struct lint_node *node)
{
    char path[LINT_PATH_BYTES];
    double value = 0, nearest = 0;
    const json_t *defaults = json_object_get(json_object_get(panel, "fieldConfig"), "defaults");
    const json_t *thresholds = json_object_get(defaults, "thresholds");
    const char *objective = objective_of(work->lint, node, &value);
    if (objective == NULL || strcmp(text_of(thresholds, "mode"), "percentage") == 0) {
        return;
    }
    if (differs(json_object_get(thresholds, "steps"), value, &nearest)) {
        struct lint_place place =
            lint_board_place(work, base, "fieldConfig/defaults/thresholds/steps", who, path);
        lint_fault(work->lint, &place, "the threshold %.10g differs from %s, which is %.10g",
                   nearest, objective, value);
    }
}

/* Legends speak of labels only as long as no transformation renames them. */
static void check_target(const struct lint_board_work *work, const json_t *panel,
                         const json_t *target, const char *base, const char *panel_base,
                         const char *who)
{
    char path[LINT_PATH_BYTES];
    struct lint_node *node = NULL;
    const char *expr = text_of(target, "expr"), *legend = text_of(target, "legendFormat");
    const json_t *source = json_object_get(target, "datasource");
    const char *type = text_of(source, "type");
    if (*type != '\0' && strcmp(type, "prometheus") != 0) {
        return;
    }
    struct lint_place place = lint_board_place(work, base, "expr", who, path);
    if (*expr == '\0') {
        lint_fault(work->lint, &place, "expected an expression");
        return;
    }
    lint_query(work->lint, &place, expr, work->values, &node);
    if (node != NULL) {
        check_thresholds(work, panel, panel_base, who, node);
    }
    if (strcmp(legend, "__auto") != 0) {
        place = lint_board_place(work, base, "legendFormat", who, path);
        lint_legend(work->lint, &place, node, legend);
    }
    lint_node_free(node);
}

/* Links of values, in the defaults and in overrides. */
static void check_field_links(const struct lint_board_work *work, const json_t *panel,
                              const char *base, const char *who)
{
    char path[LINT_PATH_BYTES], below[LINT_PATH_BYTES];
    const json_t *config = json_object_get(panel, "fieldConfig");
    size_t o, p;
    json_t *override, *property;
    lint_path(path, base, "links");
    lint_board_links(work, json_object_get(panel, "links"), path, who);
    lint_path(path, base, "fieldConfig/defaults/links");
    lint_board_links(work, json_object_get(json_object_get(config, "defaults"), "links"), path,
                     who);
    json_array_foreach(json_object_get(config, "overrides"), o, override)
    {
        json_array_foreach(json_object_get(override, "properties"), p, property)
        {
            if (strcmp(text_of(property, "id"), "links") == 0) {
                lint_path_index(below, base, "fieldConfig/overrides", o);
                lint_path_index(path, below, "properties", p);
                lint_path(below, path, "value");
                lint_board_links(work, json_object_get(property, "value"), below, who);
            }
        }
    }
}

static void check_panel(struct lint_board_work *work, const json_t *panel, const char *base)
{
    char who[LINT_WHO_BYTES], path[LINT_PATH_BYTES];
    size_t index;
    json_t *target;
    (void)snprintf(who, sizeof who, "panel \"%.80s\": ", text_of(panel, "title"));
    check_names(work, panel, base, who);
    check_reader(work, panel, base, who);
    lint_board_texts(work, panel, base, who, "panels");
    check_field_links(work, panel, base, who);
    json_array_foreach(json_object_get(panel, "targets"), index, target)
    {
        lint_path_index(path, base, "targets", index);
        check_target(work, panel, target, path, base, who);
    }
    lint_path(path, base, "panels");
    lint_panels(work, json_object_get(panel, "panels"), path);
}

void lint_panels(struct lint_board_work *work, const json_t *panels, const char *path)
{
    size_t index;
    json_t *panel;
    json_array_foreach(panels, index, panel)
    {
        char below[LINT_PATH_BYTES];
        lint_path_index(below, path, "", index);
        check_panel(work, panel, below);
    }
}
