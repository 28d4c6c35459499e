#include "load/alias.h"

#include <criterion/criterion.h>
#include <math.h>

static double chi2_of(const double *weight, int32_t count, int64_t draws)
{
    int64_t of[64] = {0};
    double sum = 0, chi2 = 0;
    struct alias alias;
    struct rng rng = rng_stream(3, 1, 2);
    alias_init(&alias, weight, count);
    for (int64_t i = 0; i < draws; i++) {
        int32_t drawn = alias_draw(&alias, &rng);
        cr_assert(drawn >= 0 && drawn < count);
        of[drawn]++;
    }
    for (int32_t i = 0; i < count; i++) {
        sum += weight[i];
    }
    for (int32_t i = 0; i < count; i++) {
        double expected = weight[i] / sum * (double)draws;
        cr_expect_float_eq(alias.share[i], weight[i] / sum, 1e-12);
        if (expected == 0) {
            cr_expect_eq(of[i], 0, "thing %d weighs nothing", i);
        } else {
            chi2 += ((double)of[i] - expected) * ((double)of[i] - expected) / expected;
        }
    }
    alias_deinit(&alias);
    return chi2;
}

/* The bound is four standard deviations of chi-square; the seed is fixed. */
Test(alias, draws_follow_the_weights)
{
    double even[40], steep[40], lone[5] = {0, 0, 7, 0, 0}, one[1] = {.3};
    for (int i = 0; i < 40; i++) {
        even[i] = 2;
        steep[i] = i % 7 == 0 ? 0 : pow(i, -1.5);
    }
    double bound = 39 + 4 * sqrt(2.0 * 39);
    cr_expect_lt(chi2_of(even, 40, 200000), bound);
    cr_expect_lt(chi2_of(steep, 40, 200000), bound);
    cr_expect_lt(chi2_of(lone, 5, 1000), 1e-9);
    cr_expect_lt(chi2_of(one, 1, 1000), 1e-9);
}

/* What a column keeps and what others lend it add up to its weight exactly, whatever the sizes. */
Test(alias, the_table_holds_the_weights_exactly)
{
    enum { COUNT = 5000 };
    static double weight[COUNT], held[COUNT];
    struct alias alias;
    struct rng rng = rng_stream(8, 1, 2);
    for (int i = 0; i < COUNT; i++) {
        weight[i] = i % 11 == 0 ? 0 : exp(2 * rng_normal(&rng));
        held[i] = 0;
    }
    alias_init(&alias, weight, COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(alias.keep[i] >= 0 && alias.keep[i] <= 1 + 1e-9);
        held[i] += alias.keep[i] / COUNT;
        held[alias.other[i]] += (1 - alias.keep[i]) / COUNT;
    }
    for (int i = 0; i < COUNT; i++) {
        cr_expect_float_eq(held[i], alias.share[i], 1e-11, "thing %d", i);
    }
    alias_deinit(&alias);
}
