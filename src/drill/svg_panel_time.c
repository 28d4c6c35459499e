#include "drill/svg_panel_int.h"

#include "base/mem.h"
#include "base/text.h"
#include "observe/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SERIES_MAX 12 /* drawn; the report's table holds all */
#define AXIS_LEFT 40  /* at least */
#define AXIS_RIGHT 40
#define AXIS_BELOW 30
#define LEGEND_LINE 15
#define MARK_SPACING_PX 170
#define BUCKET_PX 2.5

/* How a series is drawn; what overrides of the panel say of it, as far as it can be told. */
struct look {
    const char *class; /* of colour */
    const char *dash;  /* "solid", "dash", "dot"; NULL = the class's own */
    double width;
    bool right;
    char unit[48];
};

struct plot {
    const struct panel_figure *figure;
    struct svg_box box;
    size_t count; /* of series drawn */
    struct look look[SERIES_MAX];
    struct svg_scale time, left, right;
    bool has_right;
    char left_unit[48], right_unit[48];
};

/* ---- looks ---- */

static const char *const by_colour[][2] = {
    {"light-blue", "s4"}, {"blue", "s0"},   {"light-orange", "s5"}, {"orange", "s5"},
    {"green", "s2"},      {"purple", "s3"}, {"yellow", "s7"},       {"red", "s1"}};

static bool taken(const struct plot *plot, size_t count, const char *class)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(plot->look[i].class, class) == 0) {
            return true;
        }
    }
    return false;
}

/* The class nearest to the panel's colour that no earlier series has. */
static const char *class_for(const struct plot *plot, size_t index, const char *colour)
{
    for (size_t i = 0; i < sizeof by_colour / sizeof by_colour[0]; i++) {
        if ((strcmp(colour, by_colour[i][0]) == 0 || text_ends(colour, by_colour[i][0])) &&
            !taken(plot, index, by_colour[i][1])) {
            return by_colour[i][1];
        }
    }
    if (colour[0] == '#' && svg_panel_state(colour) == SVG_STATE_PLAIN &&
        !taken(plot, index, "grey")) {
        return "grey";
    }
    for (size_t i = 0; i < SVG_SERIES; i++) {
        if (!taken(plot, index, svg_series_class(i))) {
            return svg_series_class(i);
        }
    }
    return svg_series_class(index);
}

static bool matches(const json_t *override, const struct panel_series *series)
{
    const json_t *matcher = json_object_get(override, "matcher");
    const char *id = json_string_value(json_object_get(matcher, "id"));
    const char *options = json_string_value(json_object_get(matcher, "options"));
    if (id == NULL || options == NULL) {
        return false;
    }
    return (strcmp(id, "byFrameRefID") == 0 && strcmp(options, series->ref) == 0) ||
           (strcmp(id, "byName") == 0 && strcmp(options, series->legend) == 0);
}

static void apply(const char *id, const json_t *value, struct look *look)
{
    const char *text = json_string_value(value);
    if (strcmp(id, "custom.axisPlacement") == 0 && text != NULL) {
        look->right = strcmp(text, "right") == 0;
    } else if (strcmp(id, "custom.lineWidth") == 0 && json_is_number(value)) {
        look->width = fmin(fmax(json_number_value(value), 1), 4);
    } else if (strcmp(id, "custom.lineStyle") == 0) {
        const char *fill = json_string_value(json_object_get(value, "fill"));
        look->dash = fill == NULL                 ? NULL
                     : strcmp(fill, "dash") == 0  ? "dash"
                     : strcmp(fill, "dot") == 0   ? "dot"
                     : strcmp(fill, "solid") == 0 ? "solid"
                                                  : NULL;
    } else if (strcmp(id, "unit") == 0 && text != NULL) {
        text_copy(look->unit, sizeof look->unit, text);
    }
}

