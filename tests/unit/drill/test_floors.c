#include "drill/floors.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "load/events.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * A made-up service of 200 lists a second over 120 s with an onset at 60 s. Everybody takes the
 * film at rank 1 or 2 of a list with a chance of their own, and rates it by a distribution that may
 * shift; both are known exactly, so the likelihoods are those of a real drill.
 */
#define LISTS_PER_S 200
#define ONSET_S 60
#define END_S 120
#define LISTS (LISTS_PER_S * END_S)
#define SCRAPES (4 * END_S)

struct habits {       /* of the people, in one world */
    double take;      /* factor on the chance of taking a film */
    double first;     /* share taken from rank 1 */
    double harshness; /* share of the ratings that lose a star */
};

struct world {
    struct scenario scenario;
    struct events events;
    struct rules_alert rule[4];
    struct evidence_alert alert[4];
    struct prometheus_point scrape[SCRAPES];
    struct evidence evidence;
    struct floors floors;
};

static const double stars_at_rest[11] = {0, 0, 0, .01, .05, .04, .18, .2, .3, .12, .1};

/* Probability of a rating of `half_stars` when it is given; one star less with `harshness`. */
static double rating_chance(const struct habits *habits, int half_stars)
{
    double above = half_stars + 2 <= 10 ? stars_at_rest[half_stars + 2] : 0;
    return (1 - habits->harshness) * stars_at_rest[half_stars] + habits->harshness * above;
}

static double take_chance(const struct habits *habits, double person)
{
    return habits->take * person;
}

static double likelihood(const struct habits *habits, double person, const struct event *event)
{
    double take = take_chance(habits, person);
    if (event->rank == 0) {
        return 1 - take;
    }
    return take * (event->rank == 1 ? habits->first : 1 - habits->first) *
           rating_chance(habits, event->half_stars);
}

struct means {
    float rated, converted, rr, stars;
};

static struct means means_of(const struct habits *habits, double person)
{
    double converted = 0, stars = 0, take = take_chance(habits, person);
    for (int h = 1; h <= 10; h++) {
        converted += h >= 6 ? rating_chance(habits, h) : 0;
        stars += h / 2.0 * rating_chance(habits, h);
    }
    return (struct means){(float)take, (float)(take * converted),
                          (float)(take * (habits->first + (1 - habits->first) / 2)),
                          (float)(take * stars)};
}

static void draw_outcome(struct event *event, const struct habits *habits, double person,
                         struct rng *rng)
{
    double u = rng_uniform(rng), v = rng_uniform(rng), w = rng_uniform(rng);
    if (u >= take_chance(habits, person)) {
        return;
    }
    event->rank = v < habits->first ? 1 : 2;
    for (event->half_stars = 1; event->half_stars < 10; event->half_stars++) {
        w -= rating_chance(habits, event->half_stars);
        if (w < 0) {
            break;
        }
    }
    event->post_accepted = true;
    event->rated_ns = event->listed_ns + 200 * CLOCK_NS_PER_MS;
}

static void fill_event(struct event *event, const struct habits *rest, const struct habits *full,
                       double intensity, struct rng *rng)
{
    const struct habits now = {.take = rest->take + intensity * (full->take - rest->take),
                               .first = rest->first + intensity * (full->first - rest->first),
                               .harshness = rest->harshness +
                                            intensity * (full->harshness - rest->harshness)};
    double person = 0.2 + 0.3 * rng_uniform(rng);
    draw_outcome(event, &now, person, rng);
    event->p_rest = (float)likelihood(rest, person, event);
    event->p_now = (float)likelihood(&now, person, event);
    event->p_full = (float)likelihood(full, person, event);
    struct means r = means_of(rest, person), n = means_of(&now, person), f = means_of(full, person);
    event->rest_rated = r.rated, event->rest_converted = r.converted;
    event->rest_rr = r.rr, event->rest_stars = r.stars;
    event->now_rated = n.rated, event->now_converted = n.converted;
    event->now_rr = n.rr, event->now_stars = n.stars;
    event->full_rated = f.rated, event->full_converted = f.converted;
    event->full_rr = f.rr, event->full_stars = f.stars;
}

static void watch(struct world *world, const char *quantity, double objective)
{
    size_t i = world->evidence.alert_count++;
    snprintf(world->rule[i].quantity, sizeof world->rule[i].quantity, "%s", quantity);
    world->alert[i] = (struct evidence_alert){.rule = &world->rule[i], .objective = objective};
}

