/* What the levels of a search allow to be said: of a curve that leaves the bracket, and where
 * nothing failed. */
#include "base/mem.h"
#include "capacity/search.h"
#include "capacity/search_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* ---- curves ---- */

enum { LEVELS = 4 };

/* Shares of bad ones that lie on a curve which meets what is allowed at `limit`. */
static void levels_on_curve(struct capacity_level *level, double limit, double effective)
{
    static const double rates[LEVELS] = {90, 100, 130, 145};
    for (size_t i = 0; i < LEVELS; i++) {
        double allowed = 0.01, odds = allowed / (1 - allowed) * pow(rates[i] / limit, 8);
        level[i] =
            (struct capacity_level){.stage = CAPACITY_BRACKET,
                                    .plan = {.kind = CAPACITY_OPEN, .rate_per_s = rates[i]},
                                    .verdict = rates[i] > 100 ? SEQUENTIAL_FAIL : SEQUENTIAL_PASS,
                                    .valid = true};
        level[i].objective[0] = (struct sequential_state){.verdict = level[i].verdict,
                                                          .share = odds / (1 + odds),
                                                          .allowed = allowed,
                                                          .effective = effective};
    }
}

Test(search_open, a_curve_is_judged_by_its_whole_interval)
{
    static const struct {
        double limit, effective;
        enum capacity_outcome outcome;
        bool known;
    } rows[] = {
        {95, 4000, CAPACITY_WIDE, false},  /* below what passed, although its interval is not */
        {134, 4000, CAPACITY_WIDE, false}, /* above what failed */
        {115, 20000, CAPACITY_ESTIMATED, true},
        {101, 2000, CAPACITY_WIDE, true}, /* the part of it within the bracket would be narrow */
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct capacity_level level[LEVELS];
        struct capacity_config config;
        struct capacity_result result = {.level = level, .level_count = LEVELS};
        struct search search = {.config = &config,
                                .result = &result,
                                .low = 100,
                                .high = 130,
                                .barrier = INFINITY,
                                .growing = INFINITY};
        capacity_config_init(&config);
        config.slo.count = 1;
        config.precision = 0.15;
        levels_on_curve(level, rows[r].limit, rows[r].effective);
        search_end(&search);
        cr_expect_eq(result.outcome, rows[r].outcome, "row %zu: %s, %g (%g to %g)", r,
                     capacity_outcome_name(result.outcome), result.estimate_per_s,
                     result.estimate_low_per_s, result.estimate_high_per_s);
        cr_expect_eq(isfinite(result.estimate_per_s), rows[r].known, "row %zu", r);
        if (rows[r].known) {
            double low = result.estimate_low_per_s, high = result.estimate_high_per_s;
            cr_expect_float_eq(result.estimate_per_s, rows[r].limit, 0.01, "row %zu", r);
            cr_expect_float_eq(low * high, pow(rows[r].limit, 2), 1, "row %zu: %g to %g", r, low,
                               high);
        }
    }
}

/* ---- nothing failed ---- */

/* Passes up to a rate; beyond it nothing is observed, or the queue grows. */
struct plain {
    double holds_per_s;
    bool grows;
};

static enum err play_plain(void *context, const struct capacity_trial_plan *plan,
                           struct capacity_trial *out, struct error *error)
{
    const struct plain *plain = context;
    bool holds = plan->rate_per_s <= plain->holds_per_s;
    (void)error;
    out->valid = true;
    out->queue_slope = !holds && plain->grows ? plan->rate_per_s : 0;
    out->queue_slope_error = 1e-6;
    out->block_count = (size_t)llround(plan->duration_s / plan->block_s);
    out->block = mem_zalloc(out->block_count, sizeof *out->block);
    for (size_t b = 0; b < out->block_count; b++) {
        out->block[b].good = holds || plain->grows ? 1000 : 0;
    }
    return ERR_OK;
}

Test(search_open, at_least_is_said_only_of_the_top)
{
    static const struct {
        struct plain plain;
        double most, budget_s;
        enum capacity_outcome outcome;
        const char *says;
    } rows[] = {
        {{1e9, false}, 1600, 0, CAPACITY_AT_LEAST, "no higher rate was asked for"},
        {{1e9, false}, 1600, 30, CAPACITY_WIDE, "the time allowed was over"},
        {{1e9, false}, 0, 30, CAPACITY_WIDE, "the time allowed was over"},
        {{500, true}, 0, 0, CAPACITY_WIDE, "the queue grew all the while"},
        {{500, false}, 1600, 0, CAPACITY_WIDE, "higher rates stayed undecided"},
        {{500, false}, 0, 0, CAPACITY_WIDE, "no search goes on after so many trials"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct plain plain = rows[r].plain;
        struct capacity_config config;
        struct capacity_result result;
        capacity_config_init(&config);
        config.slo.count = 1;
        config.slo.objective[0] = (struct slo_objective){.kind = SLO_ERRORS, .allowed = 0.1};
        config.ladder_s = config.soak_s = 0;
        config.start_per_s = 100;
        config.most_per_s = rows[r].most;
        config.budget_s = rows[r].budget_s;
        config.want_per_s = 100;
        config.trial = play_plain;
        config.trial_context = &plain;
        cr_assert_eq(capacity_search(&config, &result, NULL), ERR_OK);
        cr_expect_eq(result.outcome, rows[r].outcome, "row %zu: %s", r,
                     capacity_outcome_name(result.outcome));
        cr_expect(strstr(result.note, rows[r].says) != NULL, "row %zu: %s", r, result.note);
        cr_expect(isinf(result.high_per_s) && result.low_per_s >= 100, "row %zu: %g", r,
                  result.low_per_s);
        cr_expect_not(result.generator_limited, "row %zu", r);
        cr_expect_eq(result.want, SEQUENTIAL_PASS, "row %zu: what was held is held", r);
        capacity_result_deinit(&result);
    }
}
