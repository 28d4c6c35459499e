/*
 * Grafana evaluates a panel in three places: the browser puts variables in and chooses the interval
 * of the request, the server chooses the step and asks Prometheus, the browser names, reduces and
 * colours what comes back. The steps here follow that order, because some results (names of
 * series, scales, colours of palettes) depend on all series of the panel, some on one.
 */
#include "observe/panel.h"

#include "base/mem.h"
#include "base/text.h"
#include "observe/legend.h"
#include "observe/panel_int.h"
#include "observe/reduce.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_S 1e3
#define CELL_LEAST 1e-9 /* smaller differences of a heatmap's buckets are nothing */
#define BUCKET "le"

struct evaluation {
    const struct dashboard *dashboard;
    const struct dashboard_panel *panel;
    const struct panel_request *request; /* with the panel's own time range */
    struct panel_view *out;
    size_t *target; /* of each series */
    struct error *error;
};

/* Min interval and Min step may be variables: then their text is read once it is put in. */
static enum err read_interval(const struct dashboard *dashboard,
                              const struct dashboard_panel *panel,
                              const struct panel_request *request, const char *text, int64_t *ms,
                              struct error *error)
{
    char *put_in = panel_interpolate(dashboard, request, text, error);
    if (put_in == NULL) {
        return ERR_INPUT;
    }
    bool ok = *put_in == '\0' || interval_read_ms(put_in, ms);
    enum err code =
        ok ? ERR_OK
           : error_set(error, ERR_INPUT, dashboard->path, panel->line,
                       "panel %s: expected a duration such as 30s, got %s", panel->title, put_in);
    mem_free(put_in);
    return code;
}

enum err panel_plan(const struct dashboard *dashboard, const struct dashboard_panel *panel,
                    const struct dashboard_target *target, const struct panel_request *request,
                    struct interval_plan *out, struct error *error)
{
    struct interval_request wanted = {
        .from_ms = request->from_ms,
        .to_ms = request->to_ms,
        .max_data_points = panel->max_data_points > 0 ? panel->max_data_points : request->width_px,
        .panel_min_ms = panel->interval_ms,
        .datasource_ms = request->datasource_ms};
    enum err code = ERR_OK;
    if (request->from_ms >= request->to_ms) {
        return error_set(error, ERR_INPUT, dashboard->path, panel->line,
                         "panel %s: expected a time range that ends after it begins", panel->title);
    }
    if (panel->interval_ms == 0 && *panel->interval != '\0') {
        code =
            read_interval(dashboard, panel, request, panel->interval, &wanted.panel_min_ms, error);
    }
    if (target != NULL) {
        wanted.target_min_ms = target->min_step_ms;
        wanted.min_step_is_rate = target->min_step_is_rate;
        wanted.min_step_is_interval = target->min_step_is_interval;
        wanted.interval_factor = target->interval_factor;
        bool named = target->min_step_is_rate || target->min_step_is_interval;
        if (code == ERR_OK && target->min_step_ms == 0 && !named && *target->min_step != '\0') {
            code = read_interval(dashboard, panel, request, target->min_step, &wanted.target_min_ms,
                                 error);
        }
    }
    if (code == ERR_OK) {
        interval_plan(&wanted, out);
    }
    return code;
}

/* The panel's own relative time ("last 1h") and shift move the range. */
static struct panel_request own_range(const struct dashboard_panel *panel,
                                      const struct panel_request *request)
{
    struct panel_request own = *request;
    if (panel->time_from_ms > 0) {
        own.from_ms = own.to_ms - panel->time_from_ms;
    }
    own.from_ms -= panel->time_shift_ms;
    own.to_ms -= panel->time_shift_ms;
    return own;
}

static char *expand(const struct dashboard *dashboard, const struct dashboard_panel *panel,
                    const struct dashboard_target *target, const struct panel_request *request,
                    struct interval_plan *plan, struct error *error)
{
    if (panel_plan(dashboard, panel, target, request, plan, error) != ERR_OK) {
        return NULL;
    }
    char *text = panel_interpolate(dashboard, request, target->expr, error);
    if (text == NULL) {
        return NULL;
    }
    char *expr = panel_interpolate_plan(text, plan);
    mem_free(text);
    return expr;
}

