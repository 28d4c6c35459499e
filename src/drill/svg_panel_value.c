/* Panels of one number a series: the value at the end of the drill, and below it what the panel
 * showed at the end of each phase, because a number at the end says nothing about a drill. */
#include "drill/svg_panel_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STRIP_HEIGHT 30
#define BARS_MAX 12
#define BOLD 1.15 /* bold letters are so much wider */

/* ---- at the end of each phase ---- */

/* Of a series by its legend; the first one for NULL. */
static const struct panel_shown *shown_at(const struct panel_entry *entry, int phase,
                                          const char *legend)
{
    const struct panel_glance *glance = &entry->at_end[phase];
    for (size_t i = 0; i < glance->count; i++) {
        if (legend == NULL || strcmp(glance->shown[i].legend, legend) == 0) {
            return &glance->shown[i];
        }
    }
    return NULL;
}

/* Without its unit if there is no room for that. */
static const char *short_text(const char *text, double width, char *out, size_t size)
{
    text_copy(out, size, text);
    char *space = strchr(out, ' ');
    if (space != NULL && svg_text_width(text, 10.5) > width) {
        *space = '\0';
    }
    return out;
}

static void draw_strip(const struct panel_figure *figure, const struct svg_box *box)
{
    const struct panel_entry *entry = figure->entry;
    int count = entry->phase_count;
    if (count == 0) {
        return;
    }
    double width = box->w / count;
    svg_line(figure->out, "grid", box->x, box->y, box->x + box->w, box->y);
    for (int i = 0; i < count; i++) {
        const struct panel_shown *shown = shown_at(entry, i, NULL);
        double middle = box->x + width * (i + 0.5);
        enum svg_state state = shown == NULL ? SVG_STATE_PLAIN : svg_panel_state(shown->colour);
        char cut[64];
        const char *text =
            short_text(shown == NULL ? "-" : shown->text, width - 12, cut, sizeof cut);
        double half = fmin(svg_text_width(text, 10.5), width - 12) / 2;
        svg_text_fit(figure->out, "dim tiny mid", middle, box->y + 12, 10, width - 2,
                     figure->scenario->phase[i].name);
        svg_state_mark(figure->out, state, middle - half - 3, box->y + 21.5, 3);
        svg_text_fit(figure->out, "tiny num mid", middle + 3, box->y + 25, 10.5, width - 10, text);
    }
}

/* What is left above the strip. */
static struct svg_box with_strip(const struct panel_figure *figure)
{
    struct svg_box box = figure->box;
    if (figure->entry->phase_count > 0 && box.h > STRIP_HEIGHT + 36) {
        box.h -= STRIP_HEIGHT;
        draw_strip(figure, &(struct svg_box){box.x, box.y + box.h, box.w, STRIP_HEIGHT});
    }
    return box;
}

/* ---- stat ---- */

static void draw_sparkline(const struct panel_figure *figure, const struct svg_box *box,
                           const struct panel_series *series)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < series->count; i++) {
        if (isfinite(series->point[i].value)) {
            low = fmin(low, series->point[i].value);
            high = fmax(high, series->point[i].value);
        }
    }
    if (series->count < 3 || !(high > low)) {
        return;
    }
    struct svg_scale time = {0, fmax(figure->book->end_s, 0.1), box->x, box->w};
    struct svg_scale value = {low, high, box->y + box->h - 1, -(box->h - 2)};
    struct svg_point *point = mem_array(series->count, sizeof *point);
    size_t count = 0;
    for (size_t i = 0; i < series->count; i++) {
        double at_s = svg_panel_drill_s(figure, series->point[i].time_s);
        bool known = isfinite(series->point[i].value) && at_s >= 0 && at_s <= time.to;
        point[count].x = known ? svg_at(&time, at_s) : NAN;
        point[count++].y = known ? svg_at(&value, series->point[i].value) : NAN;
    }
    count = svg_thin(point, count, 2.5);
    svg_area(figure->out, "wash mute", point, count, box->y + box->h);
    svg_curve(figure->out, "curve grey thin solid", point, count);
    mem_free(point);
}

