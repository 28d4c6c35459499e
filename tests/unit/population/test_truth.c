#include "drift_rows.h"
#include "population/moment.h"

#include <criterion/criterion.h>
#include <math.h>

enum { PEOPLE = 100, STEPS = 50, QUANTITIES = 4 };

static const struct {
    const char *name;
    enum population_examination examination;
    double cascade_stop, abandon_share, rating_share;
} behaviours[] = {
    {"plain", POPULATION_POSITION, 0, 0, 1},
    {"cascade", POPULATION_CASCADE, .3, 0, 1},
    {"careless", POPULATION_POSITION, 0, .2, .5},
    {"cascade that never stops", POPULATION_CASCADE, 0, 0, 1},
};

static void begin(struct people_world *world, size_t behaviour)
{
    struct population_config config = population_defaults();
    config.users = PEOPLE;
    config.examination = behaviours[behaviour].examination;
    config.cascade_stop = behaviours[behaviour].cascade_stop;
    config.abandon_share = behaviours[behaviour].abandon_share;
    config.rating_share = behaviours[behaviour].rating_share;
    drift_rows_world(world, &config);
}

/* What really happened, in the order of the expectations. */
static void realised(const struct step_outcome *outcome, double out[QUANTITIES])
{
    bool rated = outcome->half_stars > 0;
    out[0] = rated;
    out[1] = outcome->half_stars >= 6;
    out[2] = rated ? 1. / outcome->rank : 0;
    out[3] = outcome->half_stars / 2.;
}

static void expected(const struct step_world *world, double out[QUANTITIES])
{
    out[0] = world->rated;
    out[1] = world->converted;
    out[2] = world->reciprocal_rank;
    out[3] = world->stars;
}

/* The probabilities of ratings add up to the sums of them. */
static void expect_ratings(const struct step_world *world, const char *name)
{
    double rated = 0, converted = 0, stars = 0;
    for (int h = 0; h < 10; h++) {
        rated += world->half_stars[h];
        converted += h >= 5 ? world->half_stars[h] : 0;
        stars += world->half_stars[h] * (h + 1) / 2;
    }
    cr_assert_float_eq(rated, world->rated, 1e-12, "%s", name);
    cr_assert_float_eq(converted, world->converted, 1e-12, "%s", name);
    cr_assert_float_eq(stars, world->stars, 1e-12, "%s", name);
}

/* What was rolled has the computed mean, and the likelihood of what happened is that of a
 * probability: over what happens now, the mean of (likelihood elsewhere / now) is 1 as long as
 * nothing is impossible now. */
static void expect_agreement(const struct population *p, const struct drift *drift,
                             const char *behaviour, const struct drift_row *row)
{
    static const char *const names[QUANTITIES] = {"rated", "converted", "reciprocal rank", "stars"};
    double gap[QUANTITIES] = {0}, square[QUANTITIES] = {0}, ratio = 0, ratio_square = 0;
    const int32_t seen[] = {3, 44, 90, 300};
    for (int32_t person = 0; person < PEOPLE; person++) {
        struct step_list list = drift_rows_list(p, (uint64_t)person);
        for (uint32_t step = 0; step < STEPS; step++) {
            struct step_truth truth;
            double is[QUANTITIES], wanted[QUANTITIES];
            struct step_outcome outcome =
                population_step(p, drift, 1000, person, step, &list, seen, 4);
            population_step_truth(p, drift, 1000, person, step, &list, seen, 4, &outcome, &truth);
            realised(&outcome, is);
            expected(&truth.now, wanted);
            expect_ratings(&truth.now, row->name);
            for (int q = 0; q < QUANTITIES; q++) {
                gap[q] += is[q] - wanted[q];
                square[q] += (is[q] - wanted[q]) * (is[q] - wanted[q]);
            }
            cr_assert_gt(truth.now.likelihood, 0, "%s: it happened", row->name);
            double next = truth.rest.likelihood / truth.now.likelihood;
            ratio += next - 1;
            ratio_square += (next - 1) * (next - 1);
        }
    }
    for (int q = 0; q < QUANTITIES; q++) {
        cr_expect_lt(fabs(gap[q]), 4.5 * sqrt(square[q]), "%s, %s: %s off by %.1f, deviation %.1f",
                     behaviour, row->name, names[q], gap[q], sqrt(square[q]));
    }
    bool possible = row->injection.kind != DRIFT_REMOVED_FILMS;
    cr_expect(!possible || fabs(ratio) <= 5 * sqrt(ratio_square) + 1e-6,
              "%s, %s: likelihood ratios off by %.1f, deviation %.1f", behaviour, row->name, ratio,
              sqrt(ratio_square));
}

