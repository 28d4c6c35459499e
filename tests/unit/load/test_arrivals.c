#include "load/arrivals.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000000)

static struct arrivals_config config_of(double visits_per_s, double steps, int32_t people,
                                        int64_t seconds)
{
    return (struct arrivals_config){.seed = 11,
                                    .visits_per_s = visits_per_s,
                                    .steps_per_visit = steps,
                                    .think_median_s = 0.5,
                                    .think_sigma = 0.6,
                                    .people = people,
                                    .end_ns = seconds * SECOND};
}

Test(arrivals, the_same_seed_gives_the_same_sequence_and_another_another)
{
    struct arrivals_config config = config_of(50, 3, 100, 20);
    struct arrivals a, b, c;
    struct visit va, vb, vc;
    int different = 0;
    arrivals_init(&a, &config);
    arrivals_init(&b, &config);
    config.seed = 12;
    arrivals_init(&c, &config);
    while (arrivals_next(&a, &va)) {
        cr_assert(arrivals_next(&b, &vb));
        cr_assert_eq(va.number, vb.number);
        cr_assert_eq(va.start_ns, vb.start_ns);
        cr_assert_eq(va.person, vb.person);
        cr_assert_eq(va.steps, vb.steps);
        if (arrivals_next(&c, &vc)) {
            different += va.start_ns != vc.start_ns && va.person != vc.person;
        }
    }
    cr_expect_not(arrivals_next(&b, &vb));
    cr_expect_not(arrivals_next(&b, &vb), "an end stays an end");
    cr_expect_gt(different, 800);
}

/* The end only cuts: a longer drill starts with the visits of a shorter one. */
Test(arrivals, a_longer_drill_begins_like_a_shorter_one)
{
    struct arrivals_config config = config_of(50, 3, 100, 5);
    struct arrivals shorter, longer;
    struct visit vs, vl;
    arrivals_init(&shorter, &config);
    config.end_ns = 50 * SECOND;
    arrivals_init(&longer, &config);
    while (arrivals_next(&shorter, &vs)) {
        cr_assert(arrivals_next(&longer, &vl));
        cr_assert_eq(vs.start_ns, vl.start_ns);
        cr_assert_lt(vs.start_ns, 5 * SECOND);
    }
    cr_assert(arrivals_next(&longer, &vl));
    cr_expect_geq(vl.start_ns, 5 * SECOND);
}

/* 100,000 visits: the bounds are four standard errors or more; the seed is fixed. */
Test(arrivals, gaps_are_exponential_with_the_rate)
{
    struct arrivals_config config = config_of(100, 3, 1000, 1000);
    struct arrivals arrivals;
    struct visit visit;
    int64_t count = 0, last = 0, below_median = 0;
    double squares = 0;
    arrivals_init(&arrivals, &config);
    while (arrivals_next(&arrivals, &visit)) {
        double gap = (double)(visit.start_ns - last) / (double)SECOND;
        cr_assert_geq(visit.start_ns, last);
        cr_assert_eq(visit.number, (uint64_t)count);
        below_median += gap < log(2.0) / 100;
        squares += gap * gap;
        last = visit.start_ns;
        count++;
    }
    cr_expect_float_eq((double)count, 100000, 4 * sqrt(100000.0), "%lld visits", (long long)count);
    cr_expect_float_eq((double)below_median / (double)count, 0.5, 4 * 0.5 / sqrt(100000.0));
    /* E gap^2 = 2 / rate^2, standard error sqrt(20) / rate^2 / sqrt(n). */
    cr_expect_float_eq(squares / (double)count, 2e-4, 4 * sqrt(20.0) * 1e-4 / sqrt(100000.0));
}

Test(arrivals, people_are_drawn_uniformly)
{
    enum { PEOPLE = 200 };
    struct arrivals_config config = config_of(100, 3, PEOPLE, 1000);
    struct arrivals arrivals;
    struct visit visit;
    int64_t count = 0, of[PEOPLE] = {0};
    arrivals_init(&arrivals, &config);
    while (arrivals_next(&arrivals, &visit)) {
        cr_assert(visit.person >= 0 && visit.person < PEOPLE);
        of[visit.person]++;
        count++;
    }
    double chi2 = 0, expected = (double)count / PEOPLE;
    for (int i = 0; i < PEOPLE; i++) {
        chi2 += ((double)of[i] - expected) * ((double)of[i] - expected) / expected;
    }
    /* 199 degrees of freedom: sd 19.95. */
    cr_expect_float_eq(chi2, PEOPLE - 1, 4 * sqrt(2.0 * (PEOPLE - 1)), "chi2 %f", chi2);
}

Test(arrivals, steps_are_geometric)
{
    static const double means[] = {1.0, 1.5, 3.0, 12.0};
    for (size_t m = 0; m < sizeof means / sizeof means[0]; m++) {
        double mean = means[m], sum = 0;
        struct arrivals_config config = config_of(1000, mean, 100, 100);
        struct arrivals arrivals;
        struct visit visit;
        int64_t count = 0, ones = 0;
        arrivals_init(&arrivals, &config);
        while (arrivals_next(&arrivals, &visit)) {
            cr_assert_geq(visit.steps, 1);
            sum += visit.steps;
            ones += visit.steps == 1;
            count++;
        }
        double n = (double)count, p = 1 / mean;
        cr_expect_float_eq(sum / n, mean, 4 * sqrt(mean * (mean - 1) / n) + 1e-9, "mean %g", mean);
        cr_expect_float_eq((double)ones / n, p, 4 * sqrt(p * (1 - p) / n) + 1e-9, "mean %g", mean);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

Test(arrivals, pauses_are_lognormal_around_the_median)
{
    enum { PAUSES = 20001 };
    struct arrivals_config config = config_of(1, 3, 10, 10);
    int64_t *pause = malloc(PAUSES * sizeof *pause);
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < PAUSES; i++) {
        pause[i] = arrivals_think_ns(&config, i / 7, i % 7);
        double standard = log((double)pause[i] / 5e8) / 0.6;
        sum += standard;
        squares += standard * standard;
        cr_assert_eq(pause[i], arrivals_think_ns(&config, i / 7, i % 7));
    }
    qsort(pause, PAUSES, sizeof *pause, by_value);
    cr_expect_float_eq((double)pause[PAUSES / 2] / 1e9, 0.5, 0.02);
    cr_expect_float_eq(sum / PAUSES, 0, 4 / sqrt((double)PAUSES));
    cr_expect_float_eq(squares / PAUSES, 1, 4 * sqrt(2.0 / PAUSES));
    free(pause);
    config.think_median_s = 0;
    cr_expect_eq(arrivals_think_ns(&config, 3, 1), 0);
}

Test(arrivals, nobody_and_no_rate_give_no_visits)
{
    struct arrivals arrivals;
    struct visit visit;
    struct arrivals_config nobody = config_of(10, 2, 0, 10), idle = config_of(0, 2, 10, 10);
    arrivals_init(&arrivals, &nobody);
    cr_expect_not(arrivals_next(&arrivals, &visit));
    arrivals_init(&arrivals, &idle);
    cr_expect_not(arrivals_next(&arrivals, &visit));
}
