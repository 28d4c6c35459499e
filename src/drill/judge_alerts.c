/*
 * Each expectation is judged twice. The truth comes first: was there, by the ledger, anything for
 * the alert to see (or nothing, if it must be silent)? A truth within three standard errors of the
 * objective cannot be judged and makes the drill invalid; a truth clearly on the other side is a
 * failure of the drill's claim. Only then is the alert's history held against its bounds.
 */
#include "drill/judge_int.h"

#include "base/clock.h"
#include "drill/disturbances.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TRUTH_STANDARD_ERRORS 3
#define TRUTH_EVENTS_MIN 30 /* fewer lists (or ratings, for their mean) say nothing */

/* ---- truth ---- */

enum side { WORSE_THAN_OBJECTIVE, BETTER_THAN_OBJECTIVE };

struct truth { /* of one phase */
    double value, error;
    bool known;
};

/* A share of 0 or 1, or a few equal ratings, have no spread of their own; one event more or less is
 * the least that is uncertain. */
static struct truth truth_of(const struct judge_case *at, enum scenario_quantity quantity,
                             const struct ledger_counts *counts)
{
    bool of_ratings = quantity == SCENARIO_MEAN_RATING || quantity == SCENARIO_RATING_PSI;
    int64_t events = of_ratings ? ledger_ratings(counts) : counts->lists;
    if (events < TRUTH_EVENTS_MIN) {
        return (struct truth){.known = false};
    }
    struct truth truth = {.value = judge_value(at, quantity, counts)};
    truth.error = fmax(judge_value_error(at, quantity, counts), 1 / (double)events);
    truth.known = !isnan(truth.value);
    return truth;
}

static void judge_distance(enum scenario_quantity quantity, const char *phase,
                           const struct truth *truth, double objective, enum side wanted,
                           struct judge_row *row)
{
    const char *name = scenario_quantity_name(quantity);
    double distance = (truth->value - objective) / truth->error;
    bool upwards = judge_larger_is_worse(quantity) == (wanted == WORSE_THAN_OBJECTIVE);
    double right_way = upwards ? distance : -distance;
    if (fabs(distance) < TRUTH_STANDARD_ERRORS) {
        double factor = pow(TRUTH_STANDARD_ERRORS / fmax(fabs(distance), 0.1), 2);
        judge_observe(row,
                      "the true %s in %s, %.4f +- %.4f, lies within three standard errors of the "
                      "objective %.4f: %.1f times the traffic or a different drift size would tell",
                      name, phase, truth->value, truth->error, objective, factor);
        judge_worsen(row, JUDGE_INVALID);
    } else if (right_way < 0) {
        judge_observe(row, "the true %s in %s is %.4f, %s the objective %.4f: there was %s to see",
                      name, phase, truth->value, distance < 0 ? "below" : "above", objective,
                      wanted == WORSE_THAN_OBJECTIVE ? "nothing" : "something");
        judge_worsen(row, JUDGE_FAIL);
    }
}

/* Alerts that name no quantity of the ledger have no truth to compare with. */
static void judge_truth(const struct judge_case *at, const struct evidence_alert *alert, int phase,
                        enum side wanted, struct judge_row *row)
{
    enum scenario_quantity quantity = scenario_quantity_named(alert->rule->quantity);
    const char *name = scenario_quantity_name(quantity);
    const char *phase_name = at->scenario->phase[phase].name;
    if (quantity == SCENARIO_NO_QUANTITY || alert->rule->objective[0] == '\0') {
        return;
    }
    struct truth truth = truth_of(at, quantity, &at->ledger->nominal[phase]);
    if (isnan(alert->objective)) {
        judge_observe(row, "its objective %s has no value", alert->rule->objective);
        judge_worsen(row, JUDGE_INVALID);
    } else if (!truth.known) {
        judge_observe(row, "too little traffic in %s to know the true %s", phase_name, name);
        judge_worsen(row, JUDGE_INVALID);
    } else {
        judge_distance(quantity, phase_name, &truth, alert->objective, wanted, row);
    }
}

/* ---- soundness of what was watched ---- */

