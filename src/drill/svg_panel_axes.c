/* Axes of panels: drill time with its phases below, values of a unit at the sides. */
#include "drill/svg_panel_int.h"

#include "base/clock.h"
#include "base/text.h"
#include "observe/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double svg_panel_drill_s(const struct panel_figure *figure, double unix_s)
{
    return unix_s - figure->book->origin_unix_s;
}

static void draw_phases(const struct panel_figure *figure, const struct svg_box *plot,
                        const struct svg_scale *scale)
{
    const struct scenario *scenario = figure->scenario;
    for (int i = 1; i < scenario->phase_count; i++) {
        double at_s = (double)scenario->phase[i].start_ns / (double)CLOCK_NS_PER_S;
        if (at_s < scale->to) {
            double x = svg_at(scale, at_s);
            svg_line(figure->out, "moment", x, plot->y, x, plot->y + plot->h);
        }
    }
}

/* Names of phases, where there is room, else seconds. */
static void draw_names(const struct panel_figure *figure, const struct svg_box *plot,
                       const struct svg_scale *scale)
{
    const struct scenario *scenario = figure->scenario;
    for (int i = 0; i < scenario->phase_count; i++) {
        const struct scenario_phase *phase = &scenario->phase[i];
        double from_s = (double)phase->start_ns / (double)CLOCK_NS_PER_S;
        double to_s = fmin(from_s + (double)phase->duration_ns / (double)CLOCK_NS_PER_S, scale->to);
        double width = svg_at(scale, to_s) - svg_at(scale, from_s);
        if (from_s < scale->to && svg_text_width(phase->name, 10) <= width) {
            svg_text(figure->out, "dim tiny mid", svg_at(scale, (from_s + to_s) / 2),
                     plot->y + plot->h + 25, phase->name);
        }
    }
}

struct svg_scale svg_panel_time_axis(const struct panel_figure *figure, const struct svg_box *plot)
{
    struct svg_scale scale = {0, fmax(figure->book->end_s, 0.1), plot->x, plot->w};
    double tick[SVG_TICKS_MAX];
    int decimals;
    size_t count = svg_ticks(0, scale.to, (size_t)fmax(plot->w / 60, 2), tick, &decimals);
    draw_phases(figure, plot, &scale);
    for (size_t i = 0; i < count; i++) {
        char text[32];
        double x = svg_at(&scale, tick[i]);
        snprintf(text, sizeof text, "%.*f s", decimals, tick[i]);
        svg_line(figure->out, "frame", x, plot->y + plot->h, x, plot->y + plot->h + 3);
        svg_text(figure->out, "dim tiny mid num", x, plot->y + plot->h + 14, text);
    }
    draw_names(figure, plot, &scale);
    return scale;
}

/* Bytes are round in powers of 1024, everything else in powers of ten. */
static double round_unit(const char *unit, double most)
{
    double factor = 1;
    if (strcmp(unit, "bytes") == 0) {
        while (factor * 1024 <= fabs(most)) {
            factor *= 1024;
        }
    }
    return factor;
}

/* Does a value written with so many decimals say the same as with more of them? */
static bool is_exact(const char *unit, double value, int decimals)
{
    struct units_value some, more;
    double a = 0, b = 0;
    units_format(unit, value, decimals, &some);
    units_format(unit, value, decimals + 2, &more);
    return strcmp(some.suffix, more.suffix) != 0 || !text_to_f64(some.text, &a) ||
           !text_to_f64(more.text, &b) || fabs(a - b) <= 1e-3 * fabs(b);
}

/* The same for all values of an axis, and as few as are exact. */
static int decimals_for(const char *unit, const double *tick, size_t count)
{
    for (int decimals = 0; decimals < 6; decimals++) {
        bool exact = true;
        for (size_t i = 0; i < count && exact; i++) {
            exact = is_exact(unit, tick[i], decimals);
        }
        if (exact) {
            return decimals;
        }
    }
    return UNITS_DECIMALS_AUTO;
}

void svg_panel_value_axis(const struct panel_figure *figure, const struct svg_box *plot,
                          const struct svg_scale *scale, const char *unit, bool right, bool grid)
{
    double tick[SVG_TICKS_MAX];
    int ignored;
    double factor = round_unit(unit, fmax(fabs(scale->from), fabs(scale->to)));
    size_t count = svg_ticks(scale->from / factor, scale->to / factor,
                             (size_t)fmax(plot->h / 26, 2), tick, &ignored);
    for (size_t i = 0; i < count; i++) {
        tick[i] *= factor;
    }
    int decimals = decimals_for(unit, tick, count);
    for (size_t i = 0; i < count; i++) {
        char text[128], cut[128];
        double y = svg_at(scale, tick[i]);
        units_text(unit, tick[i], decimals, text, sizeof text);
        svg_fit(text, 10, SVG_PANEL_AXIS_MAX - 6, cut, sizeof cut);
        if (grid) {
            svg_line(figure->out, "grid", plot->x, y, plot->x + plot->w, y);
        }
        svg_text(figure->out, right ? "dim tiny num" : "dim tiny num end",
                 right ? plot->x + plot->w + 5 : plot->x - 5, y + 3.5, cut);
    }
}