static void draw_number(const struct panel_figure *figure, const struct svg_box *box,
                        const struct panel_series *series, bool named)
{
    enum svg_state state = svg_panel_state(series->colour);
    double px = fmin(30, box->h * 0.6);
    const char *size = px >= 28 ? "big" : px >= 20 ? "mid-size" : "";
    px = px >= 28 ? 28 : px >= 20 ? 20 : 12;
    double half = fmin(svg_text_width(series->text, px) * BOLD, box->w - 40) / 2;
    double middle = box->x + box->w / 2, y = box->y + box->h / 2 + px / 3;
    char class[48];
    snprintf(class, sizeof class, "bold mid num %s", size);
    if (state != SVG_STATE_PLAIN) {
        svg_state_mark(figure->out, state, middle - half - 8, y - px / 3, px / 4);
    }
    svg_text_fit(figure->out, class, middle + 6, y, px, box->w - 30, series->text);
    if (named) {
        svg_text_fit(figure->out, "dim tiny mid", middle, box->y + 11, 10, box->w - 4,
                     series->legend);
    }
}

void svg_panel_stat(const struct panel_figure *figure)
{
    const struct panel_view *view = &figure->entry->view;
    struct svg_box box = with_strip(figure);
    size_t count = view->series_count < 4 ? view->series_count : 4;
    double width = box.w / (double)count;
    for (size_t i = 0; i < count; i++) {
        struct svg_box part = {box.x + width * (double)i, box.y, width, box.h};
        struct svg_box below = {part.x + 4, part.y + part.h * 0.55, part.w - 8, part.h * 0.43};
        draw_sparkline(figure, &below, &view->series[i]);
        draw_number(figure, &part, &view->series[i], count > 1);
    }
}

/* ---- gauge ---- */

struct dial {
    double x, y, radius, min, max;
};

/* Share of the half circle, 0 at the left. */
static double dial_share(const struct dial *dial, double value)
{
    double share = (value - dial->min) / (dial->max - dial->min);
    return fmin(fmax(share, 0), 1);
}

static void draw_arc(struct buf *out, const char *class, const struct dial *dial, double from,
                     double to, double inner, double outer)
{
    double a = M_PI * (1 - from), b = M_PI * (1 - to);
    if (!(to > from)) {
        return;
    }
    buf_printf(out, "<path class=\"%s\" d=\"M", class);
    svg_add_number(out, dial->x + outer * cos(a));
    buf_text(out, " ");
    svg_add_number(out, dial->y - outer * sin(a));
    buf_printf(out, "A%.1f %.1f 0 0 1 ", outer, outer);
    svg_add_number(out, dial->x + outer * cos(b));
    buf_text(out, " ");
    svg_add_number(out, dial->y - outer * sin(b));
    buf_text(out, "L");
    svg_add_number(out, dial->x + inner * cos(b));
    buf_text(out, " ");
    svg_add_number(out, dial->y - inner * sin(b));
    buf_printf(out, "A%.1f %.1f 0 0 0 ", inner, inner);
    svg_add_number(out, dial->x + inner * cos(a));
    buf_text(out, " ");
    svg_add_number(out, dial->y - inner * sin(a));
    buf_text(out, "z\"/>\n");
}

static void draw_ring(const struct panel_figure *figure, const struct dial *dial)
{
    const struct dashboard_panel *panel = figure->entry->panel;
    for (size_t i = 0; i < panel->thresholds.count; i++) {
        double from = i == 0 ? dial->min : svg_panel_bound(panel, i, dial->min, dial->max);
        double to = i + 1 == panel->thresholds.count
                        ? dial->max
                        : svg_panel_bound(panel, i + 1, dial->min, dial->max);
        enum svg_state state = svg_panel_state(panel->thresholds.step[i].colour);
        double a = dial_share(dial, from), b = dial_share(dial, to);
        draw_arc(figure->out, svg_state_class(state), dial, a, b, dial->radius - 5, dial->radius);
        if (b - a > 0.04) {
            double angle = M_PI * (1 - (a + b) / 2);
            svg_state_mark(figure->out, state, dial->x + (dial->radius + 9) * cos(angle),
                           dial->y - (dial->radius + 9) * sin(angle), 3.5);
        }
    }
}

