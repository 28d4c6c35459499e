/* Panels and their targets. Rows are taken apart: closed ones hold their panels, open ones only
 * stand before them. */
#include "base/mem.h"
#include "base/text.h"
#include "observe/dashboard_int.h"
#include "observe/interval.h"
#include "observe/reduce.h"

#include <math.h>
#include <string.h>

#define COORDINATE_MAX 10000.0
#define POINTS_MAX 11000.0

static bool has_variable(const char *text)
{
    return strchr(text, '$') != NULL || strstr(text, "[[") != NULL;
}

/* object[key] as a duration; a variable is 0 and read when the panel is evaluated. */
static int64_t read_duration(struct dashboard_reader *reader, const char *pointer,
                             const json_t *object, const char *key)
{
    int64_t ms = 0;
    char path[DASHBOARD_POINTER_BYTES];
    const char *text = dashboard_text(reader, pointer, object, key, "");
    if (*text != '\0' && !has_variable(text) && !interval_read_ms(text, &ms)) {
        dashboard_fault(reader, dashboard_below(path, pointer, key),
                        "expected one number and one unit such as 30s, got %s", text);
    }
    return ms;
}

static void read_target(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                        const struct dashboard *dashboard, struct dashboard_target *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    dashboard_copy_text(reader, pointer, json, "refId", out->ref, sizeof out->ref);
    out->expr = dashboard_text(reader, pointer, json, "expr", "");
    out->legend = dashboard_text(reader, pointer, json, "legendFormat", "");
    out->instant = dashboard_bool(reader, pointer, json, "instant", false);
    out->range = dashboard_bool(reader, pointer, json, "range", false) || !out->instant;
    out->hide = dashboard_bool(reader, pointer, json, "hide", false);
    out->min_step = dashboard_text(reader, pointer, json, "interval", "");
    out->min_step_ms = read_duration(reader, pointer, json, "interval");
    out->min_step_is_rate = strcmp(out->min_step, "$__rate_interval") == 0 ||
                            strcmp(out->min_step, "${__rate_interval}") == 0;
    out->min_step_is_interval =
        strcmp(out->min_step, "$__interval") == 0 || strcmp(out->min_step, "${__interval}") == 0;
    dashboard_copy_text(reader, pointer, json, "format", out->format, sizeof out->format);
    if (out->format[0] == '\0') {
        (void)text_copy(out->format, sizeof out->format, "time_series");
    }
    double factor = dashboard_number(reader, pointer, json, "intervalFactor", 1);
    out->interval_factor = factor >= 1 && factor <= 100 ? (int)factor : 1;
    out->line = dashboard_line(dashboard, pointer);
    out->expr_line = dashboard_line(dashboard, dashboard_below(path, pointer, "expr"));
    if (*out->expr == '\0') {
        dashboard_fault(reader, pointer, "expected a target with an expr");
    }
}

static void read_targets(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                         const struct dashboard *dashboard, struct dashboard_panel *out)
{
    size_t index;
    const json_t *target;
    char path[DASHBOARD_POINTER_BYTES];
    char list_path[DASHBOARD_POINTER_BYTES];
    const json_t *targets = dashboard_list(reader, pointer, json, "targets");
    (void)dashboard_below(list_path, pointer, "targets");
    out->target = mem_zalloc(json_array_size(targets) + 1, sizeof *out->target);
    if (!dashboard_panel_type_queries(out->type)) {
        return;
    }
    json_array_foreach(targets, index, target)
    {
        struct dashboard_target *to = &out->target[out->target_count++];
        read_target(reader, dashboard_below_index(path, list_path, index), target, dashboard, to);
        for (size_t i = 0; i + 1 < out->target_count; i++) {
            if (to->ref[0] != '\0' && strcmp(out->target[i].ref, to->ref) == 0) {
                dashboard_fault(reader, path, "expected a refId of its own, got %s twice", to->ref);
            }
        }
    }
    if (out->target_count == 0 && out->type != DASHBOARD_OTHER) {
        dashboard_fault(reader, pointer, "expected targets in a panel of type %s", out->type_id);
    }
}

static enum dashboard_worse worse_of(const char *description)
{
    return strstr(description, "Lower is worse.") != NULL    ? DASHBOARD_LOWER
           : strstr(description, "Higher is worse.") != NULL ? DASHBOARD_HIGHER
                                                             : DASHBOARD_NO_WAY;
}

static void read_calc(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                      struct dashboard_panel *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    size_t index;
    const json_t *calc;
    (void)dashboard_below(path, pointer, "options/reduceOptions");
    const json_t *options = json_object_get(json_object_get(json, "options"), "reduceOptions");
    const json_t *calcs = dashboard_list(reader, path, options, "calcs");
    (void)text_copy(out->calc, sizeof out->calc, "lastNotNull");
    json_array_foreach(calcs, index, calc)
    {
        const char *id = json_is_string(calc) ? json_string_value(calc) : "";
        if (!reduce_known(id)) {
            dashboard_fault(reader, path, "expected a known calculation, got \"%s\"", id);
        } else if (index == 0) {
            (void)text_copy(out->calc, sizeof out->calc, id);
        }
    }
}

static int coordinate(struct dashboard_reader *reader, const char *pointer, const json_t *grid,
                      const char *key)
{
    char path[DASHBOARD_POINTER_BYTES];
    double value = dashboard_number(reader, pointer, grid, key, 0);
    if (!(value >= 0 && value <= COORDINATE_MAX)) {
        dashboard_fault(reader, dashboard_below(path, pointer, key), "expected 0 to %.0f",
                        COORDINATE_MAX);
        return 0;
    }
    return (int)value;
}

