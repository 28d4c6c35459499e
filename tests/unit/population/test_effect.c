#include "base/mem.h"
#include "people_world.h"
#include "population/effect_int.h"
#include "population/population_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { PEOPLE = 600 };

struct effect_world {
    struct people_world people;
    struct parallel parallel;
    struct effect_sample *sample;
};

static void world_init(struct effect_world *world)
{
    struct effect_config config = effect_defaults();
    people_world_small(&world->people, PEOPLE, 2);
    world->parallel = (struct parallel){.threads = 2};
    world->sample = effect_sample_new(&config, world->people.population, &world->parallel);
}

static void world_deinit(struct effect_world *world)
{
    effect_sample_free(world->sample);
    people_world_end(&world->people);
}

/* One injection, sudden and lasting, bound. */
static struct drift bound(const struct effect_world *world, struct drift_injection injection)
{
    struct error error = {0};
    struct drift drift = {.count = 1, .injection = {injection}};
    drift.injection[0].end_ns = INT64_MAX;
    people_world_must(
        population_bind_drift(world->people.population, &drift, &world->parallel, &error), &error);
    return drift;
}

static struct effect whole(const struct effect_world *world, const struct drift *drift)
{
    struct effect effect;
    effect_measure_one(world->sample, drift, 0, &world->parallel, &effect);
    return effect;
}

static double size_in(const struct effect *effect, enum drift_unit unit)
{
    return unit == DRIFT_STARS ? effect->stars : unit == DRIFT_NATS ? effect->nats : effect->psi;
}

/* ---- the arithmetic of sizes ---- */

Test(effect, distances_are_those_of_their_formulas)
{
    const double before[3] = {.5, .25, .25}, after[3] = {.25, .25, .5};
    double kl = .25 * log(.5) + .5 * log(2), psi = -.25 * log(.5) + .25 * log(2);
    cr_expect_float_eq(effect_kl(after, before, 3), kl, 1e-15);
    cr_expect_float_eq(effect_psi(after, before, 3), psi, 1e-15);
    cr_expect_float_eq(effect_psi(after, before, 3),
                       effect_kl(after, before, 3) + effect_kl(before, after, 3), 1e-15,
                       "PSI is KL both ways");
    cr_expect_eq(effect_kl(before, before, 3), 0);
    const double nothing[2] = {1, 0}, something[2] = {.5, .5};
    cr_expect(isfinite(effect_kl(something, nothing, 2)), "a value that never came before");
}

Test(effect, half_stars_count_as_the_whole_star_above)
{
    const double pmf[10] = {.01, .02, .03, .04, .1, .1, .2, .2, .2, .1};
    const double wanted[5] = {.03, .07, .2, .4, .3};
    double out[5];
    effect_whole_stars(pmf, out);
    for (int s = 0; s < 5; s++) {
        cr_expect_float_eq(out[s], wanted[s], 1e-15, "%d stars", s + 1);
    }
}

/* ---- measuring ---- */

Test(effect, rest_is_a_plausible_evening)
{
    struct effect_world world;
    world_init(&world);
    const struct effect *rest = effect_rest(world.sample);
    double sum = 0, rated = 0, reciprocal = 0, good = 0;
    for (int h = 0; h < 10; h++) {
        sum += rest->pmf[h];
        good += h >= 5 ? rest->pmf[h] : 0;
    }
    for (int rank = 0; rank < EFFECT_RANKS; rank++) {
        rated += rest->rated_at[rank];
        reciprocal += rest->rated_at[rank] / (rank + 1);
    }
    cr_expect_float_eq(sum, 1, 1e-12);
    cr_expect_float_eq(rated, rest->rated, 1e-12);
    cr_expect_float_eq(reciprocal, rest->reciprocal_rank, 1e-12);
    cr_expect_float_eq(good * rest->rated, rest->conversion, 1e-12);
    cr_expect(rest->rated > .18 && rest->rated < .6, "better than the popular list, no oracle: %g",
              rest->rated);
    cr_expect(rest->mean_rating > 3 && rest->mean_rating < 4.5, "%g", rest->mean_rating);
    cr_expect_eq(rest->stars, 0);
    cr_expect_eq(rest->psi, 0);
    cr_expect_eq(rest->turned, 0);
    world_deinit(&world);
}

