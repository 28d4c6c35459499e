#include "drill/virtual_null.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "drill/objectives.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define TIME_SCALE 60
#define VISITS 8000
#define STEPS 2
#define SPAN_NS (40 * SECOND_NS) /* drill time: 400 lists/s */

/* A quiet run whose visits have moods: some people like most of what they see, some little. */
static struct events make_events(double liking, uint64_t seed)
{
    struct rng rng = rng_stream(seed, 0, 0);
    struct events events = {0};
    for (uint64_t visit = 0; visit < VISITS; visit++) {
        double mood = liking * (rng_uniform(&rng) < .5 ? 1.5 : .5);
        int64_t listed_ns = (int64_t)visit * (SPAN_NS / VISITS);
        for (uint32_t step = 0; step < STEPS; step++) {
            struct event event = {.listed_ns = listed_ns, .visit = visit, .step = step};
            if (rng_uniform(&rng) < mood) {
                event.rank = (uint8_t)(1 + rng_below(&rng, 4));
                event.half_stars = (uint8_t)(5 + rng_below(&rng, 6));
                event.post_accepted = true;
                event.rated_ns = listed_ns + SECOND_NS / 5;
            }
            (void)events_add(&events, &event, EVENTS_MAX);
            listed_ns += SECOND_NS / 4;
        }
    }
    events_sort(&events);
    return events;
}

struct fixture {
    char objectives[64];
    const char *rules[4];
    struct events events;
    struct virtual_null_part part;
    struct virtual_null_request request;
};

static void set_up(struct fixture *fixture, double liking)
{
    struct objectives_head head = {.conversion = .3,
                                   .reciprocal_rank = .18,
                                   .mean_rating = 3.75,
                                   .rating_share = {.005, .005, .34, .33, .32},
                                   .item_rank = 4};
    (void)snprintf(fixture->objectives, sizeof fixture->objectives,
                   "/tmp/driftdrill-virtual-null-%d.yml", (int)getpid());
    cr_assert_eq(objectives_write(fixture->objectives, &head, NULL), ERR_OK);
    fixture->rules[0] = "prometheus/rules/cusum.yml";
    fixture->rules[1] = "prometheus/rules/drift.yml";
    fixture->rules[2] = "prometheus/rules/infrastructure.yml";
    fixture->rules[3] = fixture->objectives;
    fixture->events = make_events(liking, 3);
    fixture->part =
        (struct virtual_null_part){.events = &fixture->events, .from_ns = 0, .until_ns = SPAN_NS};
    fixture->request = (struct virtual_null_request){.part = &fixture->part,
                                                     .part_count = 1,
                                                     .time_scale = TIME_SCALE,
                                                     .scrape_ns = 15 * SECOND_NS,
                                                     .rules = fixture->rules,
                                                     .rule_count = 4,
                                                     .hours = 24,
                                                     .seed = 5};
}

static void tear_down(struct fixture *fixture)
{
    (void)unlink(fixture->objectives);
    events_deinit(&fixture->events);
}

static const struct virtual_null_alert *find(const struct virtual_null *result, const char *name)
{
    for (size_t i = 0; i < result->alert_count; i++) {
        if (strcmp(result->alert[i].name, name) == 0) {
            return &result->alert[i];
        }
    }
    cr_assert_fail("no alert %s", name);
    return NULL;
}

Test(virtual_null, the_bound_is_that_of_poisson)
{
    /* P(count <= k | mean) = .05 */
    static const struct {
        int64_t alarms;
        double mean;
    } rows[] = {{0, 2.995732}, {1, 4.743865}, {2, 6.295794}, {10, 16.962219}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double term = exp(-rows[i].mean), sum = 0;
        for (int64_t k = 0; k <= rows[i].alarms; k++) {
            sum += term;
            term *= rows[i].mean / (double)(k + 1);
        }
        cr_expect_float_eq(sum, .05, 1e-6);
        cr_expect_float_eq(virtual_null_upper(rows[i].alarms, 1000, .95), rows[i].mean / 1000,
                           1e-8);
    }
}

