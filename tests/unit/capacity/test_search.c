/* Searches against a queue in simulated time, whose true capacity is known exactly. */
#include "base/text.h"
#include "capacity/mdc.h"
#include "queue_server.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

/* ---- coverage ---- */

static void expect_coverage(const char *text, double latency_s, double share, int servers, int runs)
{
    struct slo slo = promise(text, NULL);
    struct tally tally = {0};
    double truth = mdc_capacity(0.00025 * servers, servers, latency_s, share);
    for (int seed = 0; seed < runs; seed++) {
        struct server server = four(&slo);
        server.servers = servers;
        server.service_s = 0.00025 * servers;
        struct capacity_config config = quick(&slo, &server);
        config.seed = (uint64_t)seed;
        struct capacity_result result = search_well(&config);
        add_search(&result, truth, &tally);
        capacity_result_deinit(&result);
    }
    log_tally(text, truth, &tally);
    /* Rejected if 95 % could give so few once in 100 times. */
    cr_expect_gt(gsl_cdf_binomial_P((unsigned)tally.bracket, 0.95, (unsigned)runs), 0.01,
                 "%s: %d of %d brackets cover", text, tally.bracket, runs);
    cr_expect_gt(gsl_cdf_binomial_P((unsigned)tally.curve, 0.95, (unsigned)tally.curves), 0.01,
                 "%s: %d of %d curves cover", text, tally.curve, tally.curves);
    cr_expect_geq(tally.curves * 20, runs * 19, "%s: %d of %d have a curve", text, tally.curves,
                  runs);
    cr_expect_lt(tally.bracket_width, 0.35 * runs, "%s: %.1f %%", text, tally.bracket_width * 100);
    cr_expect_lt(tally.curve_width, 0.08 * runs, "%s: %.1f %%", text, tally.curve_width * 100);
    cr_expect_lt(tally.off, 0.015 * runs, "%s: off by %.2f %%", text, tally.off * 100);
    cr_expect_lt(tally.off_most, 0.05, "%s: off by %.2f %%", text, tally.off_most * 100);
}

Test(search, intervals_of_200_searches_cover_the_exact_capacity)
{
    expect_coverage("p99<4ms", 0.004, 0.01, 4, 200);
}

Test(search, so_do_those_of_one_server_and_of_a_median_of_sixteen)
{
    expect_coverage("p95<2ms", 0.002, 0.05, 1, 20);
    expect_coverage("p50<4.2ms", 0.0042, 0.5, 16, 20);
}

/* ---- what can go wrong ---- */

Test(search, the_first_open_rate_is_a_quarter_of_what_the_ladder_reached)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    struct capacity_result result = search_well(&config);
    const struct capacity_level *first = level_of(&result, CAPACITY_BRACKET, 0);
    cr_assert_not_null(first);
    cr_expect_float_eq(first->plan.rate_per_s, 1000, 30, "%g", first->plan.rate_per_s);
    cr_expect_eq(level_of(&result, CAPACITY_LADDER, 5)->plan.users, 32);
    cr_expect_null(level_of(&result, CAPACITY_LADDER, 6));
    cr_expect(result.has_usl);
    cr_expect_neq(result.usl.outcome, USL_PEAK, "a plateau has none");
    cr_expect(result.has_knee);
    cr_expect(result.knee.x > 1500 && result.knee.x < 4100, "knee at %g", result.knee.x);
    capacity_result_deinit(&result);
}

Test(search, a_peak_of_the_ladder_sets_the_start)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    server.peak_people = 8;
    struct capacity_config config = quick(&slo, &server);
    config.users_most = 128;
    struct capacity_result result = search_well(&config);
    cr_assert_eq(result.usl.outcome, USL_PEAK, "%s", usl_outcome_text(result.usl.outcome));
    cr_expect_float_eq(result.usl.peak_users.value, 8, 0.5);
    const struct capacity_level *first = level_of(&result, CAPACITY_BRACKET, 0);
    cr_expect_float_eq(first->plan.rate_per_s, result.usl.peak_per_s.value / 4, 1);
    capacity_result_deinit(&result);
}

