#include "drill/delay_budget.h"

#include "base/clock.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BEATS 300

/* An alert of a quantity whose injection came at 60 s; evaluated every half second. */
struct world {
    struct scenario scenario;
    struct rules_alert rule;
    struct evidence_alert alert;
    struct evidence_episode episode[3];
    struct prometheus_point beat[BEATS];
    struct evidence evidence;
    struct floors floors;
    struct delay_budgets budgets;
};

static void set_world(struct world *world)
{
    *world = (struct world){0};
    world->scenario.time_scale = 60;
    world->scenario.drift.count = 1;
    world->scenario.drift.injection[0].onset_ns = 60 * CLOCK_NS_PER_S;
    world->rule = (struct rules_alert){
        .name = "ConversionLow", .quantity = "conversion", .severity = "ticket"};
    for (int i = 0; i < BEATS; i++) {
        world->beat[i] = (struct prometheus_point){i / 2.0 + 0.2, 1};
    }
    world->alert = (struct evidence_alert){.rule = &world->rule,
                                           .objective = 0.23,
                                           .count = 1,
                                           .episode = world->episode,
                                           .heartbeat = {.count = BEATS, .point = world->beat}};
    world->episode[0] = (struct evidence_episode){
        .pending_s = 71.2, .firing_s = 73.7, .resolved_s = NAN, .notified_s = 74.4};
    world->evidence = (struct evidence){.alert_count = 1, .alert = &world->alert};
    struct floors_row *row = &world->floors.row[world->floors.count++];
    *row = (struct floors_row){.quantity = SCENARIO_CONVERSION,
                               .objective = 0.23,
                               .onset_s = 60,
                               .until_s = 90,
                               .exists = true};
    row->view[FLOORS_EXPORTED] =
        (struct floors_floor){.exists = true, .enough_s = 3.4, .delay_s = 3.5, .expected_s = 3.7};
}

static const struct delay_budget *measure(struct world *world)
{
    delay_budgets_measure(&world->scenario, &world->evidence, &world->floors, &world->budgets);
    return world->budgets.count > 0 ? &world->budgets.budget[0] : NULL;
}

static void expect_parts(const struct delay_budget *budget, const double wanted[DELAY_PARTS],
                         const char *what)
{
    int64_t sum = 0;
    for (int i = 0; i < DELAY_PARTS; i++) {
        cr_expect_float_eq((double)budget->part_ns[i] / 1e9, wanted[i], 1e-6, "%s, %s: %g", what,
                           delay_part_name(i), (double)budget->part_ns[i] / 1e9);
        sum += budget->part_ns[i];
    }
    cr_expect_eq(sum, budget->total_ns, "%s: parts add up", what);
    cr_expect_eq(budget->total_ns - budget->part_ns[DELAY_NOTIFICATION], budget->firing_ns, "%s",
                 what);
}

Test(delay_budget, a_delay_is_split_along_the_path_of_the_news)
{
    struct world world;
    set_world(&world);
    const struct delay_budget *budget = measure(&world);
    cr_assert_not_null(budget);
    cr_expect(budget->has_floor && budget->notified);
    cr_expect_eq(budget->onset_s, 60);
    cr_expect_eq(budget->floors, &world.floors.row[0]);
    /* Scraped at 63.5, evaluated at 63.7, pending at 71.2. */
    expect_parts(budget, (double[]){3.4, 0.1, 0.2, 7.5, 2.5, 0.7}, "whole path");
    cr_expect_eq(budget->total_ns, 14400 * CLOCK_NS_PER_MS);
}

