#include "drill/judge_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Is the alert, or its group, expected to be kept from the receiver in that phase? */
static bool is_to_be_held_back(const struct judge_case *at, const char *alert, int phase)
{
    const struct evidence_alert *known = evidence_find(at->evidence, alert);
    for (int i = 0; i < at->scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &at->scenario->expectation[i];
        if (e->kind != SCENARIO_UNNOTIFIED || (e->phases >> phase & 1) == 0) {
            continue;
        }
        if (strcmp(e->alert, alert) == 0 ||
            (e->alert[0] == '\0' && known != NULL && strcmp(e->group, known->rule->group) == 0)) {
            return true;
        }
    }
    return false;
}

static int expected_notices(const struct judge_case *at, const char *alert,
                            enum scenario_expect kind)
{
    int count = 0;
    for (int i = 0; i < at->scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &at->scenario->expectation[i];
        count += e->kind == kind && strcmp(e->alert, alert) == 0 &&
                 !is_to_be_held_back(at, alert, e->phase);
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
            at->end_s + 1e-3 < judge_phase_start_s(at, e->phase) + judge_seconds(e->within_ns)) {
            return false;
        }
    }
    return true;
}

static bool is_among(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_noticed_before(const struct evidence *evidence, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(evidence->notice[i].alert, evidence->notice[index].alert) == 0) {
            return true;
        }
    }
    return false;
}

/* Compares what arrived about one alert with what was expected of it. */
static void judge_notices_of(const struct judge_case *at, const char *alert, struct judge_row *row)
{
    static const char *const states[] = {"firing", "resolved"};
    static const enum scenario_expect kinds[] = {SCENARIO_FIRES, SCENARIO_RESOLVES};
    for (int resolved = 0; resolved < 2; resolved++) {
        int wanted = expected_notices(at, alert, kinds[resolved]);
        int received = received_notices(at->evidence, alert, resolved != 0);
        if (wanted != received) {
            judge_observe(row, "%s %s: wanted %d, received %d", alert, states[resolved], wanted,
                          received);
            bool early = received < wanted && !had_time(at, alert, kinds[resolved]);
            judge_worsen(row, early ? JUDGE_INVALID : JUDGE_FAIL);
        }
    }
}

/* Calls judge_notices_of once for every alert that has an expectation or a notification; those
 * without severity, like Watchdog, may come at any time. */
static void judge_every_notice(const struct judge_case *at, struct judge_row *row)
{
    const char *judged[SCENARIO_EXPECTATIONS_MAX];
    int judged_count = 0;
    for (int i = 0; i < at->scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &at->scenario->expectation[i];
        bool timed = e->kind == SCENARIO_FIRES || e->kind == SCENARIO_RESOLVES;
        if (timed && !is_among(judged, judged_count, e->alert)) {
            judged[judged_count++] = e->alert;
            judge_notices_of(at, e->alert, row);
        }
    }
    for (size_t i = 0; i < at->evidence->notice_count; i++) {
        const struct evidence_notice *notice = &at->evidence->notice[i];
        bool first = !is_noticed_before(at->evidence, i);
        if (first && strcmp(notice->severity, "none") != 0 &&
            !is_among(judged, judged_count, notice->alert)) {
            judge_notices_of(at, notice->alert, row);
        }
    }
}

void judge_notifications(const struct judge_case *at, struct judge_row *row)
{
    int total = 0;
    for (int i = 0; i < at->scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &at->scenario->expectation[i];
        bool timed = e->kind == SCENARIO_FIRES || e->kind == SCENARIO_RESOLVES;
        total += timed && !is_to_be_held_back(at, e->alert, e->phase);
    }
    snprintf(row->wanted, sizeof row->wanted, "%d and no other", total);
    judge_every_notice(at, row);
    if (at->evidence->malformed_notices > 0) {
        judge_observe(row, "%zu notifications could not be read", at->evidence->malformed_notices);
        judge_worsen(row, JUDGE_FAIL);
    }
    if (row->outcome == JUDGE_PASS) {
        judge_observe(row, "%d and no other", total);
    }
}

static int phase_of(const struct judge_case *at, double drill_s)
{
    int phase = -1;
    for (int i = 0; i < at->scenario->phase_count; i++) {
        phase = judge_phase_start_s(at, i) <= drill_s ? i : phase;
    }
    return phase;
}

static bool is_meant(const struct scenario_expectation *wanted, const struct rules_alert *rule)
{
    if (wanted->alert[0] != '\0') {
        return strcmp(wanted->alert, rule->name) == 0;
    }
    return strcmp(rule->group, wanted->group) == 0 && strcmp(rule->severity, "none") != 0;
}

/* Nobody is notified of an alert that could not be evaluated. */
static void judge_gaps_of_all(const struct judge_case *at,
                              const struct scenario_expectation *wanted, int phase,
                              struct judge_row *row)
{
    for (size_t a = 0; a < at->evidence->alert_count; a++) {
        if (is_meant(wanted, at->evidence->alert[a].rule)) {
            judge_gaps(at, &at->evidence->alert[a], phase, row);
        }
    }
}

static bool has_alert(const struct judge_case *at, const struct scenario_expectation *wanted)
{
    for (size_t i = 0; i < at->evidence->alert_count; i++) {
        const struct rules_alert *rule = at->evidence->alert[i].rule;
        if (strcmp(wanted->alert[0] != '\0' ? rule->name : rule->group,
                   wanted->alert[0] != '\0' ? wanted->alert : wanted->group) == 0) {
            return true;
        }
    }
    return false;
}

void judge_unnotified(const struct judge_case *at, const struct scenario_expectation *wanted,
                      struct judge_row *row)
{
    char phases[128];
    judge_list_phases(at->scenario, wanted->phases, phases, sizeof phases);
    snprintf(row->wanted, sizeof row->wanted, "no notification%s", phases);
    if (!has_alert(at, wanted)) {
        judge_observe(row, "no rule file defines %s",
                      wanted->alert[0] != '\0' ? wanted->alert : wanted->group);
        judge_worsen(row, JUDGE_FAIL);
        return;
    }
    for (int p = 0; p < at->scenario->phase_count; p++) {
        if ((wanted->phases >> p & 1) == 0) {
            continue;
        }
        if (judge_not_reached(at, p, row) || judge_unanswered(at, row)) {
            return;
        }
        judge_gaps_of_all(at, wanted, p, row);
    }
    for (size_t i = 0; i < at->evidence->notice_count; i++) {
        const struct evidence_notice *notice = &at->evidence->notice[i];
        const struct evidence_alert *known = evidence_find(at->evidence, notice->alert);
        int phase = phase_of(at, notice->received_s);
        if (known != NULL && !notice->resolved && phase >= 0 &&
            (wanted->phases >> phase & 1) != 0 && is_meant(wanted, known->rule)) {
            judge_observe(row, "%s was notified at %.1f s, in %s", notice->alert,
                          notice->received_s, at->scenario->phase[phase].name);
            judge_worsen(row, JUDGE_FAIL);
        }
    }
    if (row->outcome == JUDGE_PASS) {
        judge_observe(row, "none");
    }
}
