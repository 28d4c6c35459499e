#include "population/population.h"

#include "base/mem.h"
#include "people_world.h"
#include "population/population_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { PEOPLE = 400 };

static void expect_same(const struct population *a, const struct population *b, const char *name)
{
    size_t people = (size_t)a->users, films = (size_t)a->films;
    cr_expect_eq(memcmp(a->taste, b->taste, people * TASTE_DIMS * sizeof *a->taste), 0, "%s", name);
    cr_expect_eq(memcmp(a->opinion, b->opinion, people * TASTE_DIMS * sizeof *a->opinion), 0, "%s",
                 name);
    cr_expect_eq(memcmp(a->film_appeal, b->film_appeal, films * sizeof *a->film_appeal), 0, "%s",
                 name);
    cr_expect_eq(memcmp(&a->rating, &b->rating, sizeof a->rating), 0, "%s", name);
    cr_expect_eq(a->no_choice_cost, b->no_choice_cost, "%s", name);
}

Test(population, same_seed_gives_same_people_for_any_number_of_threads)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct population *one = world.population;
    const unsigned threads[] = {2, 4};
    for (size_t i = 0; i < 2; i++) {
        people_world_build(&world, PEOPLE, threads[i]);
        expect_same(one, world.population, i == 0 ? "2 threads" : "4 threads");
        population_free(world.population);
    }
    world.population = one;
    people_world_end(&world);
}

Test(population, another_seed_gives_other_look_alikes)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct population_config config = population_defaults();
    config.users = PEOPLE;
    config.seed = 2;
    struct parallel parallel = {.threads = 1};
    struct population *other;
    struct error error = {0};
    cr_assert_eq(population_build(&config, &world.data, &parallel, &other, &error), ERR_OK);
    int32_t last = (PEOPLE - 1) * TASTE_DIMS;
    cr_expect_neq(memcmp(world.population->taste + last, other->taste + last,
                         TASTE_DIMS * sizeof *other->taste),
                  0);
    population_free(other);
    people_world_end(&world);
}

Test(population, data_that_are_too_small_are_refused)
{
    struct parallel parallel = {.threads = 1};
    struct error error = {0};
    struct synth_config synth = synth_defaults();
    struct dataset data;
    struct population *population = (struct population *)&data;
    synth.users = 20;
    synth.movies = 400;
    cr_assert_eq(synth_make(&synth, &parallel, &data, &error), ERR_OK);
    struct population_config config = population_defaults();
    cr_expect_eq(population_build(&config, &data, &parallel, &population, &error), ERR_INPUT);
    cr_expect(strstr(error.text, "at least 32 users") != NULL, "%s", error.text);
    cr_expect_null(population);
    dataset_deinit(&data);

    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct error fewer = {0};
    config.users = 79;
    cr_expect_eq(population_build(&config, &world.data, &parallel, &population, &fewer), ERR_INPUT);
    cr_expect(strstr(fewer.text, "fewer than the 80 users") != NULL, "%s", fewer.text);
    people_world_end(&world);
}

Test(population, affinity_has_unit_spread_and_people_like_what_they_saw)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 2);
    const struct population *p = world.population;
    const struct ratings *ratings = &world.data.ratings;
    double square = 0, weight = 0, seen = 0;
    for (int32_t u = 0; u < p->real_users; u++) {
        for (int32_t i = 0; i < p->films; i++) {
            double affinity =
                taste_dot(p->taste + u * TASTE_DIMS, p->film_taste + (int64_t)i * TASTE_DIMS);
            square += p->film_count[i] * affinity * affinity;
            weight += p->film_count[i];
        }
        for (int64_t k = ratings->start[u]; k < ratings->start[u + 1]; k++) {
            seen += taste_dot(p->taste + u * TASTE_DIMS,
                              p->film_taste + (int64_t)ratings->item[k] * TASTE_DIMS);
        }
    }
    cr_expect_float_eq(sqrt(square / weight), 1, .01);
    cr_expect_gt(seen / (double)ratings->count, .8, "mean affinity of what was seen: %g",
                 seen / (double)ratings->count);
    people_world_end(&world);
}

Test(population, people_are_unit_vectors_with_somebody_else_for_a_partner)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    cr_expect_eq(population_users(p), PEOPLE);
    cr_expect_eq(population_user_id(p, 0), 1);
    cr_expect_eq(population_catalogue(p), &world.data.catalogue);
    double angle = 0;
    for (int32_t u = 0; u < PEOPLE; u++) {
        const float *taste = p->taste + u * TASTE_DIMS;
        cr_assert_float_eq(taste_dot(taste, taste), 1, 1e-4, "person %d", u);
        cr_assert(p->partner[u] >= 0 && p->partner[u] < PEOPLE && p->partner[u] != u);
        cr_assert_eq(p->whole_stars[u], p->whole_stars[p->base[u]]);
        angle += taste_angle(taste, p->taste + p->partner[u] * TASTE_DIMS) / PEOPLE;
    }
    cr_expect(angle > 65 && angle < 95, "mean angle between two people: %g", angle);
    people_world_end(&world);
}

static double rotated_by(const struct population *p, int32_t person, enum drift_towards towards,
                         double size)
{
    struct drift drift = {.count = 1,
                          .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                                         .shape = DRIFT_LINEAR,
                                         .towards = towards,
                                         .ramp_ns = 100,
                                         .end_ns = INT64_MAX,
                                         .size = size}}};
    float taste[TASTE_DIMS];
    population_taste(p, &drift, 50, person, taste);
    cr_expect_float_eq(taste_dot(taste, taste), 1, 1e-4, "person %d", person);
    return taste_angle(p->taste + person * TASTE_DIMS, taste);
}

Test(population, half_way_up_a_ramp_people_have_turned_half_the_angle)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    for (int32_t u = 0; u < PEOPLE; u++) {
        double whole =
            taste_angle(p->taste + u * TASTE_DIMS, p->taste + p->partner[u] * TASTE_DIMS);
        double common = taste_angle(p->taste + u * TASTE_DIMS, p->common);
        cr_expect_float_eq(rotated_by(p, u, DRIFT_ANOTHER_PERSON, 40), fmin(20, whole), .05);
        cr_expect_float_eq(rotated_by(p, u, DRIFT_ANOTHER_PERSON, 360), whole, .05);
        cr_expect_float_eq(rotated_by(p, u, DRIFT_COMMON_DIRECTION, 60), fmin(30, common), .05);
    }
    people_world_end(&world);
}
