/*
 * A made-up drill with everything that a report can hold: outcomes of each kind, alerts that fired,
 * vanished and stayed silent, delays with and without floors, recorded courses with gaps, panels of
 * every type; hostile texts wherever a file could bring some in. For tests of what draws reports.
 */
#ifndef SUPPORT_MADE_REPORT_H
#define SUPPORT_MADE_REPORT_H

#include "drill/panels.h"
#include "drill/report.h"
#include "drill/report_tracks.h"

#define MADE_ALERTS 4
#define MADE_PANELS 12
#define MADE_SERIES 14
#define MADE_END_S 120.0

/* Everything that must be escaped, what is no UTF-8 and what is no XML. */
#define MADE_HOSTILE                                                                               \
    "</title><script src=\"http://evil/x.js\">alert('&')</script>]]>--> \x01\xff\xef\xbf\xbf"

struct made_report {
    struct scenario scenario;
    struct judgement judgement;
    struct evidence evidence;
    struct rules_alert rule[MADE_ALERTS];
    struct evidence_alert alert[MADE_ALERTS];
    struct evidence_episode episode[MADE_ALERTS];
    struct reconciliation reconciliation;
    struct play_result play;
    struct floors floors;
    struct delay_budgets delays;
    struct report_tracks tracks;
    struct dashboard dashboard;
    struct dashboard_panel panel[MADE_PANELS];
    struct threshold_step step[3];
    struct panel_entry entry[MADE_PANELS];
    struct panel_shown shown[SCENARIO_PHASES_MAX][2];
    struct panel_book book;
    struct report report;
};

/* Heap; made_report_free. */
struct made_report *made_report_new(void);
void made_report_free(struct made_report *made);

#endif