static void choose_look(struct plot *plot, size_t index, const struct panel_series *series)
{
    const struct dashboard_panel *panel = plot->figure->entry->panel;
    struct look *look = &plot->look[index];
    const json_t *field = json_object_get(panel->json, "fieldConfig");
    const json_t *overrides = json_object_get(field, "overrides");
    size_t i, k;
    json_t *override, *property;
    *look = (struct look){.width = 2, .class = class_for(plot, index, series->line_colour)};
    if (plot->count == 1) {
        look->dash = "solid"; /* there is nothing to be told from */
    }
    text_copy(look->unit, sizeof look->unit, panel->unit);
    json_array_foreach(overrides, i, override)
    {
        if (!matches(override, series)) {
            continue;
        }
        json_array_foreach(json_object_get(override, "properties"), k, property)
        {
            const char *id = json_string_value(json_object_get(property, "id"));
            if (id != NULL) {
                apply(id, json_object_get(property, "value"), look);
            }
        }
    }
}

/* ---- scales ---- */

static void widen(const struct panel_series *series, double *low, double *high)
{
    for (size_t i = 0; i < series->count; i++) {
        if (isfinite(series->point[i].value)) {
            *low = fmin(*low, series->point[i].value);
            *high = fmax(*high, series->point[i].value);
        }
    }
}

/* Thresholds are shown, too, unless that would squeeze what was measured. */
static void widen_to_thresholds(const struct dashboard_panel *panel, double *low, double *high)
{
    double range = *high > *low ? *high - *low : INFINITY; /* a flat line leaves room for all */
    for (size_t i = 0; i < panel->thresholds.count; i++) {
        double value = panel->thresholds.step[i].value;
        if (!panel->thresholds.percent && isfinite(value) && value > *low - 2 * range &&
            value < *high + 2 * range) {
            *low = fmin(*low, value);
            *high = fmax(*high, value);
        }
    }
}

static bool shows_thresholds(const struct dashboard_panel *panel)
{
    const char *style = panel->thresholds_style;
    return style[0] != '\0' && strcmp(style, "off") != 0;
}

static struct svg_scale scale_of(const struct plot *plot, bool right)
{
    const struct panel_entry *entry = plot->figure->entry;
    const struct dashboard_panel *panel = entry->panel;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < plot->count; i++) {
        if (plot->look[i].right == right) {
            widen(&entry->view.series[i], &low, &high);
        }
    }
    if (!(high >= low)) {
        low = 0;
        high = 1;
    }
    if (!right && shows_thresholds(panel)) {
        widen_to_thresholds(panel, &low, &high);
    }
    double room = high > low ? (high - low) * 0.06 : high == 0 ? 1 : fabs(high) * 0.1;
    bool from_zero = right || (isfinite(panel->min) && panel->min == 0);
    low = from_zero && low >= 0 ? 0 : low - room;
    low = !right && isfinite(panel->min) ? fmin(panel->min, low + room) : low;
    high = !right && isfinite(panel->max) && panel->max >= high ? panel->max : high + room;
    return (struct svg_scale){low, high > low ? high : low + 1, plot->box.y + plot->box.h,
                              -plot->box.h};
}

/* ---- drawing ---- */

static double y_inside(const struct plot *plot, const struct svg_scale *scale, double value)
{
    double y = isfinite(value) ? svg_at(scale, value)
               : value > 0     ? plot->box.y
                               : plot->box.y + plot->box.h;
    return fmin(fmax(y, plot->box.y), plot->box.y + plot->box.h);
}

