/* Shared by the panel*.c files only. */
#ifndef OBSERVE_PANEL_INT_H
#define OBSERVE_PANEL_INT_H

#include "observe/panel.h"

/* One value as Grafana's display processor shows it. */
struct panel_display {
    char text[64];
    char colour[32]; /* as Grafana shows it: mapping, fixed colour, palette or threshold */
    bool mapped;     /* a mapping said the colour */
    int step;        /* active threshold, -1 if there is none */
};

struct panel_scale {
    double min, max;
};

/* `has_value` false is null. `index` and `name` of the series choose the colours of palettes. */
void panel_display(const struct dashboard_field *field, enum dashboard_panel_type type,
                   const struct panel_scale *scale, bool has_value, double value, size_t index,
                   const char *name, struct panel_display *out);
/* Colour of an active threshold, the fallback if there is none. */
const char *panel_step_colour(const struct thresholds *thresholds, int step);

/* Text with template variables put in, but those that Grafana's server replaces; heap. */
char *panel_interpolate(const struct dashboard *dashboard, const struct panel_request *request,
                        const char *text, struct error *error);
/* What the server puts in: $__interval and its kin. Heap. */
char *panel_interpolate_plan(const char *text, const struct interval_plan *plan);
enum err panel_plan(const struct dashboard *dashboard, const struct dashboard_panel *panel,
                    const struct dashboard_target *target, const struct panel_request *request,
                    struct interval_plan *out, struct error *error);

#endif
