#include "drill/applicable.h"

#include "drill/panels.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char text[] =
    "name: everything\n"
    "time_scale: 60\n"
    "traffic: {lists_per_s: 400}\n"
    "phases:\n"
    "  - {name: warm-up, duration: 20m}\n"
    "  - {name: control, duration: 15m}\n"
    "  - {name: drift, duration: 30m}\n"
    "  - {name: retrain, duration: 20m, retrain: {films: [20, 60]}}\n"
    "  - {name: after, duration: 30m, end_when_settled: true}\n"
    "injections:\n"
    "  - {kind: rating-shift, starts: drift, stars: -0.5}\n"
    "disturbances:\n"
    "  - {kind: stall-prometheus, starts: control, lasts: 3m}\n"
    "  - {kind: target-fault, starts: after, lasts: 3m, fault: {kind: errors, status: 503}}\n"
    "expectations:\n"
    "  - {fires: MeanRatingLow, phase: drift, within: 25m, within_floors: 2}\n"
    "  - {fires: RecommendationConversionLow, phase: drift, within: 25m}\n"
    "  - {resolves: MeanRatingLow, phase: after, within: 25m}\n"
    "  - {silent: RecommendationReciprocalRankLow, phases: [warm-up, control]}\n"
    "  - {silent: MeanRatingLow, phases: [control, after]}\n"
    "  - {silent: MeanRatingLow, phases: [retrain, after]}\n"
    "  - {silent_group: infrastructure, phases: all}\n"
    "  - {unnotified_group: drift, phases: [control]}\n"
    "  - {notifications: exact}\n"
    "  - {agrees: \"job:recommendation_conversion:ratio15m\", with: conversion, window: 15m, "
    "phases: all}\n"
    "  - {level: mean_rating, phase: after, of: control, window: 15m, at_least_percent: 90}\n"
    "  - {moves: mean_rating, phase: drift, of: control, window: 15m, at_most: -0.2}\n"
    "  - {panel: main/Conversion, has_data: true, phase: control}\n"
    "  - {panel: main/Mean rating over time, series: \"measured, recommender\", has_data: true, "
    "phase: control}\n"
    "  - {counts: reconcile}\n"
    "  - {panel: drill/Conversion as people know it, has_data: true, phase: control}\n";

static const char *const rules[] = {"prometheus/rules/cusum.yml", "prometheus/rules/drift.yml",
                                    "prometheus/rules/infrastructure.yml",
                                    "prometheus/rules/objectives.yml"};

static const char *find(const void *names, const char *ours)
{
    const char *at = strstr(names, ours);
    size_t len = strlen(ours);
    bool whole =
        at != NULL && (at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0');
    return whole ? ours : NULL;
}

struct world {
    struct scenario scenario;
    struct metric_map *map;
    struct panel_boards boards;
    struct faults faults;
    struct error error;
    struct applicable applicable;
    struct applicable_request request;
};

static void set_up(struct world *world, const char *has)
{
    static const char *const dashboards[] = {"grafana/dashboards/main.json",
                                             "grafana/dashboards/drill.json"};
    *world = (struct world){0};
    faults_init(&world->faults);
    cr_assert_eq(scenario_read_text("everything.yml", text, strlen(text), &world->scenario,
                                    &world->faults, &world->error),
                 ERR_OK, "%s", world->faults.count > 0 ? world->faults.list[0].text : "");
    cr_assert_eq(panel_boards_read(dashboards, 2, &world->boards, &world->faults, &world->error),
                 ERR_OK);
    if (has != NULL) {
        cr_assert_eq(metric_map_new(find, has, &world->map, &world->error), ERR_OK);
    }
    world->request = (struct applicable_request){.map = world->map,
                                                 .ratings = true,
                                                 .retrains = true,
                                                 .restarts = true,
                                                 .breaks = true,
                                                 .rules = rules,
                                                 .rule_count = sizeof rules / sizeof rules[0],
                                                 .boards = &world->boards};
}

static enum err reduce(struct world *world)
{
    return applicable_reduce(&world->request, &world->scenario, &world->applicable, &world->faults,
                             &world->error);
}

static void tear_down(struct world *world)
{
    applicable_deinit(&world->applicable);
    metric_map_free(world->map);
    panel_boards_deinit(&world->boards);
    drift_deinit(&world->scenario.drift);
    faults_deinit(&world->faults);
}

/* The expectations that are left, by their place in the file. */
static void list_left(const struct scenario *scenario, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < scenario->expectation_count; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%d", used > 0 ? " " : "",
                                 scenario->expectation[i].index);
    }
}

