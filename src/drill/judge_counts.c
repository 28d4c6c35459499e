#include "drill/judge_int.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- recorded series against the ledger ---- */

struct agreement { /* at the end of one phase; NaN = not known */
    double recorded, truth;
};

/* The last value recorded in a phase, and the ledger's over the same window. A value much older
 * than the end of the phase is none. */
static struct agreement agreement_at(const struct judge_case *at,
                                     const struct scenario_expectation *wanted,
                                     const struct prometheus_series *record, int phase)
{
    double end = judge_phase_end_s(at, phase), when = end;
    struct agreement result = {.recorded = NAN};
    size_t i = record->count;
    while (i > 0 && record->point[i - 1].time_s > end) {
        i--;
    }
    if (i > 0 && record->point[i - 1].time_s >= end - judge_seconds(wanted->window_ns) / 5 - 1) {
        when = record->point[i - 1].time_s;
        result.recorded = record->point[i - 1].value;
    }
    int64_t to_ns = (int64_t)(when * (double)CLOCK_NS_PER_S);
    struct ledger_counts counts = ledger_window(at->ledger, to_ns - wanted->window_ns, to_ns);
    result.truth = judge_value(at, wanted->quantity, &counts);
    return result;
}

/* Relative; 0 if both are 0. */
static double distance(const struct agreement *agreement)
{
    double off = agreement->recorded - agreement->truth;
    return off == 0 ? 0 : off / fabs(agreement->truth);
}

/* A window with a hole in its scrapes records something else than what happened. */
static bool has_hole(const struct judge_case *at, const struct scenario_expectation *wanted,
                     int phase, struct judge_row *row)
{
    double scrape = judge_seconds(at->scenario->scrape_ns / at->scenario->time_scale);
    double window = judge_seconds(wanted->window_ns), end = judge_phase_end_s(at, phase);
    double bound = fmax(window / 10, 3 * scrape);
    double gap = timeline_longest_gap(&at->evidence->scrapes, fmax(0, end - window), end);
    if (gap <= bound) {
        return false;
    }
    judge_observe(row, "no scrape for %.2f s before the end of %s (bound %.2f s)", gap,
                  at->scenario->phase[phase].name, bound);
    judge_worsen(row, JUDGE_INVALID);
    return true;
}

static const char *direction(double from, double to)
{
    return to > from ? "up" : "down";
}

/* When both moved, but in opposite directions, the record has the wrong sign: say so. */
static void compare_directions(const struct agreement *before, const struct agreement *after,
                               struct judge_row *row)
{
    double recorded = after->recorded - before->recorded, truth = after->truth - before->truth;
    if (recorded * truth < 0) {
        judge_observe(
            row, "the record went %s (%.3f to %.3f) while the truth went %s (%.3f to %.3f)",
            direction(before->recorded, after->recorded), before->recorded, after->recorded,
            direction(before->truth, after->truth), before->truth, after->truth);
    }
}

/* False if there was nothing to compare. */
static bool judge_agreement(const struct judge_case *at, const struct scenario_expectation *wanted,
                            const struct agreement *now, int phase, struct judge_row *row)
{
    const char *name = at->scenario->phase[phase].name;
    if (has_hole(at, wanted, phase, row)) {
        return false;
    }
    if (isnan(now->truth)) {
        judge_observe(row, "the ledger holds nothing to compare with at the end of %s", name);
        judge_worsen(row, JUDGE_INVALID);
        return false;
    }
    if (isnan(now->recorded)) {
        double window = judge_seconds(wanted->window_ns);
        if (!judge_cut_short(at, phase, window, "no window had passed", row)) {
            judge_observe(row, "no value recorded at the end of %s", name);
            judge_worsen(row, JUDGE_FAIL);
        }
        return false;
    }
    if (fabs(distance(now)) > wanted->tolerance) {
        judge_observe(row, "%s: recorded %.3f, ledger %.3f (%+.0f %%)", name, now->recorded,
                      now->truth, 100 * distance(now));
        judge_worsen(row, JUDGE_FAIL);
    }
    return true;
}

void judge_agrees(const struct judge_case *at, const struct scenario_expectation *wanted,
                  const struct prometheus_series *record, struct judge_row *row)
{
    struct agreement before = {NAN, NAN};
    double worst = 0;
    snprintf(row->wanted, sizeof row->wanted, "within %.3g %%", 100 * wanted->tolerance);
    for (int p = 0; p < at->scenario->phase_count; p++) {
        if ((wanted->phases >> p & 1) == 0) {
            continue;
        }
        if (judge_not_reached(at, p, row) || judge_unanswered(at, row)) {
            return;
        }
        struct agreement now = agreement_at(at, wanted, record, p);
        if (!judge_agreement(at, wanted, &now, p, row)) {
            continue;
        }
        if (row->outcome != JUDGE_PASS) {
            compare_directions(&before, &now, row);
        }
        worst = fmax(worst, fabs(distance(&now)));
        before = now;
    }
    if (row->outcome == JUDGE_PASS) {
        judge_observe(row, "at most %.1f %% off", 100 * worst);
    }
}

/* ---- a quantity against what it was in another phase ---- */

static struct ledger_counts counts_between(const struct judge_case *at, double from_s, double to_s)
{
    return ledger_window(at->ledger, (int64_t)(from_s * (double)CLOCK_NS_PER_S),
                         (int64_t)(to_s * (double)CLOCK_NS_PER_S));
}

