/* Whose turn it is, and what may be expected of people who have seen their best films. */
#include "command/capacity_people.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(capacity_people, everybody_has_a_turn_before_anybody_has_two)
{
    struct capacity_people people;
    int32_t made[450] = {0};
    capacity_people_init(&people, 500, false);
    cr_expect_eq(people.turning, 450);
    cr_expect_eq(people.reference, 50);
    for (int i = 0; i < 900; i++) {
        made[capacity_people_next(&people)]++;
    }
    for (int p = 0; p < 450; p++) {
        cr_expect_eq(made[p], 2, "person %d", p);
    }
    cr_expect_eq(people.steps, 900);
    capacity_people_init(&people, 500, true);
    cr_expect_eq(people.turning, 500, "lists alone wear nobody out");
    capacity_people_init(&people, 20000, false);
    cr_expect_eq(people.reference, 300);
}

/* 500 people of whom each has a hit rate of their own, if `differ`, around a line that falls. */
static size_t look(struct capacity_sight *sight, uint64_t seed, double differ, int steps)
{
    enum { PEOPLE = 500 };
    struct rng rng = rng_stream(seed, 0, 0);
    size_t count = 0;
    for (int32_t p = 0; p < PEOPLE; p++) {
        double own = differ * (2 * rng_uniform(&rng) - 1);
        for (int k = 0; k < steps; k++, count++) {
            sight[count] = (struct capacity_sight){
                .person = p, .step = (uint32_t)k, .hit = rng_uniform(&rng) < 0.5 - 0.02 * k + own};
        }
    }
    return count;
}

Test(capacity_people, the_hit_rate_is_learned_by_the_step)
{
    static struct capacity_sight sight[5000];
    struct capacity_people people;
    capacity_people_init(&people, 10000, false);
    cr_expect(isnan(capacity_people_expected(&people, 0, 10).rate), "nothing is known yet");
    size_t count = look(sight, 3, 0, 10);
    capacity_people_learn(&people, sight, count);
    cr_expect_float_eq(people.hit_first, 0.5, 0.04);
    cr_expect_float_eq(people.hit_change, -0.02, 0.008);
    cr_expect_float_eq(people.steps_most, 9, 1e-9);
    cr_expect_eq(people.seen, 500);
    /* Where people do not differ: that of an intercept, sqrt(p q (1 / n + 4.5^2 / spread)). */
    cr_expect_float_eq(people.hit_error, sqrt(.41 * .59 * (1 / 5000. + 20.25 / 41250)), 1.5e-3);
}

/* What is told is how much the figure changes from one reference to the next. */
Test(capacity_people, errors_are_those_of_repeated_references)
{
    enum { REFERENCES = 300 };
    static struct capacity_sight sight[5000];
    static const double differs[] = {0, .3};
    for (size_t d = 0; d < 2; d++) {
        double sum[2] = {0}, squares[2] = {0}, told[2] = {0};
        for (uint64_t seed = 0; seed < REFERENCES; seed++) {
            struct capacity_people people;
            capacity_people_init(&people, 10000, false);
            size_t count = look(sight, seed, differs[d], 8);
            capacity_people_learn(&people, sight, count);
            struct capacity_expected all = capacity_people_expected(&people, 0, 8 * 9700);
            const double value[2] = {people.hit_first, all.rate};
            const double error[2] = {people.hit_error, all.error};
            for (int i = 0; i < 2; i++) {
                sum[i] += value[i] / REFERENCES;
                squares[i] += value[i] * value[i] / REFERENCES;
                told[i] += error[i] / REFERENCES;
            }
        }
        for (int i = 0; i < 2; i++) {
            double scatter = sqrt(squares[i] - sum[i] * sum[i]);
            /* 300 tell a scatter to 4 %. */
            cr_expect_float_eq(told[i] / scatter, 1, .15, "people differ by %g, figure %d: %g, %g",
                               differs[d], i, told[i], scatter);
        }
    }
}

