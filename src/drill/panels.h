/*
 * What the dashboards showed during a drill. Every panel is evaluated as Grafana would draw it,
 * over the whole drill and at the end of each phase, while Prometheus still answers; what
 * expectations on panels need is looked at as well. Judging is then arithmetic over plain records.
 * Main thread.
 *
 * In scenarios a panel is called BOARD/TITLE. BOARD is the dashboard's file without its ending
 * ("main"), or its uid.
 */
#ifndef DRILL_PANELS_H
#define DRILL_PANELS_H

#include "base/error.h"
#include "drill/panel_glance.h"
#include "drill/scenario.h"
#include "observe/dashboard.h"
#include "observe/panel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PANELS_WIDTH_PX 600

/* The dashboards of a drill, rendered to its time scale. */
struct panel_boards {
    size_t count;
    struct dashboard *dashboard; /* as rendered */
    char (*name)[64];            /* "main" */
};

struct panel_boards_request {
    const char *home;   /* where grafana/dashboards lies */
    const char *glob;   /* NULL = all of home/grafana/dashboards */
    const char *folder; /* rendered ones are written to folder/dashboards; NULL = not rendered */
    int64_t time_scale, min_range_ns; /* as dashboard_render wants them */
};

/* Reads and renders; faults of dashboards go to `faults`. No file that fits the default glob is no
 * error: then there are no panels. */
enum err panel_boards_load(const struct panel_boards_request *request, struct panel_boards *out,
                           struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
/* The same of files that are known, as they stand. */
enum err panel_boards_read(const char *const *paths, size_t count, struct panel_boards *out,
                           struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
void panel_boards_deinit(struct panel_boards *boards);
/* The panel called BOARD/TITLE, or NULL; *board is then its dashboard's index. */
const struct dashboard_panel *panel_boards_find(const struct panel_boards *boards, const char *name,
                                                size_t *board);
/* Every expectation must name a panel that there is, and ask of it what it can tell; else a fault
 * with the line of the expectation. */
void panel_boards_check(const struct panel_boards *boards, const struct scenario *scenario,
                        struct faults *faults);

struct panel_entry {
    const char *board; /* "main" */
    char name[192];    /* "main/Conversion" */
    const struct dashboard *dashboard;
    const struct dashboard_panel *panel;
    struct panel_view view; /* the whole drill, PANELS_WIDTH_PX wide; times are Unix ms */
    bool ok;                /* the view is there; else `why` tells why it is not */
    char why[160];
    int phase_count; /* phases whose end was reached */
    struct panel_glance
        at_end[SCENARIO_PHASES_MAX]; /* of each phase, over SCENARIO_PANEL_RANGE_NS */
    bool moved; /* a series of its first query that is there both times: in colour, or in value,
                   from one phase's end after the warm-up to another's; of a state timeline a series
                   that comes suffices */
};

struct panel_book {
    size_t count; /* in the order of dashboards, then of panels; rows and texts are left out */
    struct panel_entry *entry;
    size_t dashboard_count;
    struct dashboard *dashboard;                         /* borrowed from the boards */
    struct panel_sight sight[SCENARIO_EXPECTATIONS_MAX]; /* by expectation */
    size_t course_count;
    struct panel_course *course; /* of the panels that declare which way is worse */
    double origin_unix_s, end_s; /* of the drill */
};

struct panels_request { /* borrowed */
    const struct panel_boards *boards;
    const struct scenario *scenario;
    double origin_unix_s, end_s;
    panel_query *query;
    void *context;
};

/* Never fails: a panel that cannot be evaluated says so in its entry. `boards` must outlive the
 * book. */
void panels_collect(const struct panels_request *request, struct panel_book *out);
void panel_book_deinit(struct panel_book *book);

#endif