Test(search, a_start_far_off_is_brought_back)
{
    static const double starts[] = {20, 60000};
    struct slo slo = promise("p90<4ms", NULL);
    for (int i = 0; i < 2; i++) {
        struct server server = four(&slo);
        double truth = mdc_capacity(0.001, 4, 0.004, 0.1);
        struct capacity_config config = quick(&slo, &server);
        config.ladder_s = 0;
        config.start_per_s = starts[i];
        struct capacity_result result = search_well(&config);
        cr_expect(result.low_per_s <= truth && truth <= result.high_per_s && result.low_per_s > 0,
                  "from %g: %g to %g", starts[i], result.low_per_s, result.high_per_s);
        cr_expect_not(result.has_usl);
        capacity_result_deinit(&result);
    }
}

Test(search, a_generator_that_is_too_slow_gives_a_lower_bound)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    server.invalid_from_per_s = 2500;
    struct capacity_config config = quick(&slo, &server);
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.outcome, CAPACITY_AT_LEAST);
    cr_expect(result.generator_limited);
    cr_expect(isinf(result.high_per_s));
    cr_expect(result.low_per_s < 2500 && result.low_per_s > 2500 / 1.03, "%g", result.low_per_s);
    cr_expect(strstr(result.note, "the generator was busy") != NULL, "%s", result.note);
    capacity_result_deinit(&result);
}

Test(search, a_real_limit_below_an_invalid_rate_is_found)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    server.invalid_from_per_s = 3900;
    struct capacity_config config = quick(&slo, &server);
    struct capacity_result result = search_well(&config);
    cr_expect(isfinite(result.high_per_s) && result.high_per_s < 3900, "%g", result.high_per_s);
    cr_expect_not(result.generator_limited);
    capacity_result_deinit(&result);
}

Test(search, an_invalid_run_is_repeated_with_another_seed_and_not_counted)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    server.stutters = 2;
    struct capacity_config config = quick(&slo, &server);
    struct capacity_result result = search_well(&config);
    const struct capacity_level *first = level_of(&result, CAPACITY_BRACKET, 0);
    cr_expect_eq(first->invalid_runs, 2);
    cr_expect(first->valid && first->verdict == SEQUENTIAL_PASS);
    cr_expect_float_eq(first->played_s, config.trial_s * (1 << (first->runs - 1)), 1e-6);
    cr_expect_not(result.generator_limited);
    capacity_result_deinit(&result);
}

Test(search, an_invalid_rate_within_the_bracket_does_not_spoil_it)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    server.invalid_from_per_s = 2500;
    server.invalid_to_per_s = 3900;
    struct capacity_config config = quick(&slo, &server);
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.outcome, CAPACITY_WIDE);
    cr_expect(result.low_per_s < 2500 && result.low_per_s > 2000, "%g", result.low_per_s);
    cr_expect(isfinite(result.high_per_s) && result.high_per_s >= 3900, "%g", result.high_per_s);
    cr_expect_not(result.generator_limited, "a limit was found");
    cr_expect(strstr(result.note, "in between could not be offered") != NULL, "%s", result.note);
    capacity_result_deinit(&result);
}

Test(search, nothing_above_the_most_is_tried)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    config.most_per_s = 1500;
    config.soak_s = 2;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.outcome, CAPACITY_AT_LEAST);
    cr_expect_float_eq(result.low_per_s, 1500, 1e-9);
    cr_expect_float_eq(server.rate_most, 1500, 1e-9);
    cr_expect_not(result.generator_limited);
    capacity_result_deinit(&result);
}

Test(search, a_target_that_holds_nothing_gives_an_upper_bound)
{
    struct slo slo = promise("p99<500us", NULL); /* less than the service takes */
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    config.least_per_s = 100;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.outcome, CAPACITY_AT_MOST);
    cr_expect_eq(result.low_per_s, 0);
    cr_expect_float_eq(result.high_per_s, 100, 1e-9);
    cr_expect(isnan(result.estimate_per_s));
    capacity_result_deinit(&result);
}