/* A hole in the data longer than this could hide a state change of the alert. */
static double gap_bound_s(const struct judge_case *at, const struct rules_alert *rule)
{
    double scale = (double)at->scenario->time_scale;
    double interval_s = judge_seconds(rule->interval_ns) / scale;
    double bound =
        fmax(judge_seconds(rule->window_ns) / scale / 10, judge_seconds(rule->for_ns) / scale / 2);
    return fmax(bound, 3 * interval_s);
}

void judge_gaps(const struct judge_case *at, const struct evidence_alert *alert, int phase,
                struct judge_row *row)
{
    double bound = gap_bound_s(at, alert->rule);
    double from = judge_phase_start_s(at, phase), to = judge_phase_end_s(at, phase);
    double evaluations =
        scenario_longest_gap(at->scenario, WATCHED_EVALUATIONS, &alert->heartbeat, from, to);
    double scrapes =
        scenario_longest_gap(at->scenario, WATCHED_SCRAPES, &at->evidence->scrapes, from, to);
    if (evaluations > bound) {
        judge_observe(row, "no evaluation for %.2f s in %s (bound %.2f s)", evaluations,
                      at->scenario->phase[phase].name, bound);
        judge_worsen(row, JUDGE_INVALID);
    }
    if (scrapes > bound && strcmp(alert->rule->quantity, "") != 0) {
        judge_observe(row, "no scrape for %.2f s in %s (bound %.2f s)", scrapes,
                      at->scenario->phase[phase].name, bound);
        judge_worsen(row, JUDGE_INVALID);
    }
}

/* ---- alert expectations ---- */

static const struct evidence_alert *watched_alert(const struct judge_case *at,
                                                  const struct scenario_expectation *expectation,
                                                  struct judge_row *row)
{
    const struct evidence_alert *alert = evidence_find(at->evidence, expectation->alert);
    if (alert == NULL) {
        judge_observe(row, "no rule file defines an alert named %s", expectation->alert);
        judge_worsen(row, JUDGE_FAIL);
    }
    return alert;
}

/* "pending 3.1 s", or "not pending" if it did not happen; returns out. */
static const char *moment(char *out, size_t size, const char *what, double s)
{
    if (isnan(s)) {
        snprintf(out, size, "not %s", what);
    } else {
        snprintf(out, size, "%s %.1f s", what, s);
    }
    return out;
}

static void observe_firing(const struct evidence_episode *episode, double start,
                           struct judge_row *row)
{
    char pending[48], notified[48];
    judge_observe(row, "%s, firing %.1f s, %s",
                  moment(pending, sizeof pending, "pending", episode->pending_s - start),
                  episode->firing_s - start,
                  moment(notified, sizeof notified, "notified", episode->notified_s - start));
}

/* The first episode that fired in [start, end], or was still firing at the start; NULL if none. */
static const struct evidence_episode *first_episode(const struct evidence_alert *alert,
                                                    double start, double end)
{
    for (size_t i = 0; i < alert->count; i++) {
        const struct evidence_episode *episode = &alert->episode[i];
        bool over = episode->firing_s < start && episode->resolved_s <= start;
        if (episode->firing_s <= end && !over) {
            return episode;
        }
    }
    return NULL;
}

void judge_fires(const struct judge_case *at, const struct scenario_expectation *wanted,
                 struct judge_row *row)
{
    double start = judge_phase_start_s(at, wanted->phase),
           end = judge_phase_end_s(at, wanted->phase);
    double within = judge_seconds(wanted->within_ns);
    const struct evidence_alert *alert = watched_alert(at, wanted, row);
    snprintf(row->wanted, sizeof row->wanted, "within %.1f s of its start", within);
    if (alert == NULL || judge_not_reached(at, wanted->phase, row) || judge_unanswered(at, row)) {
        return;
    }
    judge_truth(at, alert, wanted->phase, WORSE_THAN_OBJECTIVE, row);
    judge_gaps(at, alert, wanted->phase, row);
    const struct evidence_episode *episode = first_episode(alert, start, end);
    if (episode != NULL && episode->firing_s < start) {
        judge_observe(row, "was already firing when %s began",
                      at->scenario->phase[wanted->phase].name);
        judge_worsen(row, JUDGE_FAIL);
    } else if (episode != NULL) {
        observe_firing(episode, start, row);
        judge_worsen(row, episode->firing_s - start <= within ? JUDGE_PASS : JUDGE_FAIL);
    } else if (!judge_cut_short(at, wanted->phase, within, "had not fired", row)) {
        judge_observe(row, "did not fire");
        judge_worsen(row, JUDGE_FAIL);
    }
}

