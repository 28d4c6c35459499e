/*
 * Panels: what a reader needs (title, description, unit), what the queries ask for, and colours
 * that mean what the alert means: a panel that draws an objective, or the series an alert compares
 * with it or with a number, must be red from there on, on the side where the alert fires.
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

/* "dark-red" and #f2495c are red, too. */
static bool is_red(const json_t *step)
{
    const char *colour = text_of(step, "color");
    unsigned red, green, blue;
    if (sscanf(colour, "#%2x%2x%2x", &red, &green, &blue) == 3) {
        return red > 2 * green && red > 2 * blue;
    }
    size_t len = strlen(colour);
    return len >= 3 && strcmp(colour + len - 3, "red") == 0;
}

/* The step that begins at the value, 0 if none does: the first one begins nowhere. `nearest` is
 * where the nearest other one begins. */
static size_t step_at(const json_t *steps, double value, double *nearest)
{
    for (size_t i = 1; i < json_array_size(steps); i++) {
        double number = json_number_value(json_object_get(json_array_get(steps, i), "value"));
        if (fabs(number - value) <= EQUAL * fabs(value)) {
            return i;
        }
        if (i == 1 || fabs(number - value) < fabs(*nearest - value)) {
            *nearest = number;
        }
    }
    return 0;
}

/* Red where it is bad, from the limit on, and nowhere else unless it is bad on `both` sides. */
static bool is_red_at(const json_t *steps, size_t limit, enum lint_side_bad side, bool both)
{
    bool below = side == LINT_BAD_BELOW;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        bool bad = (i < limit) == below;
        bool beside = i + 1 == limit || i == limit;
        bool red = is_red(json_array_get(steps, i));
        if ((bad && beside && !red) || (!bad && red && (beside || !both))) {
            return false;
        }
    }
    return true;
}

struct painted { /* the colours of one panel, and whom they are judged by */
    const struct lint_board_work *work;
    const json_t *steps;
    const char *base, *who;
    json_t *said; /* so that two queries are not two faults */
    bool both;    /* alerts fire above one number and below another */
};

static void judge_colours(const struct painted *panel, const char *name, double value,
                          enum lint_side_bad side)
{
    char path[LINT_PATH_BYTES], text[LINT_PATH_BYTES];
    double nearest = 0;
    struct lint_place place = lint_board_place(
        panel->work, panel->base, "fieldConfig/defaults/thresholds/steps", panel->who, path);
    size_t limit = step_at(panel->steps, value, &nearest);
    (void)snprintf(text, sizeof text, "%.10g", value);
    if (json_array_size(panel->steps) < 2 || json_object_get(panel->said, text) != NULL) {
        return;
    }
    if (limit == 0) {
        (void)json_object_set_new(panel->said, text, json_true());
        lint_fault(panel->work->lint, &place, "the threshold %.10g differs from %s, which is %.10g",
                   nearest, name, value);
    } else if (side != LINT_BAD_UNKNOWN && !is_red_at(panel->steps, limit, side, panel->both)) {
        (void)json_object_set_new(panel->said, text, json_true());
        lint_fault(panel->work->lint, &place, "expected red %s %.10g and nowhere else, for %s",
                   side == LINT_BAD_BELOW ? "below" : "from", value, name);
    }
}

/* What a panel draws behind what leaves the numbers as they are: max by (job) (x) >= 0. */
static const struct lint_node *drawn(const struct lint_node *node)
{
    static const char *const plain[] = {"min", "max", "avg"};
    while ((lint_is_comparison(node) && !node->as_bool) ||
           (node->kind == LINT_AGGREGATE && is_one_of(node->text, plain, 3))) {
        node = node->child[0];
    }
    return node;
}

/* x / (threshold > 0), where an alert compares the two. */
static void judge_share(const struct painted *panel, const struct lint_node *node)
{
    const struct lint_limit *limit;
    const struct lint_node *what = drawn(node->child[0]), *bound = drawn(node->child[1]);
    size_t count = lint_series_limits(panel->work->lint->series, &limit);
    for (size_t i = 0; i < count && lint_is_series(what) && lint_is_series(bound); i++) {
        if (limit[i].objective != NULL && strcmp(limit[i].objective, bound->text) == 0 &&
            lint_limit_is_of(&limit[i], what->text)) {
            judge_colours(panel, limit[i].alert, 1, limit[i].side);
        }
    }
}

/* An objective that is drawn itself, or a series that alerts compare with something. */
static void judge_series(struct painted *panel, const char *metric)
{
    const struct lint_series *series = panel->work->lint->series;
    const struct lint_limit *limit;
    double value;
    size_t count = lint_series_limits(series, &limit);
    if (lint_series_constant(series, metric, &value)) {
        enum lint_side_bad side = LINT_BAD_UNKNOWN;
        for (size_t i = 0; i < count && side == LINT_BAD_UNKNOWN; i++) {
            bool same = limit[i].objective != NULL && strcmp(limit[i].objective, metric) == 0;
            side = same ? limit[i].side : LINT_BAD_UNKNOWN;
        }
        judge_colours(panel, metric, value, side);
        return;
    }
    bool bad[3] = {false};
    for (size_t i = 0; i < count; i++) {
        bad[limit[i].side] = bad[limit[i].side] || lint_limit_is_of(&limit[i], metric);
    }
    panel->both = bad[LINT_BAD_BELOW] && bad[LINT_BAD_ABOVE];
    for (size_t i = 0; i < count; i++) {
        bool number = limit[i].objective == NULL;
        value = limit[i].value;
        if (lint_limit_is_of(&limit[i], metric) &&
            (number || lint_series_constant(series, limit[i].objective, &value))) {
            judge_colours(panel, number ? limit[i].alert : limit[i].objective, value,
                          limit[i].side);
        }
    }
}

static void check_thresholds(const struct lint_board_work *work, const json_t *panel,
                             const char *base, const char *who, const struct lint_node *node)
{
    const json_t *defaults = json_object_get(json_object_get(panel, "fieldConfig"), "defaults");
    const json_t *thresholds = json_object_get(defaults, "thresholds");
    struct painted painted = {work, json_object_get(thresholds, "steps"), base, who, work->said,
                              false};
    if (strcmp(text_of(thresholds, "mode"), "percentage") == 0) {
        return;
    }
    node = drawn(node);
    if (lint_is_series(node)) {
        judge_series(&painted, node->text);
    } else if (lint_is_operator(node, "/")) {
        judge_share(&painted, node);
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
    (void)json_object_clear(work->said);
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
