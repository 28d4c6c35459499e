#include "drill/judge.h"

#include "base/clock.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * A drill of two minutes that went as it should: a warm-up of 20 s, control, drift with one alert
 * firing, recovery with its resolve. Each test spoils one thing and looks at the verdict.
 */
enum { WARM_UP, CONTROL, DRIFT, RECOVERY, PHASES };
enum { LOW, MEAN, DOWN, WATCHDOG, ALERTS };
enum { FIRES, RESOLVES, SILENT, MEAN_SILENT, GROUP_SILENT, NOTICES, AGREES, COUNTS, LEVEL, ROWS };

#define END_S 120
#define BEATS (2 * (END_S + 10))
#define SCRAPES (4 * (END_S + 10))
#define RECORDS BEATS

struct world {
    struct scenario scenario;
    struct ledger *ledger;
    struct rules_alert rule[ALERTS];
    struct evidence_alert alert[ALERTS];
    struct evidence_episode episode[ALERTS][4];
    struct prometheus_point beat[BEATS], scrape[SCRAPES], record[RECORDS];
    struct evidence_notice notice[16];
    struct evidence evidence;
    struct reconciliation reconciliation;
    double end_s;
    struct judgement judgement;
};

static void add_expectation(struct world *world, struct scenario_expectation expectation,
                            const char *name)
{
    snprintf(expectation.name, sizeof expectation.name, "%s", name);
    world->scenario.expectation[world->scenario.expectation_count++] = expectation;
}

static void set_scenario(struct world *world)
{
    static const int seconds[PHASES] = {20, 40, 30, 30};
    static const char *const names[PHASES] = {"warm-up", "control", "drift", "recovery"};
    const uint32_t before = 1U << WARM_UP | 1U << CONTROL, all = (1U << PHASES) - 1;
    struct scenario *s = &world->scenario;
    *s = (struct scenario){
        .time_scale = 60, .scrape_ns = 15 * CLOCK_NS_PER_S, .evaluation_ns = 30 * CLOCK_NS_PER_S};
    for (int i = 0; i < PHASES; i++) {
        struct scenario_phase *phase = &s->phase[s->phase_count++];
        snprintf(phase->name, sizeof phase->name, "%s", names[i]);
        phase->start_ns = s->end_ns;
        phase->duration_ns = seconds[i] * CLOCK_NS_PER_S;
        s->end_ns += phase->duration_ns;
    }
    const int64_t within = 25 * CLOCK_NS_PER_S;
    add_expectation(
        world,
        (struct scenario_expectation){
            .kind = SCENARIO_FIRES, .alert = "ConversionLow", .phase = DRIFT, .within_ns = within},
        "fires");
    add_expectation(world,
                    (struct scenario_expectation){.kind = SCENARIO_RESOLVES,
                                                  .alert = "ConversionLow",
                                                  .phase = RECOVERY,
                                                  .within_ns = within},
                    "resolves");
    add_expectation(world,
                    (struct scenario_expectation){
                        .kind = SCENARIO_SILENT, .alert = "ConversionLow", .phases = before},
                    "silent");
    add_expectation(
        world,
        (struct scenario_expectation){.kind = SCENARIO_SILENT, .alert = "MeanLow", .phases = all},
        "mean silent");
    add_expectation(world,
                    (struct scenario_expectation){
                        .kind = SCENARIO_SILENT, .group = "infrastructure", .phases = all},
                    "group silent");
    add_expectation(world, (struct scenario_expectation){.kind = SCENARIO_NOTIFICATIONS},
                    "notifications");
    add_expectation(world,
                    (struct scenario_expectation){.kind = SCENARIO_AGREES,
                                                  .record = "record",
                                                  .quantity = SCENARIO_CONVERSION,
                                                  .phases = 1U << CONTROL | 1U << DRIFT,
                                                  .tolerance = 0.05,
                                                  .window_ns = 15 * CLOCK_NS_PER_S},
                    "agrees");
    add_expectation(world, (struct scenario_expectation){.kind = SCENARIO_RECONCILES}, "counts");
    add_expectation(world,
                    (struct scenario_expectation){.kind = SCENARIO_LEVEL,
                                                  .quantity = SCENARIO_CONVERSION,
                                                  .phase = RECOVERY,
                                                  .rest_phase = CONTROL,
                                                  .window_ns = 15 * CLOCK_NS_PER_S,
                                                  .least = 0.85,
                                                  .most = INFINITY},
                    "level");
}

/* 3,000 lists a second; 30 % converted with a mean rating of 4 stars, 18 % under drift. */
static double converted_share(int phase)
{
    return phase == DRIFT ? 0.18 : 0.3;
}

static void set_ledger(struct world *world)
{
    int64_t start_ns[PHASES];
    for (int p = 0; p < PHASES; p++) {
        start_ns[p] = world->scenario.phase[p].start_ns;
    }
    world->ledger = ledger_new(world->scenario.end_ns, start_ns, PHASES);
    for (int64_t b = 0; b < END_S * 10; b++) {
        int64_t at_ns = b * LEDGER_BUCKET_NS;
        int phase = scenario_phase_at(&world->scenario, at_ns);
        struct ledger_counts *observed = ledger_observed_at(world->ledger, at_ns);
        observed->lists = 300;
        observed->converted = observed->rated = (int64_t)(300 * converted_share(phase));
        observed->stars[6] = observed->stars[8] = observed->rated / 2;
        ledger_counts_add(&world->ledger->nominal[phase], observed);
    }
}