#define RATINGS "recommendation_lists_total user_rating"
#define ALL RATINGS " recommendation_lists_converted_total recommendation_reciprocal_rank_total"

Test(applicable, what_needs_something_absent_is_left_out)
{
    static const struct {
        const char *name, *has, *left;
        bool no_ratings, no_retraining, no_restarts, no_faults;
        int phases, disturbances;
        bool no_lists; /* ratings do not tell theirs */
    } rows[] = {
        {"everything", ALL, "0 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", 0, 0, 0, 0, 5, 2, 0},
        /* within_floors is a second expectation of the first entry. */
        {"no conversions", RATINGS, "0 0 2 4 5 6 7 8 10 11 13 14 15", 0, 0, 0, 0, 5, 2, 0},
        {"no metrics", NULL, "10 11 15", 0, 0, 0, 0, 5, 2, 0},
        {"no ratings", "recommendation_lists_total", "6 8 14", 1, 0, 0, 0, 5, 2, 0},
        {"no ratings, every metric", ALL, "6 8 14", 1, 0, 0, 0, 5, 2, 0},
        {"no request id", ALL, "0 0 2 4 5 6 7 8 10 11 13 14 15", 0, 0, 0, 0, 5, 2, 1},
        {"no retraining", ALL, "0 0 1 3 4 6 7 8 9 11 12 13 14 15", 0, 1, 0, 0, 3, 1, 0},
        {"no faults", ALL, "0 0 1 3 4 5 6 7 8 9 11 12 13 14 15", 0, 0, 0, 1, 4, 1, 0},
        {"no start", ALL, "0 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", 0, 0, 1, 0, 5, 2, 0},
        {"no counts", "model_version http_requests_total", "6 8 10 11 15", 0, 0, 0, 0, 5, 2, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        char left[256];
        set_up(&world, rows[i].has);
        int before = world.scenario.expectation_count;
        const struct metric_map_told told = {.ratings = !rows[i].no_ratings,
                                             .lists = !rows[i].no_lists};
        if (world.map != NULL) {
            metric_map_leave_out(world.map, &told);
        }
        world.request.ratings = !rows[i].no_ratings;
        world.request.retrains = !rows[i].no_retraining;
        world.request.restarts = !rows[i].no_restarts;
        world.request.breaks = !rows[i].no_faults;
        cr_expect_eq(reduce(&world), ERR_OK, "%s: %s", rows[i].name, world.error.text);
        list_left(&world.scenario, left, sizeof left);
        cr_expect_str_eq(left, rows[i].left, "%s: %s", rows[i].name, left);
        cr_expect_eq(world.scenario.phase_count, rows[i].phases, "%s", rows[i].name);
        cr_expect_eq(world.scenario.disturbance_count, rows[i].disturbances, "%s", rows[i].name);
        cr_expect_eq(world.scenario.expectation_count + world.applicable.count, before, "%s",
                     rows[i].name);
        tear_down(&world);
    }
}

static const char *why_of(const struct applicable *applicable, const char *name)
{
    for (int i = 0; i < applicable->count; i++) {
        if (strstr(applicable->gap[i].name, name) != NULL) {
            return applicable->gap[i].why;
        }
    }
    return "";
}

Test(applicable, the_reason_is_told)
{
    struct world world;
    set_up(&world, RATINGS);
    world.request.retrains = false;
    cr_assert_eq(reduce(&world), ERR_OK);
    cr_expect_str_eq(why_of(&world.applicable, "RecommendationConversionLow"),
                     "the target does not export recommendation_lists_converted_total");
    cr_expect_str_eq(why_of(&world.applicable, "MeanRatingLow resolves"),
                     "after is not played: the target cannot be retrained");
    cr_expect_eq(world.scenario.end_ns,
                 world.scenario.phase[2].start_ns + world.scenario.phase[2].duration_ns);
    char why[192];
    cr_expect(applicable_alert(&world.applicable, "MeanRatingLow", why, sizeof why));
    cr_expect_not(applicable_alert(&world.applicable, "ModelStale", why, sizeof why));
    cr_expect_str_eq(why, "the target does not export model_trained_timestamp_seconds");
    cr_expect_not(applicable_query(&world.applicable, "rate(item_rank_sum[5m])", why, sizeof why));
    tear_down(&world);
}

Test(applicable, a_metric_that_says_nothing_is_told_from_one_that_is_not_there)
{
    const struct metric_map_told nothing = {0}, no_lists = {.ratings = true};
    struct world world;
    char why[192];
    set_up(&world, ALL);
    metric_map_leave_out(world.map, &nothing);
    world.request.ratings = false;
    cr_assert_eq(reduce(&world), ERR_OK);
    cr_expect_str_eq(why_of(&world.applicable, "MeanRatingLow"),
                     "the target takes no ratings, and user_rating_sum needs that");
    cr_expect_not(applicable_alert(&world.applicable, "MeanRatingLow", why, sizeof why));
    cr_expect_str_eq(why, "the target takes no ratings, and user_rating_sum needs that");
    tear_down(&world);
    set_up(&world, ALL);
    metric_map_leave_out(world.map, &no_lists);
    cr_assert_eq(reduce(&world), ERR_OK);
    cr_expect_str_eq(why_of(&world.applicable, "RecommendationConversionLow"),
                     "ratings do not tell the target their list, and "
                     "recommendation_lists_converted_total needs that");
    cr_expect(applicable_alert(&world.applicable, "MeanRatingLow", why, sizeof why));
    tear_down(&world);
}

Test(applicable, phases_that_are_not_played_are_taken_out_of_lists)
{
    struct world world;
    set_up(&world, ALL);
    world.request.retrains = false;
    cr_assert_eq(reduce(&world), ERR_OK);
    for (int i = 0; i < world.scenario.expectation_count; i++) {
        const struct scenario_expectation *e = &world.scenario.expectation[i];
        uint32_t wanted = e->index == 4 ? 2 : e->index == 6 ? 7 : e->phases;
        cr_expect_eq(e->phases, wanted, "%d: %x", e->index, e->phases);
    }
    tear_down(&world);
}

Test(applicable, notifications_are_those_of_what_is_played)
{
    static const char *const names[] = {"exactly the expected notifications",
                                        "exactly the expected notifications before retrain"};
    for (int cut = 0; cut < 2; cut++) {
        struct world world;
        int seen = 0;
        set_up(&world, ALL);
        world.request.retrains = cut == 0;
        cr_assert_eq(reduce(&world), ERR_OK);
        for (int i = 0; i < world.scenario.expectation_count; i++) {
            const struct scenario_expectation *e = &world.scenario.expectation[i];
            if (e->kind == SCENARIO_NOTIFICATIONS) {
                seen++;
                cr_expect_str_eq(e->name, names[cut]);
            }
        }
        cr_expect_eq(seen, 1);
        tear_down(&world);
    }
}

Test(applicable, a_scenario_of_which_nothing_is_left_is_refused)
{
    struct world world;
    set_up(&world, NULL);
    world.request.ratings = false;
    cr_expect_eq(reduce(&world), ERR_INPUT);
    cr_expect_str_eq(world.error.text,
                     "no expectation of the scenario can be judged with this target");
    cr_expect_eq((int)world.faults.count, world.applicable.count);
    cr_expect_eq(world.scenario.expectation_count, 0);
    tear_down(&world);
}

Test(applicable, a_scenario_that_begins_with_what_cannot_be_is_refused)
{
    struct world world;
    set_up(&world, ALL);
    world.scenario.disturbance[1].at_ns = 0;
    world.request.breaks = false;
    cr_expect_eq(reduce(&world), ERR_INPUT);
    tear_down(&world);
}
