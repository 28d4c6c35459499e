#include "drill/cusum.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#define VALUES 10

/* The rating values of MovieLens (ml-latest-small), and what they become when the judgements behind
 * them fall by `shift` standard deviations: the cut-points stay, the normal distribution moves. */
static const double at_rest[VALUES] = {.0136, .0279, .0178, .0749, .0550,
                                       .1988, .1303, .2660, .0848, .1309};

static double normal_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double normal_quantile(double p)
{
    double low = -8, high = 8;
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        *(normal_below(middle) < p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

struct change {
    double before[VALUES], ratio[VALUES], after[VALUES]; /* ratio: log of after over before */
    double kl;
};

static struct change change_by(double shift)
{
    struct change change = {.kl = 0};
    double total = 0, below = 0, last = 0;
    for (int i = 0; i < VALUES; i++) {
        total += at_rest[i];
    }
    for (int i = 0; i < VALUES; i++) {
        below += at_rest[i] / total;
        double after = i + 1 == VALUES ? 1 : normal_below(normal_quantile(below) + shift);
        change.before[i] = at_rest[i] / total;
        change.after[i] = after - last;
        change.ratio[i] = log(change.after[i] / change.before[i]);
        change.kl += change.after[i] * change.ratio[i];
        last = after;
    }
    return change;
}

static double run_length(const struct change *change, const double *pmf, double threshold,
                         struct rng *rng)
{
    struct cusum cusum = {.threshold = threshold};
    double length = 0;
    int value;
    do {
        double u = rng_uniform(rng);
        for (value = 0; value + 1 < VALUES && u >= pmf[value]; value++) {
            u -= pmf[value];
        }
        length++;
    } while (!cusum_add(&cusum, change->ratio[value]));
    return length;
}

static double mean_run_length(const struct change *change, const double *pmf, double threshold,
                              int runs)
{
    double sum = 0;
    struct rng rng = rng_stream(7, 1, 1);

    for (int i = 0; i < runs; i++) {
        sum += run_length(change, pmf, threshold, &rng);
    }
    return sum / runs;
}

/* A published simulation of the same CUSUM, whose rows are repeated here with fewer runs. */
Test(cusum, the_formula_gives_what_a_simulation_measures)
{
    static const struct {
        double shift, kl, threshold, interval, delay; /* as published, to three figures */
        int null_runs;
    } rows[] = {
        {.1, .00478, 3.97, 11312, 645, 1000},
        {.2, .01920, 7.56, 130443, 356, 0},
        {.3, .04332, 6.09, 14265, 126, 1000},
        {.5, .12074, 9.40, 166169, 73.8, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct change change = change_by(rows[i].shift);
        double interval = cusum_interval(rows[i].kl, rows[i].threshold);
        double delay = cusum_delay(rows[i].kl, rows[i].threshold);
        cr_expect_float_eq(change.kl / rows[i].kl, 1, 0.03, "kl of %g: %g", rows[i].shift,
                           change.kl);
        cr_expect_float_eq(interval / rows[i].interval, 1, 0.08, "interval of %g: %.0f",
                           rows[i].shift, interval);
        cr_expect_float_eq(delay / rows[i].delay, 1, 0.015, "delay of %g: %.1f", rows[i].shift,
                           delay);
        double measured = mean_run_length(&change, change.after, rows[i].threshold, 4000);
        double wanted = cusum_delay(change.kl, rows[i].threshold);
        cr_expect_float_eq(measured / wanted, 1, 0.04, "delay of %g, measured: %.1f of %.1f",
                           rows[i].shift, measured, wanted);
        if (rows[i].null_runs > 0) {
            measured =
                mean_run_length(&change, change.before, rows[i].threshold, rows[i].null_runs);
            wanted = cusum_interval(change.kl, rows[i].threshold);
            cr_expect_float_eq(measured / wanted, 1, 0.1, "interval of %g, measured: %.0f of %.0f",
                               rows[i].shift, measured, wanted);
        }
    }
}

Test(cusum, the_threshold_undoes_the_interval)
{
    static const double information[] = {1e-6, .0002, .005, .1, 2, 30};
    for (size_t i = 0; i < sizeof information / sizeof information[0]; i++) {
        for (double interval = 1e3; interval < 1e13; interval *= 10) {
            double threshold = cusum_threshold(information[i], interval);
            if (threshold > 0) {
                cr_expect_float_eq(cusum_interval(information[i], threshold) / interval, 1, 1e-6,
                                   "%g nats, every %g", information[i], interval);
            } else {
                cr_expect_geq(cusum_interval(information[i], 0), interval * (1 - 1e-9));
            }
        }
    }
}

Test(cusum, the_published_floor_table_is_met)
{
    static const struct {
        double kl, delay_1e4, delay_1e5;
    } rows[] = {{.000191, 3704, 11473}, {.004783, 624, 1084}, {.019199, 224, 342},
                {.043316, 118, 170},    {.120738, 51, 70},    {.481702, 16, 20}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double kl = rows[i].kl;
        double four = cusum_delay(kl, cusum_threshold(kl, 1e4));
        double five = cusum_delay(kl, cusum_threshold(kl, 1e5));
        cr_expect_float_eq(four / rows[i].delay_1e4, 1, 0.04, "%g: %.0f", kl, four);
        cr_expect_float_eq(five / rows[i].delay_1e5, 1, 0.04, "%g: %.0f", kl, five);
    }
}

/* At one interval in time, more information a second never means a longer delay in time, however
 * it is cut into observations. */
Test(cusum, more_information_never_takes_longer)
{
    const double interval_s = 43200;
    for (double every_s = 0.0025; every_s < 1; every_s *= 4) {
        double before_s = INFINITY;
        for (double nats_per_s = 1e-4; nats_per_s < 20; nats_per_s *= 1.3) {
            double kl = nats_per_s * every_s;
            double delay_s = every_s * cusum_delay(kl, cusum_threshold(kl, interval_s / every_s));
            cr_expect_lt(delay_s, before_s, "%g nats/s every %g s", nats_per_s, every_s);
            before_s = delay_s;
        }
    }
}

Test(cusum, a_run_forgets_what_spoke_against_the_change)
{
    struct cusum cusum = {.threshold = 1};
    cr_expect_not(cusum_add(&cusum, 0.6));
    cr_expect_not(cusum_add(&cusum, -5));
    cr_expect_eq(cusum.value, 0);
    cr_expect_not(cusum_add(&cusum, -INFINITY));
    cr_expect_not(cusum_add(&cusum, 0.6));
    cr_expect(cusum_add(&cusum, 0.4), "reached, not passed");
    cr_expect_eq(cusum.value, 0, "starts again");
}

Test(cusum, a_threshold_of_zero_takes_something_to_reach)
{
    struct cusum cusum = {.threshold = 0};
    cr_expect_not(cusum_add(&cusum, 0));
    cr_expect_not(cusum_add(&cusum, -1));
    cr_expect(cusum_add(&cusum, 0.01));
    cr_expect_eq(cusum_threshold(30, 200), 0, "every observation is worth an alarm");
}