Test(virtual_null, what_is_drawn_is_like_what_was_played_and_raises_no_alarm)
{
    struct fixture fixture;
    struct virtual_null result;
    struct parallel two = {.threads = 2};
    struct error error = {.code = ERR_OK};
    set_up(&fixture, .36);
    cr_assert_eq(virtual_null_run(&fixture.request, &two, &result, &error), ERR_OK, "%s",
                 error.text);
    double ratings = 0, converted = 0, reciprocal = 0, stars = 0;
    for (int64_t i = 0; i < fixture.events.count; i++) {
        const struct event *event = &fixture.events.event[i];
        ratings += event->half_stars > 0;
        converted += event->half_stars >= 6;
        reciprocal += event->half_stars > 0 ? 1.0 / event->rank : 0;
        stars += event->half_stars / 2.0;
    }
    double lists = (double)fixture.events.count;
    double expected = 24 * 3600 * 400.0 / TIME_SCALE;
    cr_expect_float_eq((double)result.lists, expected, 5 * sqrt(2 * expected));
    cr_expect_eq(result.lists, STEPS * result.visits, "visits are drawn whole");
    cr_expect_float_eq(result.conversion, converted / lists, .006);
    cr_expect_float_eq(result.reciprocal_rank, reciprocal / lists, .004);
    cr_expect_float_eq(result.mean_rating, stars / ratings, .02);
    cr_expect_geq(result.alert_count, 10, "all but the watchdog");
    cr_expect_eq(result.failures, 0);
    for (size_t i = 0; i < result.alert_count; i++) {
        const struct virtual_null_alert *alert = &result.alert[i];
        cr_expect_eq(alert->alarms, 0, "%s", alert->name);
        cr_expect(alert->fed || !alert->watches, "%s", alert->name);
        if (strcmp(alert->name, "SourceShareShifted") == 0) {
            cr_expect_not(alert->fed, "events do not tell where all films of a list came from");
        } else if (strcmp(alert->name, "RecommendedItemRankDegraded") == 0) {
            cr_expect(alert->fed);
        }
    }
    cr_expect_eq(result.watching_count, 8);
    cr_expect_gt(result.alert_count, result.watching_count);
    cr_expect_float_eq(result.alert_hours, 24. * 8, 1e-6, "alerts that cannot fire do not count");
    cr_expect_float_eq(result.per_alert_hour_upper, 2.995732 / result.alert_hours, 1e-6);
    cr_expect_eq(result.firing_hours, 0);
    cr_expect_eq(virtual_null_verdict(&result, "here", &error), ERR_OK, "%s", error.text);
    virtual_null_deinit(&result);
    tear_down(&fixture);
}

Test(virtual_null, people_below_the_objective_raise_the_alarms_that_watch_them)
{
    static const char *const loud[] = {
        "RecommendationConversionLow", "RecommendationReciprocalRankLow",
        "RecommendationConversionCusum", "RecommendationReciprocalRankCusum"};
    static const char *const still[] = {"MeanRatingLow",        "MeanRatingCusum",
                                        "RatingHistogramMoved", "RecommenderTargetDown",
                                        "RecommenderNoRatings", "RatingsUnattributedHigh"};
    struct fixture fixture;
    struct virtual_null result;
    struct parallel one = {.threads = 1};
    struct error error = {.code = ERR_OK};
    set_up(&fixture, .18);
    fixture.request.hours = 8;
    cr_assert_eq(virtual_null_run(&fixture.request, &one, &result, NULL), ERR_OK);
    /* They fire before the first counted hour and mostly never end: that is an alarm a shard. */
    for (size_t i = 0; i < sizeof loud / sizeof loud[0]; i++) {
        const struct virtual_null_alert *alert = find(&result, loud[i]);
        cr_expect_gt(alert->firing_hours, 7, "%s", loud[i]);
        cr_expect_geq(alert->alarms, 8, "%s", loud[i]);
        cr_expect_geq(alert->pendings, alert->alarms, "%s", loud[i]);
        cr_expect_gt(alert->per_hour_upper, 1, "%s", loud[i]);
    }
    cr_expect_geq(result.alarms, 32);
    cr_expect_geq(result.watching_alarms, 32);
    cr_expect_gt(result.firing_hours, 28);
    cr_expect_eq(virtual_null_verdict(&result, "here", &error), ERR_FAILED);
    cr_expect_not_null(strstr(error.text, "false alarms in 8 virtual hours"), "%s", error.text);
    cr_expect_str_eq(error.where, "here");
    for (size_t i = 0; i < sizeof still / sizeof still[0]; i++) {
        cr_expect_eq(find(&result, still[i])->alarms, 0, "%s", still[i]);
    }
    virtual_null_deinit(&result);
    tear_down(&fixture);
}

/* At the objective itself alarms come and go; the number of threads must not show. */
Test(virtual_null, the_result_is_a_function_of_the_seed)
{
    struct fixture fixture;
    struct virtual_null result[3];
    struct parallel one = {.threads = 1}, three = {.threads = 3};
    set_up(&fixture, .255);
    fixture.request.hours = 6;
    cr_assert_eq(virtual_null_run(&fixture.request, &one, &result[0], NULL), ERR_OK);
    cr_assert_eq(virtual_null_run(&fixture.request, &three, &result[1], NULL), ERR_OK);
    fixture.request.seed++;
    cr_assert_eq(virtual_null_run(&fixture.request, &one, &result[2], NULL), ERR_OK);
    cr_expect_eq(result[0].lists, result[1].lists);
    cr_expect_eq(result[0].conversion, result[1].conversion);
    for (size_t i = 0; i < result[0].alert_count; i++) {
        cr_expect_eq(result[0].alert[i].pendings, result[1].alert[i].pendings);
        cr_expect_eq(result[0].alert[i].firing_hours, result[1].alert[i].firing_hours);
    }
    cr_expect_neq(result[0].lists, result[2].lists);
    for (int i = 0; i < 3; i++) {
        virtual_null_deinit(&result[i]);
    }
    tear_down(&fixture);
}

