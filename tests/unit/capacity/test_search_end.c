/* What a search makes of its trials: how they are confirmed, and what may be said in the end. */
#include "queue_server.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* ---- confirmation ---- */

Test(search_end, a_steady_target_is_confirmed)
{
    struct slo slo = promise("p90<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    config.soak_s = 20;
    config.precision = 0.1;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.confirmed.soak, SEQUENTIAL_PASS);
    cr_expect_neq(result.confirmed.retest, SEQUENTIAL_PASS);
    cr_expect_eq(result.confirmed.recovery, SEQUENTIAL_PASS);
    cr_expect_eq(result.confirmed.demotions, 0);
    cr_expect_float_eq(level_of(&result, CAPACITY_SOAK, 0)->played_s, 20, 0.1);
    cr_expect_float_eq(level_of(&result, CAPACITY_RECOVERY, 0)->plan.rate_per_s,
                       1.5 * result.high_per_s, 1e-6);
    capacity_result_deinit(&result);
}

Test(search_end, a_target_that_tires_loses_its_pass_bound)
{
    struct slo slo = promise("p90<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    config.soak_s = 60;
    config.precision = 0.1;
    server.tires_after_s = 25; /* no other run is so long */
    config.want_per_s = 500;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.confirmed.demotions, 3);
    cr_expect_eq(result.confirmed.soak, SEQUENTIAL_FAIL);
    cr_expect_float_eq(result.confirmed.soak_per_s, result.high_per_s, 1e-9);
    cr_expect_null(level_of(&result, CAPACITY_RETEST, 0), "it failed only when held");
    cr_expect(strstr(result.note, "hold still") == NULL, "%s", result.note);
    cr_expect(strstr(result.note, "failed when held for long") != NULL, "%s", result.note);
    cr_expect(strstr(result.note, "below it was not held for long") != NULL, "%s", result.note);
    cr_expect_eq(result.outcome, CAPACITY_WIDE, "not one rate lasted");
    cr_expect(result.low_per_s > 0);
    cr_expect_eq(result.want, SEQUENTIAL_UNDECIDED, "it passed, but for how long?");
    capacity_result_deinit(&result);
}

Test(search_end, a_target_that_does_not_recover_is_found_out)
{
    struct slo slo = promise("p90<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    config.soak_s = 8;
    config.precision = 0.2;
    server.collapse_from_per_s = 4500; /* met by the overload of the confirmation alone */
    config.start_per_s = 2200;
    config.ladder_s = 0;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.confirmed.recovery, SEQUENTIAL_FAIL);
    cr_expect(result.low_per_s > 0 && isfinite(result.high_per_s));
    cr_expect(strstr(result.note, "after an overload") != NULL, "%s", result.note);
    capacity_result_deinit(&result);
}

/* ---- queues that grow ---- */

/* One server of 20 ms: 50 a second at most, whatever is promised. */
static struct capacity_config patient(const struct slo *slo, struct server *server)
{
    *server = (struct server){.service_s = 0.02, .servers = 1, .slo = slo};
    struct capacity_config config = quick(slo, server);
    config.longest_s = 60;
    config.soak_s = 60;
    return config;
}

Test(search_end, a_rate_at_which_the_queue_grows_never_passes)
{
    static const char *const promises[] = {"p50<20s", "errors<20%"};
    for (size_t i = 0; i < 2; i++) {
        struct slo slo = promise(promises[i], NULL);
        struct server server;
        struct capacity_config config = patient(&slo, &server);
        struct capacity_result result = search_well(&config);
        cr_expect(result.low_per_s > 40 && result.low_per_s < 60, "%s: %g", promises[i],
                  result.low_per_s);
        cr_expect(result.high_per_s >= 50, "%s: %g", promises[i], result.high_per_s);
        cr_expect(strstr(result.note, "the queue grew") != NULL, "%s: %s", promises[i],
                  result.note);
        cr_expect(isfinite(result.high_per_s) || result.outcome == CAPACITY_WIDE, "%s: %s",
                  promises[i], capacity_outcome_name(result.outcome));
        capacity_result_deinit(&result);
    }
}

Test(search_end, a_rate_whose_queue_nobody_looked_at_never_passes)
{
    struct slo slo = promise("errors<20%", NULL);
    struct server server;
    struct capacity_config config = patient(&slo, &server);
    server.queue_unknown = true;
    config.most_per_s = 200;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.low_per_s, 0, "%g", result.low_per_s);
    cr_expect_eq(result.outcome, CAPACITY_UNKNOWN);
    cr_expect_eq(level_of(&result, CAPACITY_BRACKET, 0)->objective[0].verdict, SEQUENTIAL_PASS);
    cr_expect(strstr(result.note, "whether the queue grows") != NULL, "%s", result.note);
    capacity_result_deinit(&result);
}

/* The longer a soak is, the less growth it can see: some is nobody's concern. */
Test(search_end, a_soak_fails_by_growth_that_is_a_share_of_its_rate)
{
    static const struct {
        double growth;
        enum sequential_verdict verdict;
    } rows[] = {{0.004, SEQUENTIAL_PASS}, {0.006, SEQUENTIAL_FAIL}};
    struct slo slo = promise("p90<4ms", NULL);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct server server = four(&slo);
        struct capacity_config config = quick(&slo, &server);
        server.growth = rows[r].growth;
        server.queue_seen_from_s = 50; /* only the soak is so long */
        config.soak_s = 60;
        config.most_per_s = 1000;
        struct capacity_result result = search_well(&config);
        const struct capacity_level *soak = level_of(&result, CAPACITY_SOAK, 0);
        cr_expect_eq(soak->verdict, rows[r].verdict, "row %zu", r);
        cr_expect_eq(soak->grew, rows[r].verdict == SEQUENTIAL_FAIL, "row %zu", r);
        capacity_result_deinit(&result);
    }
}