Test(effect, the_number_of_threads_changes_no_bit)
{
    struct effect_world world;
    world_init(&world);
    struct parallel one = {.threads = 1}, three = {.threads = 3};
    struct drift drift =
        bound(&world, (struct drift_injection){.kind = DRIFT_TASTE_ROTATION, .size = 70});
    struct effect a, b;
    effect_measure(world.sample, &drift, 1, &one, &a);
    effect_measure(world.sample, &drift, 1, &three, &b);
    cr_expect_eq(a.degrees, b.degrees);
    cr_expect_eq(a.rated, b.rated);
    cr_expect_eq(a.conversion, b.conversion);
    cr_expect_eq(a.reciprocal_rank, b.reciprocal_rank);
    cr_expect_eq(a.stars, b.stars);
    cr_expect_eq(a.nats, b.nats);
    drift_deinit(&drift);
    world_deinit(&world);
}

enum { QUANTITIES = 4 };

/* Sums of what the people of the sample do with their lists less what was expected, and of its
 * square, in the order rated, converted, reciprocal rank, stars. */
static void play(const struct effect_world *world, const struct drift *drift,
                 const struct effect *expected, double gap[QUANTITIES], double square[QUANTITIES])
{
    const struct effect_sample *sample = world->sample;
    const double wanted[QUANTITIES] = {expected->rated, expected->conversion,
                                       expected->reciprocal_rank,
                                       expected->rated * expected->mean_rating};
    for (int32_t k = 0; k < sample->count; k++) {
        for (uint32_t step = 0; step < EFFECT_LOOKS; step++) {
            struct step_outcome outcome = population_step(
                sample->population, drift, 1, sample->person[k], step, &sample->list[k], NULL, 0);
            bool rated = outcome.half_stars > 0;
            const double is[QUANTITIES] = {rated, outcome.half_stars >= 6,
                                           rated ? 1. / outcome.rank : 0, outcome.half_stars / 2.};
            for (int q = 0; q < QUANTITIES; q++) {
                gap[q] += is[q] - wanted[q];
                square[q] += (is[q] - wanted[q]) * (is[q] - wanted[q]);
            }
        }
    }
}

Test(effect, expectations_are_what_many_people_do)
{
    static const struct {
        const char *name;
        struct drift_injection injection;
    } rows[] = {
        {"turned", {.kind = DRIFT_CHOICE_ROTATION, .size = 180}},
        {"harsher", {.kind = DRIFT_CUT_POINTS, .size = -.6}},
        {"wider", {.kind = DRIFT_CUT_SPREAD, .size = 1.8}},
        {"impatient", {.kind = DRIFT_POSITION_HABIT, .size = 1}},
        {"fewer films", {.kind = DRIFT_REMOVED_FILMS, .size = .5}},
    };
    static const char *const names[QUANTITIES] = {"rated", "converted", "reciprocal rank", "stars"};
    struct effect_world world;
    world_init(&world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double gap[QUANTITIES] = {0}, square[QUANTITIES] = {0};
        struct drift drift = bound(&world, rows[i].injection);
        struct effect effect = whole(&world, &drift);
        play(&world, &drift, &effect, gap, square);
        for (int q = 0; q < QUANTITIES; q++) {
            cr_expect_lt(fabs(gap[q]), 4.5 * sqrt(square[q]), "%s, %s: off by %.1f, deviation %.1f",
                         rows[i].name, names[q], gap[q], sqrt(square[q]));
        }
        drift_deinit(&drift);
    }
    world_deinit(&world);
}

