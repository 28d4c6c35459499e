/*
 * Shared by judge.c, which holds the whole together, judge_alerts.c (what alerts did),
 * judge_notices.c (what was notified), judge_counts.c (what was counted and recorded),
 * judge_panels.c and judge_signs.c (what dashboards showed), judge_decoy.c and judge_truth.c (what
 * the ledger says of a quantity).
 */
#ifndef DRILL_JUDGE_INT_H
#define DRILL_JUDGE_INT_H

#include "drill/judge.h"

/* Appends to what was observed, unless it has been said already (of another phase or alert). */
void judge_observe(struct judge_row *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Outcomes only get worse: a failure is not forgotten, and invalid outranks it. */
void judge_worsen(struct judge_row *row, enum judge_outcome outcome);

double judge_seconds(int64_t ns);
double judge_phase_start_s(const struct judge_case *at, int phase);
double judge_phase_end_s(const struct judge_case *at, int phase); /* of what was played of it */

/* " in warm-up, control"; nothing if the set holds all phases. */
void judge_list_phases(const struct scenario *scenario, uint32_t set, char *out, size_t size);

/* Each is a reason why the row cannot be judged: observed, and the row invalid, if true. */
bool judge_not_reached(const struct judge_case *at, int phase, struct judge_row *row);
bool judge_unanswered(const struct judge_case *at, struct judge_row *row);
/* The drill ended while there was still time to do what is wanted. */
bool judge_cut_short(const struct judge_case *at, int phase, double within, const char *what,
                     struct judge_row *row);

/* A hole in evaluations or scrapes of the phase, in which the alert could have fired unseen. */
void judge_gaps(const struct judge_case *at, const struct evidence_alert *alert, int phase,
                struct judge_row *row);

/* The ledger's value of a quantity, NaN without data, and its standard error. */
double judge_value(const struct judge_case *at, enum scenario_quantity quantity,
                   const struct ledger_counts *counts);
double judge_value_error(const struct judge_case *at, enum scenario_quantity quantity,
                         const struct ledger_counts *counts);
/* What the ledger expected of it; NaN without data, and of a quantity without an expected value. */
double judge_expected(enum scenario_quantity quantity, const struct ledger_expected *sums);
bool judge_larger_is_worse(enum scenario_quantity quantity);

/* Reasons why a scenario that calls itself a decoy is none. */
void judge_decoy(const struct judge_case *at, struct judgement *out);

void judge_fires(const struct judge_case *at, const struct scenario_expectation *wanted,
                 struct judge_row *row);
void judge_delay_floor(const struct judge_case *at, const struct scenario_expectation *wanted,
                       struct judge_row *row);
void judge_resolves(const struct judge_case *at, const struct scenario_expectation *wanted,
                    struct judge_row *row);
void judge_silent(const struct judge_case *at, const struct scenario_expectation *wanted,
                  struct judge_row *row);

/* Adds a row for each panel whose quantity this drill made worse; the others that declare a way
 * are listed as not judged, with the reason. */
void judge_signs(const struct judge_case *at, struct judgement *out);

/* Adds the rows of a null drill. */
void judge_null(const struct judge_case *at, struct judgement *out);

void judge_notifications(const struct judge_case *at, struct judge_row *row);
void judge_unnotified(const struct judge_case *at, const struct scenario_expectation *wanted,
                      struct judge_row *row);
void judge_agrees(const struct judge_case *at, const struct scenario_expectation *wanted,
                  const struct prometheus_series *record, struct judge_row *row);
void judge_level(const struct judge_case *at, const struct scenario_expectation *wanted,
                 struct judge_row *row);
void judge_moves(const struct judge_case *at, const struct scenario_expectation *wanted,
                 struct judge_row *row);
/* What a panel showed of a time without scrapes is not what happened: observed, and the row
 * invalid, if there is a hole in the quarter of an hour (production) before `end_s`. */
bool judge_scrape_hole(const struct judge_case *at, double end_s, struct judge_row *row);
void judge_panel(const struct judge_case *at, const struct scenario_expectation *wanted,
                 const struct panel_sight *sight, struct judge_row *row);
void judge_reconciles(const struct judge_case *at, struct judge_row *row);

#endif
