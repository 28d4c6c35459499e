/*
 * What a Grafana panel shows at a moment, without Grafana: variables put in, interval and step
 * chosen, queries asked, series named, reduced, coloured and written out. One thread a call.
 */
#ifndef OBSERVE_PANEL_H
#define OBSERVE_PANEL_H

#include "base/error.h"
#include "observe/dashboard.h"
#include "observe/interval.h"
#include "observe/prometheus.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Asks for `expr` over [from_s, to_s] every step_s, or, if instant, at to_s. */
typedef enum err panel_query(void *context, const char *expr, bool instant, double from_s,
                             double to_s, double step_s, struct prometheus_matrix *out,
                             struct error *error);

/* A name may be there several times, for a variable of several values; "$__all" is All. */
struct panel_variable {
    const char *name, *value;
};

struct panel_request {                     /* borrowed */
    int64_t from_ms, to_ms;                /* Unix; from < to */
    int width_px;                          /* 0 = 500 points */
    int64_t datasource_ms;                 /* timeInterval of the data source, 0 = 15 s */
    const struct panel_variable *variable; /* those not named have the dashboard's choice */
    size_t variable_count;
    panel_query *query;
    void *context;
};

struct panel_series {
    char legend[256];
    char ref[16]; /* of its target */
    json_t *labels;
    size_t count;
    struct prometheus_point *point; /* as drawn: heatmap cells are no longer cumulative */
    bool has_value;                 /* `reduced` is not null */
    double reduced;                 /* by the panel's calc; panels that draw courses: lastNotNull */
    char text[64];                  /* of `reduced`, with unit, or what a mapping says */
    /* What the value looks like: the mapping's, fixed or threshold's colour. For a series drawn in
     * a colour that only tells it from others: the colour of the threshold band it ends in. */
    char colour[32];
    char line_colour[32]; /* that the series is drawn in */
    int step;             /* active threshold, -1 if none */
    bool instant;
    double min, max; /* scale: the field's, or that of all values shown */
    double bound;    /* heatmap: the cells' upper bound (le) */
};

struct panel_view {
    struct interval_plan plan; /* of the first target that is not hidden */
    size_t series_count;
    struct panel_series *series;
    bool has_data;         /* some series has a point that is a number; NaN is none */
    char text_no_data[64]; /* what is shown without */
};

enum err panel_evaluate(const struct dashboard *dashboard, const struct dashboard_panel *panel,
                        const struct panel_request *request, struct panel_view *out,
                        struct error *error) __attribute__((warn_unused_result));
void panel_view_deinit(struct panel_view *view);

/* One expression of the panel with everything put in, as Prometheus gets it; heap (mem_free). */
char *panel_expand(const struct dashboard *dashboard, const struct dashboard_panel *panel,
                   const struct dashboard_target *target, const struct panel_request *request,
                   struct interval_plan *plan, struct error *error);

/* A panel_query whose context is a struct prometheus. */
enum err panel_query_prometheus(void *context, const char *expr, bool instant, double from_s,
                                double to_s, double step_s, struct prometheus_matrix *out,
                                struct error *error);

#endif