Test(effect, lists_of_the_same_making_agree_on_what_a_turn_of_tastes_costs)
{
    struct effect_world world;
    world_init(&world);
    struct drift drift =
        bound(&world, (struct drift_injection){.kind = DRIFT_CHOICE_ROTATION, .size = 180});
    struct effect expected = whole(&world, &drift), again;
    struct effect_config config = effect_defaults();
    config.seed = 2;
    struct effect_sample *other =
        effect_sample_new(&config, world.people.population, &world.parallel);
    effect_measure_one(other, &drift, 0, &world.parallel, &again);
    cr_expect_float_eq(again.conversion_change, expected.conversion_change, .08,
                       "other lists of the same making: %g, %g", again.conversion_change,
                       expected.conversion_change);
    cr_expect_lt(expected.conversion_change, -.15, "a swap of tastes costs conversion: %g",
                 expected.conversion_change);
    cr_expect(fabs(expected.stars) < .15, "and hardly moves ratings: %g", expected.stars);
    cr_expect(expected.degrees > 20 && expected.degrees < 120, "the angle really turned: %g",
              expected.degrees);
    cr_expect_float_eq(expected.turned, 1, .02);
    cr_expect_eq(expected.opinion_degrees, 0);
    effect_sample_free(other);
    drift_deinit(&drift);
    world_deinit(&world);
}

Test(effect, a_turn_by_a_few_degrees_turns_by_them)
{
    struct effect_world world;
    world_init(&world);
    struct drift drift =
        bound(&world, (struct drift_injection){.kind = DRIFT_TASTE_ROTATION, .size = 10});
    struct effect effect = whole(&world, &drift);
    cr_expect_float_eq(effect.degrees, 10, .5, "%g", effect.degrees);
    cr_expect_float_eq(effect.opinion_degrees, 10, .5, "%g", effect.opinion_degrees);
    drift_deinit(&drift);
    world_deinit(&world);
}

Test(effect, a_share_of_the_people_moves_its_share)
{
    struct effect_world world;
    world_init(&world);
    struct drift_injection shift = {.kind = DRIFT_CUT_POINTS, .size = -.5};
    struct drift all = bound(&world, shift);
    shift.cohort.kind = DRIFT_SHARE;
    shift.cohort.share = .5;
    struct drift half = bound(&world, shift);
    double wanted = whole(&world, &all).stars / 2, got = whole(&world, &half).stars;
    cr_expect_lt(wanted, -.1);
    cr_expect_float_eq(got / wanted, 1, .25, "%g of %g", got, wanted);
    drift_deinit(&all);
    drift_deinit(&half);
    world_deinit(&world);
}

Test(effect, half_way_is_less_than_all_the_way)
{
    struct effect_world world;
    world_init(&world);
    struct drift drift = bound(
        &world, (struct drift_injection){
                    .kind = DRIFT_CUT_POINTS, .shape = DRIFT_LINEAR, .ramp_ns = 1000, .size = -.6});
    struct effect before, middle, after;
    drift.injection[0].onset_ns = 1000;
    effect_measure(world.sample, &drift, 999, &world.parallel, &before);
    effect_measure(world.sample, &drift, 1500, &world.parallel, &middle);
    effect_measure(world.sample, &drift, 3000, &world.parallel, &after);
    cr_expect_eq(before.stars, 0);
    cr_expect_eq(before.nats, 0);
    cr_expect_float_eq(middle.stars / after.stars, .5, .05);
    cr_expect_float_eq(middle.nats / after.nats, .25, .05, "nats grow with the square");
    drift_deinit(&drift);
    world_deinit(&world);
}

