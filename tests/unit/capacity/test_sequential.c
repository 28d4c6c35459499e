#include "capacity/sequential.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

enum { BLOCKS = 512, LOOKS = 5 /* after 32, 64 ... 512 blocks */, RUNS = 600 };

static const struct sequential_test one_in_hundred = {
    .allowed = 0.01, .alpha_pass = 0.05, .alpha_fail = 0.05, .indifference = 0.02};

Test(sequential, bounds_are_those_of_clopper_and_pearson)
{
    /* Exact: bound p solves P(Binomial(n, p) <= bad) = alpha, or P(>= bad) = alpha. */
    static const struct {
        double bad, count, alpha;
    } rows[] = {{0, 299, 0.05}, {1, 100, 0.025}, {5, 20, 0.1}, {100, 10000, 0.001}, {9, 10, 0.05}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned bad = (unsigned)rows[i].bad, count = (unsigned)rows[i].count;
        double upper = sequential_upper(rows[i].bad, rows[i].count, rows[i].alpha);
        cr_expect_float_eq(gsl_cdf_binomial_P(bad, upper, count), rows[i].alpha, 1e-6, "row %zu",
                           i);
        double lower = sequential_lower(rows[i].bad, rows[i].count, rows[i].alpha);
        if (bad > 0) {
            cr_expect_float_eq(gsl_cdf_binomial_Q(bad - 1, lower, count), rows[i].alpha, 1e-6,
                               "row %zu", i);
        }
    }
    cr_expect_float_eq(sequential_upper(0, 299, 0.05), 1 - pow(0.05, 1 / 299.0), 1e-8);
    cr_expect_eq(sequential_lower(0, 299, 0.05), 0);
    cr_expect_eq(sequential_upper(7, 7, 0.05), 1);
}

static void even_blocks(struct capacity_block *block, size_t count, int64_t good, int64_t bad)
{
    for (size_t i = 0; i < count; i++) {
        block[i] = (struct capacity_block){good, bad};
    }
}

Test(sequential, clear_cases_are_decided_at_once)
{
    struct capacity_block block[32];
    struct sequential_state state;
    even_blocks(block, 32, 999, 1);
    sequential_judge(&one_in_hundred, block, 32, 0, 0.1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_PASS);
    cr_expect_eq(state.good, 32 * 999);
    cr_expect_eq(state.bad, 32);
    cr_expect_float_eq(state.share, 0.001, 1e-12);
    cr_expect(state.low < 0.001 && state.high > 0.001 && state.high < 0.01);
    even_blocks(block, 32, 900, 100);
    sequential_judge(&one_in_hundred, block, 32, 0, 0.1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_FAIL);
    even_blocks(block, 32, 0, 50);
    sequential_judge(&one_in_hundred, block, 32, 0, 0.1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_FAIL);
    cr_expect_float_eq(state.share, 1, 0);
}

Test(sequential, what_is_too_little_stays_undecided)
{
    struct capacity_block block[32];
    struct sequential_state state;
    even_blocks(block, 32, 0, 0);
    sequential_judge(&one_in_hundred, block, 32, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_UNDECIDED, "nothing was sent");
    cr_expect(isnan(state.share));
    even_blocks(block, 15, 1000000, 0);
    sequential_judge(&one_in_hundred, block, 15, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_UNDECIDED, "too few blocks");
    even_blocks(block, 32, 99, 1);
    sequential_judge(&one_in_hundred, block, 32, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_UNDECIDED, "right at the limit");
    cr_expect(state.low < 0.01 && state.high > 0.01);
}

Test(sequential, a_short_clean_trial_does_not_pass)
{
    /* 3,200 good ones in a row would pass 1 % if they were independent (0.99^3200 = 1e-14), but if
     * bad ones come twenty at a time, only some fifty chances for them were seen. */
    struct capacity_block block[32];
    struct sequential_state state;
    even_blocks(block, 32, 100, 0);
    sequential_judge(&one_in_hundred, block, 32, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_UNDECIDED);
    cr_expect_lt(sequential_upper(0, 3200, one_in_hundred.alpha_pass), one_in_hundred.allowed);
    even_blocks(block, 32, 1000, 0);
    sequential_judge(&one_in_hundred, block, 32, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_PASS);
}

Test(sequential, one_bad_moment_does_not_fail_a_trial)
{
    /* 6 % of all, but all of them in one block of 32. */
    struct capacity_block block[32];
    struct sequential_state state;
    even_blocks(block, 32, 200, 0);
    block[18] = block[19] = (struct capacity_block){0, 200};
    sequential_judge(&one_in_hundred, block, 32, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_UNDECIDED);
    cr_expect_gt(state.design_effect, 100);
    cr_expect_eq(state.blocks_per_batch, 2, "adjacent bad blocks are seen in batches");
    cr_expect_gt(sequential_lower(400, 6400, one_in_hundred.alpha_fail), one_in_hundred.allowed);
}

