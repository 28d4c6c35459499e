#include "drift_rows.h"
#include "population/moment.h"

#include <criterion/criterion.h>

enum { PEOPLE = 160, STEPS = 40 };

static struct people_world plain;

static void begin(void)
{
    struct population_config config = population_defaults();
    config.users = PEOPLE;
    drift_rows_world(&plain, &config);
}

static void end(void)
{
    people_world_end(&plain);
}

TestSuite(behaviour, .init = begin, .fini = end);

/* The plain people, treating lists in another way. Shares the data and what was fitted. */
static struct population behaving(struct population_config change)
{
    struct population other = *plain.population;
    other.config.examination = change.examination;
    other.config.cascade_stop = change.cascade_stop;
    other.config.abandon_share = change.abandon_share;
    other.config.rating_share = change.rating_share;
    return other;
}

static struct step_outcome step_of(const struct population *p, int32_t person, uint32_t step)
{
    struct step_list list = drift_rows_list(p, (uint64_t)person);
    return population_step(p, NULL, 0, person, step, &list, NULL, 0);
}

Test(behaviour, a_share_of_what_is_watched_is_rated_and_as_it_would_have_been)
{
    struct population sparing = behaving((struct population_config){.rating_share = .4});
    double watched = 0, rated = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        for (uint32_t step = 0; step < STEPS; step++) {
            struct step_outcome all = step_of(plain.population, person, step);
            struct step_outcome some = step_of(&sparing, person, step);
            cr_expect_eq(some.rank, all.rank);
            cr_expect_eq(some.item, all.item);
            cr_expect_eq(some.watched, all.rank > 0);
            cr_expect_eq(all.watched, all.half_stars > 0);
            cr_expect(some.half_stars == 0 || some.half_stars == all.half_stars);
            watched += some.watched;
            rated += some.half_stars > 0;
        }
    }
    cr_assert_gt(watched, 200);
    cr_expect_float_eq(rated / watched, .4, .08);
}

Test(behaviour, an_abandoned_list_yields_nothing_and_others_are_untouched)
{
    struct population hasty =
        behaving((struct population_config){.abandon_share = .3, .rating_share = 1});
    double taken = 0, kept = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        for (uint32_t step = 0; step < STEPS; step++) {
            struct step_outcome all = step_of(plain.population, person, step);
            struct step_outcome some = step_of(&hasty, person, step);
            taken += all.rank > 0;
            kept += some.rank > 0;
            cr_expect(some.rank == 0 ||
                      (some.rank == all.rank && some.half_stars == all.half_stars));
        }
    }
    cr_assert_gt(taken, 200);
    cr_expect_float_eq(kept / taken, .7, .08);
}

Test(behaviour, a_cascade_that_never_stops_takes_the_first_film_that_is_wanted)
{
    struct population patient = behaving((struct population_config){
        .examination = POPULATION_CASCADE, .cascade_stop = 0, .rating_share = 1});
    struct population hasty = behaving((struct population_config){
        .examination = POPULATION_CASCADE, .cascade_stop = 1, .rating_share = 1});
    int32_t later = 0, found = 0;
    for (int32_t person = 0; person < PEOPLE; person++) {
        for (uint32_t step = 0; step < STEPS; step++) {
            struct step_outcome best = step_of(plain.population, person, step);
            struct step_outcome first = step_of(&patient, person, step);
            struct step_outcome only = step_of(&hasty, person, step);
            cr_expect(best.rank == 0 || (first.rank > 0 && first.rank <= best.rank),
                      "what is best is wanted, and seen if all are looked at");
            cr_expect(only.rank <= 1, "who stops after one looks at one");
            cr_expect(only.rank == 0 || first.rank == 1);
            later += first.rank > 1;
            found += only.rank == 1;
        }
    }
    cr_expect_gt(later, 50);
    cr_expect_gt(found, 10);
}

Test(behaviour, the_cost_is_solved_for_the_way_lists_are_looked_at)
{
    struct people_world cascade;
    struct population_config config = population_defaults();
    config.users = PEOPLE;
    config.examination = POPULATION_CASCADE;
    config.cascade_stop = .5;
    drift_rows_world(&cascade, &config);
    cr_expect_lt(population_no_choice_cost(cascade.population),
                 population_no_choice_cost(plain.population) - .2,
                 "two films looked at must tempt as much as five");
    people_world_end(&cascade);
}
