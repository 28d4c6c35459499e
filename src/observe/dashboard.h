/*
 * A Grafana dashboard in classic JSON (panels in a list; Grafana 9 to 13 read it), with the lines
 * that its parts have in the file. Only what decides which queries run and what a reader sees is
 * kept apart; everything else is in `json`. Text is owned by the dashboard.
 */
#ifndef OBSERVE_DASHBOARD_H
#define OBSERVE_DASHBOARD_H

#include "base/error.h"
#include "observe/threshold.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* constant, Grafana's id, whether one number a series is shown rather than its course, whether the
 * panel has queries */
#define DASHBOARD_PANEL_TYPES(X)                                                                   \
    X(TIMESERIES, "timeseries", false, true)                                                       \
    X(STAT, "stat", true, true)                                                                    \
    X(GAUGE, "gauge", true, true)                                                                  \
    X(BARGAUGE, "bargauge", true, true)                                                            \
    X(HEATMAP, "heatmap", false, true)                                                             \
    X(HISTOGRAM, "histogram", false, true)                                                         \
    X(TABLE, "table", false, true)                                                                 \
    X(STATE_TIMELINE, "state-timeline", false, true)                                               \
    X(STATUS_HISTORY, "status-history", false, true)                                               \
    X(BARCHART, "barchart", false, true)                                                           \
    X(PIECHART, "piechart", true, true)                                                            \
    X(ALERTLIST, "alertlist", false, false)                                                        \
    X(TEXT, "text", false, false)                                                                  \
    X(ROW, "row", false, false)                                                                    \
    X(OTHER, "", false, true)

enum dashboard_panel_type {
#define X(name, id, reduced, queries) DASHBOARD_##name,
    DASHBOARD_PANEL_TYPES(X)
#undef X
};

const char *dashboard_panel_type_id(enum dashboard_panel_type type);
bool dashboard_panel_type_reduces(enum dashboard_panel_type type);
bool dashboard_panel_type_queries(enum dashboard_panel_type type);

/* Said in the panel's description, in the words "Lower is worse." or "Higher is worse." */
enum dashboard_worse { DASHBOARD_NO_WAY, DASHBOARD_LOWER, DASHBOARD_HIGHER };

/* Min step may be a variable; min_step_ms is then 0. */
struct dashboard_target {
    char ref[16];
    const char *expr, *legend; /* legend "" if there is none */
    bool instant, range, hide; /* neither instant nor range in the file: range is true */
    int64_t min_step_ms;       /* 0 = none */
    const char *min_step;      /* as in the file, "" if none */
    bool min_step_is_rate, min_step_is_interval;
    char format[16];     /* "time_series", "table", "heatmap" */
    int interval_factor; /* "Resolution" 1/n of old dashboards; 1 */
    int line;
    int expr_line;
};

enum dashboard_mapping_type {
    DASHBOARD_MAP_VALUE,
    DASHBOARD_MAP_RANGE,
    DASHBOARD_MAP_REGEX, /* of the number's text */
    DASHBOARD_MAP_SPECIAL,
};

/* One result of a value mapping; a mapping of several values is several of these, in their order.
 */
struct dashboard_mapping {
    enum dashboard_mapping_type type;
    char match[64];  /* value as text; regular expression; true false null nan null+nan empty */
    double from, to; /* range, both inclusive; +-INFINITY if open */
    bool has_text;   /* else the formatted value stays */
    char text[64];
    char colour[32]; /* "" = the threshold's */
};

/* fieldConfig.defaults, or what overrides make of it for one series. NaN and "" = not set. */
struct dashboard_field {
    char unit[48];
    double min, max;
    int decimals;      /* UNITS_DECIMALS_AUTO if not set */
    char no_value[64]; /* "" if not set; Grafana then shows "No data" */
    char display_name[128];
    struct thresholds thresholds;
    char thresholds_style[24]; /* custom.thresholdsStyle.mode: "off" if not set */
    char colour_mode[32];      /* "thresholds", "fixed", "palette-classic", ...; "" = the type's */
    char fixed_colour[32];
    bool own_scale; /* fieldMinMax: min and max of the series, not of all */
    size_t mapping_count;
    struct dashboard_mapping *mapping;
};