static void set_rules(struct world *world)
{
    static const char *const names[ALERTS] = {"ConversionLow", "MeanLow", "Down", "Watchdog"};
    static const char *const quantities[ALERTS] = {"conversion", "mean_rating", "", ""};
    static const double objectives[ALERTS] = {0.23, 3.7, NAN, NAN};
    static const char *const severities[ALERTS] = {"ticket", "ticket", "page", "none"};
    for (int i = 0; i < ALERTS; i++) {
        struct rules_alert *rule = &world->rule[i];
        bool drift = i == LOW || i == MEAN;
        *rule = (struct rules_alert){.window_ns = 900 * CLOCK_NS_PER_S,
                                     .for_ns = 150 * CLOCK_NS_PER_S,
                                     .interval_ns = 30 * CLOCK_NS_PER_S};
        snprintf(rule->name, sizeof rule->name, "%s", names[i]);
        snprintf(rule->group, sizeof rule->group, "%s", drift ? "drift" : "infrastructure");
        snprintf(rule->quantity, sizeof rule->quantity, "%s", quantities[i]);
        snprintf(rule->objective, sizeof rule->objective, "%s", drift ? "objective:min" : "");
        snprintf(rule->severity, sizeof rule->severity, "%s", severities[i]);
        world->alert[i] =
            (struct evidence_alert){.rule = rule,
                                    .objective = objectives[i],
                                    .episode = world->episode[i],
                                    .heartbeat = {.count = BEATS, .point = world->beat}};
    }
}

static struct evidence_episode *add_episode(struct world *world, int alert, double firing_s,
                                            double resolved_s)
{
    struct evidence_episode *episode = &world->episode[alert][world->alert[alert].count++];
    *episode = (struct evidence_episode){.pending_s = firing_s - 2.5,
                                         .firing_s = firing_s,
                                         .resolved_s = resolved_s,
                                         .resolve = isnan(resolved_s) ? EVIDENCE_NOT_RESOLVED
                                                                      : EVIDENCE_RECOVERED,
                                         .notified_s = firing_s + 0.5,
                                         .resolved_notified_s = resolved_s + 0.5};
    return episode;
}

static void add_notice(struct world *world, double received_s, const char *alert,
                       const char *severity, bool resolved)
{
    struct evidence_notice *notice = &world->notice[world->evidence.notice_count++];
    notice->received_s = received_s;
    notice->resolved = resolved;
    snprintf(notice->alert, sizeof notice->alert, "%s", alert);
    snprintf(notice->severity, sizeof notice->severity, "%s", severity);
}

static void set_evidence(struct world *world)
{
    struct evidence *evidence = &world->evidence;
    for (int i = 0; i < BEATS; i++) {
        double time_s = i / 2.0 - 5;
        int64_t at_ns = (int64_t)(time_s * 1e9);
        struct ledger_counts counts = ledger_window(world->ledger, at_ns - 15000000000, at_ns);
        world->beat[i] = (struct prometheus_point){time_s, 1};
        world->record[i] = (struct prometheus_point){time_s, ledger_conversion(&counts) * 1.01};
    }
    for (int i = 0; i < SCRAPES; i++) {
        world->scrape[i] = (struct prometheus_point){i / 4.0 - 5, 1};
    }
    evidence->complete = true;
    evidence->alert_count = ALERTS;
    evidence->alert = world->alert;
    evidence->notice = world->notice;
    evidence->scrapes = (struct prometheus_series){.count = SCRAPES, .point = world->scrape};
    evidence->record[AGREES] = (struct prometheus_series){.count = RECORDS, .point = world->record};
    add_notice(world, 6, "Watchdog", "none", false);
}

static struct world *world_new(void)
{
    struct world *world = mem_zalloc(1, sizeof *world);
    set_scenario(world);
    set_ledger(world);
    set_rules(world);
    set_evidence(world);
    world->end_s = END_S;
    world->reconciliation = (struct reconciliation){.done = true, .count = 1};
    world->reconciliation.row[0] =
        (struct reconcile_row){.name = "lists served", .ledger = 5, .target = 5, .ok = true};
    return world;
}

/* With the alert's course and notifications that the scenario wants. */
static struct world *world_as_wanted(void)
{
    struct world *world = world_new();
    add_episode(world, LOW, 74, 96);
    add_notice(world, 74.5, "ConversionLow", "ticket", false);
    add_notice(world, 96.5, "ConversionLow", "ticket", true);
    return world;
}

static enum judge_outcome judge_world(struct world *world)
{
    struct judge_case judge_case = {.scenario = &world->scenario,
                                    .ledger = world->ledger,
                                    .evidence = &world->evidence,
                                    .reconciliation = &world->reconciliation,
                                    .end_s = world->end_s};
    judge(&judge_case, &world->judgement);
    return world->judgement.outcome;
}