Test(sequential, an_interval_inside_the_indifference_zone_is_even)
{
    static const struct sequential_test coarse = {
        .allowed = 0.1, .alpha_pass = 0.05, .alpha_fail = 0.05, .indifference = 0.02};
    struct capacity_block block[512];
    struct sequential_state state;
    even_blocks(block, 512, 9000, 1000);
    sequential_judge(&coarse, block, 512, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_EVEN, "%g to %g", state.low, state.high);
    even_blocks(block, 512, 9, 1);
    sequential_judge(&coarse, block, 512, 0, 1, &state);
    cr_expect_eq(state.verdict, SEQUENTIAL_UNDECIDED);
}

Test(sequential, doubt_about_what_is_allowed_has_to_be_overcome)
{
    static const struct {
        int64_t bad;
        double doubt;
        enum sequential_verdict verdict;
    } rows[] = {{500, 0, SEQUENTIAL_PASS},         {500, 0.04, SEQUENTIAL_PASS},
                {500, 0.06, SEQUENTIAL_UNDECIDED}, {1500, 0, SEQUENTIAL_FAIL},
                {1500, 0.04, SEQUENTIAL_FAIL},     {1500, 0.06, SEQUENTIAL_UNDECIDED},
                {1000, 0, SEQUENTIAL_EVEN},        {1000, 0.01, SEQUENTIAL_UNDECIDED},
                {0, 0.2, SEQUENTIAL_UNDECIDED}};
    struct capacity_block block[512];
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct sequential_test test = {.allowed = 0.1,
                                       .doubt = rows[r].doubt,
                                       .alpha_pass = 0.05,
                                       .alpha_fail = 0.05,
                                       .indifference = 0.02};
        struct sequential_state state;
        even_blocks(block, 512, 10000 - rows[r].bad, rows[r].bad);
        sequential_judge(&test, block, 512, 0, 1, &state);
        cr_expect_eq(state.verdict, rows[r].verdict, "row %zu: %s", r,
                     sequential_verdict_name(state.verdict));
        cr_expect_eq(state.doubt, rows[r].doubt);
        cr_expect_eq(state.allowed, 0.1);
    }
}

Test(sequential, a_look_that_may_err_less_has_wider_bounds)
{
    struct capacity_block block[64];
    struct sequential_state all, part;
    for (size_t i = 0; i < 64; i++) {
        block[i] = (struct capacity_block){95 + (int64_t)(i % 5), (int64_t)(i % 3)};
    }
    sequential_judge(&one_in_hundred, block, 64, 0, 1, &all);
    sequential_judge(&one_in_hundred, block, 64, 0.2, 0.3, &part);
    cr_expect(part.low < all.low && part.high > all.high);
    cr_expect_float_eq(part.share, all.share, 0);
}

/* ---- error rates over whole sequences of looks ---- */

/* Of 200; where many are bad by the normal approximation, which is quick. */
static int64_t draw_bad(struct rng *rng, double share)
{
    if (share < 0.05) {
        int64_t few = 0;
        for (int k = 0; k < 200 && share > 0; k++) {
            few += rng_uniform(rng) < share;
        }
        return few;
    }
    double bad = 200 * share + sqrt(200 * share * (1 - share)) * rng_normal(rng);
    return llround(fmax(bad, 0));
}

/* Blocks of 200 responses with 1 % bad on average; in the sticky kind a slow spell of mean length
 * `spell` blocks holds them, 20 a block, 10 % of the time. */
static void draw_blocks(struct rng *rng, double spell, struct capacity_block *block, size_t count)
{
    bool slow = rng_uniform(rng) < 0.1;
    for (size_t i = 0; i < count; i++) {
        double share = spell > 0 ? (slow ? 0.1 : 0) : 0.01;
        int64_t bad = draw_bad(rng, share);
        block[i] = (struct capacity_block){200 - bad, bad};
        if (spell > 0 && rng_uniform(rng) < (slow ? 1 / spell : 1 / (9 * spell))) {
            slow = !slow;
        }
    }
}

static enum sequential_verdict look_by_look(const struct sequential_test *test,
                                            const struct capacity_block *block)
{
    double before = 0;
    struct sequential_state state = {0};
    for (size_t count = BLOCKS >> (LOOKS - 1); count <= BLOCKS; count *= 2) {
        double spent = (double)count / BLOCKS;
        sequential_judge(test, block, count, before, spent, &state);
        if (state.verdict == SEQUENTIAL_PASS || state.verdict == SEQUENTIAL_FAIL) {
            break;
        }
        before = spent;
    }
    return state.verdict;
}