char *panel_expand(const struct dashboard *dashboard, const struct dashboard_panel *panel,
                   const struct dashboard_target *target, const struct panel_request *request,
                   struct interval_plan *plan, struct error *error)
{
    const struct panel_request own = own_range(panel, request);
    return expand(dashboard, panel, target, &own, plan, error);
}

/* Takes the series of an answer; the matrix is empty afterwards. */
static void take_series(struct evaluation *e, size_t target_index, bool instant, const char *expr,
                        const char *legend, struct prometheus_matrix *matrix)
{
    struct panel_view *out = e->out;
    size_t count = out->series_count + matrix->count;
    out->series = mem_resize(out->series, count + 1, sizeof *out->series);
    e->target = mem_resize(e->target, count + 1, sizeof *e->target);
    for (size_t i = 0; i < matrix->count; i++) {
        struct prometheus_series *from = &matrix->series[i];
        struct panel_series *to = &out->series[out->series_count];
        *to = (struct panel_series){.labels = from->labels,
                                    .count = from->count,
                                    .point = from->point,
                                    .instant = instant,
                                    .step = -1,
                                    .bound = NAN};
        (void)text_copy(to->ref, sizeof to->ref, e->panel->target[target_index].ref);
        legend_format(legend, expr, from->labels, to->legend, sizeof to->legend);
        from->labels = NULL;
        from->point = NULL;
        e->target[out->series_count++] = target_index;
    }
    prometheus_matrix_deinit(matrix);
}

static enum err ask(struct evaluation *e, size_t target_index, bool instant, const char *expr,
                    const char *legend, const struct interval_plan *plan)
{
    struct prometheus_matrix matrix = {0};
    double from_ms = (double)(instant ? plan->from_ms : plan->start_ms);
    double to_ms = (double)(instant ? plan->to_ms : plan->end_ms);
    enum err code =
        e->request->query(e->request->context, expr, instant, from_ms / MS_PER_S, to_ms / MS_PER_S,
                          (double)plan->step_ms / MS_PER_S, &matrix, e->error);
    if (code == ERR_OK) {
        take_series(e, target_index, instant, expr, legend, &matrix);
    }
    return code;
}

static enum err ask_target(struct evaluation *e, size_t index)
{
    struct interval_plan plan;
    const struct dashboard_target *target = &e->panel->target[index];
    char *expr = expand(e->dashboard, e->panel, target, e->request, &plan, e->error);
    char *legend =
        expr != NULL ? panel_interpolate(e->dashboard, e->request, target->legend, e->error) : NULL;
    enum err code = legend != NULL                                 ? ERR_OK
                    : e->error != NULL && e->error->code != ERR_OK ? e->error->code
                                                                   : ERR_INPUT;
    if (code == ERR_OK && target->range) {
        code = ask(e, index, false, expr, legend, &plan);
    }
    if (code == ERR_OK && target->instant) {
        code = ask(e, index, true, expr, legend, &plan);
    }
    mem_free(expr);
    mem_free(legend);
    return code;
}

static enum err ask_all(struct evaluation *e)
{
    bool planned = false;
    enum err code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < e->panel->target_count; i++) {
        const struct dashboard_target *target = &e->panel->target[i];
        if (target->hide) {
            continue;
        }
        if (!planned) {
            planned = true;
            code = panel_plan(e->dashboard, e->panel, target, e->request, &e->out->plan, e->error);
        }
        if (code == ERR_OK) {
            code = ask_target(e, i);
        }
    }
    if (code == ERR_OK && !planned) {
        code = panel_plan(e->dashboard, e->panel, NULL, e->request, &e->out->plan, e->error);
    }
    return code;
}

static double bound_of(const struct panel_series *series)
{
    const char *le = json_string_value(json_object_get(series->labels, BUCKET));
    const char *text = le != NULL ? le : series->legend;
    char *end;
    if (strcmp(text, "+Inf") == 0 || strcmp(text, "-Inf") == 0) {
        return *text == '+' ? INFINITY : -INFINITY;
    }
    double bound = strtod(text, &end);
    return end == text || *end != '\0' ? NAN : bound;
}