static struct world *world_new(const struct habits *full, uint64_t seed)
{
    static const struct habits rest = {.take = 1, .first = 0.5, .harshness = 0};
    struct world *world = mem_zalloc(1, sizeof *world);
    struct scenario *s = &world->scenario;
    s->time_scale = 60;
    s->scrape_ns = 15 * CLOCK_NS_PER_S;
    s->phase_count = 1;
    s->phase[0].duration_ns = s->end_ns = END_S * CLOCK_NS_PER_S;
    s->drift.count = 1;
    s->drift.injection[0] = (struct drift_injection){
        .onset_ns = ONSET_S * CLOCK_NS_PER_S, .end_ns = INT64_MAX, .kind = DRIFT_CHOICE_ROTATION};
    world->events = (struct events){.complete = true};
    struct rng rng = rng_stream(seed, 1, 1);
    for (int64_t i = 0; i < LISTS; i++) {
        struct event event = {.nominal_ns = i * CLOCK_NS_PER_S / LISTS_PER_S};
        event.listed_ns = event.nominal_ns + CLOCK_NS_PER_MS;
        fill_event(&event, &rest, full, event.nominal_ns >= ONSET_S * CLOCK_NS_PER_S, &rng);
        cr_assert_geq(events_add(&world->events, &event, EVENTS_MAX), 0);
    }
    for (int i = 0; i < SCRAPES; i++) {
        world->scrape[i] = (struct prometheus_point){0.1 + i / 4.0, 1};
    }
    world->evidence.complete = true;
    world->evidence.alert = world->alert;
    world->evidence.scrapes = (struct prometheus_series){.count = SCRAPES, .point = world->scrape};
    for (int h = 1; h <= 10; h++) {
        world->evidence.rating_share[(h - 1) / 2] += stars_at_rest[h];
    }
    return world;
}

static const struct floors_row *measure(struct world *world)
{
    struct floors_request request = {.scenario = &world->scenario,
                                     .events = &world->events,
                                     .evidence = &world->evidence,
                                     .end_s = END_S};
    floors_measure(&request, &world->floors);
    return world->floors.row;
}

static void world_free(struct world *world)
{
    events_deinit(&world->events);
    mem_free(world);
}

/* What every watched quantity is at rest and after: take .35, ranks even, 3.7 stars. */
static const struct {
    const char *quantity;
    double objective;
    struct habits full;
} shifts[] = {
    {"conversion", 0.27, {.take = 0.6, .first = 0.5, .harshness = 0}},
    {"reciprocal_rank", 0.2, {.take = 0.6, .first = 0.5, .harshness = 0}},
    {"reciprocal_rank", 0.22, {.take = 1, .first = 0.05, .harshness = 0}},
    {"mean_rating", 3.5, {.take = 1, .first = 0.5, .harshness = 0.6}},
    {"rating_psi", 0.1, {.take = 1, .first = 0.5, .harshness = 0.6}},
};

#define SHIFTS (sizeof shifts / sizeof shifts[0])

Test(floors, knowing_more_never_takes_longer)
{
    for (size_t i = 0; i < SHIFTS; i++) {
        double delay[FLOORS_VIEWS] = {0}, expected[FLOORS_VIEWS] = {0};
        const int runs = 6;
        for (int run = 0; run < runs; run++) {
            struct world *world = world_new(&shifts[i].full, 100 + (uint64_t)run);
            watch(world, shifts[i].quantity, shifts[i].objective);
            const struct floors_row *row = measure(world);
            cr_assert(row->exists, "%zu: %s", i, row->why);
            cr_expect(row->share > 0 && row->share < 1, "%g", row->share);
            for (int v = 0; v < FLOORS_VIEWS; v++) {
                const struct floors_floor *floor = &row->view[v];
                cr_assert(floor->exists, "%zu %s: %s", i, floors_view_name(v), floor->why);
                cr_expect_eq(floor->false_alarms, 0);
                cr_expect(floor->delay_s > 0, "%zu %s", i, floors_view_name(v));
                delay[v] += floor->delay_s / runs;
                expected[v] += floor->expected_s / runs;
            }
            const struct floors_floor *exported = &row->view[FLOORS_EXPORTED];
            cr_expect(exported->enough_s > 0 && exported->enough_s <= exported->delay_s);
            cr_expect(exported->delay_s - exported->enough_s <= 0.25 + 1e-6, "one scrape");
            world_free(world);
        }
        cr_expect_leq(expected[FLOORS_EVERYTHING], 1.05 * expected[FLOORS_RATINGS], "%zu", i);
        cr_expect_leq(expected[FLOORS_RATINGS], expected[FLOORS_EXPORTED] + 1e-3, "%zu", i);
        cr_expect_leq(delay[FLOORS_EVERYTHING], 1.25 * delay[FLOORS_RATINGS], "%zu: %g %g", i,
                      delay[0], delay[1]);
        for (int v = 0; v < FLOORS_VIEWS; v++) {
            cr_expect(delay[v] < 1.5 * expected[v] + 0.5 && delay[v] > expected[v] / 1.7 - 0.5,
                      "%zu %s: %g s measured, %g s expected", i, floors_view_name(v), delay[v],
                      expected[v]);
        }
    }
}