Test(truth, expectations_are_the_means_of_what_happens)
{
    for (size_t b = 0; b < sizeof behaviours / sizeof behaviours[0]; b++) {
        struct people_world world;
        struct drift_row rows[DRIFT_ROWS];
        begin(&world, b);
        int count = drift_rows(world.population, rows);
        for (int i = 0; i < count; i++) {
            struct drift drift = drift_rows_bind(world.population, &rows[i].injection);
            expect_agreement(world.population, &drift, behaviours[b].name, &rows[i]);
            drift_deinit(&drift);
        }
        people_world_end(&world);
    }
}

/* Six at once, none of them where it began or will end at the moment that is played. */
static struct drift six(const struct population *p)
{
    struct drift drift = {.count = 6,
                          .injection = {
                              {.kind = DRIFT_CHOICE_ROTATION, .shape = DRIFT_LINEAR, .size = 70},
                              {.kind = DRIFT_TASTE_ROTATION,
                               .shape = DRIFT_GRADUAL,
                               .towards = DRIFT_SWAP_GROUPS,
                               .size = 60,
                               .cohort = {.kind = DRIFT_SHARE, .share = .6}},
                              {.kind = DRIFT_CUT_POINTS, .shape = DRIFT_LINEAR, .size = -.8},
                              {.kind = DRIFT_CUT_SPREAD, .shape = DRIFT_GRADUAL, .size = 1.6},
                              {.kind = DRIFT_GENRE_FASHION,
                               .size = 1.2,
                               .cohort = {.kind = DRIFT_ACTIVITY_BAND, .from = .5, .to = 1}},
                              {.kind = DRIFT_POSITION_HABIT, .shape = DRIFT_LINEAR, .size = .8},
                          }};
    struct parallel one = {.threads = 1};
    struct error error = {0};
    for (int i = 0; i < drift.count; i++) {
        struct drift_injection *injection = &drift.injection[i];
        injection->onset_ns = injection->shape == DRIFT_SUDDEN ? 900 : 100 * i;
        injection->ramp_ns = injection->shape == DRIFT_SUDDEN ? 0 : 1600;
        injection->end_ns = INT64_MAX;
        (void)snprintf(injection->genre, sizeof injection->genre, "%s", drift_rows_genre(p));
    }
    people_world_must(population_bind_drift(p, &drift, &one, &error), &error);
    return drift;
}

Test(truth, expectations_are_the_means_of_what_happens_in_the_midst_of_six_injections)
{
    const struct drift_row row = {.name = "six at once"};
    for (size_t b = 0; b < sizeof behaviours / sizeof behaviours[0]; b++) {
        struct people_world world;
        begin(&world, b);
        struct drift drift = six(world.population);
        for (int i = 0; i < drift.count; i++) {
            double intensity = drift_intensity(&drift.injection[i], 1000);
            bool whole = drift.injection[i].shape == DRIFT_SUDDEN;
            cr_expect(whole ? intensity == 1 : intensity > .1 && intensity < .9, "%d: %g", i,
                      intensity);
        }
        expect_agreement(world.population, &drift, behaviours[b].name, &row);
        drift_deinit(&drift);
        people_world_end(&world);
    }
}

/* At rest a cascade that never stops looks at all films, so a list left half way tells for sure. */
Test(truth, looks_that_cannot_be_at_rest_are_told_by_their_likelihood)
{
    struct people_world world;
    begin(&world, 3);
    const struct population *p = world.population;
    struct drift_injection habit = {.kind = DRIFT_POSITION_HABIT, .size = .8, .end_ns = INT64_MAX};
    struct drift drift = drift_rows_bind(p, &habit);
    int32_t impossible = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        struct step_list list = drift_rows_list(p, (uint64_t)person);
        for (int64_t at_ns = 999; at_ns <= 1000; at_ns++) {
            struct step_truth truth;
            struct step_outcome outcome =
                population_step(p, &drift, at_ns, person, 1, &list, NULL, 0);
            population_step_truth(p, &drift, at_ns, person, 1, &list, NULL, 0, &outcome, &truth);
            cr_assert(truth.now.likelihood > 0 && truth.now.likelihood <= 1);
            cr_assert(truth.rest.likelihood >= 0 && truth.rest.likelihood <= 1);
            cr_assert(truth.full.likelihood > 0 && truth.full.likelihood <= 1);
            cr_assert(at_ns == 1000 || truth.rest.likelihood > 0, "it happened at rest");
            impossible += truth.rest.likelihood == 0;
        }
    }
    cr_expect_gt(impossible, PEOPLE / 2, "most lists are left half way: %d", impossible);
    drift_deinit(&drift);
    people_world_end(&world);
}