static void draw_thresholds(const struct plot *plot)
{
    const struct dashboard_panel *panel = plot->figure->entry->panel;
    struct buf *out = plot->figure->out;
    bool bands = strstr(panel->thresholds_style, "area") != NULL;
    double right = plot->box.x + plot->box.w;
    for (size_t i = 0; shows_thresholds(panel) && i < panel->thresholds.count; i++) {
        enum svg_state state = svg_panel_state(panel->thresholds.step[i].colour);
        double from =
            i == 0 ? -INFINITY : svg_panel_bound(panel, i, plot->left.from, plot->left.to);
        double to = i + 1 == panel->thresholds.count
                        ? INFINITY
                        : svg_panel_bound(panel, i + 1, plot->left.from, plot->left.to);
        double bottom = y_inside(plot, &plot->left, from), top = y_inside(plot, &plot->left, to);
        if (bands && bottom > top) {
            struct svg_box band = {plot->box.x, top, plot->box.w, bottom - top};
            svg_rect(out, svg_state_soft(state), &band);
        }
        if (bottom - top > 10 && state >= SVG_STATE_NEAR) {
            svg_state_mark(out, state, right - 7, (bottom + top) / 2, 3.5);
        }
        if (i > 0 && from > plot->left.from && from < plot->left.to) {
            /* The line belongs to the worse of the two sides. */
            enum svg_state below = svg_panel_state(panel->thresholds.step[i - 1].colour);
            char class[48];
            snprintf(class, sizeof class, "%s limit",
                     svg_state_line(below > state ? below : state));
            svg_line(out, class, plot->box.x, bottom, right, bottom);
        }
    }
}

static void draw_marks(const struct plot *plot, size_t index, const struct svg_point *point,
                       size_t count)
{
    double next = plot->box.x + MARK_SPACING_PX * (0.25 + 0.5 * (double)(index % 3) / 3);
    char class[32];
    snprintf(class, sizeof class, "mark %s", plot->look[index].class);
    for (size_t i = 0; i < count; i++) {
        if (!isnan(point[i].y) && point[i].x >= next) {
            svg_symbol(plot->figure->out, svg_series_symbol(index), class, point[i].x, point[i].y,
                       3.5);
            next = point[i].x + MARK_SPACING_PX;
        }
    }
}

static const char *curve_class(const struct look *look, char *out, size_t size)
{
    snprintf(out, size, "curve %s%s%s%s", look->class, look->dash == NULL ? "" : " ",
             look->dash == NULL ? "" : look->dash,
             look->width < 1.5   ? " thin"
             : look->width > 2.5 ? " thick"
                                 : "");
    return out;
}

static void draw_series(const struct plot *plot, size_t index)
{
    const struct panel_series *series = &plot->figure->entry->view.series[index];
    const struct look *look = &plot->look[index];
    const struct svg_scale *scale = look->right ? &plot->right : &plot->left;
    double step_s = (double)plot->figure->entry->view.plan.step_ms / 1000;
    struct svg_point *point = mem_array(2 * series->count + 1, sizeof *point);
    size_t count = 0;
    char class[48];
    for (size_t i = 0; i < series->count; i++) {
        double at_s = svg_panel_drill_s(plot->figure, series->point[i].time_s);
        if (i > 0 && series->point[i].time_s - series->point[i - 1].time_s > 1.5 * step_s) {
            point[count++] = (struct svg_point){NAN, NAN};
        }
        bool known = isfinite(series->point[i].value) && at_s >= 0 && at_s <= plot->time.to;
        point[count].x = known ? svg_at(&plot->time, at_s) : NAN;
        point[count++].y = known ? y_inside(plot, scale, series->point[i].value) : NAN;
    }
    count = svg_thin(point, count, BUCKET_PX);
    svg_group(plot->figure->out, NULL, series->legend);
    svg_curve(plot->figure->out, curve_class(look, class, sizeof class), point, count);
    if (plot->count > 1) {
        draw_marks(plot, index, point, count);
    }
    svg_group_end(plot->figure->out);
    mem_free(point);
}