/* By hand: conversion .35 * .9 = .315 at rest, and .189 when six in ten are still taken. */
Test(floors, the_null_lies_at_the_objective)
{
    struct world *world = world_new(&shifts[0].full, 5);
    watch(world, "conversion", 0.263);
    const struct floors_row *row = measure(world);
    cr_expect_float_eq(row->rest, 0.315, 0.002, "%g", row->rest);
    cr_expect_float_eq(row->full, 0.189, 0.002, "%g", row->full);
    cr_expect_float_eq(row->share, (row->rest - 0.263) / (row->rest - row->full), 1e-6);
    double nats =
        row->full * log(row->full / 0.263) + (1 - row->full) * log((1 - row->full) / (1 - 0.263));
    cr_expect_float_eq(row->view[FLOORS_EXPORTED].nats_per_s, LISTS_PER_S * nats,
                       0.02 * LISTS_PER_S * nats);
    world_free(world);
}

Test(floors, a_mixture_has_the_mean_of_the_objective)
{
    struct world *world = world_new(&shifts[3].full, 5);
    watch(world, "mean_rating", 3.5);
    const struct floors_row *row = measure(world);
    double mixed = (1 - row->share) * row->rest + row->share * row->full; /* equal takes */
    cr_expect_float_eq(mixed, 3.5, 1e-3, "%g", mixed);
    world_free(world);
}

Test(floors, a_longer_interval_between_false_alarms_takes_longer)
{
    double before_s = 0;
    struct world *world = world_new(&shifts[0].full, 5);
    watch(world, "conversion", 0.27);
    for (double days = 1; days < 1e4; days *= 10) {
        struct floors_request request = {.scenario = &world->scenario,
                                         .events = &world->events,
                                         .evidence = &world->evidence,
                                         .end_s = END_S,
                                         .interval_s = days * 86400};
        floors_measure(&request, &world->floors);
        double s = world->floors.row[0].view[FLOORS_EXPORTED].expected_s;
        cr_expect_gt(s, before_s, "%g days", days);
        before_s = s;
    }
    world_free(world);
}

