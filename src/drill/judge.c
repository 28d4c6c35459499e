/*
 * Each expectation is judged twice. The truth comes first: was there, by the ledger, anything for
 * the alert to see (or nothing, if it must be silent)? A truth within three standard errors of the
 * objective cannot be judged and makes the drill invalid; a truth clearly on the other side is a
 * failure of the drill's claim. Only then is the alert's history held against its bounds.
 */
#include "drill/judge.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TRUTH_STANDARD_ERRORS 3
#define TRUTH_LISTS_MIN 30 /* fewer say nothing about a phase */

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

static void observe(struct judge_row *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends to what was observed. */
static void observe(struct judge_row *row, const char *format, ...)
{
    size_t used = strlen(row->observed);
    va_list args;
    va_start(args, format);
    if (used > 0 && used + 2 < sizeof row->observed) {
        memcpy(row->observed + used, "; ", 3);
        used += 2;
    }
    vsnprintf(row->observed + used, sizeof row->observed - used, format, args);
    va_end(args);
}

/* Outcomes only get worse: a failure is not forgotten, and invalid outranks it. */
static void worsen(struct judge_row *row, enum judge_outcome outcome)
{
    if (outcome > row->outcome) {
        row->outcome = outcome;
    }
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static double phase_start_s(const struct judge_case *at, int phase)
{
    return seconds(at->scenario->phase[phase].start_ns);
}

static double phase_end_s(const struct judge_case *at, int phase)
{
    const struct scenario_phase *p = &at->scenario->phase[phase];
    return fmin(seconds(p->start_ns + p->duration_ns), at->end_s);
}

static bool phase_played(const struct judge_case *at, int phase)
{
    return phase_start_s(at, phase) < at->end_s;
}

/* ---- truth ---- */

enum side { BELOW_OBJECTIVE, ABOVE_OBJECTIVE };

static void judge_truth(const struct judge_case *at, const struct evidence_alert *alert, int phase,
                        enum side wanted, struct judge_row *row)
{
    enum scenario_quantity quantity = scenario_quantity_named(alert->rule->quantity);
    const struct ledger_counts *counts = &at->ledger->nominal[phase];
    if (quantity == SCENARIO_NO_QUANTITY || isnan(alert->objective)) {
        return;
    }
    const char *name = scenario_quantity_name(quantity);
    double truth = scenario_truth(quantity, counts);
    if (counts->lists < TRUTH_LISTS_MIN || isnan(truth)) {
        observe(row, "too few lists in %s to know the true %s", at->scenario->phase[phase].name,
                name);
        worsen(row, JUDGE_INVALID);
        return;
    }
    double error = fmax(scenario_truth_error(quantity, counts), 1e-9);
    double distance = (truth - alert->objective) / error;
    double right_way = wanted == ABOVE_OBJECTIVE ? distance : -distance;
    if (fabs(distance) < TRUTH_STANDARD_ERRORS) {
        double factor = pow(TRUTH_STANDARD_ERRORS / fmax(fabs(distance), 0.1), 2);
        observe(row,
                "the true %s in %s, %.4f +- %.4f, lies within three standard errors of the "
                "objective %.4f: %.1f times the traffic or a different drift size would tell",
                name, at->scenario->phase[phase].name, truth, error, alert->objective, factor);
        worsen(row, JUDGE_INVALID);
    } else if (right_way < 0) {
        observe(row, "the true %s in %s is %.4f, %s the objective %.4f: %s", name,
                at->scenario->phase[phase].name, truth, distance < 0 ? "below" : "above",
                alert->objective,
                wanted == BELOW_OBJECTIVE ? "there was nothing to see"
                                          : "there was something to see");
        worsen(row, JUDGE_FAIL);
    }
}

/* ---- soundness of what was watched ---- */

/* A hole in the data longer than this could hide a state change of the alert. */
static double gap_bound_s(const struct judge_case *at, const struct rules_alert *rule)
{
    double scale = (double)at->scenario->time_scale;
    double interval_s = seconds(rule->interval_ns) / scale;
    double bound = fmax(seconds(rule->window_ns) / scale / 10, seconds(rule->for_ns) / scale / 2);
    return fmax(bound, 3 * interval_s);
}

static void judge_gaps(const struct judge_case *at, const struct evidence_alert *alert, int phase,
                       struct judge_row *row)
{
    double bound = gap_bound_s(at, alert->rule);
    double from = phase_start_s(at, phase), to = phase_end_s(at, phase);
    double evaluations = timeline_longest_gap(&alert->heartbeat, from, to);
    double scrapes = timeline_longest_gap(&at->evidence->scrapes, from, to);
    if (evaluations > bound) {
        observe(row, "no evaluation for %.2f s in %s (bound %.2f s)", evaluations,
                at->scenario->phase[phase].name, bound);
        worsen(row, JUDGE_INVALID);
    }
    if (scrapes > bound && strcmp(alert->rule->quantity, "") != 0) {
        observe(row, "no scrape for %.2f s in %s (bound %.2f s)", scrapes,
                at->scenario->phase[phase].name, bound);
        worsen(row, JUDGE_INVALID);
    }
}

/* ---- alert expectations ---- */

static const struct evidence_alert *watched_alert(const struct judge_case *at,
                                                  const struct scenario_expectation *expectation,
                                                  struct judge_row *row)
{
    const struct evidence_alert *alert = evidence_find(at->evidence, expectation->alert);
    if (alert == NULL) {
        observe(row, "no rule file defines an alert named %s", expectation->alert);
        worsen(row, JUDGE_FAIL);
    }
    return alert;
}

static bool not_reached(const struct judge_case *at, int phase, struct judge_row *row)
{
    if (phase_played(at, phase)) {
        return false;
    }
    observe(row, "the drill ended before %s", at->scenario->phase[phase].name);
    worsen(row, JUDGE_INVALID);
    return true;
}

static bool unanswered(const struct judge_case *at, struct judge_row *row)
{
    if (at->evidence->complete) {
        return false;
    }
    observe(row, "the time series database could not be asked");
    worsen(row, JUDGE_INVALID);
    return true;
}

/* The drill ended while there was still time to do what is wanted. */
static bool cut_short(const struct judge_case *at, int phase, double within, const char *what,
                      struct judge_row *row)
{
    double played = phase_end_s(at, phase) - phase_start_s(at, phase);
    if (played + 1e-3 >= within) {
        return false;
    }
    observe(row, "%s when the drill ended, %.1f s into %s", what, played,
            at->scenario->phase[phase].name);
    worsen(row, JUDGE_INVALID);
    return true;
}

static void judge_fires(const struct judge_case *at, const struct scenario_expectation *wanted,
                        struct judge_row *row)
{
    double start = phase_start_s(at, wanted->phase), end = phase_end_s(at, wanted->phase);
    double within = seconds(wanted->within_ns);
    const struct evidence_alert *alert = watched_alert(at, wanted, row);
    snprintf(row->wanted, sizeof row->wanted, "<= %.1f s after its start", within);
    if (alert == NULL || not_reached(at, wanted->phase, row) || unanswered(at, row)) {
        return;
    }
    judge_truth(at, alert, wanted->phase, BELOW_OBJECTIVE, row);
    judge_gaps(at, alert, wanted->phase, row);
    for (size_t i = 0; i < alert->count; i++) {
        const struct evidence_episode *episode = &alert->episode[i];
        if (isnan(episode->firing_s) || episode->firing_s > end) {
            continue;
        }
        if (episode->firing_s < start) {
            if (isnan(episode->resolved_s) || episode->resolved_s > start) {
                observe(row, "was already firing when %s began",
                        at->scenario->phase[wanted->phase].name);
                worsen(row, JUDGE_FAIL);
                return;
            }
            continue;
        }
        double delay = episode->firing_s - start;
        observe(row, "pending %.1f s, firing %.1f s, notified %.1f s", episode->pending_s - start,
                delay, episode->notified_s - start);
        worsen(row, delay <= within ? JUDGE_PASS : JUDGE_FAIL);
        return;
    }
    if (!cut_short(at, wanted->phase, within, "had not fired", row)) {
        observe(row, "did not fire");
        worsen(row, JUDGE_FAIL);
    }
}

/* The last episode that fired before the end of the phase; NULL if none did. */
static const struct evidence_episode *last_episode(const struct evidence_alert *alert, double end)
{
    const struct evidence_episode *last = NULL;
    for (size_t i = 0; i < alert->count; i++) {
        if (alert->episode[i].firing_s <= end) {
            last = &alert->episode[i];
        }
    }
    return last;
}

static void judge_resolves(const struct judge_case *at, const struct scenario_expectation *wanted,
                           struct judge_row *row)
{
    double start = phase_start_s(at, wanted->phase), end = phase_end_s(at, wanted->phase);
    double within = seconds(wanted->within_ns);
    const struct evidence_alert *alert = watched_alert(at, wanted, row);
    snprintf(row->wanted, sizeof row->wanted, "<= %.1f s after its start", within);
    if (alert == NULL || not_reached(at, wanted->phase, row) || unanswered(at, row)) {
        return;
    }
    judge_truth(at, alert, wanted->phase, ABOVE_OBJECTIVE, row);
    judge_gaps(at, alert, wanted->phase, row);
    const struct evidence_episode *episode = last_episode(alert, end);
    if (episode == NULL) {
        observe(row, "never fired, so nothing to resolve");
        worsen(row, JUDGE_FAIL);
    } else if (isnan(episode->resolved_s) || episode->resolved_s > end) {
        if (!cut_short(at, wanted->phase, within, "was still firing", row)) {
            observe(row, "still firing at the end");
            worsen(row, JUDGE_FAIL);
        }
    } else if (episode->resolve == EVIDENCE_VANISHED) {
        observe(row, "vanished after %.1f s without the metric being back",
                episode->resolved_s - start);
        worsen(row, JUDGE_FAIL);
    } else {
        double delay = episode->resolved_s - start;
        observe(row, "recovered %.1f s %s, notified %.1f s later", fabs(delay),
                delay < 0 ? "before its start" : "after its start",
                fmax(0, episode->resolved_notified_s - episode->resolved_s));
        worsen(row, delay <= within ? JUDGE_PASS : JUDGE_FAIL);
    }
}

static bool fired_in(const struct evidence_alert *alert, double from, double to, double *when)
{
    for (size_t i = 0; i < alert->count; i++) {
        const struct evidence_episode *episode = &alert->episode[i];
        if (!isnan(episode->firing_s) && episode->firing_s < to && !(episode->resolved_s <= from)) {
            *when = episode->firing_s;
            return true;
        }
    }
    return false;
}

static void judge_silence_of(const struct judge_case *at, const struct evidence_alert *alert,
                             uint32_t phases, struct judge_row *row)
{
    for (int p = 0; p < at->scenario->phase_count; p++) {
        double when;
        if ((phases >> p & 1) == 0) {
            continue;
        }
        if (not_reached(at, p, row) || unanswered(at, row)) {
            return;
        }
        judge_truth(at, alert, p, ABOVE_OBJECTIVE, row);
        judge_gaps(at, alert, p, row);
        if (fired_in(alert, phase_start_s(at, p), phase_end_s(at, p), &when)) {
            observe(row, "%s fired at %.1f s, in %s", alert->rule->name, when,
                    at->scenario->phase[p].name);
            worsen(row, JUDGE_FAIL);
        }
    }
}

static void judge_silent(const struct judge_case *at, const struct scenario_expectation *wanted,
                         struct judge_row *row)
{
    int watched = 0;
    snprintf(row->wanted, sizeof row->wanted, "no firing");
    if (wanted->alert[0] != '\0' && watched_alert(at, wanted, row) == NULL) {
        return;
    }
    for (size_t i = 0; i < at->evidence->alert_count; i++) {
        const struct evidence_alert *alert = &at->evidence->alert[i];
        bool meant = wanted->alert[0] != '\0' ? strcmp(alert->rule->name, wanted->alert) == 0
                                              : strcmp(alert->rule->group, wanted->group) == 0 &&
                                                    strcmp(alert->rule->severity, "none") != 0;
        if (meant) {
            watched++;
            judge_silence_of(at, alert, wanted->phases, row);
        }
    }
    if (watched == 0) {
        observe(row, "no rule file defines an alert in group %s", wanted->group);
        worsen(row, JUDGE_FAIL);
    } else if (row->outcome == JUDGE_PASS) {
        observe(row, "silent");
    }
}

/* ---- notifications ---- */

static int expected_notices(const struct scenario *scenario, const char *alert, bool resolved)
{
    int count = 0;
    for (int i = 0; i < scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &scenario->expectation[i];
        enum scenario_expect kind = resolved ? SCENARIO_RESOLVES : SCENARIO_FIRES;
        count += e->kind == kind && strcmp(e->alert, alert) == 0;
    }
    return count;
}

static int received_notices(const struct evidence *evidence, const char *alert, bool resolved)
{
    int count = 0;
    for (size_t i = 0; i < evidence->notice_count; i++) {
        count += evidence->notice[i].resolved == resolved &&
                 strcmp(evidence->notice[i].alert, alert) == 0;
    }
    return count;
}

/* Whether the drill went on long enough for what the alert was to do. */
static bool had_time(const struct judge_case *at, const char *alert, enum scenario_expect kind)
{
    for (int i = 0; i < at->scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &at->scenario->expectation[i];
        if (e->kind == kind && strcmp(e->alert, alert) == 0 &&
            at->end_s + 1e-3 < phase_start_s(at, e->phase) + seconds(e->within_ns)) {
            return false;
        }
    }
    return true;
}

static void judge_notices_of(const struct judge_case *at, const struct rules_alert *rule,
                             int *total, struct judge_row *row)
{
    static const char *const states[] = {"firing", "resolved"};
    for (int resolved = 0; resolved < 2; resolved++) {
        int wanted = expected_notices(at->scenario, rule->name, resolved != 0);
        int received = received_notices(at->evidence, rule->name, resolved != 0);
        *total += wanted;
        if (wanted != received) {
            observe(row, "%s %s: wanted %d, received %d", rule->name, states[resolved], wanted,
                    received);
            bool early = received < wanted &&
                         !had_time(at, rule->name, resolved ? SCENARIO_RESOLVES : SCENARIO_FIRES);
            worsen(row, early ? JUDGE_INVALID : JUDGE_FAIL);
        }
    }
}

static void judge_notifications(const struct judge_case *at, struct judge_row *row)
{
    int total = 0;
    for (size_t i = 0; i < at->evidence->alert_count; i++) {
        const struct rules_alert *rule = at->evidence->alert[i].rule;
        if (strcmp(rule->severity, "none") != 0) {
            judge_notices_of(at, rule, &total, row);
        }
    }
    if (at->evidence->malformed_notices > 0) {
        observe(row, "%zu notifications could not be read", at->evidence->malformed_notices);
        worsen(row, JUDGE_FAIL);
    }
    snprintf(row->wanted, sizeof row->wanted, "%d, no other", total);
    if (row->outcome == JUDGE_PASS) {
        observe(row, "exactly these %d", total);
    }
}

/* ---- recorded series against the ledger ---- */

struct agreement { /* of one phase */
    bool known;
    double recorded, truth;
};

static struct agreement agreement_at(const struct judge_case *at,
                                     const struct scenario_expectation *wanted,
                                     const struct prometheus_series *record, int phase)
{
    struct agreement result = {0};
    double end = phase_end_s(at, phase);
    for (size_t i = record->count; i-- > 0;) {
        double when = record->point[i].time_s;
        if (when > end) {
            continue;
        }
        if (when < end - 2 * seconds(wanted->window_ns) / 10 - 1) {
            break;
        }
        int64_t to_ns = (int64_t)(when * (double)CLOCK_NS_PER_S);
        struct ledger_counts counts = ledger_window(at->ledger, to_ns - wanted->window_ns, to_ns);
        result.recorded = record->point[i].value;
        result.truth = scenario_truth(wanted->quantity, &counts);
        result.known = !isnan(result.truth);
        break;
    }
    return result;
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
    if (before->known && after->known && recorded * truth < 0) {
        observe(row, "the record went %s (%.3f to %.3f) while the truth went %s (%.3f to %.3f)",
                direction(before->recorded, after->recorded), before->recorded, after->recorded,
                direction(before->truth, after->truth), before->truth, after->truth);
    }
}

static void judge_agrees(const struct judge_case *at, const struct scenario_expectation *wanted,
                         const struct prometheus_series *record, struct judge_row *row)
{
    struct agreement before = {0};
    double worst = 0;
    bool failed = false;
    snprintf(row->wanted, sizeof row->wanted, "within %.0f %%", 100 * wanted->tolerance);
    for (int p = 0; p < at->scenario->phase_count; p++) {
        if ((wanted->phases >> p & 1) == 0) {
            continue;
        }
        if (not_reached(at, p, row) || unanswered(at, row)) {
            return;
        }
        struct agreement now = agreement_at(at, wanted, record, p);
        double off = now.known ? fabs(now.recorded / now.truth - 1) : NAN;
        if (!now.known &&
            cut_short(at, p, seconds(wanted->window_ns), "no window had passed", row)) {
            return;
        }
        if (!now.known || isnan(off)) {
            observe(row, "no value recorded at the end of %s", at->scenario->phase[p].name);
            worsen(row, JUDGE_FAIL);
        } else if (off > wanted->tolerance) {
            observe(row, "%s: recorded %.3f, ledger %.3f (%+.0f %%)", at->scenario->phase[p].name,
                    now.recorded, now.truth, 100 * (now.recorded / now.truth - 1));
            failed = true;
        }
        if (failed) {
            compare_directions(&before, &now, row);
        }
        worst = fmax(worst, off);
        before = now;
    }
    worsen(row, failed ? JUDGE_FAIL : JUDGE_PASS);
    if (row->outcome == JUDGE_PASS) {
        observe(row, "worst %.1f %% off", 100 * worst);
    }
}

static void judge_reconciles(const struct judge_case *at, struct judge_row *row)
{
    const struct reconciliation *counts = at->reconciliation;
    snprintf(row->wanted, sizeof row->wanted, "equal but for %lld lost", (long long)counts->lost);
    if (!counts->done) {
        observe(row, "the target could not be asked; %lld requests had no answer",
                (long long)counts->lost);
        worsen(row, JUDGE_INVALID);
        return;
    }
    for (int i = 0; i < counts->count; i++) {
        const struct reconcile_row *r = &counts->row[i];
        if (!r->ok) {
            observe(row, "%s: ledger %.10g, target %.10g", r->name, r->ledger, r->target);
            worsen(row, JUDGE_INVALID);
        }
    }
    if (row->outcome == JUDGE_PASS) {
        observe(row, "%d of %d counts equal", counts->count, counts->count);
    }
}

/* ---- the whole ---- */

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
    case SCENARIO_RECONCILES:
        judge_reconciles(at, row);
        break;
    }
}

/* Silence proves nothing unless an alert that always fires has come through. */
static void judge_watchdog(const struct judge_case *at, struct judgement *out)
{
    double warm_end = phase_end_s(at, 0);
    for (size_t i = 0; i < at->evidence->notice_count; i++) {
        const struct evidence_notice *notice = &at->evidence->notice[i];
        if (strcmp(notice->alert, "Watchdog") == 0 && notice->received_s <= warm_end) {
            return;
        }
    }
    judge_invalid(out, "no Watchdog notification arrived in %s: the alert path is not proven",
                  at->scenario->phase[0].name);
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

void judge(const struct judge_case *judge_case, struct judgement *out)
{
    judge_watchdog(judge_case, out);
    out->row_count = judge_case->scenario->expectation_count;
    for (int i = 0; i < out->row_count; i++) {
        judge_row(judge_case, i, &out->row[i]);
    }
    judge_conclude(out);
}
