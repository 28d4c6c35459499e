/*
 * Does Grafana show what was computed here? Each panel is evaluated a second time with Grafana in
 * the place of Prometheus: it gets the panel's own queries, with nothing put in but the dashboard's
 * variables, and chooses step and windows itself. Main thread only.
 */
#ifndef DRILL_GRAFANA_COMPARE_H
#define DRILL_GRAFANA_COMPARE_H

#include "drill/grafana_findings.h"
#include "observe/grafana.h"
#include "observe/panel.h"

struct grafana_compare { /* borrowed */
    struct grafana *grafana;
    const char *datasource_uid;
    const struct dashboard *dashboard;
    const struct dashboard_panel *panel;
    const char *name;                    /* "main/Conversion" */
    const struct panel_request *request; /* that `view` was evaluated with; its query is not used */
    const struct panel_view *view;
};

/* Adds findings about executed queries, steps, series, samples, reduced values and colours; at most
 * a few a panel. */
void grafana_compare_panel(const struct grafana_compare *compare, struct grafana_findings *out);
/* The same of a view that is there already. */
void grafana_compare_views(const char *name, const struct panel_view *ours,
                           const struct panel_view *theirs, struct grafana_findings *out);

#endif
