#include "recommender/trending.h"

#include "base/mem.h"

#include <criterion/criterion.h>

#define DAY 86400

/* Film 0: three old ratings; film 1: one new; film 2: two from one half-life ago; film 3: none. */
static int32_t item[] = {0, 0, 0, 1, 2, 2};
static int64_t time_s[] = {100 * DAY, 100 * DAY, 100 * DAY, 200 * DAY, 193 * DAY, 193 * DAY};
static int32_t user_id[] = {1};
static int64_t start[] = {0, 6};
static uint8_t half_stars[] = {8, 8, 8, 2, 8, 8};
static const struct ratings ratings = {.users = 1,
                                       .items = 4,
                                       .count = 6,
                                       .user_id = user_id,
                                       .start = start,
                                       .item = item,
                                       .half_stars = half_stars,
                                       .time_s = time_s};

Test(trending, a_rating_weighs_half_after_every_half_life_and_never_nothing)
{
    struct trending trending;
    trending_train(&trending, &ratings, 200 * DAY, 7 * DAY);
    cr_expect_float_eq(trending.weight[1], 1, 1e-6);
    cr_expect_float_eq(trending.weight[2], 1, 1e-6, "two of weight one half");
    cr_expect_float_eq(trending.weight[0], 0.06, 1e-6, "three at the floor of age.h");
    cr_expect_eq(trending.weight[3], 0);
    static const int32_t order[] = {1, 2, 0, 3};
    cr_expect_arr_eq(trending.order, order, sizeof order, "equal weights by index");
    trending_deinit(&trending);
}

Test(trending, without_a_half_life_ratings_are_counted)
{
    struct trending trending;
    trending_train(&trending, &ratings, 200 * DAY, 0);
    static const int32_t order[] = {0, 2, 1, 3};
    cr_expect_arr_eq(trending.order, order, sizeof order);
    trending_deinit(&trending);
}

Test(trending, candidates_are_unseen_films_heaviest_first)
{
    struct trending trending;
    struct candidate out[4];
    uint64_t seen[1] = {0};
    trending_train(&trending, &ratings, 200 * DAY, 0);
    seen_mark(seen, 2);
    cr_expect_eq(trending_candidates(&trending, seen, 2, out), 2);
    cr_expect_eq(out[0].item, 0);
    cr_expect_float_eq(out[0].score, 3, 1e-6);
    cr_expect_eq(out[1].item, 1);
    cr_expect_eq(trending_candidates(&trending, seen, 4, out), 3, "a film never rated is the last");
    cr_expect_eq(out[2].item, 3);
    trending_deinit(&trending);
}
