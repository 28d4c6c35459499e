/*
 * From evidence to verdict. Three outcomes: an expectation is met, not met, or could not be
 * measured; a drill with anything unmeasurable is invalid, because it never blames the alert for
 * what the drill could not see. Pure: arithmetic over records.
 */
#ifndef DRILL_JUDGE_H
#define DRILL_JUDGE_H

#include "drill/evidence.h"
#include "drill/floors.h"
#include "drill/panel_glance.h"
#include "drill/reconcile.h"
#include "drill/scenario.h"
#include "load/ledger.h"

#include <stdbool.h>

enum judge_outcome { JUDGE_PASS, JUDGE_FAIL, JUDGE_INVALID };

struct judge_row {
    char name[256];
    char wanted[160];
    char observed[512];
    enum judge_outcome outcome;
};

struct judge_case { /* everything there is to judge by; borrowed */
    const struct scenario *scenario;
    const struct ledger *ledger;
    const struct evidence *evidence;
    const struct reconciliation *reconciliation;
    const struct floors *floors; /* NULL = none were measured */
    /* What each expectation on a panel looked at, by expectation; NULL = nothing was. */
    const struct panel_sight *sights;
    size_t course_count; /* panels whose sign is tested */
    const struct panel_course *course;
    bool unscraped;  /* the target has no metrics, so that nothing of it is missing */
    double end_s;    /* drill time at which the drill ended */
    bool null_drill; /* nothing was injected: not the scenario's expectations are judged, but that
                        every alert could have fired in any phase, that none did, and the counts */
};

#define JUDGE_REASONS_MAX 16
#define JUDGE_SIGNS_MAX 32     /* rows that are no expectation of the scenario: signs of panels */
#define JUDGE_GRAFANA_MAX 3    /* what a Grafana that is asked, too, has and shows */
#define JUDGE_UNJUDGED_MAX 128 /* panels whose sign is not judged */
#define JUDGE_ROWS_MAX (SCENARIO_EXPECTATIONS_MAX + JUDGE_SIGNS_MAX + JUDGE_GRAFANA_MAX)

struct judge_unjudged { /* a panel that declares which way is worse, but was not held to it */
    char panel[192];
    char why[128];
};

struct judgement {
    enum judge_outcome outcome;
    int row_count;
    struct judge_row row[JUDGE_ROWS_MAX];
    int reason_count;
    char reason[JUDGE_REASONS_MAX][256]; /* why the whole drill is invalid */
    int unjudged_count;
    struct judge_unjudged unjudged[JUDGE_UNJUDGED_MAX];
};

/* Adds a reason for the drill as a whole to be invalid. */
void judge_invalid(struct judgement *judgement, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Judges every expectation and the soundness of the measurement, then sets the outcome. */
void judge(const struct judge_case *judge_case, struct judgement *out);
/* Sets the outcome from rows and reasons. */
void judge_conclude(struct judgement *judgement);
const char *judge_outcome_name(enum judge_outcome outcome); /* "pass", "fail", "invalid" */

#endif