void svg_panel_gauge(const struct panel_figure *figure)
{
    const struct panel_series *series = &figure->entry->view.series[0];
    struct svg_box box = with_strip(figure);
    double radius = fmin(box.w / 2 - 20, box.h - 34);
    struct dial dial = {box.x + box.w / 2, box.y + 14 + fmax(radius, 20), fmax(radius, 20),
                        series->min, series->max};
    if (!isfinite(dial.min) || !isfinite(dial.max) || !(dial.max > dial.min)) {
        dial.min = 0;
        dial.max = 1;
    }
    enum svg_state state = svg_panel_state(series->colour);
    draw_arc(figure->out, "soft", &dial, 0, 1, dial.radius * 0.66, dial.radius - 7);
    draw_arc(figure->out, svg_state_class(state), &dial, 0, dial_share(&dial, series->reduced),
             dial.radius * 0.66, dial.radius - 7);
    draw_ring(figure, &dial);
    svg_state_mark(figure->out, state, dial.x, dial.y - dial.radius * 0.42, 6);
    svg_text_fit(figure->out, "bold mid num mid-size", dial.x, dial.y + 2, 20, dial.radius * 1.3,
                 series->text);
}

/* ---- bar gauge ---- */

static void draw_bar(const struct panel_figure *figure, const struct svg_box *box, double names,
                     const struct panel_series *series)
{
    const struct dashboard_panel *panel = figure->entry->panel;
    enum svg_state state = svg_panel_state(series->colour);
    double min = isfinite(series->min) ? series->min : 0;
    double max = isfinite(series->max) && series->max > min ? series->max : min + 1;
    double text = 62, left = box->x + names, width = fmax(box->w - names - text, 20);
    double height = fmin(box->h - 6, 18), y = box->y + (box->h - height) / 2;
    struct svg_scale scale = {min, max, left, width};
    double value = fmin(fmax(series->reduced, min), max);
    svg_text_fit(figure->out, "small end", left - 6, y + height / 2 + 4, 11, names - 8,
                 series->legend);
    svg_rect(figure->out, "soft", &(struct svg_box){left, y, width, height});
    if (series->has_value && !isnan(series->reduced)) {
        svg_rect(figure->out, svg_state_class(state),
                 &(struct svg_box){left, y, svg_at(&scale, value) - left, height});
    }
    for (size_t i = 1; i < panel->thresholds.count; i++) {
        double bound = svg_panel_bound(panel, i, min, max);
        if (bound > min && bound < max) {
            double x = svg_at(&scale, bound);
            svg_line(figure->out, "frame", x, y - 2, x, y + height + 2);
        }
    }
    svg_state_mark(figure->out, state, left + width + 10, y + height / 2, 4);
    svg_text_fit(figure->out, "small num bold", left + width + 18, y + height / 2 + 4, 11,
                 text - 16, series->text);
}

void svg_panel_bargauge(const struct panel_figure *figure)
{
    const struct panel_view *view = &figure->entry->view;
    size_t count = view->series_count < BARS_MAX ? view->series_count : BARS_MAX;
    double names = 30, height = figure->box.h / (double)count;
    for (size_t i = 0; i < count; i++) {
        names = fmax(names, svg_text_width(view->series[i].legend, 11) + 10);
    }
    names = fmin(names, figure->box.w * 0.4);
    for (size_t i = 0; i < count; i++) {
        struct svg_box box = {figure->box.x, figure->box.y + height * (double)i, figure->box.w,
                              height};
        draw_bar(figure, &box, names, &view->series[i]);
    }
}