static void say_bounds(const struct scenario_expectation *wanted, struct judge_row *row)
{
    if (wanted->least > 0 && isfinite(wanted->most)) {
        snprintf(row->wanted, sizeof row->wanted, "%.3g to %.3g %%", 100 * wanted->least,
                 100 * wanted->most);
    } else {
        snprintf(row->wanted, sizeof row->wanted, "at %s %.3g %%",
                 wanted->least > 0 ? "least" : "most",
                 100 * (wanted->least > 0 ? wanted->least : wanted->most));
    }
}

/* Beyond a bound by less than three standard errors nothing is proven either way. */
void judge_level(const struct judge_case *at, const struct scenario_expectation *wanted,
                 struct judge_row *row)
{
    double window = judge_seconds(wanted->window_ns);
    say_bounds(wanted, row);
    if (judge_not_reached(at, wanted->phase, row) ||
        judge_cut_short(at, wanted->phase, window, "no window had passed", row)) {
        return;
    }
    double end = judge_phase_end_s(at, wanted->phase);
    struct ledger_counts now = counts_between(at, end - window, end);
    struct ledger_counts rest = counts_between(at, judge_phase_start_s(at, wanted->rest_phase),
                                               judge_phase_end_s(at, wanted->rest_phase));
    double value = judge_value(at, wanted->quantity, &now);
    double rest_value = judge_value(at, wanted->quantity, &rest);
    double ratio = value / rest_value;
    if (!isfinite(ratio)) {
        judge_observe(row, "the ledger holds nothing to compare with");
        judge_worsen(row, JUDGE_INVALID);
        return;
    }
    double error = hypot(judge_value_error(at, wanted->quantity, &now),
                         ratio * judge_value_error(at, wanted->quantity, &rest)) /
                   rest_value;
    judge_observe(row, "%.1f %% (%.3f of %.3f)", 100 * ratio, value, rest_value);
    double beyond = fmax(wanted->least - ratio, ratio - wanted->most);
    if (beyond > 0) {
        judge_worsen(row, beyond > 3 * error ? JUDGE_FAIL : JUDGE_INVALID);
    }
}

static void say_move_bounds(const struct scenario_expectation *wanted, struct judge_row *row)
{
    if (isfinite(wanted->least) && isfinite(wanted->most)) {
        snprintf(row->wanted, sizeof row->wanted, "by %+.3g to %+.3g", wanted->least, wanted->most);
    } else {
        bool least = isfinite(wanted->least);
        snprintf(row->wanted, sizeof row->wanted, "by at %s %+.3g", least ? "least" : "most",
                 least ? wanted->least : wanted->most);
    }
}

/* As a level, but of the difference and in the quantity's own unit. */
void judge_moves(const struct judge_case *at, const struct scenario_expectation *wanted,
                 struct judge_row *row)
{
    double window = judge_seconds(wanted->window_ns);
    say_move_bounds(wanted, row);
    if (judge_not_reached(at, wanted->phase, row) ||
        judge_cut_short(at, wanted->phase, window, "no window had passed", row)) {
        return;
    }
    double end = judge_phase_end_s(at, wanted->phase);
    struct ledger_counts now = counts_between(at, end - window, end);
    struct ledger_counts rest = counts_between(at, judge_phase_start_s(at, wanted->rest_phase),
                                               judge_phase_end_s(at, wanted->rest_phase));
    double value = judge_value(at, wanted->quantity, &now);
    double rest_value = judge_value(at, wanted->quantity, &rest);
    if (!isfinite(value - rest_value)) {
        judge_observe(row, "the ledger holds nothing to compare with");
        judge_worsen(row, JUDGE_INVALID);
        return;
    }
    double error = hypot(judge_value_error(at, wanted->quantity, &now),
                         judge_value_error(at, wanted->quantity, &rest));
    judge_observe(row, "%+.3f (%.3f to %.3f)", value - rest_value, rest_value, value);
    double beyond = fmax(wanted->least - (value - rest_value), value - rest_value - wanted->most);
    if (beyond > 0) {
        judge_worsen(row, beyond > 3 * error ? JUDGE_FAIL : JUDGE_INVALID);
    }
}

/* ---- counts ---- */

#define COUNTS_NAMED 3 /* of those that differ; verdict.json has all */

void judge_reconciles(const struct judge_case *at, struct judge_row *row)
{
    const struct reconciliation *counts = at->reconciliation;
    if (counts->lost == 0) {
        snprintf(row->wanted, sizeof row->wanted, "all equal");
    } else {
        snprintf(row->wanted, sizeof row->wanted, "equal but for %lld unanswered",
                 (long long)counts->lost);
    }
    if (!counts->done) {
        judge_observe(row, "the target could not be asked; %lld requests had no answer",
                      (long long)counts->lost);
        judge_worsen(row, JUDGE_INVALID);
        return;
    }
    int off = 0, absent = 0;
    for (int i = 0; i < counts->count; i++) {
        const struct reconcile_row *r = &counts->row[i];
        absent += r->kind == RECONCILE_ABSENT;
        if (!r->ok && off++ < COUNTS_NAMED) {
            judge_observe(row, "%s: %s, ledger %.10g, target %.10g", r->name,
                          reconcile_kind_text(r->kind), r->ledger, r->target);
            judge_worsen(row, JUDGE_INVALID);
        }
    }
    if (off > COUNTS_NAMED) {
        judge_observe(row, "and %d more", off - COUNTS_NAMED);
    } else if (off == 0 && absent > 0) {
        judge_observe(row, "%d counts equal, %d not exported", counts->count - absent, absent);
    } else if (off == 0) {
        judge_observe(row, "%d counts equal", counts->count);
    }
}