/* Entries from left to right; what does not fit into the lines is counted. */
static void draw_legend(const struct plot *plot, double top, int lines)
{
    const struct panel_figure *figure = plot->figure;
    const struct panel_view *view = &figure->entry->view;
    double left = figure->box.x + 4, right = figure->box.x + figure->box.w - 46;
    double x = left, y = top + 8;
    int line = 0;
    char class[48];
    for (size_t i = 0; i < view->series_count; i++) {
        const char *legend = view->series[i].legend;
        double width = fmin(30 + svg_text_width(legend, 11), right - left);
        if (x > left && x + width > right) {
            line++;
            x = left;
            y += LEGEND_LINE;
        }
        if (i >= plot->count || line >= lines) {
            char more[48];
            snprintf(more, sizeof more, "+%zu", view->series_count - i);
            svg_text(figure->out, "dim small end", right + 40, top + 12 + (lines - 1) * LEGEND_LINE,
                     more);
            return;
        }
        svg_line(figure->out, curve_class(&plot->look[i], class, sizeof class), x, y, x + 20, y);
        if (plot->count > 1) {
            snprintf(class, sizeof class, "mark %s", plot->look[i].class);
            svg_symbol(figure->out, svg_series_symbol(i), class, x + 10, y, 3.5);
        }
        svg_text_fit(figure->out, "small", x + 25, y + 4, 11, width - 26, legend);
        x += width + 10;
    }
}

static int legend_lines(const struct panel_figure *figure)
{
    double width = 0;
    for (size_t i = 0; i < figure->entry->view.series_count; i++) {
        width += 40 + svg_text_width(figure->entry->view.series[i].legend, 11);
    }
    double lines = ceil(width / (figure->box.w - 50) + 0.2);
    double most = figure->box.h > 200 ? 3 : 2;
    return (int)fmin(fmax(lines, 1), most);
}

/* Room for the values of an axis, going by its ends. */
static double axis_width(const struct svg_scale *scale, const char *unit)
{
    char low[128], high[128];
    units_text(unit, scale->from, 0, low, sizeof low);
    units_text(unit, scale->to, 0, high, sizeof high);
    double width = fmax(svg_text_width(low, 10), svg_text_width(high, 10)) + 10;
    return fmin(fmax(width, AXIS_LEFT), SVG_PANEL_AXIS_MAX);
}

void svg_panel_timeseries(const struct panel_figure *figure)
{
    const struct panel_view *view = &figure->entry->view;
    struct plot plot = {.figure = figure};
    plot.count = view->series_count < SERIES_MAX ? view->series_count : SERIES_MAX;
    text_copy(plot.left_unit, sizeof plot.left_unit, figure->entry->panel->unit);
    for (size_t i = 0; i < plot.count; i++) {
        choose_look(&plot, i, &view->series[i]);
        bool first = plot.look[i].right && !plot.has_right;
        plot.has_right = plot.has_right || plot.look[i].right;
        if (first) {
            text_copy(plot.right_unit, sizeof plot.right_unit, plot.look[i].unit);
        }
    }
    const struct svg_box *box = &figure->box;
    int lines = box->h < 90 ? 0 : legend_lines(figure);
    plot.left = scale_of(&plot, false);
    double left = axis_width(&plot.left, plot.left_unit);
    plot.box = (struct svg_box){box->x + left, box->y + 2,
                                box->w - left - (plot.has_right ? AXIS_RIGHT : 8),
                                fmax(box->h - 4 - AXIS_BELOW - lines * LEGEND_LINE, 20)};
    plot.left = scale_of(&plot, false);
    plot.right = scale_of(&plot, true);
    svg_rect(figure->out, "plot", &plot.box);
    draw_thresholds(&plot);
    svg_panel_value_axis(figure, &plot.box, &plot.left, plot.left_unit, false, true);
    if (plot.has_right) {
        svg_panel_value_axis(figure, &plot.box, &plot.right, plot.right_unit, true, false);
    }
    plot.time = svg_panel_time_axis(figure, &plot.box);
    for (size_t i = plot.count; i-- > 0;) {
        draw_series(&plot, i); /* the first one on top */
    }
    if (lines > 0) {
        draw_legend(&plot, plot.box.y + plot.box.h + AXIS_BELOW, lines);
    }
}
