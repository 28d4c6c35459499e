#include "drill/judge.h"

#include "base/clock.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * What the judge has for drifts and decoys: a drill of 60 s at rest and 60 s with an injection, in
 * which conversion, mean rating and the index of rating shares are watched.
 */
enum { REST, DRIFT, PHASES };
enum { CONVERSION, MEAN, SHARES, WATCHDOG, ALERTS };

#define BEATS 250
#define BUCKETS 1200

struct people { /* of a bucket: what was expected, and what they did */
    double converted, rest_converted, stars, rest_stars;
    int64_t by_half_stars[10];
};

struct world {
    struct scenario scenario;
    struct ledger *ledger;
    struct rules_alert rule[ALERTS];
    struct evidence_alert alert[ALERTS];
    struct evidence_episode episode[ALERTS][2];
    struct prometheus_point beat[BEATS];
    struct evidence_notice notice[8];
    struct evidence evidence;
    struct reconciliation reconciliation;
    struct floors floors;
    struct judgement judgement;
};

/* 30 lists a bucket with ten ratings; a tenth of them one star, four tenths three, half five. */
static const struct people at_rest = {.converted = 0.3,
                                      .rest_converted = 0.3,
                                      .stars = 1.27,
                                      .rest_stars = 1.27,
                                      .by_half_stars = {[1] = 1, [5] = 4, [9] = 5}};

static void set_bucket(struct world *world, int64_t bucket, const struct people *people)
{
    struct ledger_counts *counts = ledger_observed_at(world->ledger, bucket * LEDGER_BUCKET_NS);
    *counts = (struct ledger_counts){.lists = 30};
    for (int h = 0; h < 10; h++) {
        counts->stars[h] = people->by_half_stars[h];
        counts->rated += people->by_half_stars[h];
        counts->converted += h >= 5 ? people->by_half_stars[h] : 0;
    }
    counts->now = (struct ledger_expected){
        .lists = 30, .rated = 10, .converted = 30 * people->converted, .stars = 30 * people->stars};
    counts->rest = (struct ledger_expected){.lists = 30,
                                            .rated = 10,
                                            .converted = 30 * people->rest_converted,
                                            .stars = 30 * people->rest_stars};
}

static void set_phase(struct world *world, int phase, const struct people *people)
{
    world->ledger->nominal[phase] = (struct ledger_counts){0};
    for (int64_t b = phase * BUCKETS / 2; b < (phase + 1) * BUCKETS / 2; b++) {
        set_bucket(world, b, people);
        ledger_counts_add(&world->ledger->nominal[phase], &world->ledger->observed[b]);
    }
}

static void set_alerts(struct world *world)
{
    static const char *const names[ALERTS] = {"ConversionLow", "MeanLow", "SharesMoved",
                                              "Watchdog"};
    static const char *const quantities[ALERTS] = {"conversion", "mean_rating", "rating_psi", ""};
    static const double objectives[ALERTS] = {0.24, 3.5, 0.1, NAN};
    for (int i = 0; i < ALERTS; i++) {
        struct rules_alert *rule = &world->rule[i];
        *rule = (struct rules_alert){.window_ns = 900 * CLOCK_NS_PER_S,
                                     .for_ns = 150 * CLOCK_NS_PER_S,
                                     .interval_ns = 30 * CLOCK_NS_PER_S};
        snprintf(rule->name, sizeof rule->name, "%s", names[i]);
        snprintf(rule->quantity, sizeof rule->quantity, "%s", quantities[i]);
        snprintf(rule->objective, sizeof rule->objective, "objective");
        snprintf(rule->group, sizeof rule->group, "drift");
        snprintf(rule->severity, sizeof rule->severity, i == WATCHDOG ? "none" : "ticket");
        world->alert[i] =
            (struct evidence_alert){.rule = rule,
                                    .objective = objectives[i],
                                    .episode = world->episode[i],
                                    .heartbeat = {.count = BEATS, .point = world->beat}};
    }
}