static int by_bound(const void *a, const void *b)
{
    double x = ((const struct panel_series *)a)->bound;
    double y = ((const struct panel_series *)b)->bound;
    return (x > y) - (x < y);
}

/* Neighbours are subtracted point by point, not moment by moment: where a bucket lacks a sample,
 * Grafana's cells are wrong in the same way. Missing and NaN count as nothing below. */
static void subtract_below(struct panel_series *series, const struct panel_series *below)
{
    for (size_t j = 0; j < series->count; j++) {
        double bottom = j < below->count ? below->point[j].value : 0;
        double *value = &series->point[j].value;
        *value -= isnan(bottom) ? 0 : bottom;
        if (*value < CELL_LEAST) {
            *value = 0;
        }
    }
}

static bool is_heatmap(const struct evaluation *e, size_t series)
{
    return strcmp(e->panel->target[e->target[series]].format, "heatmap") == 0;
}

/* Series of one target stand together, so each heatmap is a run of them. */
static void make_cells(struct evaluation *e)
{
    struct panel_series *series = e->out->series;
    size_t first = 0;
    while (first < e->out->series_count) {
        size_t end = first + 1;
        while (end < e->out->series_count && e->target[end] == e->target[first]) {
            end++;
        }
        for (size_t i = first; is_heatmap(e, first) && i < end; i++) {
            series[i].bound = bound_of(&series[i]);
        }
        if (is_heatmap(e, first)) {
            qsort(series + first, end - first, sizeof *series, by_bound);
            for (size_t i = end - 1; i > first; i--) {
                subtract_below(&series[i], &series[i - 1]);
            }
        }
        first = end;
    }
}

/* Series whose target leaves the name to the browser. Called after cells are in order. */
static void name_series(struct evaluation *e)
{
    struct panel_view *out = e->out;
    const json_t **labels = mem_array(out->series_count + 1, sizeof(const json_t *));
    for (size_t i = 0; i < out->series_count; i++) {
        labels[i] = out->series[i].labels;
    }
    for (size_t i = 0; i < out->series_count; i++) {
        struct panel_series *series = &out->series[i];
        const char *le = json_string_value(json_object_get(series->labels, BUCKET));
        if (is_heatmap(e, i) && le != NULL) {
            (void)text_copy(series->legend, sizeof series->legend, le);
        } else if (series->legend[0] == '\0') {
            legend_auto(labels, out->series_count, i, series->legend, sizeof series->legend);
        }
    }
    mem_free(labels);
}

static void widen(const struct panel_series *series, struct panel_scale *scale, bool *any)
{
    for (size_t j = 0; j < series->count; j++) {
        double value = series->point[j].value;
        if (!isnan(value)) {
            scale->min = isnan(scale->min) || value < scale->min ? value : scale->min;
            scale->max = isnan(scale->max) || value > scale->max ? value : scale->max;
            *any = true;
        }
    }
}

/* The field's own bounds where it has them, else those of what is drawn. */
static struct panel_scale scale_for(const struct dashboard_field *field,
                                    const struct panel_series *series,
                                    const struct panel_scale *all)
{
    bool any = false;
    struct panel_scale own = {NAN, NAN};
    if (field->own_scale) {
        widen(series, &own, &any);
    } else {
        own = *all;
    }
    return (struct panel_scale){!isnan(field->min) ? field->min
                                : !isnan(own.min)  ? own.min
                                                   : 0,
                                !isnan(field->max) ? field->max
                                : !isnan(own.max)  ? own.max
                                                   : 0};
}

static void reduce_series(const struct dashboard_panel *panel, struct panel_series *series)
{
    double *value = mem_array(series->count + 1, sizeof *value);
    for (size_t j = 0; j < series->count; j++) {
        value[j] = series->point[j].value;
    }
    const struct reduce_input input = {
        .value = value, .count = series->count, .nulls = REDUCE_NULL_IGNORE};
    const char *calc = dashboard_panel_type_reduces(panel->type) ? panel->calc : "lastNotNull";
    series->reduced = NAN;
    series->has_value = reduce(calc, &input, &series->reduced);
    mem_free(value);
}