static enum judge_outcome judge_null_world(struct world *world)
{
    struct judge_case judge_case = {.scenario = &world->scenario,
                                    .ledger = world->ledger,
                                    .evidence = &world->evidence,
                                    .reconciliation = &world->reconciliation,
                                    .end_s = world->end_s,
                                    .null_drill = true};
    memset(&world->judgement, 0, sizeof world->judgement);
    judge(&judge_case, &world->judgement);
    return world->judgement.outcome;
}

static const struct judge_row *row_of(const struct world *world, int row)
{
    return &world->judgement.row[row];
}

static void expect_row(const struct world *world, int row, enum judge_outcome outcome,
                       const char *observed, const char *what)
{
    const struct judge_row *r = row_of(world, row);
    cr_expect_eq(r->outcome, outcome, "%s: %s, %s", what, judge_outcome_name(r->outcome),
                 r->observed);
    cr_expect_not_null(strstr(r->observed, observed), "%s: '%s' is not in '%s'", what, observed,
                       r->observed);
}

static void world_free(struct world *world)
{
    ledger_free(world->ledger);
    mem_free(world);
}

Test(judge, a_drill_that_went_as_wanted_passes)
{
    struct world *world = world_as_wanted();
    cr_expect_eq(judge_world(world), JUDGE_PASS);
    for (int i = 0; i < ROWS; i++) {
        cr_expect_eq(row_of(world, i)->outcome, JUDGE_PASS, "%s: %s", row_of(world, i)->name,
                     row_of(world, i)->observed);
        cr_expect(row_of(world, i)->observed[0] != '\0' && row_of(world, i)->wanted[0] != '\0');
    }
    cr_expect_eq(world->judgement.reason_count, 0);
    expect_row(world, FIRES, JUDGE_PASS, "pending 11.5 s, firing 14.0 s, notified 14.5 s", "fires");
    expect_row(world, RESOLVES, JUDGE_PASS, "recovered 6.0 s after its start, notified 0.5 s later",
               "resolves");
    expect_row(world, AGREES, JUDGE_PASS, "at most 1.0 % off", "agrees");
    world_free(world);
}