static bool same_world(const struct step_world *a, const struct step_world *b)
{
    return a->rated == b->rated && a->converted == b->converted &&
           a->reciprocal_rank == b->reciprocal_rank && a->stars == b->stars &&
           a->likelihood == b->likelihood;
}

Test(truth, now_is_rest_before_the_onset_and_full_after_a_sudden_one)
{
    struct people_world world;
    struct drift_row rows[DRIFT_ROWS];
    begin(&world, 0);
    int count = drift_rows(world.population, rows);
    for (int i = 0; i < count; i++) {
        struct drift drift = drift_rows_bind(world.population, &rows[i].injection);
        int32_t moved = 0;
        for (int32_t person = 0; person < PEOPLE; person++) {
            struct step_list list = drift_rows_list(world.population, (uint64_t)person);
            for (int64_t at_ns = 999; at_ns <= 1000; at_ns++) {
                struct step_truth truth;
                struct step_outcome outcome =
                    population_step(world.population, &drift, at_ns, person, 2, &list, NULL, 0);
                population_step_truth(world.population, &drift, at_ns, person, 2, &list, NULL, 0,
                                      &outcome, &truth);
                cr_expect(same_world(&truth.now, at_ns < 1000 ? &truth.rest : &truth.full),
                          "%s at %d", rows[i].name, (int)at_ns);
                moved += !same_world(&truth.rest, &truth.full);
            }
        }
        cr_expect_gt(moved, PEOPLE / 4, "%s: it moves something", rows[i].name);
        drift_deinit(&drift);
    }
    people_world_end(&world);
}

/* Kinds of choice leave a rating of the same film alone, kinds of rating the choice. */
Test(truth, kinds_move_what_they_are_about_and_nothing_else)
{
    struct people_world world;
    struct drift_row rows[DRIFT_ROWS];
    begin(&world, 0);
    const struct population *p = world.population;
    int count = drift_rows(p, rows);
    for (int i = 0; i < count; i++) {
        struct drift drift = drift_rows_bind(p, &rows[i].injection);
        int32_t choices = 0, ratings = 0;
        for (int32_t person = 0; person < PEOPLE; person++) {
            struct step_list list = drift_rows_list(p, (uint64_t)person);
            for (uint32_t step = 0; step < STEPS; step++) {
                struct step_outcome rest =
                    population_step(p, &drift, 999, person, step, &list, NULL, 0);
                struct step_outcome now =
                    population_step(p, &drift, 1000, person, step, &list, NULL, 0);
                choices += rest.rank != now.rank;
                ratings += rest.rank == now.rank && rest.half_stars != now.half_stars;
            }
        }
        cr_expect_eq(choices > 0, rows[i].chooses, "%s: %d choices", rows[i].name, choices);
        cr_expect_eq(ratings > 0, rows[i].rates, "%s: %d ratings", rows[i].name, ratings);
        drift_deinit(&drift);
    }
    people_world_end(&world);
}

Test(truth, rotations_keep_the_length_and_turn_by_the_angle)
{
    struct people_world world;
    struct drift_row rows[DRIFT_ROWS];
    begin(&world, 0);
    const struct population *p = world.population;
    int count = drift_rows(p, rows);
    for (int i = 0; i < count; i++) {
        struct drift drift = drift_rows_bind(p, &rows[i].injection);
        for (int32_t person = 0; person < PEOPLE; person++) {
            struct moment rest, full;
            moment_make(p, &drift, MOMENT_REST, 0, person, &rest);
            moment_make(p, &drift, MOMENT_FULL, 0, person, &full);
            double choice = taste_angle(full.taste, rest.taste);
            cr_expect_float_eq(taste_dot(full.taste, full.taste), 1, 1e-5);
            float was = taste_dot(rest.opinion, rest.opinion);
            cr_expect_float_eq(taste_dot(full.opinion, full.opinion), was, 1e-4F * was + 1e-7F);
            bool turns = rows[i].injection.kind == DRIFT_CHOICE_ROTATION ||
                         rows[i].injection.kind == DRIFT_TASTE_ROTATION;
            cr_expect(turns ? choice > 0 && choice < rows[i].injection.size + .1 : choice < .01,
                      "%s: %g", rows[i].name, choice);
        }
        drift_deinit(&drift);
    }
    people_world_end(&world);
}