/* How often a target right at the limit passes or fails, both of which are wrong. Slow spells of
 * `spell` blocks; `joined` of them make one block of the trial. */
struct errors {
    int passes, fails;
};

static struct errors errors_at_limit(double spell, size_t joined, uint32_t purpose)
{
    static struct capacity_block drawn[16 * BLOCKS], block[BLOCKS];
    struct errors errors = {0};
    for (int run = 0; run < RUNS; run++) {
        struct rng rng = rng_stream(11, (uint64_t)run, purpose);
        draw_blocks(&rng, spell, drawn, joined * BLOCKS);
        for (size_t i = 0; i < BLOCKS; i++) {
            block[i] = (struct capacity_block){0};
            for (size_t k = 0; k < joined; k++) {
                block[i].good += drawn[joined * i + k].good;
                block[i].bad += drawn[joined * i + k].bad;
            }
        }
        enum sequential_verdict verdict = look_by_look(&one_in_hundred, block);
        errors.passes += verdict == SEQUENTIAL_PASS;
        errors.fails += verdict == SEQUENTIAL_FAIL;
    }
    cr_log_info("spells of %g blocks, %zu of them a block: %d passed, %d failed", spell, joined,
                errors.passes, errors.fails);
    return errors;
}

/* Could an error that is as likely as `share` have happened so often? Not in 1,000 times. */
static bool within(int count, double share)
{
    return gsl_cdf_binomial_Q((unsigned)count - (count > 0), share, RUNS) > 0.001;
}

Test(sequential, errors_stay_within_alpha_over_all_looks)
{
    static const double spells[] = {0, 1, 2};
    for (size_t s = 0; s < sizeof spells / sizeof spells[0]; s++) {
        struct errors errors = errors_at_limit(spells[s], 1, (uint32_t)s);
        cr_expect(within(errors.passes, 0.05), "spells of %g: %d passed", spells[s], errors.passes);
        cr_expect(within(errors.fails, 0.05), "spells of %g: %d failed", spells[s], errors.fails);
    }
}

/* Eighty bad ones in a row and more, once in 40 blocks: many a trial of 32 is over before. */
Test(sequential, bunches_that_are_longer_and_rarer_than_a_trial_break_the_promise)
{
    static const struct {
        double spell, passes, fails;
    } rows[] = {{4, 0.17, 0.05}, {8, 0.42, 0.12}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct errors errors = errors_at_limit(rows[r].spell, 1, (uint32_t)(3 + r));
        cr_expect(within(errors.passes, rows[r].passes), "spells of %g: %d passed", rows[r].spell,
                  errors.passes);
        cr_expect(within(errors.fails, rows[r].fails), "spells of %g: %d failed", rows[r].spell,
                  errors.fails);
        cr_expect_not(within(errors.passes, 0.05), "the promise holds: say so in docs/capacity.md");
    }
}

/* Nor do the bunches as such matter, if each look meets several: spells of half a block. */
Test(sequential, longer_trials_bear_longer_spells)
{
    struct errors errors = errors_at_limit(8, 16, 4);
    cr_expect(within(errors.passes, 0.05), "%d passed", errors.passes);
    cr_expect(within(errors.fails, 0.05), "%d failed", errors.fails);
}

Test(sequential, counting_responses_as_independent_would_err_often)
{
    static struct capacity_block block[BLOCKS];
    int wrong = 0;
    for (int run = 0; run < 200; run++) {
        struct rng rng = rng_stream(11, (uint64_t)run, 2);
        int64_t bad = 0;
        draw_blocks(&rng, 4, block, BLOCKS);
        for (size_t i = 0; i < BLOCKS; i++) {
            bad += block[i].bad;
        }
        double count = BLOCKS * 200.0;
        wrong += sequential_upper((double)bad, count, 0.05) <= one_in_hundred.allowed ||
                 sequential_lower((double)bad, count, 0.05) >= one_in_hundred.allowed;
    }
    cr_expect_gt(wrong, 60, "%d of 200", wrong);
}

Test(sequential, half_the_limit_passes_and_twice_the_limit_fails)
{
    static const struct {
        double allowed;
        enum sequential_verdict verdict;
    } rows[] = {{0.02, SEQUENTIAL_PASS}, {0.005, SEQUENTIAL_FAIL}};
    static struct capacity_block block[BLOCKS];
    for (size_t r = 0; r < 2; r++) {
        struct sequential_test test = one_in_hundred;
        int right = 0;
        test.allowed = rows[r].allowed;
        for (int run = 0; run < 100; run++) {
            struct rng rng = rng_stream(12, (uint64_t)run, 3);
            draw_blocks(&rng, 1, block, BLOCKS);
            right += look_by_look(&test, block) == rows[r].verdict;
        }
        cr_expect_geq(right, 90, "allowed %g: %d of 100", rows[r].allowed, right);
    }
}