Test(effect, who_comes_counts)
{
    struct effect_world world;
    world_init(&world);
    struct drift_injection mix = {.kind = DRIFT_USER_MIX, .size = .8};
    mix.cohort.kind = DRIFT_SHARE;
    mix.cohort.share = .3;
    struct drift same = bound(&world, mix);
    mix.cohort.kind = DRIFT_ACTIVITY_BAND;
    mix.cohort.from = .8;
    mix.cohort.to = 1;
    struct drift busy = bound(&world, mix);
    double drawn = whole(&world, &same).stars, active = whole(&world, &busy).stars;
    cr_expect_lt(fabs(drawn), .08, "people drawn at random are like the others: %g", drawn);
    cr_expect_neq(active, 0, "those who rate most are not");
    drift_deinit(&same);
    drift_deinit(&busy);
    world_deinit(&world);
}

Test(effect, people_without_a_past_get_lists_that_know_nothing_of_them)
{
    struct people_world people;
    struct error error = {0};
    struct parallel parallel = {.threads = 2};
    people_world_small(&people, 80, 2);
    population_free(people.population);
    struct population_config config = population_defaults();
    config.users = 400;
    config.newcomers = 200;
    cr_assert_eq(population_build(&config, &people.data, &parallel, &people.population, &error),
                 ERR_OK, "%s", error.text);
    struct drift cold = {
        .count = 1, .injection = {{.kind = DRIFT_COLD_START, .size = .9, .end_ns = INT64_MAX}}};
    cr_assert_eq(population_bind_drift(people.population, &cold, &parallel, &error), ERR_OK, "%s",
                 error.text);
    struct effect_config sampling = effect_defaults();
    sampling.newcomers_visit = false;
    struct effect_sample *sample = effect_sample_new(&sampling, people.population, &parallel);
    struct effect effect;
    effect_measure(sample, &cold, 0, &parallel, &effect);
    cr_expect_eq(effect_sample_people(sample), 400);
    cr_expect_lt(effect.conversion_change, -.1, "%g", effect.conversion_change);
    effect_sample_free(sample);
    drift_deinit(&cold);
    people_world_end(&people);
}

Test(effect, people_without_a_past_come_alike_also_by_activity)
{
    struct people_world people;
    struct error error = {0};
    struct parallel parallel = {.threads = 2};
    people_world_small(&people, 80, 2);
    population_free(people.population);
    struct population_config config = population_defaults();
    config.users = 400;
    config.newcomers = 100;
    people_world_must(
        population_build(&config, &people.data, &parallel, &people.population, &error), &error);
    struct effect_config sampling = effect_defaults();
    sampling.by_activity = true;
    struct effect_sample *sample = effect_sample_new(&sampling, people.population, &parallel);
    double settled = 0, least = 1, most = 0;
    for (int32_t k = 0; k < sample->count; k++) {
        double weight = sample->weight[k];
        settled += k < sample->settled ? weight : 0;
        least = k < sample->settled && weight < least ? weight : least;
        most = k < sample->settled && weight > most ? weight : most;
        cr_expect(k < sample->settled || fabs(weight - .25 / 100) < 1e-12, "%g", weight);
    }
    cr_expect_float_eq(settled, .75, 1e-9);
    cr_expect_gt(most, 3 * least, "those with one do not: %g to %g", least, most);
    effect_sample_free(sample);
    people_world_end(&people);
}

/* ---- solving ---- */

