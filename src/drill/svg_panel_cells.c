/* Panels made of cells: heatmaps, states over time, and names with values for all others. */
#include "drill/svg_panel_int.h"

#include "base/mem.h"
#include "base/text.h"
#include "observe/threshold.h"
#include "observe/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AXIS_BELOW 30
#define ROWS_MAX 40
#define COLUMN_PX 7.0
#define LEVELS 8
#define LEVEL_NONE 0

/* ---- heatmap ---- */

struct heat { /* cells by row, then column; sums over the columns' time */
    const struct panel_figure *figure;
    struct svg_box plot;
    size_t rows, columns;
    double *cell; /* NaN = nothing known */
    double most;
};

static void fill_cells(struct heat *heat)
{
    const struct panel_view *view = &heat->figure->entry->view;
    struct svg_scale time = {0, fmax(heat->figure->book->end_s, 0.1), 0, (double)heat->columns};
    for (size_t i = 0; i < heat->rows * heat->columns; i++) {
        heat->cell[i] = NAN;
    }
    for (size_t r = 0; r < heat->rows; r++) {
        const struct panel_series *series = &view->series[r];
        for (size_t i = 0; i < series->count; i++) {
            double at = svg_at(&time, svg_panel_drill_s(heat->figure, series->point[i].time_s));
            if (at < 0 || at > time.length || !isfinite(series->point[i].value)) {
                continue;
            }
            size_t column = (size_t)fmin(at, time.length - 1);
            double *cell = &heat->cell[r * heat->columns + column];
            *cell = isnan(*cell) ? series->point[i].value : *cell + series->point[i].value;
        }
    }
    for (size_t i = 0; i < heat->rows * heat->columns; i++) {
        heat->most = heat->cell[i] > heat->most ? heat->cell[i] : heat->most;
    }
}

/* The square root keeps small counts visible beside large ones. */
static int level_of(const struct heat *heat, size_t row, size_t column)
{
    double value = heat->cell[row * heat->columns + column];
    if (!(value > 0) || !(heat->most > 0)) {
        return LEVEL_NONE;
    }
    return (int)fmin(ceil(sqrt(value / heat->most) * LEVELS), LEVELS);
}

/* All cells of one level are one path; neighbours in a row are one rectangle of it. */
static void draw_level(const struct heat *heat, int level)
{
    struct buf *out = heat->figure->out;
    double width = heat->plot.w / (double)heat->columns;
    double height = heat->plot.h / (double)heat->rows;
    buf_printf(out, "<path class=\"heat%d\" d=\"", level);
    for (size_t r = 0; r < heat->rows; r++) {
        for (size_t c = 0; c < heat->columns;) {
            size_t end = c;
            while (end < heat->columns && level_of(heat, r, end) == level) {
                end++;
            }
            if (end == c) {
                c++;
                continue;
            }
            buf_text(out, "M");
            svg_add_number(out, heat->plot.x + width * (double)c);
            buf_text(out, " ");
            svg_add_number(out, heat->plot.y + heat->plot.h - height * (double)(r + 1));
            buf_text(out, "h");
            svg_add_number(out, width * (double)(end - c));
            buf_text(out, "v");
            svg_add_number(out, height);
            buf_text(out, "h");
            svg_add_number(out, -width * (double)(end - c));
            buf_text(out, "z");
            c = end;
        }
    }
    buf_text(out, "\"/>\n");
}

static void draw_rows(const struct heat *heat, double names)
{
    const struct panel_view *view = &heat->figure->entry->view;
    double height = heat->plot.h / (double)heat->rows;
    size_t every = height >= 12 ? 1 : (size_t)ceil(12 / height);
    for (size_t r = 0; r < heat->rows; r += every) {
        svg_text_fit(heat->figure->out, "dim tiny num end", heat->plot.x - 4,
                     heat->plot.y + heat->plot.h - height * ((double)r + 0.5) + 3.5, 10, names,
                     view->series[r].legend);
    }
}

static void draw_shades(const struct heat *heat, double y)
{
    struct buf *out = heat->figure->out;
    char text[96], most[64], class[32];
    double x = heat->plot.x;
    svg_text(out, "dim tiny num", x, y + 10, "none");
    x += 28;
    for (int level = 1; level <= LEVELS; level++, x += 14) {
        snprintf(class, sizeof class, "heat%d", level);
        svg_rect(out, class, &(struct svg_box){x, y + 1, 14, 10});
    }
    units_text("short", heat->most, 0, most, sizeof most);
    snprintf(text, sizeof text, "%s in a cell", most);
    svg_text(out, "dim tiny num", x + 5, y + 10, text);
}

void svg_panel_heatmap(const struct panel_figure *figure)
{
    const struct svg_box *box = &figure->box;
    const double names = 50;
    struct heat heat = {.figure = figure};
    heat.rows = figure->entry->view.series_count;
    heat.rows = heat.rows < ROWS_MAX ? heat.rows : ROWS_MAX;
    heat.plot = (struct svg_box){box->x + names, box->y + 2, box->w - names - 8,
                                 fmax(box->h - AXIS_BELOW - 20, 20)};
    heat.columns = (size_t)fmax(heat.plot.w / COLUMN_PX, 1);
    heat.cell = mem_array(heat.rows * heat.columns, sizeof *heat.cell);
    fill_cells(&heat);
    for (int level = 1; level <= LEVELS; level++) {
        draw_level(&heat, level);
    }
    svg_rect(figure->out, "plot", &heat.plot);
    draw_rows(&heat, names - 4);
    (void)svg_panel_time_axis(figure, &heat.plot);
    draw_shades(&heat, heat.plot.y + heat.plot.h + AXIS_BELOW);
    mem_free(heat.cell);
}