struct dashboard_panel {
    int id;
    char title[128];
    const char *description; /* "" if there is none */
    enum dashboard_panel_type type;
    char type_id[32]; /* as in the file */
    char unit[48];    /* these as in `field` */
    double min, max;
    int decimals;
    char no_value[64];
    struct thresholds thresholds; /* shares `field`'s steps */
    char thresholds_style[24];
    struct dashboard_field field;
    size_t target_count;
    struct dashboard_target *target;
    int64_t interval_ms;     /* Min interval, 0 = none */
    const char *interval;    /* as in the file, "" if none; a variable leaves interval_ms 0 */
    int64_t max_data_points; /* 0 = the panel's width in pixels */
    int64_t time_from_ms;    /* relative time of this panel, 0 = the dashboard's range */
    int64_t time_shift_ms;
    char calc[32]; /* first of reduceOptions.calcs; "lastNotNull" if there is none */
    int x, y, w, h;
    enum dashboard_worse worse;
    int line;
    char row[128];      /* title of the row above it, "" if none */
    char pointer[64];   /* JSON pointer inside the file: "/panels/3" */
    const json_t *json; /* of the panel; borrowed */
};

struct dashboard_variable {
    char name[64];
    char type[24];         /* "query", "datasource", "custom", "constant", "interval", "textbox" */
    const char *query;     /* "" if there is none; of the newer object form its "query" */
    const char *all_value; /* NULL = all options */
    bool multi, include_all;
    size_t current_count; /* chosen values; "$__all" stands for all of them */
    const char **current;
    size_t option_count; /* without "$__all" */
    const char **option;
    int line;
};

struct dashboard_link { /* of the dashboard, a panel or its fields */
    const char *title, *url;
    char type[24];                       /* "link" or "dashboards" */
    const struct dashboard_panel *panel; /* NULL for the dashboard's own */
    bool keep_time, include_vars;
    size_t tag_count;
    const char **tag;
    int line;
};

struct dashboard_annotation {
    char name[128];
    const char *expr; /* "" for Grafana's own */
    int64_t step_ms;
    bool enable;
    int line;
};

struct dashboard {
    char path[256];
    char uid[64];
    char title[128];
    const char *description;
    int64_t range_ms; /* of time.from, if that is "now-..." and to is "now"; else 6 h */
    int schema_version;
    size_t panel_count; /* rows taken apart; without the rows themselves */
    struct dashboard_panel *panel;
    size_t variable_count;
    struct dashboard_variable *variable;
    size_t link_count;
    struct dashboard_link *link;
    size_t annotation_count;
    struct dashboard_annotation *annotation;
    size_t tag_count;
    const char **tag;
    json_t *json;
    struct yaml_lines *lines; /* NULL if the file could not be read as YAML, too */
};

/* All faults are collected; with any the result is ERR_INPUT and *out is empty. */
enum err dashboard_read(const char *path, struct dashboard *out, struct faults *faults,
                        struct error *error) __attribute__((warn_unused_result));
/* The same for text of a file; `name` labels faults. */
enum err dashboard_read_text(const char *name, const char *text, size_t len, struct dashboard *out,
                             struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
void dashboard_deinit(struct dashboard *dashboard);
const struct dashboard_panel *dashboard_panel_find(const struct dashboard *dashboard,
                                                   const char *title);
const struct dashboard_variable *dashboard_variable_find(const struct dashboard *dashboard,
                                                         const char *name);
/* 1-based line of a JSON pointer inside the dashboard's file; 0 if lines are not known. */
int dashboard_line(const struct dashboard *dashboard, const char *pointer);

/*
 * What the panel's overrides make of its field for one series. `name` is the series' display name,
 * `ref` the target's refId. *out shares no memory with the panel; dashboard_field_deinit.
 */
void dashboard_field_for(const struct dashboard_panel *panel, const char *name, const char *ref,
                         struct dashboard_field *out);
void dashboard_field_deinit(struct dashboard_field *field);

/*
 * Writes the dashboard with its durations divided by time_scale: in expressions (ranges, offsets,
 * subqueries; $__interval, $__rate_interval, $__range and other variables stay), Min interval, Min
 * step, time.from and time.to, relative time and time shift of panels, steps of annotations,
 * choices of interval variables, and `refresh`, which stays 5 s at least. Title and description say
 * the scale; the uid stays. Ranges shorter than min_range_ns (production) are
 * faults, as are results with a fraction of a millisecond.
 */
enum err dashboard_render(const char *path, int64_t time_scale, int64_t min_range_ns,
                          const char *out_path, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

#endif
