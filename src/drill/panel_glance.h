/* What a panel showed at one moment, as plain records: what judging panels is arithmetic over. */
#ifndef DRILL_PANEL_GLANCE_H
#define DRILL_PANEL_GLANCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct panel_shown { /* one series: what a reader sees of it */
    char legend[256];
    double value;        /* reduced as the panel says; NaN = nothing */
    double mean, median; /* of its points; NaN without any */
    char text[64], colour[32];
    bool headline; /* of the panel's first query, the others being bounds, limits, counts */
};

/* A panel at one moment: the end of the time range of `range_ns` that it shows. */
struct panel_glance {
    double at_s; /* drill time */
    int64_t range_ns;
    int width_px;
    bool ok; /* else `why` tells what kept it from being evaluated, and nothing was seen */
    char why[160];
    size_t count; /* of series; 0 = no data */
    struct panel_shown *shown;
    enum err code; /* with which the evaluation failed; ERR_OK if ok */
};

enum panel_worse { PANEL_NO_WAY, PANEL_LOWER, PANEL_HIGHER };

/* What an expectation looked at: the panel at its moment first, then at the other widths and
 * ranges. */
struct panel_sight {
    bool known; /* there is such a panel; else nothing was looked at */
    enum panel_worse worse;
    size_t count;
    struct panel_glance *glance;
    struct panel_glance rest; /* of `relative_to`; range_ns 0 if there is none */
};

/* A panel that declares which way is worse, at the end of each phase. */
struct panel_course {
    const char *name, *title, *query; /* "main/Conversion", "Conversion", PromQL */
    enum panel_worse worse;
    int phase_count;                   /* phases whose end was reached */
    const struct panel_glance *at_end; /* [phase_count], over SCENARIO_PANEL_RANGE_NS */
    char lacks[128];                   /* why the target cannot fill it; "" = nothing is missing */
};

/* Nobody answered, or not in time: that says nothing of the panel. */
bool panel_glance_unanswered(const struct panel_glance *glance);
void panel_glance_deinit(struct panel_glance *glance);
void panel_sight_deinit(struct panel_sight *sight);
/* Is a colour that Grafana knows, in any of its shades, the wanted one? */
bool panel_colour_is(const char *shown, const char *wanted);

#endif
