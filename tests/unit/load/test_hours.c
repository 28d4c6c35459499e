#include "load/hours.h"

#include "base/mem.h"
#include "movielens/dataset.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static double mean_of(const double *weight)
{
    double sum = 0;
    for (int h = 0; h < ARRIVALS_WEEK_HOURS; h++) {
        cr_assert_geq(weight[h], 0);
        sum += weight[h];
    }
    return sum / ARRIVALS_WEEK_HOURS;
}

Test(hours, the_published_week_has_mean_one_and_its_known_shape)
{
    double weight[ARRIVALS_WEEK_HOURS];
    hours_published(weight);
    cr_expect_float_eq(mean_of(weight), 1, 1e-12);
    for (int d = 0; d < 7; d++) {
        cr_expect_gt(weight[d * 24 + 19], 2.5 * weight[d * 24 + 4], "evening against night");
    }
    cr_expect_gt(weight[12], 1.3 * weight[2 * 24 + 12], "Monday against Wednesday");
}

/* 24 visits on each Monday at 5:00 and 12 on each Sunday at 23:59 UTC. */
Test(hours, visits_of_the_data_are_counted_in_their_hour)
{
    enum { WEEKS = 40, EACH = 36 };
    const int64_t monday = 4 * 86400, week = 7 * 86400; /* 5 January 1970 */
    struct ratings ratings = {.users = EACH, .count = (int64_t)2 * WEEKS * EACH};
    double weight[ARRIVALS_WEEK_HOURS];
    ratings.start = mem_zalloc(EACH + 1, sizeof *ratings.start);
    ratings.time_s = mem_zalloc((size_t)ratings.count, sizeof *ratings.time_s);
    for (int64_t u = 0, i = 0; u < EACH; u++) {
        for (int64_t w = 0; w < WEEKS; w++) {
            int64_t at_s = monday + w * week + (u < 24 ? 5 * 3600 : 6 * 86400 + 86340);
            ratings.time_s[i++] = at_s;
            ratings.time_s[i++] = at_s + 30; /* the same visit, perhaps in the next hour */
        }
        ratings.start[u + 1] = i;
    }
    cr_assert(hours_of_data(&ratings, weight));
    cr_expect_float_eq(mean_of(weight), 1, 1e-12);
    cr_expect_float_eq(weight[5] / weight[6 * 24 + 23], 4, 1e-9, "hours 2 : 1, days 2 : 1");
    cr_expect_float_eq(weight[4], 0, 1e-12);
    ratings.users = 10;
    cr_expect_not(hours_of_data(&ratings, weight), "400 visits say too little");
    mem_free(ratings.start);
    mem_free(ratings.time_s);
}

/* What is published is what the data say, to the digits printed. */
Test(hours, real_data_have_the_published_hours)
{
    const char *folder = getenv("MOVIELENS_DIR");
    struct dataset data;
    struct dataset_options options = {0};
    double real[ARRIVALS_WEEK_HOURS], published[ARRIVALS_WEEK_HOURS];
    if (folder == NULL) {
        cr_log_info("MOVIELENS_DIR is not set: not compared with real data\n");
        return;
    }
    cr_assert_eq(dataset_load(folder, &options, &data, NULL, NULL), ERR_OK);
    if (data.ratings.count == 100836) {
        cr_assert(hours_of_data(&data.ratings, real));
        hours_published(published);
        for (int h = 0; h < ARRIVALS_WEEK_HOURS; h++) {
            cr_expect_float_eq(real[h] / published[h], 1, .04, "hour %d: %g and %g", h, real[h],
                               published[h]);
        }
    }
    dataset_deinit(&data);
}