static void read_place(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                       struct dashboard_panel *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    const json_t *grid = json_object_get(json, "gridPos");
    (void)dashboard_below(path, pointer, "gridPos");
    out->x = coordinate(reader, path, grid, "x");
    out->y = coordinate(reader, path, grid, "y");
    out->w = coordinate(reader, path, grid, "w");
    out->h = coordinate(reader, path, grid, "h");
}

static void read_field(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                       struct dashboard_panel *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    char below[DASHBOARD_POINTER_BYTES];
    const json_t *config = json_object_get(json, "fieldConfig");
    dashboard_field_init(&out->field);
    (void)dashboard_below(path, pointer, "fieldConfig");
    dashboard_field_read(reader, dashboard_below(below, path, "defaults"),
                         json_object_get(config, "defaults"), &out->field);
    dashboard_overrides_check(reader, dashboard_below(below, path, "overrides"),
                              dashboard_list(reader, path, config, "overrides"));
    memcpy(out->unit, out->field.unit, sizeof out->unit);
    memcpy(out->no_value, out->field.no_value, sizeof out->no_value);
    memcpy(out->thresholds_style, out->field.thresholds_style, sizeof out->thresholds_style);
    out->min = out->field.min;
    out->max = out->field.max;
    out->decimals = out->field.decimals;
    out->thresholds = out->field.thresholds;
}

static void read_options(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                         struct dashboard_panel *out)
{
    char path[DASHBOARD_POINTER_BYTES];
    double id = dashboard_number(reader, pointer, json, "id", 0);
    double points = dashboard_number(reader, pointer, json, "maxDataPoints", 0);
    out->id = id >= 0 && id <= INT32_MAX ? (int)id : 0;
    if (!(points >= 0 && points <= POINTS_MAX)) {
        dashboard_fault(reader, dashboard_below(path, pointer, "maxDataPoints"),
                        "expected 1 to %.0f", POINTS_MAX);
        points = 0;
    }
    out->max_data_points = (int64_t)points;
    out->interval = dashboard_text(reader, pointer, json, "interval", "");
    out->interval_ms = read_duration(reader, pointer, json, "interval");
    out->time_from_ms = read_duration(reader, pointer, json, "timeFrom");
    out->time_shift_ms = read_duration(reader, pointer, json, "timeShift");
}

static void read_panel(struct dashboard_reader *reader, const char *pointer, const json_t *json,
                       const char *row, struct dashboard *dashboard)
{
    dashboard->panel =
        mem_resize(dashboard->panel, dashboard->panel_count + 1, sizeof *dashboard->panel);
    struct dashboard_panel *out = &dashboard->panel[dashboard->panel_count++];
    memset(out, 0, sizeof *out);
    out->json = json;
    dashboard_copy_text(reader, pointer, json, "title", out->title, sizeof out->title);
    dashboard_copy_text(reader, pointer, json, "type", out->type_id, sizeof out->type_id);
    if (out->type_id[0] == '\0') {
        dashboard_fault(reader, pointer, "expected a panel with a type");
    }
    out->type = dashboard_panel_type_of(out->type_id);
    out->description = dashboard_text(reader, pointer, json, "description", "");
    out->worse = worse_of(out->description);
    out->line = dashboard_line(dashboard, pointer);
    (void)text_copy(out->row, sizeof out->row, row);
    (void)text_copy(out->pointer, sizeof out->pointer, pointer);
    read_options(reader, pointer, json, out);
    read_place(reader, pointer, json, out);
    read_field(reader, pointer, json, out);
    read_calc(reader, pointer, json, out);
    read_targets(reader, pointer, json, dashboard, out);
    for (size_t i = 0; i + 1 < dashboard->panel_count; i++) {
        if (out->id != 0 && dashboard->panel[i].id == out->id) {
            dashboard_fault(reader, pointer, "expected an id of its own, got %d twice", out->id);
        }
    }
}

static void read_list(struct dashboard_reader *reader, const char *pointer, const json_t *panels,
                      const char *row_above, struct dashboard *out)
{
    size_t index;
    const json_t *panel;
    char row[sizeof out->panel->row];
    char path[DASHBOARD_POINTER_BYTES];
    char below[DASHBOARD_POINTER_BYTES];
    (void)text_copy(row, sizeof row, row_above);
    json_array_foreach(panels, index, panel)
    {
        (void)dashboard_below_index(path, pointer, index);
        const char *type = dashboard_text(NULL, "", panel, "type", "");
        if (!json_is_object(panel)) {
            dashboard_fault(reader, path, "expected a panel");
        } else if (strcmp(type, "row") != 0) {
            read_panel(reader, path, panel, row, out);
        } else {
            dashboard_copy_text(reader, path, panel, "title", row, sizeof row);
            const json_t *inside = dashboard_list(reader, path, panel, "panels");
            if (*row_above == '\0' && inside != NULL) { /* rows do not nest */
                read_list(reader, dashboard_below(below, path, "panels"), inside,
                          *row != '\0' ? row : " ", out);
            }
        }
    }
}

void dashboard_panels_read(struct dashboard_reader *reader, const json_t *root,
                           struct dashboard *out)
{
    const json_t *panels = dashboard_list(reader, "", root, "panels");
    if (json_object_get(root, "panels") == NULL) {
        dashboard_fault(reader, "", "expected a list of panels");
    }
    read_list(reader, "/panels", panels, "", out);
}

void dashboard_panel_deinit(struct dashboard_panel *panel)
{
    dashboard_field_deinit(&panel->field);
    mem_free(panel->target);
}