static void add_notice(struct world *world, double received_s, const char *alert, bool resolved)
{
    struct evidence_notice *notice = &world->notice[world->evidence.notice_count++];
    *notice = (struct evidence_notice){.received_s = received_s, .resolved = resolved};
    snprintf(notice->alert, sizeof notice->alert, "%s", alert);
    snprintf(notice->severity, sizeof notice->severity, "%s",
             strcmp(alert, "Watchdog") == 0 ? "none" : "ticket");
}

static struct world *world_new(void)
{
    static const int64_t starts[PHASES] = {0, 60 * CLOCK_NS_PER_S};
    struct world *world = mem_zalloc(1, sizeof *world);
    struct scenario *s = &world->scenario;
    s->time_scale = 60;
    s->scrape_ns = 15 * CLOCK_NS_PER_S;
    s->phase_count = PHASES;
    s->end_ns = 120 * CLOCK_NS_PER_S;
    for (int p = 0; p < PHASES; p++) {
        snprintf(s->phase[p].name, sizeof s->phase[p].name, p == REST ? "control" : "drift");
        s->phase[p].start_ns = starts[p];
        s->phase[p].duration_ns = 60 * CLOCK_NS_PER_S;
    }
    s->drift.count = 1;
    s->drift.injection[0].onset_ns = 60 * CLOCK_NS_PER_S;
    world->ledger = ledger_new(s->end_ns, starts, PHASES);
    set_phase(world, REST, &at_rest);
    set_phase(world, DRIFT, &at_rest);
    for (int i = 0; i < BEATS; i++) {
        world->beat[i] = (struct prometheus_point){i / 2.0 - 1, 1};
    }
    set_alerts(world);
    world->evidence = (struct evidence){.complete = true,
                                        .alert_count = ALERTS,
                                        .alert = world->alert,
                                        .notice = world->notice,
                                        .scrapes = {.count = BEATS, .point = world->beat},
                                        .rating_share = {.1, 1e-3, .4, 1e-3, .498}};
    add_notice(world, 1, "Watchdog", false);
    return world;
}

static void expect(struct world *world, struct scenario_expectation wanted)
{
    world->scenario.expectation[world->scenario.expectation_count++] = wanted;
}

static enum judge_outcome judge_world(struct world *world)
{
    struct judge_case judge_case = {.scenario = &world->scenario,
                                    .ledger = world->ledger,
                                    .evidence = &world->evidence,
                                    .reconciliation = &world->reconciliation,
                                    .floors = &world->floors,
                                    .end_s = 120};
    memset(&world->judgement, 0, sizeof world->judgement);
    judge(&judge_case, &world->judgement);
    return world->judgement.outcome;
}

static void expect_row(const struct world *world, int row, enum judge_outcome outcome,
                       const char *observed, const char *what)
{
    const struct judge_row *r = &world->judgement.row[row];
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

/* ---- decoys ---- */

Test(judge_drift, a_decoy_moves_less_than_a_third_of_the_way_to_any_objective)
{
    static const struct {
        const char *what;
        struct people people; /* under the injection */
        const char *reason;   /* NULL = a decoy */
    } rows[] = {
        {"nothing", {.3, .3, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}}, NULL},
        /* The way from .3 to .24. */
        {"a little", {.285, .3, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}}, NULL},
        {"too much", {.279, .3, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}}, "in drift conversion"},
        {"for the better", {.4, .3, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}}, NULL},
        {"others come", {.255, .255, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}}, "conversion goes"},
        /* From 3.81 to 3.5 stars. */
        {"harsher", {.3, .3, 1.22, 1.27, {[1] = 1, [5] = 4, [9] = 5}}, "mean_rating goes"},
        {"a little harsher", {.3, .3, 1.245, 1.27, {[1] = 1, [5] = 4, [9] = 5}}, NULL},
        {"other shares", {.3, .3, 1.27, 1.27, {[1] = 2, [5] = 4, [9] = 4}}, "rating_psi goes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        set_phase(world, DRIFT, &rows[i].people);
        cr_expect_eq(judge_world(world), JUDGE_PASS, "%s, not called a decoy", rows[i].what);
        world->scenario.decoy = true;
        judge_world(world);
        const char *reason = world->judgement.reason[0];
        if (rows[i].reason == NULL) {
            cr_expect_eq(world->judgement.reason_count, 0, "%s: %s", rows[i].what, reason);
        } else {
            cr_expect_eq(world->judgement.outcome, JUDGE_INVALID, "%s", rows[i].what);
            cr_expect_eq(strncmp(reason, "not a decoy: ", 13), 0, "%s: %s", rows[i].what, reason);
            cr_expect_not_null(strstr(reason, rows[i].reason), "%s: %s", rows[i].what, reason);
        }
        world_free(world);
    }
}