Test(delay_budget, an_alert_may_be_quicker_than_the_floor_of_its_run)
{
    static const struct {
        const char *what;
        double pending_s, firing_s, notified_s;
        double parts[DELAY_PARTS];
    } rows[] = {
        {"without for", NAN, 64.2, 65, {3.4, 0.1, 0.2, 0.5, 0, 0.8}},
        {"before the evaluation", NAN, 63.6, 65, {3.4, 0.1, 0.1, 0, 0, 1.4}},
        {"before the scrape", NAN, 63.2, 65, {3.2, 0, 0, 0, 0, 1.8}},
        {"pending since before the onset", 59, 62, 63, {0, 0, 0, 0, 2, 1}},
        {"not notified", 71.2, 73.7, NAN, {3.4, 0.1, 0.2, 7.5, 2.5, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        set_world(&world);
        world.episode[0].pending_s = rows[i].pending_s;
        world.episode[0].firing_s = rows[i].firing_s;
        world.episode[0].notified_s = rows[i].notified_s;
        const struct delay_budget *budget = measure(&world);
        cr_assert_not_null(budget, "%s", rows[i].what);
        expect_parts(budget, rows[i].parts, rows[i].what);
        cr_expect_eq(budget->notified, !isnan(rows[i].notified_s), "%s", rows[i].what);
    }
}

Test(delay_budget, without_a_floor_the_window_holds_what_is_not_known)
{
    static const double wanted[] = {0, 0, 0, 11.2, 2.5, 0.7};
    struct world world;
    set_world(&world);
    world.floors.row[0].view[FLOORS_EXPORTED].delay_s = NAN;
    expect_parts(measure(&world), wanted, "not reached in this run");
    world.floors.row[0].view[FLOORS_EXPORTED].exists = false;
    expect_parts(measure(&world), wanted, "the view does not exist");
    world.floors.row[0].exists = false;
    expect_parts(measure(&world), wanted, "no floor at all");
    world.floors.count = 0;
    expect_parts(measure(&world), wanted, "nothing measured");
    cr_expect_not(measure(&world)->has_floor);
    cr_expect_null(measure(&world)->floors);
}

Test(delay_budget, parts_add_up_to_the_nanosecond)
{
    struct rng rng = rng_stream(1, 1, 1);
    for (int i = 0; i < 2000; i++) {
        struct world world;
        set_world(&world);
        struct evidence_episode *episode = &world.episode[0];
        struct floors_floor *floor = &world.floors.row[0].view[FLOORS_EXPORTED];
        episode->pending_s = 59 + 20 * rng_uniform(&rng);
        episode->firing_s = fmax(60, episode->pending_s) + 5 * rng_uniform(&rng);
        episode->notified_s = episode->firing_s + rng_uniform(&rng) - 0.1;
        floor->enough_s = 10 * rng_uniform(&rng);
        floor->delay_s = floor->enough_s + rng_uniform(&rng);
        const struct delay_budget *budget = measure(&world);
        cr_assert_not_null(budget);
        int64_t sum = 0;
        for (int p = 0; p < DELAY_PARTS; p++) {
            cr_expect_geq(budget->part_ns[p], 0, "%s", delay_part_name(p));
            sum += budget->part_ns[p];
        }
        cr_expect_eq(sum, budget->total_ns);
    }
}

Test(delay_budget, only_firing_after_the_onset_is_a_delay)
{
    struct world world;
    set_world(&world);
    world.episode[0].firing_s = 59;
    world.episode[0].resolved_s = 62;
    cr_expect_null(measure(&world), "fired before");
    world.alert.count = 2;
    world.episode[1] = (struct evidence_episode){
        .pending_s = 65, .firing_s = 66, .resolved_s = NAN, .notified_s = 67};
    cr_expect_eq(measure(&world)->firing_ns, 6 * CLOCK_NS_PER_S, "the first one after");
    world.episode[1].firing_s = NAN;
    cr_expect_null(measure(&world), "pending only");
}

Test(delay_budget, an_alert_without_a_quantity_counts_from_what_was_done_first)
{
    struct world world;
    set_world(&world);
    world.rule.quantity[0] = '\0';
    world.scenario.disturbance_count = 1;
    world.scenario.disturbance[0].at_ns = 50 * CLOCK_NS_PER_S;
    cr_expect_eq(measure(&world)->onset_s, 50);
    cr_expect_null(measure(&world)->floors);
    world.scenario.disturbance_count = world.scenario.drift.count = 0;
    cr_expect_null(measure(&world), "nothing was done");
    world.scenario.drift.count = 1;
    snprintf(world.rule.severity, sizeof world.rule.severity, "none");
    cr_expect_null(measure(&world), "a watchdog always fires");
}
