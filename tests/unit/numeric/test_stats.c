#include "numeric/stats.h"

#include <criterion/criterion.h>
#include <math.h>

static int near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance;
}

/* Values by hand from the closed form; 1 of 11 is a textbook example. */
Test(stats, wilson_bounds_have_their_known_values)
{
    const struct {
        const char *name;
        double ratio, n, z, lower, upper;
    } row[] = {
        {"1 of 11", 1.0 / 11, 11, 1.96, .0162, .3774}, {"0 of 10", 0, 10, 1.96, 0, .2775},
        {"10 of 10", 1, 10, 1.96, .7225, 1},           {"half of 100", .5, 100, 1.96, .4038, .5962},
        {"z = 0 is the ratio", .3, 7, 0, .3, .3},      {"no trials", 0, 0, 3, 0, 1},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double lower = stats_wilson_lower(row[i].ratio, row[i].n, row[i].z);
        double upper = stats_wilson_upper(row[i].ratio, row[i].n, row[i].z);
        cr_expect(near(lower, row[i].lower, 5e-5), "%s: lower %.6f", row[i].name, lower);
        cr_expect(near(upper, row[i].upper, 5e-5), "%s: upper %.6f", row[i].name, upper);
        cr_expect(lower <= row[i].ratio && row[i].ratio <= upper, "%s", row[i].name);
    }
}

/* The alert rules write the bound out for z = 3 and an effective n of N / 1.5. */
Test(stats, wilson_upper_is_the_form_of_the_alert_rules)
{
    const double ratio[] = {0, .05, .177, .308, .9};
    const double lists[] = {44, 150, 2250, 4500};
    for (size_t i = 0; i < sizeof ratio / sizeof *ratio; i++) {
        for (size_t j = 0; j < sizeof lists / sizeof *lists; j++) {
            double x = ratio[i], n = lists[j];
            double rule =
                (x + 6.75 / n + sqrt(13.5 * x * (1 - x) / n + 45.5625 / (n * n))) / (1 + 13.5 / n);
            cr_expect(near(stats_wilson_upper(x, n / 1.5, 3), rule, 1e-12), "%g of %g", x, n);
        }
    }
}

/* 13.5 (1 / objective - 1) lists: 43.9 for .235 and 112.7 for .107. */
Test(stats, fewest_lists_that_can_fire_are_known)
{
    cr_expect_gt(stats_wilson_upper(0, 43 / 1.5, 3), .235);
    cr_expect_lt(stats_wilson_upper(0, 44 / 1.5, 3), .235);
    cr_expect_gt(stats_wilson_upper(0, 112 / 1.5, 3), .107);
    cr_expect_lt(stats_wilson_upper(0, 113 / 1.5, 3), .107);
}

Test(stats, psi_has_its_known_values)
{
    const double p[] = {.5, .3, .2}, q[] = {.4, .4, .2};
    double by_hand = .1 * log(.5 / .4) + -.1 * log(.3 / .4);
    cr_expect(near(stats_psi(p, q, 3), by_hand, 1e-12));
    cr_expect(near(stats_psi(q, p, 3), by_hand, 1e-12), "symmetric");
    cr_expect_eq(stats_psi(p, p, 3), 0);

    const double empty[] = {1, 0}, half[] = {.5, .5};
    double floored = .5 * log(1 / .5) + (1e-4 - .5) * log(1e-4 / .5);
    cr_expect(near(stats_psi(empty, half, 2), floored, 1e-12), "an empty bin counts as 1e-4");
}

/* Two passes in long double are the reference; the naive sum of squares fails at this offset. */
Test(stats, moments_survive_a_large_offset)
{
    struct stats_moments moments = {0};
    long double sum = 0, squares = 0;
    const int count = 1000;
    for (int i = 0; i < count; i++) {
        double value = 1e9 + (i * 7919 % 1000) * 1e-3;
        stats_moments_add(&moments, value);
        sum += value;
    }
    for (int i = 0; i < count; i++) {
        long double off = 1e9 + (i * 7919 % 1000) * 1e-3 - sum / count;
        squares += off * off;
    }
    cr_expect_eq(moments.count, count);
    cr_expect(near(moments.mean, (double)(sum / count), 1e-6));
    cr_expect(near(stats_moments_variance(&moments), (double)(squares / (count - 1)), 1e-6));
}

Test(stats, variance_of_fewer_than_two_values_is_zero)
{
    struct stats_moments moments = {0};
    cr_expect_eq(stats_moments_variance(&moments), 0);
    stats_moments_add(&moments, 4.5);
    cr_expect_eq(moments.mean, 4.5);
    cr_expect_eq(stats_moments_variance(&moments), 0);
}
