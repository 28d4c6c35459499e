/* Searches for the rate up to which lists are worth what was promised: under load some get worse,
 * in bunches as long as the queue is long. */
#include "base/rng.h"
#include "capacity/mdc.h"
#include "queue_server.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

enum { SEARCHES = 40, REFERENCES = 60 };

/* Whoever stays 2 ms or longer gets a worse list. */
static struct server crowding(const struct slo *slo)
{
    struct server server = four(slo);
    server.crowded_after_s = 0.002;
    server.fallback_most = 1;
    server.fallback_few = 0;
    return server;
}

/* The rate at which that share of the lists is worse. */
static double truth_at(double worse)
{
    return mdc_capacity(0.001, 4, 0.002, worse);
}

static void expect_tally(const char *what, double truth, const struct tally *tally)
{
    unsigned runs = (unsigned)tally->runs, curves = (unsigned)tally->curves;
    log_tally(what, truth, tally);
    cr_expect_gt(gsl_cdf_binomial_P((unsigned)tally->bracket, 0.95, runs), 0.01,
                 "%s: %d of %u brackets cover", what, tally->bracket, runs);
    cr_expect_gt(gsl_cdf_binomial_P((unsigned)tally->curve, 0.95, curves), 0.01,
                 "%s: %d of %u curves cover", what, tally->curve, curves);
}

Test(search_quality, brackets_of_lists_that_get_worse_in_bunches_cover_the_exact_limit)
{
    static const struct {
        const char *quality;
        double worse; /* share of the lists that may be */
    } rows[] = {{"fallback<5%", 0.05}, {"hit_rate>0.7", 1.0 / 6}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct slo slo = promise("errors<50%", rows[r].quality);
        struct tally tally = {0};
        double truth = truth_at(rows[r].worse);
        for (int seed = 0; seed < SEARCHES; seed++) {
            struct server server = crowding(&slo);
            struct capacity_config config = quick(&slo, &server);
            config.seed = (uint64_t)seed;
            struct capacity_result result = search_well(&config);
            add_search(&result, truth, &tally);
            capacity_result_deinit(&result);
        }
        expect_tally(rows[r].quality, truth, &tally);
    }
}

Test(search_quality, an_expected_hit_rate_that_is_off_by_its_error_leaves_the_limit_within)
{
    struct slo slo = promise("errors<50%", "hit_rate_kept>85%");
    struct tally tally = {0};
    double truth = truth_at(0.15 * HIT_RATE / (HIT_RATE - HIT_RATE_WORSE));
    for (int seed = 0; seed < REFERENCES; seed++) {
        struct rng rng = rng_stream((uint64_t)seed, 1, 1);
        struct server server = crowding(&slo);
        struct capacity_config config = quick(&slo, &server);
        server.expected_error = 0.02;
        server.expected_off = server.expected_error * rng_normal(&rng);
        config.seed = (uint64_t)seed;
        struct capacity_result result = search_well(&config);
        add_search(&result, truth, &tally);
        capacity_result_deinit(&result);
    }
    expect_tally("hit_rate_kept>85%", truth, &tally);
}