Test(search_end, a_soak_whose_queue_grew_takes_the_pass_bound_away)
{
    struct slo slo = promise("p50<20s", NULL);
    struct server server;
    struct capacity_config config = patient(&slo, &server);
    server.queue_seen_from_s = 50; /* only the soak is so long */
    config.precision = 0.5;
    struct capacity_result result = search_well(&config);
    cr_expect_geq(result.confirmed.demotions, 1);
    cr_expect(level_of(&result, CAPACITY_SOAK, 0)->grew);
    cr_expect_eq(level_of(&result, CAPACITY_SOAK, 0)->verdict, SEQUENTIAL_FAIL);
    /* That it passes for a moment is known. */
    cr_expect_null(level_of(&result, CAPACITY_RETEST, 0));
    cr_expect(strstr(result.note, "hold still") == NULL, "%s", result.note);
    cr_expect(strstr(result.note, "held for long: its queue grew") != NULL, "%s", result.note);
    cr_expect_lt(result.low_per_s, level_of(&result, CAPACITY_SOAK, 0)->plan.rate_per_s);
    capacity_result_deinit(&result);
}

/* ---- what may be said ---- */

Test(search_end, at_most_is_said_of_the_least_rate_alone)
{
    static const struct {
        double least, budget_s;
        enum capacity_outcome outcome;
    } rows[] = {{60, 0, CAPACITY_AT_MOST}, {0.5, 0, CAPACITY_UNKNOWN}, {10, 12, CAPACITY_UNKNOWN}};
    struct slo slo = promise("p99<15ms", NULL); /* less than the service takes */
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct server server = {.service_s = 0.02, .servers = 1, .slo = &slo};
        struct capacity_config config = quick(&slo, &server);
        config.ladder_s = 0;
        config.start_per_s = 200;
        config.least_per_s = rows[r].least;
        config.budget_s = rows[r].budget_s;
        config.longest_s = config.trial_s; /* 1 a second: too few for a verdict */
        struct capacity_result result = search_well(&config);
        cr_expect_eq(result.outcome, rows[r].outcome, "row %zu: %s, %g to %g, %s", r,
                     capacity_outcome_name(result.outcome), result.low_per_s, result.high_per_s,
                     result.note);
        cr_expect_eq(result.low_per_s, 0);
        cr_expect(isfinite(result.high_per_s));
        cr_expect(isnan(result.estimate_per_s));
        cr_expect(rows[r].outcome == CAPACITY_AT_MOST || result.note[0] != '\0', "row %zu", r);
        capacity_result_deinit(&result);
    }
}

/* A generator that fails in the middle leaves the bracket wide. */
static struct capacity_result search_wide(const struct slo *slo, struct server *server)
{
    struct capacity_config config = quick(slo, server);
    server->invalid_from_per_s = 1400;
    server->invalid_to_per_s = 1950;
    server->crowded_from_per_s = 1500;
    return search_well(&config);
}

Test(search_end, a_curve_of_another_objective_is_no_estimate)
{
    /* Lists fail, all or none. How long half of them take tells of a limit far above. */
    struct slo half = promise("p50<1200us", NULL), slo = promise("errors<50%", "fallback<5%");
    slo.objective[0] = slo.objective[1];
    slo.objective[1] = half.objective[0];
    struct server server = four(&slo);
    server.fallback_few = 0;
    server.fallback_most = 1;
    struct capacity_result result = search_wide(&slo, &server);
    cr_expect(result.high_per_s >= 1950 && result.high_per_s < 2600, "%g", result.high_per_s);
    cr_expect(result.low_per_s > 1200 && result.low_per_s < 1400, "%g", result.low_per_s);
    cr_expect(isnan(result.estimate_per_s), "%g (%g to %g)", result.estimate_per_s,
              result.estimate_low_per_s, result.estimate_high_per_s);
    cr_expect_eq(result.outcome, CAPACITY_WIDE, "%s", capacity_outcome_name(result.outcome));
    capacity_result_deinit(&result);
}

Test(search_end, an_estimate_lies_within_the_bracket_and_is_told_apart_from_it)
{
    struct slo slo = promise("p99<4ms", NULL);
    int found = 0, estimated = 0;
    for (int seed = 0; seed < 12; seed++) {
        struct server server = four(&slo);
        struct capacity_config config = quick(&slo, &server);
        config.seed = (uint64_t)seed;
        config.precision = 0.06;
        struct capacity_result result = search_well(&config);
        bool narrow = result.high_per_s / result.low_per_s <= 1.06;
        bool curve = result.estimate_high_per_s / result.estimate_low_per_s <= 1.06;
        enum capacity_outcome wide = curve ? CAPACITY_ESTIMATED : CAPACITY_WIDE;
        cr_expect_eq(result.outcome, narrow ? CAPACITY_FOUND : wide, "seed %d: %s", seed,
                     capacity_outcome_name(result.outcome));
        if (isfinite(result.estimate_per_s)) {
            cr_expect_leq(result.low_per_s, result.estimate_per_s);
            cr_expect_leq(result.estimate_per_s, result.high_per_s);
            cr_expect_lt(result.estimate_low_per_s, result.estimate_per_s);
            cr_expect_lt(result.estimate_per_s, result.estimate_high_per_s);
        }
        found += result.outcome == CAPACITY_FOUND;
        estimated += result.outcome == CAPACITY_ESTIMATED;
        capacity_result_deinit(&result);
    }
    cr_expect(estimated > 0, "%d found, %d estimated", found, estimated);
}