Test(capacity_people, what_is_expected_follows_the_turns)
{
    struct capacity_people people = {.turning = 100,
                                     .worn = true,
                                     .known = true,
                                     .hit_first = 0.4,
                                     .hit_change = -0.1,
                                     .steps_most = 3,
                                     .first_variance = 4e-4,
                                     .change_variance = 1e-4,
                                     .covariance = -1e-4};
    static const struct {
        int64_t from, to;
        double expected, variance;
    } rows[] = {
        {0, 100, 0.4, 4e-4},      {50, 100, 0.4, 4e-4},     {100, 200, 0.3, 3e-4},
        {0, 200, 0.35, 3.25e-4},  {50, 150, 0.35, 3.25e-4}, {99, 100, 0.4, 4e-4},
        {99, 101, 0.35, 3.25e-4}, {300, 400, 0.1, 7e-4},    {0, 400, 0.25, 3.25e-4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct capacity_expected expected =
            capacity_people_expected(&people, rows[i].from, rows[i].to);
        cr_expect_float_eq(expected.rate, rows[i].expected, 1e-12, "steps %lld to %lld: %g",
                           (long long)rows[i].from, (long long)rows[i].to, expected.rate);
        cr_expect_float_eq(expected.error, sqrt(rows[i].variance), 1e-12, "%lld to %lld: error %g",
                           (long long)rows[i].from, (long long)rows[i].to, expected.error);
    }
    people.hit_first = 0.15;
    cr_expect_float_eq(capacity_people_expected(&people, 200, 300).rate, 0, 1e-12,
                       "never below nothing");
}

/* Depletion must not be held against a target by a line that ends before it. */
Test(capacity_people, beyond_the_steps_that_were_seen_nothing_is_known)
{
    static struct capacity_sight sight[5000];
    struct capacity_people people;
    capacity_people_init(&people, 1000, false);
    size_t count = look(sight, 1, 0, 4);
    capacity_people_learn(&people, sight, count);
    cr_assert_eq(people.turning, 900);
    cr_expect_eq(capacity_people_reach(&people), 4 * 900);
    cr_expect(isfinite(capacity_people_expected(&people, 3500, 3600).rate));
    cr_expect(isnan(capacity_people_expected(&people, 3500, 3601).rate));
    cr_expect(isnan(capacity_people_expected(&people, 90000, 90100).error));
}

/* A target that learns people as they rate finds more for them later than in the first list. What
 * a line through all of it says of the first steps must not be held against it. */
Test(capacity_people, a_target_that_gets_to_know_people_is_not_compared_with_a_line)
{
    enum { PEOPLE = 300, STEPS = 40 };
    static struct capacity_sight sight[PEOPLE * STEPS];
    int bent[2] = {0};
    for (int learns = 0; learns < 2; learns++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct capacity_people people;
            struct rng rng = rng_stream(seed, (uint64_t)learns, 0);
            capacity_people_init(&people, 3000, false);
            for (size_t i = 0; i < PEOPLE * STEPS; i++) {
                uint32_t step = (uint32_t)(i % STEPS);
                double rate = learns == 1 && step < 4 ? 0.02 : 0.15 - 0.001 * step;
                sight[i] = (struct capacity_sight){
                    .person = (int32_t)(i / STEPS), .step = step, .hit = rng_uniform(&rng) < rate};
            }
            capacity_people_learn(&people, sight, PEOPLE * STEPS);
            bent[learns] += people.bent;
            cr_expect_eq(isnan(capacity_people_expected(&people, 0, 2000).rate), people.bent);
            char why[CAPACITY_UNKNOWN_SIZE] = "";
            cr_expect_eq(capacity_people_unknown(&people, why, sizeof why), people.bent);
            cr_expect_eq(strstr(why, "driftdrill data people") != NULL, people.bent, "%s", why);
        }
    }
    cr_expect_leq(bent[0], 1, "%d of 50 straight ones", bent[0]);
    cr_expect_eq(bent[1], 50);
}

Test(capacity_people, a_rise_is_chance_and_lists_alone_do_not_wear)
{
    struct capacity_sight sight[] = {{1, 0, false}, {1, 1, true}, {2, 2, true}, {3, 3, true}};
    struct capacity_people people;
    capacity_people_init(&people, 100, false);
    capacity_people_learn(&people, sight, 4);
    cr_expect_float_eq(people.hit_change, 0, 1e-12);
    cr_expect_float_eq(people.hit_first, 0.75, 1e-12);
    cr_expect(isnan(people.hit_error), "three people tell nothing of how people differ");
    cr_expect(isnan(capacity_people_expected(&people, 0, 10).error));
    struct capacity_sight falling[] = {{0, 0, true}, {1, 1, true}, {2, 2, false}, {3, 3, false}};
    capacity_people_init(&people, 100, true);
    capacity_people_learn(&people, falling, 4);
    cr_expect_float_eq(capacity_people_expected(&people, 0, 5000).rate, 0.5, 1e-12);
    cr_expect_float_eq(capacity_people_expected(&people, 1000000, 1000001).rate, 0.5, 1e-12);
}