Test(effect, what_is_solved_measures_what_was_asked)
{
    struct effect_world world;
    world_init(&world);
    const struct {
        const char *name;
        struct drift_injection injection;
        double sign; /* of the parameter from that of no drift */
        double neutral;
    } rows[] = {
        {"harsher by .4 stars",
         {.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.4},
         -1,
         0},
        {"kinder by .02 stars", {.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = .02}, 1, 0},
        {"harsher by .05 nats", {.kind = DRIFT_CUT_POINTS, .unit = DRIFT_NATS, .size = .05}, -1, 0},
        {"harsher by PSI .25", {.kind = DRIFT_CUT_POINTS, .unit = DRIFT_PSI, .size = .25}, -1, 0},
        {"wider by PSI .1", {.kind = DRIFT_CUT_SPREAD, .unit = DRIFT_PSI, .size = .1}, 1, 1},
        {"narrower by .03 nats",
         {.kind = DRIFT_CUT_SPREAD, .unit = DRIFT_NATS, .narrows = true, .size = .03},
         -1,
         1},
        {"opinions turned by .0005 nats",
         {.kind = DRIFT_OPINION_ROTATION, .unit = DRIFT_NATS, .size = .0005},
         1,
         0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        struct drift drift = bound(&world, rows[i].injection);
        enum err code = effect_solve(world.sample, &drift, &world.parallel, &error);
        cr_expect_eq(code, ERR_OK, "%s: %s", rows[i].name, error.text);
        struct effect effect = whole(&world, &drift);
        double got = size_in(&effect, rows[i].injection.unit), wanted = rows[i].injection.size;
        cr_expect_float_eq(got / wanted, 1, 1e-3, "%s: %g", rows[i].name, got);
        cr_expect_gt((drift.injection[0].parameter - rows[i].neutral) * rows[i].sign, 0,
                     "%s: parameter %g", rows[i].name, drift.injection[0].parameter);
        drift_deinit(&drift);
    }
    world_deinit(&world);
}

Test(effect, sizes_out_of_reach_name_what_can_be_reached)
{
    struct effect_world world;
    world_init(&world);
    const struct {
        struct drift_injection injection;
        const char *says;
    } rows[] = {
        {{.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -6},
         "injection 1 (rating-shift): a size of -6 stars cannot be reached"},
        {{.kind = DRIFT_OPINION_ROTATION, .unit = DRIFT_STARS, .size = -1.5}, "these people"},
        {{.kind = DRIFT_CUT_SPREAD, .unit = DRIFT_PSI, .size = 90}, "reach 0 to "},
        /* Less than fame without any weight would bring about. */
        {{.kind = DRIFT_POPULARITY_WAVE, .unit = DRIFT_STARS, .size = -.04}, "these people"},
        {{.kind = DRIFT_TRAFFIC, .unit = DRIFT_STARS, .size = 1},
         "injection 1 (traffic) has no size in stars"},
        {{.kind = DRIFT_COLD_START, .unit = DRIFT_NATS, .size = .1}, "has no size in nats"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        struct drift drift = {.count = 1, .injection = {rows[i].injection}};
        drift.injection[0].end_ns = INT64_MAX;
        drift.injection[0].bound = true; /* none of these kinds needs more */
        enum err code = effect_solve(world.sample, &drift, &world.parallel, &error);
        cr_expect_eq(code, ERR_INPUT, "%s", rows[i].says);
        cr_expect(strstr(error.text, rows[i].says) != NULL, "%s", error.text);
        cr_expect_eq(drift.injection[0].parameter, 0);
    }
    world_deinit(&world);
}

Test(effect, an_injection_is_solved_alone)
{
    struct effect_world world;
    world_init(&world);
    struct error error = {0};
    struct drift drift = {
        .count = 3,
        .injection = {{.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.3},
                      {.kind = DRIFT_CHOICE_ROTATION, .size = 45},
                      {.kind = DRIFT_CUT_POINTS, .unit = DRIFT_STARS, .size = -.3}}};
    for (int i = 0; i < drift.count; i++) {
        drift.injection[i].end_ns = INT64_MAX;
    }
    cr_assert_eq(population_bind_drift(world.people.population, &drift, &world.parallel, &error),
                 ERR_OK, "%s", error.text);
    cr_assert_eq(effect_solve(world.sample, &drift, &world.parallel, &error), ERR_OK, "%s",
                 error.text);
    cr_expect_eq(drift.injection[0].parameter, drift.injection[2].parameter);
    cr_expect_eq(drift.injection[1].parameter, 45, "what needs no solving stays");
    struct effect all;
    effect_measure(world.sample, &drift, 0, &world.parallel, &all);
    cr_expect_lt(all.stars, -.45, "together they are more: %g", all.stars);
    drift_deinit(&drift);
    world_deinit(&world);
}