Test(judge_drift, a_decoy_of_disturbances_is_looked_at_too)
{
    struct world *world = world_new();
    static const struct people worse = {.279, .3, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}};
    world->scenario.decoy = true;
    world->scenario.drift.count = 0;
    world->scenario.disturbance_count = 1;
    world->scenario.disturbance[0].at_ns = 60 * CLOCK_NS_PER_S;
    cr_expect_eq(judge_world(world), JUDGE_PASS);
    set_phase(world, DRIFT, &worse);
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    world_free(world);
}

/* Nothing is at rest, so the same lists alone are compared, in every phase. */
Test(judge_drift, a_decoy_disturbed_from_the_start_has_its_own_lists_to_compare)
{
    struct world *world = world_new();
    static const struct people worse = {.279, .3, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}},
                               others = {.255, .255, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}};
    world->scenario.decoy = true;
    world->scenario.drift.count = 0;
    world->scenario.disturbance_count = 1;
    cr_expect_eq(judge_world(world), JUDGE_PASS, "%s", world->judgement.reason[0]);
    set_phase(world, DRIFT, &others);
    cr_expect_eq(judge_world(world), JUDGE_PASS, "there is nothing to compare others with");
    set_phase(world, REST, &worse);
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    cr_expect_not_null(strstr(world->judgement.reason[0], "in control conversion goes"), "%s",
                       world->judgement.reason[0]);
    world_free(world);
}

Test(judge_drift, a_decoy_to_which_nothing_is_done_is_compared_with_its_first_phase)
{
    struct world *world = world_new();
    static const struct people others = {.255, .255, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}};
    world->scenario.decoy = true;
    world->scenario.drift.count = 0;
    cr_expect_eq(judge_world(world), JUDGE_PASS, "%s", world->judgement.reason[0]);
    set_phase(world, DRIFT, &others);
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    cr_expect_not_null(strstr(world->judgement.reason[0], "in drift conversion goes"), "%s",
                       world->judgement.reason[0]);
    world_free(world);
}

/* Two lists a second: too few for windows of 15 s, so that phases are looked at as a whole, and too
 * few ratings for an index. */