/* The delay to beat: that of this run's people, or the expected one if they were lucky or the run
 * did not reach it. A floor bounds what can be expected, not every single run. */
static double floor_of(const struct floors_row *floors)
{
    const struct floors_floor *floor = &floors->view[FLOORS_EXPORTED];
    return fmax(floor->delay_s, floor->expected_s); /* fmax ignores NaN */
}

/* NULL, with the reason observed, if there is no floor to compare with. */
static const struct floors_row *
known_floor(const struct judge_case *at, const struct evidence_alert *alert, struct judge_row *row)
{
    enum scenario_quantity quantity = scenario_quantity_named(alert->rule->quantity);
    const struct floors_row *floors =
        at->floors == NULL ? NULL : floors_find(at->floors, quantity, alert->objective);
    const struct floors_floor *exported = floors == NULL ? NULL : &floors->view[FLOORS_EXPORTED];
    if (exported != NULL && floors->exists && exported->exists) {
        return floors;
    }
    judge_observe(row, "no floor to compare with: %s",
                  floors == NULL   ? "nothing was injected that it watches"
                  : floors->exists ? exported->why
                                   : floors->why);
    judge_worsen(row, JUDGE_INVALID);
    return NULL;
}

void judge_delay_floor(const struct judge_case *at, const struct scenario_expectation *wanted,
                       struct judge_row *row)
{
    const struct evidence_alert *alert = watched_alert(at, wanted, row);
    double within = judge_seconds(wanted->within_ns);
    snprintf(row->wanted, sizeof row->wanted, "at most %.3g x the floor", wanted->floors);
    if (alert == NULL || judge_not_reached(at, wanted->phase, row) || judge_unanswered(at, row)) {
        return;
    }
    const struct floors_row *floors = known_floor(at, alert, row);
    if (floors == NULL) {
        return;
    }
    const struct evidence_episode *episode =
        first_episode(alert, floors->onset_s, judge_phase_end_s(at, wanted->phase));
    if (episode == NULL || episode->firing_s < floors->onset_s) {
        if (episode != NULL || !judge_cut_short(at, wanted->phase, within, "had not fired", row)) {
            judge_observe(row, episode == NULL ? "did not fire" : "was firing before the onset");
            judge_worsen(row, JUDGE_FAIL);
        }
        return;
    }
    double delay = episode->firing_s - floors->onset_s, floor = floor_of(floors);
    judge_observe(row, "%.1f s, %.1f x the %.1f s that the exported metric needs", delay,
                  delay / floor, floor);
    judge_worsen(row, delay <= wanted->floors * floor ? JUDGE_PASS : JUDGE_FAIL);
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

static void observe_resolve(const struct evidence_episode *episode, double start,
                            struct judge_row *row)
{
    double delay = episode->resolved_s - start;
    const char *side = delay < 0 ? "before" : "after";
    if (episode->resolve != EVIDENCE_RECOVERED) {
        judge_observe(row, "vanished %.1f s %s its start without the metric being back",
                      fabs(delay), side);
    } else if (isnan(episode->resolved_notified_s)) {
        judge_observe(row, "recovered %.1f s %s its start, not notified", fabs(delay), side);
    } else {
        judge_observe(row, "recovered %.1f s %s its start, notified %.1f s later", fabs(delay),
                      side, episode->resolved_notified_s - episode->resolved_s);
    }
}

void judge_resolves(const struct judge_case *at, const struct scenario_expectation *wanted,
                    struct judge_row *row)
{
    double start = judge_phase_start_s(at, wanted->phase),
           end = judge_phase_end_s(at, wanted->phase);
    double within = judge_seconds(wanted->within_ns);
    const struct evidence_alert *alert = watched_alert(at, wanted, row);
    snprintf(row->wanted, sizeof row->wanted, "within %.1f s of its start", within);
    if (alert == NULL || judge_not_reached(at, wanted->phase, row) || judge_unanswered(at, row)) {
        return;
    }
    judge_truth(at, alert, wanted->phase, BETTER_THAN_OBJECTIVE, row);
    judge_gaps(at, alert, wanted->phase, row);
    const struct evidence_episode *episode = last_episode(alert, end);
    if (episode == NULL) {
        judge_observe(row, "never fired, so nothing to resolve");
        judge_worsen(row, JUDGE_FAIL);
    } else if (isnan(episode->resolved_s) || episode->resolved_s > end) {
        if (!judge_cut_short(at, wanted->phase, within, "was still firing", row)) {
            judge_observe(row, "still firing at the end");
            judge_worsen(row, JUDGE_FAIL);
        }
    } else {
        observe_resolve(episode, start, row);
        bool recovered = episode->resolve == EVIDENCE_RECOVERED;
        bool in_time = episode->resolved_s - start <= within;
        judge_worsen(row, recovered && in_time ? JUDGE_PASS : JUDGE_FAIL);
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
        if (judge_not_reached(at, p, row) || judge_unanswered(at, row)) {
            return;
        }
        judge_truth(at, alert, p, BETTER_THAN_OBJECTIVE, row);
        judge_gaps(at, alert, p, row);
        if (fired_in(alert, judge_phase_start_s(at, p), judge_phase_end_s(at, p), &when)) {
            bool earlier = when < judge_phase_start_s(at, p);
            judge_observe(row, "%s %s in %s, %s %.1f s", alert->rule->name,
                          earlier ? "was still firing" : "fired", at->scenario->phase[p].name,
                          earlier ? "since" : "at", when);
            judge_worsen(row, JUDGE_FAIL);
        }
    }
}

void judge_silent(const struct judge_case *at, const struct scenario_expectation *wanted,
                  struct judge_row *row)
{
    char phases[128];
    int watched = 0;
    judge_list_phases(at->scenario, wanted->phases, phases, sizeof phases);
    snprintf(row->wanted, sizeof row->wanted, "no firing%s", phases);
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
        judge_observe(row, "no rule file defines an alert in group %s", wanted->group);
        judge_worsen(row, JUDGE_FAIL);
    } else if (row->outcome == JUDGE_PASS) {
        judge_observe(row, "silent");
    }
}