/* The first open level; the ladder comes before. */
static const struct capacity_level *first_open(const struct capacity_result *result)
{
    for (size_t i = 0; i < result->level_count; i++) {
        if (result->level[i].plan.kind == CAPACITY_OPEN) {
            return &result->level[i];
        }
    }
    return NULL;
}

static int tried(const struct capacity_result *result, double rate_per_s)
{
    int count = 0;
    for (size_t i = 0; i < result->level_count; i++) {
        count += result->level[i].plan.kind == CAPACITY_OPEN &&
                 result->level[i].plan.rate_per_s == rate_per_s;
    }
    return count;
}

Test(search, a_wanted_rate_is_tried_before_all_others)
{
    static const struct {
        double want, most;
        enum sequential_verdict verdict;
    } rows[] = {{2600, 0, SEQUENTIAL_PASS},    {3950, 0, SEQUENTIAL_FAIL},
                {500, 0, SEQUENTIAL_PASS},     {7000, 0, SEQUENTIAL_FAIL},
                {2600, 2600, SEQUENTIAL_PASS}, {7000, 5000, SEQUENTIAL_FAIL}};
    struct slo slo = promise("p99<4ms", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server server = four(&slo);
        struct capacity_config config = quick(&slo, &server);
        config.want_per_s = rows[i].want;
        config.most_per_s = rows[i].most;
        struct capacity_result result = search_well(&config);
        const struct capacity_level *first = first_open(&result);
        bool within = !(rows[i].want > rows[i].most && rows[i].most > 0);
        cr_expect_eq(result.want, rows[i].verdict, "%g", rows[i].want);
        cr_expect_eq(first->stage == CAPACITY_WANTED, within, "%g", rows[i].want);
        cr_expect_eq(tried(&result, rows[i].want), within, "%g: once", rows[i].want);
        cr_expect(result.low_per_s > 0, "%g: the search goes on", rows[i].want);
        capacity_result_deinit(&result);
    }
}

Test(search, a_wanted_rate_far_beyond_the_ladder_waits_for_the_bracket)
{
    static const struct {
        double want, start;
        enum sequential_verdict verdict;
        int tried;
    } rows[] = {{9000, 0, SEQUENTIAL_FAIL, 0},
                {2600, 900, SEQUENTIAL_PASS, 1},
                {500, 900, SEQUENTIAL_PASS, 0}};
    struct slo slo = promise("p99<4ms", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server server = four(&slo);
        struct capacity_config config = quick(&slo, &server);
        config.want_per_s = rows[i].want;
        config.start_per_s = rows[i].start;
        struct capacity_result result = search_well(&config);
        cr_expect_eq(first_open(&result)->stage, CAPACITY_BRACKET, "%g", rows[i].want);
        cr_expect_eq(result.want, rows[i].verdict, "%g", rows[i].want);
        cr_expect_eq(tried(&result, rows[i].want), rows[i].tried, "%g", rows[i].want);
        capacity_result_deinit(&result);
    }
}

Test(search, a_short_budget_answers_what_was_asked)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    struct capacity_result result = search_well(&config);
    config.budget_s = first_open(&result)->plan.warmup_s + first_open(&result)->plan.duration_s;
    for (size_t i = 0; i < result.level_count && &result.level[i] != first_open(&result); i++) {
        config.budget_s += config.warmup_s + result.level[i].played_s;
    }
    capacity_result_deinit(&result);
    config.want_per_s = 6000;
    result = search_well(&config);
    cr_expect_eq(result.want, SEQUENTIAL_FAIL);
    cr_expect_eq(tried(&result, 6000), 1, "by itself");
    capacity_result_deinit(&result);
}

