/*
 * Panels of dashboards as a report draws them: the course over the whole drill with thresholds as
 * bands, and of panels that show one value also what they showed at the end of each phase. A
 * threshold's colour becomes a state that a symbol tells as well. Titles, legends and units come
 * from files and may be hostile. Pure.
 */
#ifndef DRILL_SVG_PANEL_H
#define DRILL_SVG_PANEL_H

#include "base/buf.h"
#include "drill/panels.h"
#include "drill/scenario.h"

#include <stdbool.h>
#include <stddef.h>

#define SVG_PANEL_COLUMNS 24
#define SVG_DASHBOARD_WIDTH 1200

/* What a colour of a threshold or mapping says. */
enum svg_state { SVG_STATE_PLAIN, SVG_STATE_OK, SVG_STATE_NEAR, SVG_STATE_PAST };

/* By hue: green and blue are fine, yellow and orange near, red past; names of Grafana's palette
 * ("dark-red"), "#rgb", "#rrggbb", "rgb(...)"; anything else is plain. */
enum svg_state svg_panel_state(const char *colour);
const char *svg_panel_state_text(enum svg_state state); /* "fine", "near the limit" ... or "" */

/* Rows of the grid, [from, to). */
struct svg_rows {
    int from, to;
};

#define SVG_ROWS_MAX 64

/* Cuts a dashboard into bands of at most `most` rows, through no panel; one that panels do not let
 * be cut is longer. Returns how many. */
size_t svg_dashboard_bands(const struct dashboard *dashboard, const struct panel_book *book,
                           int most, struct svg_rows out[SVG_ROWS_MAX]);
/* One of them as a picture inside a page. */
void svg_dashboard_band(struct buf *out, const char *id, const struct dashboard *dashboard,
                        const struct panel_book *book, const struct scenario *scenario,
                        struct svg_rows rows);
/* One dashboard on its grid of 24 columns; `id` as in svg_head. Alone: a file of its own. */
void svg_dashboard(struct buf *out, const char *id, bool alone, const struct dashboard *dashboard,
                   const struct panel_book *book, const struct scenario *scenario);

#endif