Test(floors, a_floor_that_does_not_exist_says_why)
{
    static const struct habits same = {.take = 1, .first = 0.5, .harshness = 0};
    static const struct habits half = {.take = 0.9, .first = 0.5, .harshness = 0};
    static const struct {
        const char *what, *quantity;
        double objective;
        const struct habits *full;
        const char *why;
    } rows[] = {
        {"nothing changes", "conversion", 0.27, &same, "does not move"},
        {"another quantity", "mean_rating", 3.5, &shifts[0].full, "does not move"},
        {"half way", "conversion", 0.25, &half, "nothing to detect: it goes from 0.3"},
        {"beyond at rest", "conversion", 0.34, &shifts[0].full, "already at rest"},
        {"psi", "rating_psi", 0.1, &shifts[0].full, "does not move"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new(rows[i].full, 9);
        watch(world, rows[i].quantity, rows[i].objective);
        const struct floors_row *row = measure(world);
        cr_expect_not(row->exists, "%s", rows[i].what);
        cr_expect_not_null(strstr(row->why, rows[i].why), "%s: %s", rows[i].what, row->why);
        world_free(world);
    }
}

Test(floors, what_was_not_recorded_has_no_floor)
{
    struct world *world = world_new(&shifts[0].full, 9);
    watch(world, "conversion", 0.27);
    world->events.complete = false;
    cr_expect_not_null(strstr(measure(world)->why, "not every list was recorded"));
    world->events.complete = true;
    int64_t count = world->events.count;
    world->events.count = LISTS_PER_S * ONSET_S + 100;
    cr_expect_not_null(strstr(measure(world)->why, "too few lists: 12000 before the onset, 100"),
                       "%s", world->floors.row[0].why);
    world->events.count = count;
    watch(world, "rating_psi", 0.1);
    memset(world->evidence.rating_share, 0, sizeof world->evidence.rating_share);
    measure(world);
    const struct floors_row *row = floors_find(&world->floors, SCENARIO_RATING_PSI, 0.1);
    cr_assert_not_null(row);
    cr_expect_not_null(strstr(row->why, "shares of stars to compare with"), "%s", row->why);
    cr_expect_null(floors_find(&world->floors, SCENARIO_MEAN_RATING, 3.5), "nobody watches it");
    world_free(world);
}

/* Bots do the same in every world: their outcomes say nothing to somebody who knows them. */
Test(floors, what_people_do_not_change_is_not_seen_by_likelihoods)
{
    struct world *world = world_new(&shifts[0].full, 9);
    watch(world, "conversion", 0.27);
    for (int64_t i = 0; i < world->events.count; i++) {
        struct event *e = &world->events.event[i];
        e->p_rest = e->p_now = e->p_full = 1;
    }
    const struct floors_row *row = measure(world);
    cr_expect_not(row->view[FLOORS_EVERYTHING].exists);
    cr_expect_not_null(strstr(row->view[FLOORS_EVERYTHING].why, "as likely"));
    cr_expect(row->view[FLOORS_RATINGS].exists && row->view[FLOORS_EXPORTED].exists);
    world_free(world);
}

Test(floors, an_outcome_impossible_in_a_world_is_borne)
{
    struct world *world = world_new(&shifts[0].full, 9);
    watch(world, "conversion", 0.27);
    world->events.event[10].p_full = 0;
    world->events.event[LISTS - 10].p_rest = 0;
    world->events.event[LISTS - 11].p_rest = world->events.event[LISTS - 11].p_full = 0;
    const struct floors_row *row = measure(world);
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        cr_expect(isfinite(row->view[v].expected_s) && isfinite(row->view[v].delay_s));
    }
    world_free(world);
}

/* The recommender learns the drift: what comes after says nothing about it. */
Test(floors, the_retraining_ends_what_is_looked_at)
{
    struct world *world = world_new(&shifts[0].full, 9);
    watch(world, "conversion", 0.27);
    world->scenario.phase_count = 2;
    world->scenario.phase[1] = (struct scenario_phase){
        .start_ns = 90 * CLOCK_NS_PER_S, .duration_ns = 30 * CLOCK_NS_PER_S, .retrains = true};
    cr_expect_eq(measure(world)->until_s, 90);
    world_free(world);
}

Test(floors, of_several_injections_the_first_that_moves_the_quantity_counts)
{
    struct world *world = world_new(&shifts[0].full, 9);
    struct drift *drift = &world->scenario.drift;
    watch(world, "conversion", 0.27);
    drift->count = 3;
    drift->injection[1] = drift->injection[0];
    drift->injection[1].onset_ns = 40 * CLOCK_NS_PER_S;
    drift->injection[1].kind = DRIFT_TRAFFIC;
    drift->injection[2] = drift->injection[0];
    drift->injection[2].onset_ns = 80 * CLOCK_NS_PER_S;
    drift->injection[2].kind = DRIFT_CUT_POINTS;
    measure(world);
    cr_assert_eq(world->floors.count, 3);
    const struct floors_row *row = floors_find(&world->floors, SCENARIO_CONVERSION, 0.27);
    cr_expect(row->exists, "%s", row->why);
    cr_expect_eq(row->injection, 0, "traffic came before and moved nothing");
    cr_expect_eq(row->onset_s, ONSET_S);
    cr_expect_not_null(strstr(world->floors.row[0].why, "traffic does not move it"), "%s",
                       world->floors.row[0].why);
    cr_expect_not_null(strstr(world->floors.row[2].why, "choice-rotation moves it first"), "%s",
                       world->floors.row[2].why);
    world_free(world);
}