/* ${__series.name} and ${__field.labels.NAME} in a display name of the field. */
static void apply_display_name(const struct dashboard_field *field, struct panel_series *series)
{
    char out[sizeof series->legend];
    size_t len = 0;
    const char *at = field->display_name;
    static const char label_start[] = "${__field.labels.";
    static const char *const whole[] = {"${__series.name}", "${__field.name}",
                                        "${__field.displayName}"};
    while (*at != '\0' && len + 1 < sizeof out) {
        const char *put = NULL;
        const char *end = strchr(at, '}');
        for (size_t i = 0; i < sizeof whole / sizeof whole[0] && put == NULL; i++) {
            put = text_starts(at, whole[i]) ? series->legend : NULL;
        }
        if (put == NULL && end != NULL && text_starts(at, label_start)) {
            const char *name = at + strlen(label_start);
            put = json_string_value(json_object_getn(series->labels, name, (size_t)(end - name)));
            put = put != NULL ? put : "";
        }
        if (put == NULL) {
            out[len++] = *at++;
            continue;
        }
        (void)text_copy(out + len, sizeof out - len, put);
        len += strlen(out + len);
        at = end + 1;
    }
    out[len] = '\0';
    text_make_utf8(out);
    (void)text_copy(series->legend, sizeof series->legend, out);
}

static void show_series(struct evaluation *e, size_t index, const struct panel_scale *all)
{
    struct panel_series *series = &e->out->series[index];
    struct dashboard_field field;
    struct panel_display display;
    dashboard_field_for(e->panel, series->legend, series->ref, &field);
    if (field.display_name[0] != '\0') {
        apply_display_name(&field, series);
    }
    const struct panel_scale scale = scale_for(&field, series, all);
    reduce_series(e->panel, series);
    panel_display(&field, e->panel->type, &scale, series->has_value, series->reduced, index,
                  series->legend, &display);
    memcpy(series->text, display.text, sizeof series->text);
    memcpy(series->line_colour, display.colour, sizeof series->line_colour);
    series->step = display.step;
    series->min = scale.min;
    series->max = scale.max;
    bool shown = display.mapped || dashboard_panel_type_reduces(e->panel->type);
    (void)text_copy(series->colour, sizeof series->colour,
                    shown ? display.colour : panel_step_colour(&field.thresholds, display.step));
    dashboard_field_deinit(&field);
}

static void show(struct evaluation *e)
{
    struct panel_view *out = e->out;
    struct panel_scale all = {NAN, NAN};
    make_cells(e);
    name_series(e);
    for (size_t i = 0; i < out->series_count; i++) {
        widen(&out->series[i], &all, &out->has_data);
    }
    for (size_t i = 0; i < out->series_count; i++) {
        show_series(e, i, &all);
    }
    (void)text_copy(out->text_no_data, sizeof out->text_no_data,
                    e->panel->no_value[0] != '\0' ? e->panel->no_value : "No data");
}

enum err panel_evaluate(const struct dashboard *dashboard, const struct dashboard_panel *panel,
                        const struct panel_request *request, struct panel_view *out,
                        struct error *error)
{
    const struct panel_request own = own_range(panel, request);
    struct evaluation e = {
        .dashboard = dashboard, .panel = panel, .request = &own, .out = out, .error = error};
    memset(out, 0, sizeof *out);
    enum err code = ask_all(&e);
    if (code == ERR_OK) {
        show(&e);
    } else {
        panel_view_deinit(out);
    }
    mem_free(e.target);
    return code;
}

void panel_view_deinit(struct panel_view *view)
{
    for (size_t i = 0; i < view->series_count; i++) {
        json_decref(view->series[i].labels);
        mem_free(view->series[i].point);
    }
    mem_free(view->series);
    memset(view, 0, sizeof *view);
}

enum err panel_query_prometheus(void *context, const char *expr, bool instant, double from_s,
                                double to_s, double step_s, struct prometheus_matrix *out,
                                struct error *error)
{
    struct prometheus *prometheus = context;
    return instant ? prometheus_query(prometheus, expr, to_s, out, error)
                   : prometheus_query_range(prometheus, expr, from_s, to_s, step_s, out, error);
}
