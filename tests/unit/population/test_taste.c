#include "population/taste.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static void draw(struct rng *rng, float *taste)
{
    for (int d = 0; d < TASTE_DIMS; d++) {
        taste[d] = (float)rng_normal(rng);
    }
    taste_normalise(taste);
}

Test(taste, a_turn_keeps_the_length_and_has_the_wanted_angle)
{
    struct rng rng = rng_stream(7, 1, 1);
    for (int trial = 0; trial < 200; trial++) {
        float taste[TASTE_DIMS], before[TASTE_DIMS], goal[TASTE_DIMS];
        draw(&rng, taste);
        draw(&rng, goal);
        memcpy(before, taste, sizeof taste);
        double whole = taste_angle(taste, goal), wanted = 180 * rng_uniform(&rng);
        taste_turn(taste, goal, wanted);
        double turned = fmin(wanted, whole);
        cr_expect_float_eq(taste_dot(taste, taste), 1, 1e-5, "trial %d", trial);
        cr_expect_float_eq(taste_angle(before, taste), turned, .01, "trial %d", trial);
        cr_expect_float_eq(taste_angle(taste, goal), whole - turned, .02, "trial %d", trial);
    }
}

Test(taste, no_turn_changes_no_bit)
{
    struct rng rng = rng_stream(7, 2, 1);
    float taste[TASTE_DIMS], before[TASTE_DIMS], goal[TASTE_DIMS];
    draw(&rng, taste);
    draw(&rng, goal);
    memcpy(before, taste, sizeof taste);
    taste_turn(taste, goal, 0);
    cr_expect_eq(memcmp(taste, before, sizeof taste), 0);
}

Test(taste, goals_on_the_same_line_are_safe)
{
    struct rng rng = rng_stream(7, 3, 1);
    float taste[TASTE_DIMS], same[TASTE_DIMS], opposite[TASTE_DIMS];
    draw(&rng, taste);
    memcpy(same, taste, sizeof taste);
    taste_turn(same, taste, 50);
    cr_expect_float_eq(taste_angle(same, taste), 0, .01);
    for (int d = 0; d < TASTE_DIMS; d++) {
        opposite[d] = -taste[d];
    }
    float turned[TASTE_DIMS];
    memcpy(turned, taste, sizeof taste);
    taste_turn(turned, opposite, 60);
    cr_expect_float_eq(taste_angle(turned, taste), 60, .01);
    cr_expect_float_eq(taste_dot(turned, turned), 1, 1e-5);
    taste_turn(turned, opposite, 180);
    cr_expect_float_eq(taste_angle(turned, opposite), 0, .05);
}

Test(taste, normalising_zero_leaves_zero)
{
    float taste[TASTE_DIMS] = {0};
    cr_expect_eq(taste_normalise(taste), 0);
    cr_expect_eq(taste[0], 0);
}

Test(taste, scores_of_all_films_equal_single_products)
{
    enum { FILMS = 2777 };
    static float film[FILMS * TASTE_DIMS], by_dim[FILMS * TASTE_DIMS], offset[FILMS], score[FILMS];
    struct rng rng = rng_stream(7, 4, 1);
    float taste[TASTE_DIMS];
    draw(&rng, taste);
    for (int i = 0; i < FILMS; i++) {
        draw(&rng, film + i * TASTE_DIMS);
        offset[i] = (float)rng_normal(&rng);
    }
    taste_by_dim(film, FILMS, by_dim);
    taste_scores(taste, 1.7F, by_dim, offset, FILMS, score);
    for (int i = 0; i < FILMS; i++) {
        float wanted = offset[i] + 1.7F * taste_dot(taste, film + i * TASTE_DIMS);
        cr_assert_float_eq(score[i], wanted, 1e-5, "film %d", i);
    }
}
