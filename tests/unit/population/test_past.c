#include "base/mem.h"
#include "people_world.h"
#include "population/population_int.h"
#include "population/redate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 400, REAL = 80 };

#define DRILL_S INT64_C(1700000000)
#define DAY REDATE_DAY_S

static const struct drift swap = {.count = 1,
                                  .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                                                 .shape = DRIFT_LINEAR,
                                                 .towards = DRIFT_ANOTHER_PERSON,
                                                 .onset_ns = 500,
                                                 .ramp_ns = 500,
                                                 .end_ns = 2000,
                                                 .size = 180}}};

static void expect_valid(const struct population *p, const struct past *past, int64_t from_s,
                         int64_t to_s, int32_t person)
{
    bool *seen = mem_zalloc((size_t)p->films, sizeof *seen);
    for (int32_t k = 0; k < past->count; k++) {
        cr_assert(past->item[k] >= 0 && past->item[k] < p->films);
        cr_expect_not(seen[past->item[k]], "person %d has film %d twice", person, past->item[k]);
        seen[past->item[k]] = true;
        cr_expect(past->half_stars[k] >= 1 && past->half_stars[k] <= 10);
        cr_expect_not(p->whole_stars[person] && past->half_stars[k] % 2 == 1,
                      "person %d gives half stars", person);
        cr_expect(past->time_s[k] >= from_s && past->time_s[k] <= to_s, "person %d", person);
        cr_expect(k == 0 || past->time_s[k] >= past->time_s[k - 1], "person %d", person);
    }
    mem_free(seen);
}

Test(past, pasts_are_valid_and_lie_in_their_window)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct past past = {0};
    for (int32_t person = 0; person < PEOPLE; person++) {
        population_past(world.population, person, DRILL_S, &past);
        cr_expect_eq(past.count, population_activity(world.population, person));
        expect_valid(world.population, &past, DRILL_S - 180 * REDATE_DAY_S,
                     DRILL_S - 90 * REDATE_DAY_S, person);
    }
    past_deinit(&past);
    people_world_end(&world);
}

Test(past, real_users_keep_their_histories)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct ratings *ratings = &world.data.ratings;
    struct past past = {0};
    for (int32_t person = 0; person < REAL; person++) {
        population_past(world.population, person, DRILL_S, &past);
        size_t count = (size_t)past.count;
        cr_assert_eq(past.count, ratings->start[person + 1] - ratings->start[person]);
        cr_expect_eq(
            memcmp(past.item, ratings->item + ratings->start[person], count * sizeof *past.item), 0,
            "person %d", person);
        cr_expect_eq(memcmp(past.half_stars, ratings->half_stars + ratings->start[person], count),
                     0, "person %d", person);
    }
    past_deinit(&past);
    people_world_end(&world);
}

Test(past, the_time_of_the_drill_only_shifts_dates)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct past past = {0}, shifted = {0}, later = {0}, later_shifted = {0};
    for (int32_t person = 0; person < PEOPLE; person += 7) {
        population_past(world.population, person, DRILL_S, &past);
        population_past(world.population, person, DRILL_S + DAY, &shifted);
        population_later_past(world.population, person, DRILL_S, &swap, 5, 9, &past, &later);
        population_later_past(world.population, person, DRILL_S + DAY, &swap, 5, 9, &shifted,
                              &later_shifted);
        cr_assert_eq(past.count, shifted.count);
        cr_assert_eq(later.count, later_shifted.count);
        for (int32_t k = 0; k < past.count; k++) {
            cr_expect_eq(shifted.item[k], past.item[k]);
            cr_expect_eq(shifted.half_stars[k], past.half_stars[k]);
            cr_expect_eq(shifted.time_s[k], past.time_s[k] + DAY);
        }
        for (int32_t k = 0; k < later.count; k++) {
            cr_expect_eq(later_shifted.item[k], later.item[k]);
            cr_expect_eq(later_shifted.time_s[k], later.time_s[k] + DAY);
        }
    }
    past_deinit(&past);
    past_deinit(&shifted);
    past_deinit(&later);
    past_deinit(&later_shifted);
    people_world_end(&world);
}

static double mean_affinity(const struct population *p, const float *taste, const struct past *past)
{
    double sum = 0;
    for (int32_t k = 0; k < past->count; k++) {
        sum += taste_dot(taste, p->film_taste + (int64_t)past->item[k] * TASTE_DIMS);
    }
    return sum / past->count;
}

Test(past, the_later_past_is_new_films_of_the_drifted_taste)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct population *p = world.population;
    struct past past = {0}, later = {0};
    double old_taste = 0, new_taste = 0;
    int32_t fewest = INT32_MAX, most = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        population_past(p, person, DRILL_S, &past);
        population_later_past(p, person, DRILL_S, &swap, 20, 40, &past, &later);
        expect_valid(p, &later, DRILL_S - 30 * REDATE_DAY_S, DRILL_S, person);
        fewest = later.count < fewest ? later.count : fewest;
        most = later.count > most ? later.count : most;
        for (int32_t a = 0; a < later.count; a++) {
            for (int32_t b = 0; b < past.count; b++) {
                cr_assert_neq(later.item[a], past.item[b], "person %d", person);
            }
        }
        old_taste += mean_affinity(p, p->taste + person * TASTE_DIMS, &later) / PEOPLE;
        new_taste += mean_affinity(p, p->taste + p->partner[person] * TASTE_DIMS, &later) / PEOPLE;
    }
    cr_expect(fewest >= 20 && fewest <= 22 && most >= 38 && most <= 40, "%d to %d", fewest, most);
    cr_expect_gt(new_taste, old_taste + .4, "old %g, new %g", old_taste, new_taste);
    past_deinit(&past);
    past_deinit(&later);
    people_world_end(&world);
}

Test(past, a_later_past_stops_when_the_films_run_out)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    struct past past = {0}, later = {0};
    population_past(world.population, 300, DRILL_S, &past);
    population_later_past(world.population, 300, DRILL_S, NULL, 100000, 100000, &past, &later);
    int32_t left = 0;
    for (int32_t i = 0; i < world.population->films; i++) {
        left += world.population->film_count[i] != 1; /* those of one person are only dealt */
    }
    for (int32_t k = 0; k < past.count; k++) {
        left -= world.population->film_count[past.item[k]] != 1;
    }
    cr_expect_eq(later.count, left);
    past_deinit(&past);
    past_deinit(&later);
    people_world_end(&world);
}

Test(past, harsher_people_rate_their_later_past_lower_by_what_was_asked)
{
    struct people_world world;
    people_world_small(&world, PEOPLE, 1);
    const struct drift harsher = {
        .count = 1, .injection = {{.kind = DRIFT_CUT_POINTS, .end_ns = INT64_MAX, .size = -.4}}};
    struct past nothing = {0}, rest = {0}, harsh = {0};
    double difference = 0, count = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        population_later_past(world.population, person, DRILL_S, NULL, 60, 60, &nothing, &rest);
        population_later_past(world.population, person, DRILL_S, &harsher, 60, 60, &nothing,
                              &harsh);
        for (int32_t k = 0; k < rest.count; k++) {
            cr_assert_eq(rest.item[k], harsh.item[k], "films are not moved by cut-points");
            difference += (harsh.half_stars[k] - rest.half_stars[k]) / 2.;
        }
        count += rest.count;
    }
    cr_expect_float_eq(difference / count, -.4, .04, "moved by %g", difference / count);
    past_deinit(&rest);
    past_deinit(&harsh);
    people_world_end(&world);
}
