#include "drill/judge_int.h"

#include "base/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void judge_invalid(struct judgement *judgement, const char *format, ...)
{
    if (judgement->reason_count == JUDGE_REASONS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(judgement->reason[judgement->reason_count++], sizeof judgement->reason[0], format,
              args);
    va_end(args);
}

const char *judge_outcome_name(enum judge_outcome outcome)
{
    static const char *const names[] = {"pass", "fail", "invalid"};
    return names[outcome];
}

void judge_observe(struct judge_row *row, const char *format, ...)
{
    char text[sizeof row->observed];
    size_t used = strlen(row->observed);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (strstr(row->observed, text) == NULL) {
        snprintf(row->observed + used, sizeof row->observed - used, "%s%s", used > 0 ? "; " : "",
                 text);
    }
}

void judge_worsen(struct judge_row *row, enum judge_outcome outcome)
{
    if (outcome > row->outcome) {
        row->outcome = outcome;
    }
}

double judge_seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

double judge_phase_start_s(const struct judge_case *at, int phase)
{
    return judge_seconds(at->scenario->phase[phase].start_ns);
}

double judge_phase_end_s(const struct judge_case *at, int phase)
{
    const struct scenario_phase *p = &at->scenario->phase[phase];
    return fmin(judge_seconds(p->start_ns + p->duration_ns), at->end_s);
}

bool judge_not_reached(const struct judge_case *at, int phase, struct judge_row *row)
{
    if (judge_phase_start_s(at, phase) < at->end_s) {
        return false;
    }
    judge_observe(row, "the drill ended before %s", at->scenario->phase[phase].name);
    judge_worsen(row, JUDGE_INVALID);
    return true;
}

bool judge_unanswered(const struct judge_case *at, struct judge_row *row)
{
    if (at->evidence->complete) {
        return false;
    }
    judge_observe(row, "the time series database could not be asked");
    judge_worsen(row, JUDGE_INVALID);
    return true;
}

bool judge_cut_short(const struct judge_case *at, int phase, double within, const char *what,
                     struct judge_row *row)
{
    double played = judge_phase_end_s(at, phase) - judge_phase_start_s(at, phase);
    if (played + 1e-3 >= within) {
        return false;
    }
    judge_observe(row, "%s when the drill ended, %.1f s into %s", what, played,
                  at->scenario->phase[phase].name);
    judge_worsen(row, JUDGE_INVALID);
    return true;
}

void judge_list_phases(const struct scenario *scenario, uint32_t set, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    if (set == (UINT32_C(1) << scenario->phase_count) - 1) {
        return;
    }
    for (int i = 0; i < scenario->phase_count && used < size; i++) {
        if ((set >> i & 1) != 0) {
            used += (size_t)snprintf(out + used, size - used, "%s%s", used == 0 ? " in " : ", ",
                                     scenario->phase[i].name);
        }
    }
}

static void judge_row(const struct judge_case *at, int index, struct judge_row *row)
{
    const struct scenario_expectation *wanted = &at->scenario->expectation[index];
    snprintf(row->name, sizeof row->name, "%s", wanted->name);
    switch (wanted->kind) {
    case SCENARIO_FIRES:
        judge_fires(at, wanted, row);
        break;
    case SCENARIO_RESOLVES:
        judge_resolves(at, wanted, row);
        break;
    case SCENARIO_SILENT:
        judge_silent(at, wanted, row);
        break;
    case SCENARIO_NOTIFICATIONS:
        judge_notifications(at, row);
        break;
    case SCENARIO_AGREES:
        judge_agrees(at, wanted, &at->evidence->record[index], row);
        break;
    case SCENARIO_LEVEL:
        judge_level(at, wanted, row);
        break;
    case SCENARIO_RECONCILES:
        judge_reconciles(at, row);
        break;
    case SCENARIO_UNNOTIFIED:
        judge_unnotified(at, wanted, row);
        break;
    case SCENARIO_MOVES:
        judge_moves(at, wanted, row);
        break;
    case SCENARIO_DELAY_FLOOR:
        judge_delay_floor(at, wanted, row);
        break;
    case SCENARIO_PANEL:
        judge_panel(at, wanted, at->sights == NULL ? NULL : &at->sights[index], row);
        break;
    }
}

/* Silence proves nothing unless an alert that always fires has come through. */
static void judge_watchdog(const struct judge_case *at, struct judgement *out)
{
    double warm_end = judge_phase_end_s(at, 0);
    for (size_t i = 0; i < at->evidence->notice_count; i++) {
        const struct evidence_notice *notice = &at->evidence->notice[i];
        if (strcmp(notice->alert, "Watchdog") == 0 && notice->received_s <= warm_end) {
            return;
        }
    }
    judge_invalid(out, "no Watchdog notification arrived in %s: the alert path is not proven",
                  at->scenario->phase[0].name);
}

/* A rule in error sees nothing, and looks like one that has nothing to tell. */
static void judge_rules(const struct judge_case *at, struct judgement *out)
{
    const struct evidence *evidence = at->evidence;
    for (int i = 0; i < evidence->rule_error_count; i++) {
        judge_invalid(out, "rule %s could not be evaluated: %s", evidence->rule_error[i].rule,
                      evidence->rule_error[i].text);
    }
    if (evidence->rule_error_count == 0 && evidence->evaluation_failures > 0) {
        judge_invalid(out, "%.0f evaluations of rules failed; prometheus.log tells which",
                      evidence->evaluation_failures);
    }
}

void judge_conclude(struct judgement *judgement)
{
    judgement->outcome = judgement->reason_count > 0 ? JUDGE_INVALID : JUDGE_PASS;
    for (int i = 0; i < judgement->row_count; i++) {
        if (judgement->row[i].outcome > judgement->outcome) {
            judgement->outcome = judgement->row[i].outcome;
        }
    }
}

static void judge_rows(const struct judge_case *at, struct judgement *out)
{
    out->row_count = at->scenario->expectation_count;
    for (int i = 0; i < out->row_count; i++) {
        judge_row(at, i, &out->row[i]);
    }
}

void judge(const struct judge_case *judge_case, struct judgement *out)
{
    judge_watchdog(judge_case, out);
    judge_rules(judge_case, out);
    if (judge_case->null_drill) {
        judge_null(judge_case, out);
    } else {
        judge_decoy(judge_case, out);
        judge_rows(judge_case, out);
        judge_signs(judge_case, out);
    }
    judge_conclude(out);
}