Test(judge_drift, a_decoy_of_thin_traffic_is_judged_by_whole_phases)
{
    static const struct {
        const char *what;
        double before, now;
        int64_t every; /* buckets a list */
        const char *reason;
    } rows[] = {
        {"as it was", 0.3, 0.3, 5, NULL},
        {"by chance beyond the objective", 0.23, 0.23, 5, NULL},
        {"worse", 0.3, 0.2, 5, "in drift conversion goes"},
        {"hardly any", 0.3, 0.3, 25, "too few lists"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world->scenario.decoy = true;
        world->scenario.drift.injection[0].onset_ns = 60 * CLOCK_NS_PER_S;
        for (int64_t b = 0; b < BUCKETS; b++) {
            bool drift = b >= BUCKETS / 2;
            struct ledger_counts counts = {.lists = 1, .rated = b % 2, .stars[7] = b % 2};
            counts.rest = (struct ledger_expected){
                .lists = 1, .rated = 0.33, .converted = rows[i].before, .stars = 1.27};
            counts.now = counts.rest;
            counts.now.converted = drift ? rows[i].now : rows[i].before;
            *ledger_observed_at(world->ledger, b * LEDGER_BUCKET_NS) =
                b % (drift ? rows[i].every : 5) == 0 ? counts : (struct ledger_counts){0};
        }
        judge_world(world);
        const char *reason = world->judgement.reason[0];
        if (rows[i].reason == NULL) {
            cr_expect_eq(world->judgement.reason_count, 0, "%s: %s", rows[i].what, reason);
        } else {
            cr_expect_not_null(strstr(reason, rows[i].reason), "%s: %s", rows[i].what, reason);
        }
        world_free(world);
    }
}

/* Fifteen seconds are the alert's window; over the minute they are a quarter. */
Test(judge_drift, a_decoy_may_not_leave_for_a_window_either)
{
    static const struct people away = {.27, .3, 1.27, 1.27, {[1] = 1, [5] = 4, [9] = 5}};
    struct world *world = world_new();
    world->scenario.decoy = true;
    for (int64_t b = 800; b < 950; b++) {
        set_bucket(world, b, &away);
    }
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    cr_expect_not_null(strstr(world->judgement.reason[0], "in drift conversion goes"), "%s",
                       world->judgement.reason[0]);
    for (int64_t b = 850; b < 950; b++) {
        set_bucket(world, b, &at_rest);
    }
    cr_expect_eq(judge_world(world), JUDGE_PASS, "five seconds: %s", world->judgement.reason[0]);
    world_free(world);
}

Test(judge_drift, a_decoy_without_expected_values_is_not_shown_to_be_one)
{
    struct world *world = world_new();
    world->scenario.decoy = true;
    for (int64_t b = 0; b < world->ledger->bucket_count; b++) {
        world->ledger->observed[b].now = world->ledger->observed[b].rest =
            (struct ledger_expected){0};
    }
    cr_expect_eq(judge_world(world), JUDGE_INVALID);
    cr_expect_not_null(strstr(world->judgement.reason[0], "not shown to be a decoy"));
    world_free(world);
}

/* ---- the index of rating shares ---- */

Test(judge_drift, of_an_index_the_larger_is_the_worse)
{
    static const struct people moved = {.3, .3, 1.27, 1.27, {[1] = 3, [5] = 5, [9] = 2}};
    struct world *world = world_new();
    expect(world, (struct scenario_expectation){.kind = SCENARIO_FIRES,
                                                .alert = "SharesMoved",
                                                .phase = DRIFT,
                                                .within_ns = 30 * CLOCK_NS_PER_S});
    expect(world, (struct scenario_expectation){
                      .kind = SCENARIO_SILENT, .alert = "SharesMoved", .phases = 1U << REST});
    world->alert[SHARES].count = 1;
    world->episode[SHARES][0] = (struct evidence_episode){
        .pending_s = 70, .firing_s = 72, .resolved_s = NAN, .notified_s = 73};
    judge_world(world);
    expect_row(world, 0, JUDGE_FAIL, "below the objective 0.1000: there was nothing to see",
               "not moved");
    expect_row(world, 1, JUDGE_PASS, "silent", "at rest");
    set_phase(world, DRIFT, &moved);
    judge_world(world);
    expect_row(world, 0, JUDGE_PASS, "firing 12.0 s", "moved");
    set_phase(world, REST, &moved);
    judge_world(world);
    expect_row(world, 1, JUDGE_FAIL, "above the objective 0.1000: there was something to see",
               "moved before");
    memset(world->evidence.rating_share, 0, sizeof world->evidence.rating_share);
    judge_world(world);
    expect_row(world, 0, JUDGE_INVALID, "too little", "nothing to compare with");
    world_free(world);
}

/* By hand, the index: (.2 - .1) ln 2 + (.4 - .498) ln(.4 / .498), the rest staying as it was. */
Test(judge_drift, a_quantity_moves_by_so_much_in_its_own_unit)
{
    static const struct people moved = {.3, .3, 1.27, 1.27, {[1] = 2, [5] = 4, [9] = 4}};
    static const struct {
        const char *what;
        enum scenario_quantity quantity;
        double least, most;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"mean", SCENARIO_MEAN_RATING, -0.5, -0.3, JUDGE_PASS, "-0.400 (3.800 to 3.400)"},
        {"at most", SCENARIO_MEAN_RATING, -INFINITY, -0.1, JUDGE_PASS, "-0.400"},
        {"at least", SCENARIO_MEAN_RATING, -0.1, INFINITY, JUDGE_FAIL, "-0.400"},
        {"hardly beyond", SCENARIO_MEAN_RATING, -0.39, INFINITY, JUDGE_INVALID, "-0.400"},
        {"not at all", SCENARIO_MEAN_RATING, -0.02, 0.02, JUDGE_FAIL, "-0.400"},
        {"conversion", SCENARIO_CONVERSION, -0.05, -0.01, JUDGE_PASS, "-0.033 (0.300 to 0.267)"},
        {"index", SCENARIO_RATING_PSI, 0.08, 0.12, JUDGE_PASS, "+0.090"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        set_phase(world, DRIFT, &moved);
        expect(world, (struct scenario_expectation){.kind = SCENARIO_MOVES,
                                                    .quantity = rows[i].quantity,
                                                    .phase = DRIFT,
                                                    .rest_phase = REST,
                                                    .window_ns = 50 * CLOCK_NS_PER_S,
                                                    .least = rows[i].least,
                                                    .most = rows[i].most});
        judge_world(world);
        expect_row(world, 0, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

/* ---- notifications that must not come ---- */

Test(judge_drift, an_inhibited_alert_fires_and_nobody_hears_of_it)
{
    static const struct {
        const char *what, *alert, *group;
        double received_s;
        bool resolved;
        enum judge_outcome outcome;
        const char *observed;
    } rows[] = {
        {"nothing", "ConversionLow", "", NAN, false, JUDGE_PASS, "none"},
        {"in the phase", "ConversionLow", "", 75, false, JUDGE_FAIL,
         "ConversionLow was notified at 75.0 s, in drift"},
        {"before it", "ConversionLow", "", 59, false, JUDGE_PASS, "none"},
        {"resolved only", "ConversionLow", "", 75, true, JUDGE_PASS, "none"},
        {"another", "MeanLow", "", 75, false, JUDGE_PASS, "none"},
        {"one of the group", "", "drift", 75, false, JUDGE_FAIL, "ConversionLow was notified"},
        {"another group", "", "cusum", 75, false, JUDGE_FAIL, "no rule file defines cusum"},
        {"unknown", "Elsewhere", "", NAN, false, JUDGE_FAIL, "no rule file defines Elsewhere"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        struct scenario_expectation wanted = {.kind = SCENARIO_UNNOTIFIED, .phases = 1U << DRIFT};
        snprintf(wanted.alert, sizeof wanted.alert, "%s", rows[i].alert);
        snprintf(wanted.group, sizeof wanted.group, "%s", rows[i].group);
        expect(world, wanted);
        add_notice(world, 80, "Watchdog", false);
        if (!isnan(rows[i].received_s)) {
            add_notice(world, rows[i].received_s, "ConversionLow", rows[i].resolved);
        }
        judge_world(world);
        expect_row(world, 0, rows[i].outcome, rows[i].observed, rows[i].what);
        world_free(world);
    }
}

Test(judge_drift, what_is_to_be_held_back_is_not_among_the_exact_notifications)
{
    struct world *world = world_new();
    expect(world, (struct scenario_expectation){.kind = SCENARIO_FIRES,
                                                .alert = "ConversionLow",
                                                .phase = DRIFT,
                                                .within_ns = 30 * CLOCK_NS_PER_S});
    expect(world, (struct scenario_expectation){.kind = SCENARIO_NOTIFICATIONS});
    judge_world(world);
    expect_row(world, 1, JUDGE_FAIL, "ConversionLow firing: wanted 1, received 0", "wanted");
    expect(world, (struct scenario_expectation){
                      .kind = SCENARIO_UNNOTIFIED, .group = "drift", .phases = 1U << DRIFT});
    judge_world(world);
    expect_row(world, 1, JUDGE_PASS, "0 and no other", "held back");
    add_notice(world, 80, "ConversionLow", false);
    judge_world(world);
    expect_row(world, 1, JUDGE_FAIL, "wanted 0, received 1", "came");
    world_free(world);
}

/* ---- the delay against its floor ---- */

static void set_floor(struct world *world)
{
    struct floors_row *row = &world->floors.row[0];
    world->floors.count = 1;
    *row = (struct floors_row){.quantity = SCENARIO_CONVERSION,
                               .objective = 0.24,
                               .onset_s = 61,
                               .until_s = 120,
                               .exists = true};
    row->view[FLOORS_EXPORTED] =
        (struct floors_floor){.exists = true, .delay_s = 4, .enough_s = 3.9, .expected_s = 3};
    expect(world, (struct scenario_expectation){.kind = SCENARIO_DELAY_FLOOR,
                                                .alert = "ConversionLow",
                                                .phase = DRIFT,
                                                .within_ns = 30 * CLOCK_NS_PER_S,
                                                .floors = 2});
    world->alert[CONVERSION].count = 1;
    world->episode[CONVERSION][0] = (struct evidence_episode){
        .pending_s = NAN, .firing_s = 68, .resolved_s = NAN, .notified_s = 75};
}

Test(judge_drift, a_delay_is_at_most_so_many_floors)
{
    struct world *world = world_new();
    set_floor(world);
    struct floors_floor *floor = &world->floors.row[0].view[FLOORS_EXPORTED];
    struct evidence_episode *episode = &world->episode[CONVERSION][0];
    judge_world(world);
    expect_row(world, 0, JUDGE_PASS, "7.0 s, 1.8 x the 4.0 s that the exported metric needs",
               "to firing");
    cr_expect_str_eq(world->judgement.row[0].wanted, "at most 2 x the floor");
    episode->firing_s = 69;
    judge_world(world);
    expect_row(world, 0, JUDGE_PASS, "8.0 s, 2.0 x", "at the bound");
    episode->firing_s = 69.1;
    judge_world(world);
    expect_row(world, 0, JUDGE_FAIL, "8.1 s, 2.0 x", "beyond");
    floor->delay_s = 1;
    episode->firing_s = 66.5;
    judge_world(world);
    expect_row(world, 0, JUDGE_PASS, "5.5 s, 1.8 x the 3.0 s", "expected, if people were lucky");
    floor->delay_s = NAN;
    judge_world(world);
    expect_row(world, 0, JUDGE_PASS, "5.5 s, 1.8 x the 3.0 s", "expected, if not reached");
    episode->firing_s = 60.5;
    judge_world(world);
    expect_row(world, 0, JUDGE_FAIL, "was firing before the onset", "false alarm");
    world->alert[CONVERSION].count = 0;
    judge_world(world);
    expect_row(world, 0, JUDGE_FAIL, "did not fire", "silent");
    world_free(world);
}

Test(judge_drift, without_a_floor_nothing_is_proven)
{
    struct world *world = world_new();
    set_floor(world);
    struct floors_row *row = &world->floors.row[0];
    row->view[FLOORS_EXPORTED].exists = false;
    snprintf(row->view[FLOORS_EXPORTED].why, FLOORS_WHY_SIZE, "of one reason");
    judge_world(world);
    expect_row(world, 0, JUDGE_INVALID, "no floor to compare with: of one reason", "view");
    row->exists = false;
    snprintf(row->why, sizeof row->why, "of another");
    judge_world(world);
    expect_row(world, 0, JUDGE_INVALID, "no floor to compare with: of another", "row");
    world->floors.count = 0;
    judge_world(world);
    expect_row(world, 0, JUDGE_INVALID, "nothing was injected that it watches", "none");
    world_free(world);
}