Test(judge, an_alert_must_fire_within_its_bound_of_the_phase)
{
    static const struct {
        const char *what;
        double firing_s, resolved_s;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"in time", 74, 96, JUDGE_PASS, "firing 14.0 s"},
        {"at the very bound", 85, 96, JUDGE_PASS, "firing 25.0 s"},
        {"with the phase", 60, 96, JUDGE_PASS, "firing 0.0 s"},
        {"late", 85.5, 96, JUDGE_FAIL, "firing 25.5 s"},
        {"after the phase", 91, 96, JUDGE_FAIL, "did not fire"},
        {"before the phase and on", 55, 96, JUDGE_FAIL, "was already firing when drift began"},
        {"for ever", 55, NAN, JUDGE_FAIL, "was already firing when drift began"},
        {"over by the phase's start", 55, 60, JUDGE_FAIL, "did not fire"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        add_episode(world, LOW, rows[i].firing_s, rows[i].resolved_s);
        judge_world(world);
        expect_row(world, FIRES, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge, an_alert_that_never_fired_fails_and_has_nothing_to_resolve)
{
    struct world *world = world_new();
    cr_expect_eq(judge_world(world), JUDGE_FAIL);
    expect_row(world, FIRES, JUDGE_FAIL, "did not fire", "fires");
    expect_row(world, RESOLVES, JUDGE_FAIL, "never fired", "resolves");
    add_episode(world, LOW, NAN, NAN)->pending_s = 70;
    cr_expect_eq(judge_world(world), JUDGE_FAIL);
    cr_expect_not_null(strstr(row_of(world, FIRES)->observed, "did not fire"), "pending only");
    world_free(world);
}

Test(judge, what_did_not_happen_is_said_in_words)
{
    struct world *world = world_new();
    struct evidence_episode *episode = add_episode(world, LOW, 74, 96);
    episode->pending_s = episode->notified_s = episode->resolved_notified_s = NAN;
    judge_world(world);
    expect_row(world, FIRES, JUDGE_PASS, "not pending, firing 14.0 s, not notified", "fires");
    expect_row(world, RESOLVES, JUDGE_PASS, "recovered 6.0 s after its start, not notified",
               "resolves");
    for (int i = 0; i < ROWS; i++) {
        cr_expect_null(strstr(row_of(world, i)->observed, "nan"), "%s", row_of(world, i)->observed);
    }
    world_free(world);
}

Test(judge, only_a_recovery_in_time_resolves)
{
    static const struct {
        const char *what;
        double resolved_s;
        enum evidence_resolve resolve;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"recovered", 96, EVIDENCE_RECOVERED, JUDGE_PASS, "recovered 6.0 s after its start"},
        {"at the bound", 115, EVIDENCE_RECOVERED, JUDGE_PASS, "recovered 25.0 s after"},
        {"too late", 115.5, EVIDENCE_RECOVERED, JUDGE_FAIL, "recovered 25.5 s after"},
        {"vanished", 96, EVIDENCE_VANISHED, JUDGE_FAIL, "vanished 6.0 s after its start without"},
        {"still firing", NAN, EVIDENCE_NOT_RESOLVED, JUDGE_FAIL, "still firing at the end"},
        {"before the phase's start", 88, EVIDENCE_RECOVERED, JUDGE_PASS,
         "recovered 2.0 s before its start"},
        {"after the end", 121, EVIDENCE_RECOVERED, JUDGE_FAIL, "still firing at the end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        add_episode(world, LOW, 74, rows[i].resolved_s)->resolve = rows[i].resolve;
        judge_world(world);
        expect_row(world, RESOLVES, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge, a_relapse_counts_more_than_the_resolve_before_it)
{
    struct world *world = world_new();
    add_episode(world, LOW, 74, 92);
    add_episode(world, LOW, 100, NAN);
    judge_world(world);
    expect_row(world, FIRES, JUDGE_PASS, "firing 14.0 s", "the first one");
    expect_row(world, RESOLVES, JUDGE_FAIL, "still firing at the end", "the last one");
    world_free(world);
}

Test(judge, silence_is_broken_by_firing_in_one_phase)
{
    static const struct {
        const char *what;
        double firing_s, resolved_s;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"in control", 30, 40, JUDGE_FAIL, "ConversionLow fired in control"},
        {"over the edge", 15, 40, JUDGE_FAIL, "was still firing in control"},
        {"only afterwards", 60, 70, JUDGE_PASS, "silent"},
        {"before the drill", -4, 0, JUDGE_PASS, "silent"},
        {"from before the drill", -4, NAN, JUDGE_FAIL, "was still firing in warm-up"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        add_episode(world, LOW, rows[i].firing_s, rows[i].resolved_s);
        judge_world(world);
        expect_row(world, SILENT, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge, being_pending_does_not_break_silence)
{
    struct world *world = world_as_wanted();
    add_episode(world, MEAN, NAN, NAN)->pending_s = 30;
    cr_expect_eq(judge_world(world), JUDGE_PASS);
    world_free(world);
}

Test(judge, silence_of_a_group_ignores_alerts_without_severity)
{
    struct world *world = world_as_wanted();
    add_episode(world, WATCHDOG, -3, NAN);
    cr_expect_eq(judge_world(world), JUDGE_PASS);
    add_episode(world, DOWN, 100, 101);
    cr_expect_eq(judge_world(world), JUDGE_FAIL);
    cr_expect_not_null(strstr(row_of(world, GROUP_SILENT)->observed, "Down fired in recovery"));
    world_free(world);
}

/* Three standard errors of 30 % of the 90,000 lists of drift (design effect 1.5) are .0056. */
Test(judge, a_truth_too_near_to_the_objective_makes_the_drill_invalid)
{
    static const struct {
        const char *what;
        double objective;
        enum judge_outcome fires, silent; /* control is at .30, drift at .18 */
    } rows[] = {
        {"between", 0.23, JUDGE_PASS, JUDGE_PASS},
        {"near the drift from above", 0.184, JUDGE_INVALID, JUDGE_PASS},
        {"near the drift from below", 0.176, JUDGE_INVALID, JUDGE_PASS},
        {"below both", 0.17, JUDGE_FAIL, JUDGE_PASS},
        {"near the control", 0.302, JUDGE_PASS, JUDGE_INVALID},
        {"above both", 0.32, JUDGE_PASS, JUDGE_FAIL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_as_wanted();
        world->alert[LOW].objective = rows[i].objective;
        enum judge_outcome whole = judge_world(world);
        expect_row(world, FIRES, rows[i].fires, "", rows[i].what);
        expect_row(world, SILENT, rows[i].silent, "", rows[i].what);
        cr_expect_eq(whole, rows[i].fires > rows[i].silent ? rows[i].fires : rows[i].silent);
        world_free(world);
    }
}

Test(judge, a_truth_too_near_is_told_with_advice)
{
    struct world *world = world_as_wanted();
    world->alert[LOW].objective = 0.184;
    judge_world(world);
    expect_row(world, FIRES, JUDGE_INVALID, "lies within three standard errors", "distance");
    expect_row(world, FIRES, JUDGE_INVALID, "times the traffic or a different drift size",
               "advice");
    world->judgement.row[FIRES] = (struct judge_row){0};
    world->alert[LOW].objective = 0.17;
    judge_world(world);
    expect_row(world, FIRES, JUDGE_FAIL, "above the objective 0.1700: there was nothing to see",
               "the other side");
    world_free(world);
}

Test(judge, a_truth_from_few_events_is_not_known)
{
    struct world *world = world_as_wanted();
    struct ledger_counts *counts = &world->ledger->nominal[DRIFT];
    *counts = (struct ledger_counts){.lists = 29, .rated = 5, .converted = 5};
    judge_world(world);
    expect_row(world, FIRES, JUDGE_INVALID, "too little traffic in drift", "29 lists");
    world_free(world);
}

/* Equal ratings have no variance, which is not the same as having no error. */
Test(judge, a_mean_of_few_ratings_is_not_known_however_equal_they_are)
{
    struct world *world = world_as_wanted();
    struct ledger_counts *counts = &world->ledger->nominal[DRIFT];
    *counts = (struct ledger_counts){.lists = 90000, .rated = 3, .converted = 3, .stars[9] = 3};
    judge_world(world);
    expect_row(world, MEAN_SILENT, JUDGE_INVALID, "too little traffic in drift", "three ratings");
    world_free(world);
}

Test(judge, a_share_of_zero_has_an_error)
{
    struct world *world = world_as_wanted();
    world->ledger->nominal[DRIFT] = (struct ledger_counts){.lists = 40};
    world->alert[LOW].objective = 0.05;
    judge_world(world);
    expect_row(world, FIRES, JUDGE_INVALID, "within three standard errors", "0 of 40");
    world_free(world);
}

Test(judge, an_objective_without_a_value_is_no_reason_to_trust_silence)
{
    struct world *world = world_as_wanted();
    world->alert[MEAN].objective = NAN;
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    expect_row(world, MEAN_SILENT, JUDGE_INVALID, "its objective objective:min has no value",
               "missing");
    world_free(world);
}

/* Takes the points in (from_s, to_s) out of a series. */
static void cut_hole(struct prometheus_series *series, double from_s, double to_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (series->point[i].time_s <= from_s || series->point[i].time_s >= to_s) {
            series->point[kept++] = series->point[i];
        }
    }
    series->count = kept;
}

Test(judge, a_gap_in_what_was_watched_makes_the_drill_invalid)
{
    static const struct {
        const char *what;
        bool scrapes;
        double from_s, to_s;
        enum judge_outcome outcome;
    } rows[] = {
        /* The bound is a tenth of the window, 1.5 s. */
        {"one evaluation missed", false, 65, 66, JUDGE_PASS},
        {"evaluations missed", false, 65, 67, JUDGE_INVALID},
        {"scrapes missed", true, 65, 66, JUDGE_PASS},
        {"many scrapes missed", true, 65, 67, JUDGE_INVALID},
        {"a gap over the start of the phase", false, 58, 63, JUDGE_INVALID},
        {"a gap in another phase", false, 100, 110, JUDGE_PASS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_as_wanted();
        struct prometheus_series *series =
            rows[i].scrapes ? &world->evidence.scrapes : &world->alert[LOW].heartbeat;
        cut_hole(series, rows[i].from_s, rows[i].to_s);
        judge_world(world);
        expect_row(world, FIRES, rows[i].outcome, "", rows[i].what);
        world_free(world);
    }
}

enum { NULL_WATCHED, NULL_SILENT, NULL_COUNTS };

static void spoil_beats(struct world *world)
{
    world->alert[DOWN].heartbeat.count = 0; /* the others share the points */
}

static void spoil_scrapes(struct world *world)
{
    cut_hole(&world->evidence.scrapes, 30, 33);
}

static void spoil_answers(struct world *world)
{
    world->evidence.complete = false;
}

static void spoil_counts(struct world *world)
{
    world->reconciliation.row[0].ok = false;
}

static void spoil_asking(struct world *world)
{
    world->reconciliation.done = false;
}

static void raise_alarm(struct world *world)
{
    add_episode(world, MEAN, 50, NAN);
}

static void raise_watchdog(struct world *world)
{
    add_episode(world, WATCHDOG, -3, NAN);
}

Test(judge, a_null_drill_counts_only_if_every_alarm_would_have_been_seen)
{
    static const struct {
        const char *what;
        void (*spoil)(struct world *);
        enum judge_outcome outcome;
        int row;
        const char *observed;
    } rows[] = {
        {"quiet", raise_watchdog, JUDGE_PASS, NULL_WATCHED, "4 alerts in every phase"},
        {"false alarm", raise_alarm, JUDGE_FAIL, NULL_SILENT, "MeanLow fired at 50.0 s"},
        {"no evaluation", spoil_beats, JUDGE_INVALID, NULL_WATCHED, "no evaluation for"},
        {"no scrape", spoil_scrapes, JUDGE_INVALID, NULL_WATCHED, "no scrape for 3.00 s"},
        {"no answer", spoil_answers, JUDGE_INVALID, NULL_WATCHED, "could not be asked"},
        {"lost counts", spoil_counts, JUDGE_INVALID, NULL_COUNTS, "lists served"},
        {"no counts", spoil_asking, JUDGE_INVALID, NULL_COUNTS, "could not be asked"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world->scenario.expectation_count = 0;
        rows[i].spoil(world);
        cr_expect_eq(judge_null_world(world), rows[i].outcome, "%s", rows[i].what);
        expect_row(world, rows[i].row, rows[i].outcome, rows[i].observed, rows[i].what);
        cr_expect_eq(world->judgement.row_count, 3);
        world_free(world);
    }
}

Test(judge, no_notification_of_an_alert_that_nobody_watched_proves_nothing)
{
    static const struct {
        const char *what;
        void (*spoil)(struct world *);
        const char *group;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"watched", raise_alarm, "drift", JUDGE_PASS, "none"},
        {"no evaluation", spoil_beats, "infrastructure", JUDGE_INVALID, "no evaluation for"},
        {"of another group", spoil_beats, "drift", JUDGE_PASS, "none"},
        {"no scrape", spoil_scrapes, "drift", JUDGE_INVALID, "no scrape for 3.00 s in control"},
        {"no answer", spoil_answers, "drift", JUDGE_INVALID, "could not be asked"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        struct scenario_expectation wanted = {.kind = SCENARIO_UNNOTIFIED, .phases = 1U << CONTROL};
        snprintf(wanted.group, sizeof wanted.group, "%s", rows[i].group);
        world->scenario.expectation_count = 0;
        add_expectation(world, wanted, "unnotified");
        rows[i].spoil(world);
        judge_world(world);
        expect_row(world, 0, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge, an_alert_on_the_target_itself_does_not_need_scrapes)
{
    struct world *world = world_as_wanted();
    cut_hole(&world->evidence.scrapes, 100, 103);
    judge_world(world);
    expect_row(world, GROUP_SILENT, JUDGE_PASS, "silent", "infrastructure");
    expect_row(world, RESOLVES, JUDGE_INVALID, "no scrape for 3.00 s in recovery", "drift");
    world_free(world);
}

Test(judge, notifications_must_be_exactly_those_expected)
{
    static const struct {
        const char *what;
        int firing, resolved, surplus;
        const char *surplus_alert, *severity;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"as wanted", 1, 1, 0, "", "", JUDGE_PASS, "2 and no other"},
        {"missing", 0, 1, 0, "", "", JUDGE_FAIL, "ConversionLow firing: wanted 1, received 0"},
        {"resolve missing", 1, 0, 0, "", "", JUDGE_FAIL, "resolved: wanted 1, received 0"},
        {"twice", 2, 1, 0, "", "", JUDGE_FAIL, "ConversionLow firing: wanted 1, received 2"},
        {"surplus", 1, 1, 1, "MeanLow", "ticket", JUDGE_FAIL, "MeanLow firing: wanted 0, received"},
        {"unknown", 1, 1, 2, "Elsewhere", "", JUDGE_FAIL, "Elsewhere firing: wanted 0, received 2"},
        {"watchdog again", 1, 1, 3, "Watchdog", "none", JUDGE_PASS, "2 and no other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        add_episode(world, LOW, 74, 96);
        for (int k = 0; k < rows[i].firing; k++) {
            add_notice(world, 74.5 + k, "ConversionLow", "ticket", false);
        }
        for (int k = 0; k < rows[i].resolved; k++) {
            add_notice(world, 96.5 + k, "ConversionLow", "ticket", true);
        }
        for (int k = 0; k < rows[i].surplus; k++) {
            add_notice(world, 80 + k, rows[i].surplus_alert, rows[i].severity, false);
        }
        judge_world(world);
        expect_row(world, NOTICES, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge, a_notification_that_could_not_be_read_is_not_passed_over)
{
    struct world *world = world_as_wanted();
    world->evidence.malformed_notices = 1;
    cr_expect_eq(judge_world(world), JUDGE_FAIL);
    expect_row(world, NOTICES, JUDGE_FAIL, "1 notifications could not be read", "malformed");
    world_free(world);
}

Test(judge, a_rule_that_could_not_be_evaluated_is_not_silent)
{
    struct world *world = world_as_wanted();
    world->evidence.rule_error[0] =
        (struct evidence_rule_error){.rule = "MeanLow", .text = "many-to-many matching"};
    world->evidence.rule_error_count = 1;
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    cr_expect_str_eq(world->judgement.reason[0],
                     "rule MeanLow could not be evaluated: many-to-many matching");
    world_free(world);
    world = world_as_wanted();
    world->evidence.evaluation_failures = 3;
    cr_expect_eq(judge_world(world), JUDGE_INVALID, "failures that have passed");
    cr_expect_not_null(strstr(world->judgement.reason[0], "3 evaluations of rules failed"));
    world_free(world);
}

Test(judge, a_record_must_agree_with_the_ledger)
{
    static const struct {
        const char *what;
        double factor;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"equal", 1 / 1.01, JUDGE_PASS, "at most 0.0 % off"},
        {"within", 1.03, JUDGE_PASS, "at most 4.0 % off"},
        {"below", 0.9, JUDGE_FAIL, "control: recorded 0.273, ledger 0.300 (-9 %)"},
        {"above", 1.1, JUDGE_FAIL, "drift: recorded 0.200, ledger 0.180 (+11 %)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_as_wanted();
        for (int k = 0; k < RECORDS; k++) {
            world->record[k].value *= rows[i].factor;
        }
        judge_world(world);
        expect_row(world, AGREES, rows[i].outcome, rows[i].observed, rows[i].what);
        cr_expect_null(strstr(row_of(world, AGREES)->observed, "went"), "both went down");
        world_free(world);
    }
}

Test(judge, a_record_that_goes_the_other_way_is_told_with_both_directions)
{
    struct world *world = world_as_wanted();
    for (int k = 0; k < RECORDS; k++) {
        world->record[k].value = 0.9 - world->record[k].value;
    }
    cr_expect_eq(judge_world(world), JUDGE_FAIL);
    expect_row(world, AGREES, JUDGE_FAIL, "the record went up (0.597 to 0.718)", "record");
    expect_row(world, AGREES, JUDGE_FAIL, "while the truth went down (0.300 to 0.180)", "truth");
    world_free(world);
}

Test(judge, a_record_without_a_recent_value_fails)
{
    struct world *world = world_as_wanted();
    cut_hole(&world->evidence.record[AGREES], 50, 70);
    judge_world(world);
    expect_row(world, AGREES, JUDGE_FAIL, "no value recorded at the end of control", "old");
    world->evidence.record[AGREES].count = 0;
    judge_world(world);
    cr_expect_not_null(strstr(row_of(world, AGREES)->observed, "at the end of drift"), "none");
    world_free(world);
}

Test(judge, a_record_over_a_hole_in_the_scrapes_is_not_blamed)
{
    struct world *world = world_as_wanted();
    cut_hole(&world->evidence.scrapes, 50, 53);
    world->record[2 * (60 + 5)].value = 0.1; /* at 60 s, the end of control */
    judge_world(world);
    expect_row(world, AGREES, JUDGE_INVALID, "no scrape for 3.00 s before the end of control",
               "hole");
    world_free(world);
}

Test(judge, a_window_without_lists_cannot_be_compared)
{
    struct world *world = world_as_wanted();
    for (int64_t b = 0; b < world->ledger->bucket_count; b++) {
        world->ledger->observed[b] = (struct ledger_counts){0};
    }
    judge_world(world);
    expect_row(world, AGREES, JUDGE_INVALID, "the ledger holds nothing to compare with", "empty");
    world_free(world);
}

Test(judge, nothing_converted_and_nothing_recorded_agree)
{
    struct world *world = world_as_wanted();
    for (int64_t b = 0; b < world->ledger->bucket_count; b++) {
        world->ledger->observed[b].converted = 0;
    }
    for (int k = 0; k < RECORDS; k++) {
        world->record[k].value = 0;
    }
    judge_world(world);
    expect_row(world, AGREES, JUDGE_PASS, "at most 0.0 % off", "zero");
    world_free(world);
}

Test(judge, counts_that_do_not_reconcile_make_the_drill_invalid)
{
    struct world *world = world_as_wanted();
    world->reconciliation.row[0] = (struct reconcile_row){
        .name = "lists served", .ledger = 36000, .target = 35990, .kind = RECONCILE_LOST};
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    expect_row(world, COUNTS, JUDGE_INVALID, "lists served: lost, ledger 36000, target 35990",
               "differ");
    for (int i = 1; i < 9; i++) {
        world->reconciliation.row[i] = world->reconciliation.row[0];
        world->reconciliation.row[i].target -= i;
    }
    world->reconciliation.count = 9;
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    expect_row(world, COUNTS, JUDGE_INVALID, "target 35988; and 6 more", "many differ");
    world_free(world);
}

Test(judge, counts_that_are_not_exported_are_told_from_equal_ones)
{
    struct world *world = world_as_wanted();
    world->reconciliation.row[1] =
        (struct reconcile_row){.name = "films shown", .kind = RECONCILE_ABSENT, .ok = true};
    world->reconciliation.count = 2;
    judge_world(world);
    expect_row(world, COUNTS, JUDGE_PASS, "1 counts equal, 1 not exported", "absent");
    world_free(world);
}

Test(judge, a_target_that_cannot_be_asked_makes_the_drill_invalid)
{
    struct world *world = world_as_wanted();
    world->reconciliation = (struct reconciliation){.done = false, .lost = 12};
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    expect_row(world, COUNTS, JUDGE_INVALID, "could not be asked; 12 requests", "dead");
    world_free(world);
}

Test(judge, silence_is_not_believed_without_a_watchdog_in_warm_up)
{
    static const struct {
        const char *what, *alert;
        double received_s;
        enum judge_outcome outcome;
    } rows[] = {{"in warm-up", "Watchdog", 19.9, JUDGE_PASS},
                {"before the drill", "Watchdog", -1, JUDGE_PASS},
                {"too late", "Watchdog", 20.1, JUDGE_INVALID},
                {"another alert", "Down", 5, JUDGE_INVALID}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_as_wanted();
        world->notice[0].received_s = rows[i].received_s;
        snprintf(world->notice[0].alert, sizeof world->notice[0].alert, "%s", rows[i].alert);
        cr_expect_eq(judge_world(world), rows[i].outcome, "%s", rows[i].what);
        cr_expect_eq(world->judgement.reason_count, rows[i].outcome == JUDGE_INVALID);
        world_free(world);
    }
}

Test(judge, a_drill_that_ended_early_is_invalid_and_blames_nobody)
{
    static const double ends[] = {10, 30, 62, 90, 100};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct world *world = world_new();
        world->end_s = ends[i];
        judge_invalid(&world->judgement, "interrupted");
        cr_expect_eq(judge_world(world), JUDGE_INVALID, "%g s", ends[i]);
        if (ends[i] < 85) {
            cr_expect_eq(row_of(world, FIRES)->outcome, JUDGE_INVALID, "%g s: %s", ends[i],
                         row_of(world, FIRES)->observed);
        }
        world_free(world);
    }
}

Test(judge, a_phase_that_was_not_reached_is_named)
{
    struct world *world = world_as_wanted();
    world->end_s = 90;
    judge_world(world);
    expect_row(world, RESOLVES, JUDGE_INVALID, "the drill ended before recovery", "not reached");
    expect_row(world, FIRES, JUDGE_PASS, "firing 14.0 s", "what was seen counts");
    world_free(world);
}

Test(judge, the_same_is_said_once_of_many_alerts_and_phases)
{
    struct world *world = world_new();
    add_episode(world, WATCHDOG, -3, NAN);
    world->rule[WATCHDOG].severity[0] = '\0'; /* now a second alert of the group */
    world->rule[MEAN].objective[0] = 'x';
    world->alert[MEAN].objective = NAN;
    world->end_s = 10;
    judge_world(world);
    const char *observed = row_of(world, GROUP_SILENT)->observed;
    const char *first = strstr(observed, "the drill ended before control");
    cr_assert_not_null(first, "%s", observed);
    cr_expect_null(strstr(first + 1, "the drill ended before control"), "%s", observed);
    expect_row(world, MEAN_SILENT, JUDGE_INVALID, "has no value", "objective");
    world_free(world);
}

Test(judge, a_window_from_before_the_drill_has_no_hole)
{
    struct world *world = world_as_wanted();
    cut_hole(&world->evidence.scrapes, -100, -1);
    cut_hole(&world->evidence.record[AGREES], 6, 200);
    world->end_s = 30;
    judge_world(world);
    expect_row(world, AGREES, JUDGE_INVALID, "no window had passed when the drill ended", "early");
    cr_expect_null(strstr(row_of(world, AGREES)->observed, "no scrape"));
    world_free(world);
}

Test(judge, an_end_as_soon_as_all_is_settled_is_not_early)
{
    struct world *world = world_as_wanted();
    world->end_s = 106;
    cr_expect_eq(judge_world(world), JUDGE_PASS);
    world_free(world);
}

Test(judge, without_an_answer_from_the_database_no_alert_is_blamed)
{
    struct world *world = world_new();
    world->evidence.complete = false;
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    static const int asked[] = {FIRES, RESOLVES, SILENT, MEAN_SILENT, GROUP_SILENT, AGREES};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        expect_row(world, asked[i], JUDGE_INVALID, "could not be asked",
                   row_of(world, asked[i])->name);
    }
    world_free(world);
}

Test(judge, invalid_outranks_fail)
{
    struct world *world = world_new(); /* the alert never fires: fail */
    cr_expect_eq(judge_world(world), JUDGE_FAIL);
    world->reconciliation.done = false;
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    struct judgement judgement = {.row_count = 2,
                                  .row = {{.outcome = JUDGE_FAIL}, {.outcome = JUDGE_PASS}}};
    judge_conclude(&judgement);
    cr_expect_eq(judgement.outcome, JUDGE_FAIL);
    judge_invalid(&judgement, "because");
    judge_conclude(&judgement);
    cr_expect_eq(judgement.outcome, JUDGE_INVALID);
    world_free(world);
}

Test(judge, reasons_are_bounded_and_cut_not_overrun)
{
    struct judgement judgement = {0};
    char text[1000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 3 * JUDGE_REASONS_MAX; i++) {
        judge_invalid(&judgement, "%d %s", i, text);
    }
    cr_expect_eq(judgement.reason_count, JUDGE_REASONS_MAX);
    cr_expect_eq(strlen(judgement.reason[0]), sizeof judgement.reason[0] - 1);
}

/* Drift leaves 60 % of the conversion at rest, known to a standard error of about .6 %. */
Test(judge, a_level_is_held_against_another_phase)
{
    static const struct {
        const char *what;
        int phase;
        double least, most, end_s;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"recovered", RECOVERY, 0.85, INFINITY, END_S, JUDGE_PASS, "100.0 % (0.300 of 0.300)"},
        {"did not recover", DRIFT, 0.85, INFINITY, END_S, JUDGE_FAIL, "60.0 % (0.180 of 0.300)"},
        {"fell far enough", DRIFT, 0, 0.7, END_S, JUDGE_PASS, "60.0 %"},
        {"did not fall", RECOVERY, 0, 0.7, END_S, JUDGE_FAIL, "100.0 %"},
        {"between", DRIFT, 0.55, 0.65, END_S, JUDGE_PASS, "60.0 %"},
        {"below by less than is known", DRIFT, 0.605, INFINITY, END_S, JUDGE_INVALID, "60.0 %"},
        {"above by less than is known", DRIFT, 0, 0.595, END_S, JUDGE_INVALID, "60.0 %"},
        {"too short a phase", RECOVERY, 0.85, INFINITY, 100, JUDGE_INVALID, "10.0 s into recovery"},
        {"not reached", RECOVERY, 0.85, INFINITY, 80, JUDGE_INVALID, "ended before recovery"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_as_wanted();
        struct scenario_expectation *level = &world->scenario.expectation[LEVEL];
        level->phase = rows[i].phase;
        level->least = rows[i].least;
        level->most = rows[i].most;
        world->end_s = rows[i].end_s;
        judge_world(world);
        expect_row(world, LEVEL, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge, a_level_of_nothing_is_zero_and_fails)
{
    struct world *world = world_as_wanted();
    for (int64_t b = 1050; b < 1200; b++) {
        ledger_observed_at(world->ledger, b * LEDGER_BUCKET_NS)->converted = 0;
    }
    judge_world(world);
    expect_row(world, LEVEL, JUDGE_FAIL, "0.0 % (0.000 of 0.300)", "nothing converted");
    for (int64_t b = 200; b < 600; b++) {
        ledger_observed_at(world->ledger, b * LEDGER_BUCKET_NS)->lists = 0;
    }
    judge_world(world);
    expect_row(world, LEVEL, JUDGE_INVALID, "nothing to compare with", "no rest");
    world_free(world);
}
