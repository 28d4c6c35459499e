#include "capacity/usl.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

enum { LEVELS = 9 }; /* 1, 2, 4 ... 256 people */

static void law(double g, double a, double b, double noise, uint64_t seed, struct usl_level *out)
{
    struct rng rng = rng_stream(seed, 1, 1);
    for (int i = 0; i < LEVELS; i++) {
        double n = ldexp(1, i), x = g * n / (1 + a * (n - 1) + b * n * (n - 1));
        out[i] = (struct usl_level){n, x * (1 + noise * rng_normal(&rng)), noise * x};
    }
}

Test(usl, a_curve_without_noise_gives_its_parameters_back)
{
    struct usl_level level[LEVELS];
    struct usl_fit fit;
    law(250, 0.03, 0.0004, 0, 1, level);
    usl_fit(level, LEVELS, 1, &fit);
    cr_expect_eq(fit.outcome, USL_PEAK, "%s", usl_outcome_text(fit.outcome));
    cr_expect_float_eq(fit.gamma.value, 250, 1e-4);
    cr_expect_float_eq(fit.alpha.value, 0.03, 1e-7);
    cr_expect_float_eq(fit.beta.value, 0.0004, 1e-9);
    double peak = sqrt(0.97 / 0.0004);
    cr_expect_float_eq(fit.peak_users.value, peak, 1e-3 * peak);
    cr_expect_float_eq(fit.peak_per_s.value, usl_rate(&fit, peak), 1e-6 * fit.peak_per_s.value);
    cr_expect(isnan(fit.misfit), "no errors were given");
}

Test(usl, intervals_cover_the_truth_about_as_often_as_they_say)
{
    enum { RUNS = 60 };
    int gamma = 0, alpha = 0, beta = 0, peak = 0, seen = 0;
    double peak_users = sqrt(0.95 / 0.0005);
    for (int run = 0; run < RUNS; run++) {
        struct usl_level level[LEVELS];
        struct usl_fit fit;
        law(100, 0.05, 0.0005, 0.01, (uint64_t)run, level);
        usl_fit(level, LEVELS, (uint64_t)run, &fit);
        gamma += fit.gamma.low <= 100 && 100 <= fit.gamma.high;
        alpha += fit.alpha.low <= 0.05 && 0.05 <= fit.alpha.high;
        beta += fit.beta.low <= 0.0005 && 0.0005 <= fit.beta.high;
        seen += fit.outcome == USL_PEAK;
        peak += fit.peak_users.low <= peak_users && peak_users <= fit.peak_users.high;
    }
    cr_expect_eq(seen, RUNS, "a clear peak is seen: %d", seen);
    const int covered[] = {gamma, alpha, beta, peak};
    for (int i = 0; i < 4; i++) {
        /* Rejected if 95 % could give so few once in 1,000 times. */
        cr_expect_gt(gsl_cdf_binomial_P((unsigned)covered[i], USL_CONFIDENCE, RUNS), 0.001,
                     "figure %d: %d of %d", i, covered[i], RUNS);
    }
    cr_log_info("covered: gamma %d alpha %d beta %d peak %d of %d", gamma, alpha, beta, peak, RUNS);
}

Test(usl, errors_by_covariance_and_by_bootstrap_agree)
{
    struct usl_level level[LEVELS];
    struct usl_fit fit;
    law(100, 0.05, 0.0005, 0.01, 3, level);
    usl_fit(level, LEVELS, 3, &fit);
    cr_expect_gt(fit.resamples, 380);
    cr_expect_lt(fit.misfit, 2.5);
    const struct usl_interval *figures[] = {&fit.gamma, &fit.alpha, &fit.beta};
    for (int i = 0; i < 3; i++) {
        double half = (figures[i]->high - figures[i]->low) / 2 / 1.96;
        cr_expect(half > 0.75 * figures[i]->error && half < 1.35 * figures[i]->error,
                  "figure %d: %g by bootstrap, %g by covariance", i, half, figures[i]->error);
    }
}

Test(usl, without_coherency_no_peak_is_claimed)
{
    int claimed = 0;
    for (uint64_t run = 0; run < 60; run++) {
        struct usl_level level[LEVELS];
        struct usl_fit fit;
        law(100, 0.05, 0, 0.01, run, level);
        usl_fit(level, LEVELS, run, &fit);
        claimed += fit.outcome == USL_PEAK;
        cr_expect(fit.outcome == USL_PEAK || isnan(fit.peak_users.value));
    }
    /* 2.5 % by chance at most; six of sixty are one in a thousand. */
    cr_expect_leq(claimed, 5, "%d of 60", claimed);
}

Test(usl, a_plateau_is_not_a_peak)
{
    /* Four servers of a millisecond in a closed loop: linear, then flat at 4,000. */
    struct usl_level level[LEVELS];
    struct usl_fit fit;
    for (int i = 0; i < LEVELS; i++) {
        double n = ldexp(1, i), x = fmin(1000 * n, 4000);
        level[i] = (struct usl_level){n, x * (1 + (i % 2 ? 0.004 : -0.004)), 0.005 * x};
    }
    usl_fit(level, LEVELS, 1, &fit);
    cr_expect_neq(fit.outcome, USL_PEAK, "%s", usl_outcome_text(fit.outcome));
    cr_expect_gt(fit.misfit, 2, "the law does not hold, and the fit says so: %g", fit.misfit);
}

Test(usl, a_peak_beyond_the_levels_is_not_given)
{
    struct usl_level level[LEVELS];
    struct usl_fit fit;
    law(100, 0.01, 0.000004, 0.001, 5, level); /* at 497 people */
    usl_fit(level, LEVELS, 5, &fit);
    cr_expect(fit.outcome == USL_BEYOND || fit.outcome == USL_NO_PEAK, "%s",
              usl_outcome_text(fit.outcome));
    cr_expect(isnan(fit.peak_users.value) && isnan(fit.peak_per_s.value));
}

Test(usl, few_or_empty_levels_are_no_fit)
{
    struct usl_level level[LEVELS];
    struct usl_fit fit;
    law(100, 0.05, 0.0005, 0.01, 1, level);
    usl_fit(level, USL_LEVELS_MIN - 1, 1, &fit);
    cr_expect_eq(fit.outcome, USL_FEW_LEVELS);
    cr_expect(isnan(fit.gamma.value));
    for (int i = 0; i < 4; i++) {
        level[i].rate_per_s = 0;
    }
    usl_fit(level, LEVELS, 1, &fit);
    cr_expect_eq(fit.outcome, USL_FEW_LEVELS);
    usl_fit(level, 0, 1, &fit);
    cr_expect_eq(fit.outcome, USL_FEW_LEVELS);
}

Test(usl, the_same_seed_gives_the_same_intervals)
{
    struct usl_level level[LEVELS];
    struct usl_fit one, two;
    law(100, 0.05, 0.0005, 0.01, 9, level);
    usl_fit(level, LEVELS, 9, &one);
    usl_fit(level, LEVELS, 9, &two);
    cr_expect_float_eq(one.beta.low, two.beta.low, 0);
    cr_expect_float_eq(one.peak_per_s.high, two.peak_per_s.high, 0);
}