/* ---- null drills ---- */

static void judge_watched(const struct judge_case *at, struct judge_row *row)
{
    snprintf(row->name, sizeof row->name, "every alert was watched");
    snprintf(row->wanted, sizeof row->wanted, "no gap");
    if (judge_unanswered(at, row)) {
        return;
    }
    for (int p = 0; p < at->scenario->phase_count && !judge_not_reached(at, p, row); p++) {
        for (size_t a = 0; a < at->evidence->alert_count; a++) {
            judge_gaps(at, &at->evidence->alert[a], p, row);
        }
    }
    if (row->outcome == JUDGE_PASS) {
        judge_observe(row, "%zu alerts in every phase", at->evidence->alert_count);
    }
}

static void judge_false_alarms(const struct judge_case *at, struct judge_row *row)
{
    snprintf(row->name, sizeof row->name, "no false alarm");
    snprintf(row->wanted, sizeof row->wanted, "no firing");
    for (size_t a = 0; a < at->evidence->alert_count; a++) {
        const struct evidence_alert *alert = &at->evidence->alert[a];
        double when;
        if (strcmp(alert->rule->severity, "none") != 0 && fired_in(alert, 0, at->end_s, &when)) {
            judge_observe(row, "%s fired at %.1f s", alert->rule->name, when);
            judge_worsen(row, JUDGE_FAIL);
        }
    }
    if (row->outcome == JUDGE_PASS) {
        judge_observe(row, "silent");
    }
}

void judge_null(const struct judge_case *at, struct judgement *out)
{
    judge_watched(at, &out->row[out->row_count++]);
    judge_false_alarms(at, &out->row[out->row_count++]);
    struct judge_row *counts = &out->row[out->row_count++];
    snprintf(counts->name, sizeof counts->name, "counts reconcile");
    judge_reconciles(at, counts);
}