/* While a drift grows, events count as often as they would under the complete one. */
Test(floors, a_drift_that_grows_is_measured_when_complete)
{
    struct world *world = world_new(&shifts[0].full, 9);
    watch(world, "conversion", 0.27);
    double sudden = measure(world)->view[FLOORS_RATINGS].nats_per_s;
    static const struct habits rest = {.take = 1, .first = 0.5, .harshness = 0};
    struct rng rng = rng_stream(3, 3, 3);
    for (int64_t i = LISTS_PER_S * ONSET_S; i < LISTS; i++) {
        struct event *e = &world->events.event[i];
        *e = (struct event){.nominal_ns = e->nominal_ns, .listed_ns = e->listed_ns};
        double s = (double)e->nominal_ns / (double)CLOCK_NS_PER_S - ONSET_S;
        fill_event(e, &rest, &shifts[0].full, fmin(1, s / 50), &rng);
    }
    const struct floors_row *row = measure(world);
    cr_expect_float_eq(row->full, 0.189, 0.002);
    cr_expect_float_eq(row->view[FLOORS_RATINGS].nats_per_s / sudden, 1, 0.25, "%g of %g",
                       row->view[FLOORS_RATINGS].nats_per_s, sudden);
    cr_expect_gt(row->view[FLOORS_EXPORTED].delay_s, row->view[FLOORS_EXPORTED].expected_s,
                 "the expected delay is that of a sudden change");
    world_free(world);
}

/* Without a scrape nothing is exported: the floor waits for the next one there is. */
Test(floors, the_exported_metric_waits_for_scrapes)
{
    struct world *world = world_new(&shifts[0].full, 9);
    watch(world, "conversion", 0.27);
    double usual = measure(world)->view[FLOORS_EXPORTED].delay_s;
    size_t kept = 0;
    for (size_t i = 0; i < SCRAPES; i++) {
        if (world->scrape[i].time_s < ONSET_S || world->scrape[i].time_s > 75) {
            world->scrape[kept++] = world->scrape[i];
        }
    }
    world->evidence.scrapes.count = kept;
    const struct floors_floor *floor = &measure(world)->view[FLOORS_EXPORTED];
    cr_expect_lt(usual, 15);
    cr_expect(floor->delay_s > 15 && floor->delay_s < 15.5, "%g", floor->delay_s);
    cr_expect_lt(floor->enough_s, 15);
    world->evidence.scrapes.count = 0;
    cr_expect_float_eq(measure(world)->view[FLOORS_EXPORTED].delay_s, usual, 0.3, "a grid instead");
    world_free(world);
}

/* Not made up: people who become a star harsher, played against a target, with the likelihoods that
 * the workers note. So few people run out of good films on the way, which must not be taken for
 * something that the rating stream tells of the drift. */
Test(floors, what_workers_note_of_a_played_drift_orders_the_floors)
{
    struct small_world small;
    struct engine_result result;
    small_world_init(&small);
    small.drift.injection[0].kind = DRIFT_CUT_POINTS;
    small.drift.injection[0].unit = DRIFT_BY_KIND;
    small.drift.injection[0].size = -1;
    small.plan.keep_events = true;
    small_world_play(&small, &result);
    struct world *world = mem_zalloc(1, sizeof *world);
    world->scenario =
        (struct scenario){.time_scale = 60, .scrape_ns = 15 * CLOCK_NS_PER_S, .drift = small.drift};
    world->evidence.alert = world->alert;
    double onset_s = (double)small.drift.injection[0].onset_ns / (double)CLOCK_NS_PER_S;
    struct floors_request request = {.scenario = &world->scenario,
                                     .ledger = result.ledger,
                                     .events = &result.events,
                                     .evidence = &world->evidence,
                                     .end_s = 60};
    watch(world, "mean_rating", 0);
    floors_measure(&request, &world->floors);
    double rest = world->floors.row[0].rest, full = world->floors.row[0].full;
    cr_assert(full < rest - 0.3, "%g to %g", rest, full);
    world->alert[0].objective = rest - 0.4 * (rest - full);
    floors_measure(&request, &world->floors);
    const struct floors_row *row = &world->floors.row[0];
    cr_assert(row->exists, "%s", row->why);
    cr_expect_eq(row->onset_s, onset_s);
    cr_expect_float_eq(row->share, 0.4, 0.001, "%g: nobody takes more or fewer films", row->share);
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        cr_expect(row->view[v].exists, "%s: %s", floors_view_name(v), row->view[v].why);
        cr_expect(row->view[v].delay_s > 0, "%s reached", floors_view_name(v));
    }
    cr_expect_lt(row->view[FLOORS_EVERYTHING].expected_s, row->view[FLOORS_RATINGS].expected_s);
    cr_expect_leq(row->view[FLOORS_RATINGS].expected_s, row->view[FLOORS_EXPORTED].expected_s);
    mem_free(world);
    engine_result_deinit(&result);
    small_world_deinit(&small);
}