/* ---- states over time ---- */

struct state {
    char text[64];
    enum svg_state state;
};

static bool maps(const struct dashboard_mapping *mapping, double value)
{
    switch (mapping->type) {
    case DASHBOARD_MAP_VALUE: {
        char *end = NULL;
        double match = strtod(mapping->match, &end);
        return end != mapping->match && *end == '\0' && match == value;
    }
    case DASHBOARD_MAP_RANGE:
        return value >= mapping->from && value <= mapping->to;
    default:
        return false;
    }
}

static struct state state_of(const struct dashboard_panel *panel, double value)
{
    struct state state = {.state = SVG_STATE_PLAIN};
    int step = threshold_active(&panel->thresholds, value, panel->min, panel->max);
    units_text(panel->unit, value, panel->decimals, state.text, sizeof state.text);
    if (step >= 0) {
        state.state = svg_panel_state(panel->thresholds.step[step].colour);
    }
    for (size_t i = 0; i < panel->field.mapping_count; i++) {
        const struct dashboard_mapping *mapping = &panel->field.mapping[i];
        if (maps(mapping, value)) {
            if (mapping->text[0] != '\0') {
                text_copy(state.text, sizeof state.text, mapping->text);
            }
            if (mapping->colour[0] != '\0') {
                state.state = svg_panel_state(mapping->colour);
            }
            break;
        }
    }
    return state;
}

static void draw_stretch(const struct panel_figure *figure, const struct svg_box *box,
                         const struct state *state)
{
    if (state->state == SVG_STATE_NEAR) {
        svg_rect_pattern(figure->out, figure->id, "hatch", box);
    } else {
        svg_rect(figure->out, svg_state_class(state->state), box);
    }
    if (svg_text_width(state->text, 11) + 6 < box->w && box->h >= 12) {
        svg_text(figure->out, state->state == SVG_STATE_NEAR ? "small mid" : "on small mid",
                 box->x + box->w / 2, box->y + box->h / 2 + 4, state->text);
    }
}

/* A state lasts until the next sample that is another, or is missing. */
static void draw_states_of(const struct panel_figure *figure, const struct panel_series *series,
                           const struct svg_scale *time, double y, double height)
{
    double step_s = (double)figure->entry->view.plan.step_ms / 1000;
    for (size_t i = 0; i < series->count;) {
        double value = series->point[i].value;
        size_t end = i + 1;
        while (end < series->count && series->point[end].value == value &&
               series->point[end].time_s - series->point[end - 1].time_s <= 1.5 * step_s) {
            end++;
        }
        double from_s = fmax(svg_panel_drill_s(figure, series->point[i].time_s), 0);
        double to_s =
            fmin(svg_panel_drill_s(figure, series->point[end - 1].time_s) + step_s, time->to);
        if (isfinite(value) && to_s > from_s) {
            struct state state = state_of(figure->entry->panel, value);
            struct svg_box box = {svg_at(time, from_s), y, 0, height};
            box.w = fmax(svg_at(time, to_s) - box.x, 1);
            draw_stretch(figure, &box, &state);
        }
        i = end;
    }
}

void svg_panel_states(const struct panel_figure *figure)
{
    const struct panel_view *view = &figure->entry->view;
    const struct svg_box *box = &figure->box;
    double most = floor((box->h - AXIS_BELOW - 4) / 13);
    size_t rows = view->series_count < (size_t)most ? view->series_count : (size_t)fmax(most, 1);
    double names = 40;
    for (size_t i = 0; i < rows; i++) {
        names = fmax(names, svg_text_width(view->series[i].legend, 11) + 12);
    }
    names = fmin(names, box->w * 0.3);
    struct svg_box plot = {box->x + names, box->y + 2, box->w - names - 8, box->h - AXIS_BELOW - 4};
    double height = plot.h / (double)rows;
    struct svg_scale time = svg_panel_time_axis(figure, &plot);
    for (size_t i = 0; i < rows; i++) {
        double y = plot.y + height * (double)i;
        svg_text_fit(figure->out, "small end", plot.x - 6, y + height / 2 + 4, 11, names - 8,
                     view->series[i].legend);
        svg_line(figure->out, "grid", plot.x, y + height / 2, plot.x + plot.w, y + height / 2);
        double bar = fmin(height - 2, 24);
        draw_states_of(figure, &view->series[i], &time, y + (height - bar) / 2, bar);
    }
    svg_rect(figure->out, "plot", &plot);
    if (rows < view->series_count) {
        char more[48];
        snprintf(more, sizeof more, "+%zu", view->series_count - rows);
        svg_text(figure->out, "dim tiny end", plot.x - 6, plot.y + plot.h + 14, more);
    }
}

/* ---- anything else ---- */

void svg_panel_list(const struct panel_figure *figure)
{
    const struct panel_view *view = &figure->entry->view;
    const struct svg_box *box = &figure->box;
    size_t most = (size_t)fmax(floor(box->h / 16), 1);
    for (size_t i = 0; i < view->series_count && i < most; i++) {
        double y = box->y + 12 + 16 * (double)i;
        svg_state_mark(figure->out, svg_panel_state(view->series[i].colour), box->x + 8, y - 4, 4);
        svg_text_fit(figure->out, "small", box->x + 18, y, 11, box->w - 110,
                     view->series[i].legend);
        svg_text_fit(figure->out, "small num bold end", box->x + box->w - 6, y, 11, 84,
                     view->series[i].text);
    }
}