static void write_rules(const char *path, const char *rules)
{
    cr_assert_eq(file_write(path, rules, strlen(rules), NULL), ERR_OK);
}

/* Always firing, but for the first minutes; nothing begins in the counted hours. */
Test(virtual_null, an_alert_that_never_stops_is_one_alarm_of_each_shard)
{
    struct fixture fixture;
    struct virtual_null result;
    struct parallel one = {.threads = 1};
    set_up(&fixture, .3);
    write_rules(
        fixture.objectives,
        "groups:\n"
        "  - name: g\n"
        "    interval: 30s\n"
        "    rules:\n"
        "      - {alert: Stuck, expr: up == 1, for: 5m, annotations: {quantity: conversion}}\n"
        "      - {alert: Waiting, expr: up == 1, for: 100h}\n"
        "      - {alert: Quiet, expr: up == 0}\n"
        "      - {alert: Always, expr: vector(1), labels: {severity: none}}\n");
    fixture.rules[0] = fixture.objectives;
    fixture.request.rule_count = 1;
    fixture.request.hours = 4;
    cr_assert_eq(virtual_null_run(&fixture.request, &one, &result, NULL), ERR_OK);
    cr_assert_eq(result.alert_count, 3);
    cr_expect_eq(find(&result, "Stuck")->alarms, 4);
    cr_expect_eq(find(&result, "Stuck")->pendings, 4);
    cr_expect_float_eq(find(&result, "Stuck")->firing_hours, 4, .05);
    cr_expect_eq(find(&result, "Waiting")->alarms, 0);
    cr_expect_eq(find(&result, "Waiting")->pendings, 4);
    cr_expect_eq(find(&result, "Quiet")->pendings, 0);
    cr_expect_eq(result.alarms, 4);
    cr_expect_eq(result.watching_count, 1);
    cr_expect_float_eq(result.per_alert_hour, 1, 1e-9, "of the one that watches");
    virtual_null_deinit(&result);
    tear_down(&fixture);
}

Test(virtual_null, rules_that_fail_are_an_error_and_written_down)
{
    char text[4096];
    struct fixture fixture;
    struct virtual_null result;
    struct parallel two = {.threads = 2};
    struct error error = {.code = ERR_OK};
    set_up(&fixture, .3);
    write_rules(
        fixture.objectives,
        "groups:\n"
        "  - name: g\n"
        "    interval: 30s\n"
        "    rules:\n"
        "      - {alert: Broken, expr: user_rating_bucket * on (job) user_rating_bucket > 0}\n"
        "      - {alert: Stuck, expr: up == 1}\n");
    fixture.rules[0] = fixture.objectives;
    fixture.request.rule_count = 1;
    fixture.request.hours = 2;
    cr_assert_eq(virtual_null_run(&fixture.request, &two, &result, NULL), ERR_OK);
    cr_expect_eq(result.failures, result.evaluations);
    cr_expect_not_null(strstr(result.failure, "many-to-many"), "%s", result.failure);
    cr_expect_eq(virtual_null_verdict(&result, "here", &error), ERR_INPUT, "before any alarm");
    cr_expect_not_null(strstr(error.text, result.failure), "%s", error.text);
    json_t *json = virtual_null_json(&result);
    cr_expect_str_eq(json_string_value(json_object_get(json, "failure")), result.failure);
    cr_expect_eq(json_integer_value(json_object_get(json, "failed_evaluations")), result.failures);
    cr_expect_eq(json_integer_value(json_object_get(json, "alarms")), 2);
    cr_expect_float_eq(json_real_value(json_object_get(json, "firing_hours")), 2, .05);
    cr_expect(json_is_null(json_object_get(json, "alarms_an_alert_hour_at_most")), "none watches");
    cr_expect_eq(json_array_size(json_object_get(json, "alerts")), 2);
    json_decref(json);
    FILE *file = tmpfile();
    virtual_null_print(file, &result);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    cr_expect_not_null(strstr(text, result.failure), "%s", text);
    cr_expect_not_null(strstr(text, "2.00        watches no quantity"), "%s", text);
    cr_expect_null(strstr(text, "an alert-hour"), "%s", text);
    result.failures = 0;
    json = virtual_null_json(&result);
    cr_expect(json_is_null(json_object_get(json, "failure")));
    json_decref(json);
    virtual_null_deinit(&result);
    tear_down(&fixture);
}

Test(virtual_null, a_part_without_a_visit_is_an_error)
{
    struct fixture fixture;
    struct virtual_null result;
    struct parallel one = {.threads = 1};
    struct error error = {.code = ERR_OK};
    set_up(&fixture, .3);
    fixture.part.from_ns = fixture.part.until_ns = 2 * SPAN_NS;
    cr_expect_eq(virtual_null_run(&fixture.request, &one, &result, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "no visit to draw virtual hours from");
    tear_down(&fixture);
}
