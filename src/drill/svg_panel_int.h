/* Shared by svg_panel.c (frames and the grid), svg_panel_time.c (axes and courses),
 * svg_panel_value.c (stat, gauge, bar gauge) and svg_panel_cells.c (heatmap, states, lists). */
#ifndef DRILL_SVG_PANEL_INT_H
#define DRILL_SVG_PANEL_INT_H

#include "drill/svg.h"
#include "drill/svg_panel.h"

#define SVG_PANEL_AXIS_MAX 76 /* pixels that the values of an axis may take */

struct panel_figure {
    struct buf *out;
    const char *id; /* of the picture, for its patterns */
    const struct panel_entry *entry;
    const struct panel_book *book;
    const struct scenario *scenario;
    struct svg_box box; /* what is left for the panel below its title */
};

/* Class and symbol of a state: "past", "past-soft", "past-line". */
const char *svg_state_class(enum svg_state state);
const char *svg_state_soft(enum svg_state state);
const char *svg_state_line(enum svg_state state);
void svg_state_mark(struct buf *out, enum svg_state state, double x, double y, double radius);

/* Drill seconds on the plot's width, with the lines of phases and labels below. */
struct svg_scale svg_panel_time_axis(const struct panel_figure *figure, const struct svg_box *plot);
/* Drill time of a point of the entry's view. */
double svg_panel_drill_s(const struct panel_figure *figure, double unix_s);
/* Values of a unit beside the plot, right of it or left; with lines across if `grid`. */
void svg_panel_value_axis(const struct panel_figure *figure, const struct svg_box *plot,
                          const struct svg_scale *scale, const char *unit, bool right, bool grid);

/* Thresholds as they lie on a scale: bound of step i, percentages resolved. */
double svg_panel_bound(const struct dashboard_panel *panel, size_t step, double min, double max);

void svg_panel_timeseries(const struct panel_figure *figure);
void svg_panel_stat(const struct panel_figure *figure);
void svg_panel_gauge(const struct panel_figure *figure);
void svg_panel_bargauge(const struct panel_figure *figure);
void svg_panel_heatmap(const struct panel_figure *figure);
void svg_panel_states(const struct panel_figure *figure);
void svg_panel_list(const struct panel_figure *figure); /* anything else: names and values */

#endif