/* Ten films that none of these sizes of new films withholds: what an old target would list. */
static struct step_list old_list(const struct population *p, const struct drift *newest,
                                 uint64_t owner)
{
    struct step_list list = drift_rows_list(p, owner);
    for (int32_t k = 0; k < list.count; k++) {
        while (population_withheld(newest, list.item[k])) {
            list.item[k] = (list.item[k] + 1) % p->films;
        }
    }
    return list;
}

/* Mean over lists of something that falls, or rises, with the size. */
static double measured(const struct population *p, const struct drift *drift,
                       const struct drift *newest, bool stars)
{
    double sum = 0, rated = 0, lists = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        for (uint32_t step = 0; step < 15; step++) {
            struct step_list list = old_list(p, newest, (uint64_t)person);
            struct step_outcome none = {.item = -1};
            struct step_truth truth;
            population_step_truth(p, drift, 1000, person, step, &list, NULL, 0, &none, &truth);
            sum += stars ? truth.now.stars : truth.now.rated;
            rated += truth.now.rated;
            lists += 1;
        }
    }
    return sum / (stars ? rated : lists);
}

Test(truth, a_larger_size_has_a_larger_effect)
{
    static const struct {
        enum drift_kind kind;
        double size[3];
        bool stars; /* mean rating; else share of lists rated */
        int sign;
    } rows[] = {
        {DRIFT_CUT_POINTS, {-.2, -.5, -1}, true, -1},
        {DRIFT_CUT_POINTS, {.2, .5, .8}, true, 1},
        {DRIFT_GENRE_FASHION, {.5, 1, 2}, false, 1},
        {DRIFT_POSITION_HABIT, {.3, .8, 2}, false, -1},
        {DRIFT_POSITION_HABIT, {-.1, -.2, -.4}, false, 1},
        {DRIFT_NEW_FILMS, {.05, .2, .4}, false, -1},
        {DRIFT_REMOVED_FILMS, {.1, .3, .6}, false, -1},
    };
    struct people_world world;
    begin(&world, 0);
    const struct population *p = world.population;
    struct drift_injection new_films = {.kind = DRIFT_NEW_FILMS, .size = .4};
    struct drift newest = drift_rows_bind(p, &new_films);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double before = NAN;
        for (int size = -1; size < 3; size++) {
            struct drift_injection injection = {.kind = rows[i].kind, .end_ns = INT64_MAX};
            injection.size = size < 0 ? 0 : rows[i].size[size];
            (void)snprintf(injection.genre, sizeof injection.genre, "%s", drift_rows_genre(p));
            struct drift drift = drift_rows_bind(p, &injection);
            double now = measured(p, &drift, &newest, rows[i].stars);
            cr_expect(size < 0 || (now - before) * rows[i].sign > .002, "%s of %g: %.4f after %.4f",
                      drift_kind_name(rows[i].kind), injection.size, now, before);
            before = now;
            drift_deinit(&drift);
        }
    }
    drift_deinit(&newest);
    people_world_end(&world);
}

Test(truth, injections_that_overlap_compose)
{
    struct people_world world;
    struct drift_row rows[DRIFT_ROWS];
    struct parallel one = {.threads = 1};
    struct error error = {0};
    begin(&world, 0);
    const struct population *p = world.population;
    (void)drift_rows(p, rows);
    struct drift drift = {
        .count = 4,
        .injection = {
            {.kind = DRIFT_CHOICE_ROTATION, .size = 30, .end_ns = INT64_MAX},
            {.kind = DRIFT_CUT_POINTS, .size = -.3, .end_ns = INT64_MAX},
            {.kind = DRIFT_CUT_SPREAD, .size = 1.2, .onset_ns = 500, .end_ns = INT64_MAX},
            {.kind = DRIFT_CUT_POINTS, .size = -.2, .onset_ns = 500, .end_ns = INT64_MAX}}};
    cr_assert_eq(population_bind_drift(p, &drift, &one, &error), ERR_OK);
    for (int32_t person = 0; person < PEOPLE; person++) {
        struct moment first, both;
        moment_make(p, &drift, MOMENT_NOW, 0, person, &first);
        moment_make(p, &drift, MOMENT_NOW, 500, person, &both);
        cr_expect_float_eq(first.shift, -.3, 1e-12);
        cr_expect_float_eq(both.shift, -.5, 1e-12);
        cr_expect_float_eq(both.spread, 1.2, 1e-12);
        cr_expect_float_eq(moment_latent(&both, &p->rating, 3, 4), 3 + 1.2 - .5, 1e-12);
        cr_expect_float_eq(taste_angle(both.taste, first.taste), 0, 1e-3);
    }
    drift_deinit(&drift);
    people_world_end(&world);
}
