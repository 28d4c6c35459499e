#include "recommender/trend_history.h"

#include "base/mem.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>

enum { FILMS = 7, PEOPLE = 50, EACH = 1500 };

/* More ratings than one mark holds, in order of people, not of time. */
static void make(struct ratings *out)
{
    struct rng rng = rng_stream(1, 2, 3);
    *out = (struct ratings){.users = PEOPLE,
                            .items = FILMS,
                            .count = PEOPLE * EACH,
                            .item = mem_zalloc(PEOPLE * EACH, sizeof *out->item),
                            .time_s = mem_zalloc(PEOPLE * EACH, sizeof *out->time_s)};
    for (int64_t i = 0; i < out->count; i++) {
        out->item[i] = (int32_t)rng_below(&rng, FILMS);
        out->time_s[i] = rng_below(&rng, 100000);
    }
}

Test(trend_history, weights_are_those_of_the_ratings_before_the_moment)
{
    struct ratings ratings;
    struct trend_history history;
    make(&ratings);
    trend_history_init(&history, &ratings, 20000);
    cr_assert_gt(history.marks, 1);
    for (int64_t moment = 0; moment <= 120000; moment += 9973) {
        double expected[FILMS] = {0};
        float weight[FILMS];
        for (int64_t i = 0; i < ratings.count; i++) {
            double age = (double)(moment - ratings.time_s[i]);
            expected[ratings.item[i]] += age > 0 ? exp2(-age / 20000) : 0;
        }
        trend_history_at(&history, moment, weight);
        for (int f = 0; f < FILMS; f++) {
            cr_assert_float_eq((double)weight[f], expected[f], 1e-3 * expected[f] + 1e-6,
                               "film %d at %d: %g, expected %g", f, (int)moment, (double)weight[f],
                               expected[f]);
        }
    }
    trend_history_deinit(&history);
    ratings_deinit(&ratings);
}

Test(trend_history, a_rating_at_the_very_moment_does_not_count)
{
    int32_t item[] = {0, 1};
    int64_t time_s[] = {100, 200};
    const struct ratings ratings = {.items = 2, .count = 2, .item = item, .time_s = time_s};
    struct trend_history history;
    float weight[2];
    trend_history_init(&history, &ratings, 100);
    trend_history_at(&history, 200, weight);
    cr_expect_float_eq(weight[0], 0.5F, 1e-6);
    cr_expect_eq(weight[1], 0);
    trend_history_at(&history, 100, weight);
    cr_expect_eq(weight[0], 0);
    trend_history_deinit(&history);
}