Test(search, worse_lists_limit_the_capacity_as_slow_ones_do)
{
    static const char *const qualities[] = {"hit_rate>0.3", "hit_rate_kept>90%", "fallback<5%"};
    struct slo slo;
    for (size_t i = 0; i < 3; i++) {
        slo = promise("p99<4ms", qualities[i]);
        struct server server = four(&slo);
        server.crowded_from_per_s = 1700;
        struct capacity_config config = quick(&slo, &server);
        struct capacity_result result = search_well(&config);
        cr_expect(result.low_per_s < 1700 && result.high_per_s >= 1700, "%s: %g to %g",
                  qualities[i], result.low_per_s, result.high_per_s);
        cr_expect_leq(result.high_per_s / result.low_per_s, 1.021, "%s", qualities[i]);
        cr_expect_eq(result.outcome, CAPACITY_FOUND, "%s", qualities[i]);
        capacity_result_deinit(&result);
    }
}

Test(search, unknown_quality_never_passes)
{
    struct slo slo = promise("p99<4ms", "hit_rate_kept>90%");
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    server.lists_unknown = true;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(result.low_per_s, 0);
    cr_expect_neq(result.outcome, CAPACITY_FOUND);
    cr_expect(strstr(result.note, "ought to be worth was not known") != NULL, "%s", result.note);
    capacity_result_deinit(&result);
}

Test(search, the_budget_ends_it_with_what_is_known)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    config.budget_s = 40;
    struct capacity_result result = search_well(&config);
    cr_expect_leq(server.played_s, 40);
    cr_expect_float_eq(result.played_s, server.played_s, 1e-6);
    cr_expect(strstr(result.note, "time allowed") != NULL, "%s", result.note);
    cr_expect(result.low_per_s > 0);
    capacity_result_deinit(&result);
}

Test(search, the_budget_is_of_the_clock_and_of_what_was_spent_before)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    server.clock = 2; /* trials take twice as long as planned */
    config.budget_s = 40;
    config.spent_s = 10;
    struct capacity_result result = search_well(&config);
    /* The last trial may overrun: it began while there was time for what was planned. */
    cr_expect_float_eq(result.spent_s, 10 + 2 * server.played_s, 1e-6);
    cr_expect_leq(server.played_s, 15 + 8.5);
    cr_expect_float_eq(result.played_s, server.played_s, 1e-6);
    cr_expect(strstr(result.note, "time allowed") != NULL, "%s", result.note);
    capacity_result_deinit(&result);
}

Test(search, an_interrupted_search_keeps_what_it_has)
{
    struct slo slo = promise("p99<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    struct capacity_result result;
    struct error error = {0};
    server.interrupt_at = 14;
    cr_expect_eq(capacity_search(&config, &result, &error), ERR_INTERRUPTED);
    cr_expect_str_eq(error.text, "somebody pressed a key");
    cr_expect_eq(server.runs, 14);
    cr_expect(result.low_per_s > 0);
    cr_expect(strstr(result.note, "ended early") != NULL, "%s", result.note);
    capacity_result_deinit(&result);
}

/* ---- progress, seeds ---- */

struct seen {
    int before, after;
    uint64_t seed[256];
};

static void watch(void *context, const struct capacity_progress *progress)
{
    struct seen *seen = context;
    cr_expect(progress->run_over == (seen->before > seen->after), "told before and after in turn");
    cr_expect(progress->low_per_s < progress->high_per_s);
    if (progress->run_over) {
        seen->after++;
        cr_expect_not_null(progress->level);
        return;
    }
    cr_assert_lt(seen->before, 256);
    seen->seed[seen->before++] = progress->plan->seed;
}

Test(search, each_run_is_told_and_has_a_seed_of_its_own)
{
    struct slo slo = promise("p90<4ms", NULL);
    struct server server = four(&slo);
    struct capacity_config config = quick(&slo, &server);
    struct seen seen = {0};
    server.stutters = 1;
    config.progress = watch;
    config.progress_context = &seen;
    struct capacity_result result = search_well(&config);
    cr_expect_eq(seen.before, server.runs);
    cr_expect_eq(seen.after, server.runs);
    for (int i = 0; i < seen.before; i++) {
        for (int k = 0; k < i; k++) {
            cr_expect_neq(seen.seed[i], seen.seed[k], "runs %d and %d", i, k);
        }
    }
    capacity_result_deinit(&result);
}
