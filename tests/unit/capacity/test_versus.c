#include "capacity/versus.h"

#include "base/mem.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>

enum { SIDE_MAX = 70, EXPERIMENTS = 250 };

/* What a run's latency looks like: lognormal, one run in ten spoilt by something else. */
static void play(struct rng *rng, double median, double *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = median * exp(0.1 * rng_normal(rng));
        out[i] *= rng_uniform(rng) < 0.1 ? 1.5 : 1;
    }
}

/* ---- the median ---- */

Test(versus, the_medians_interval_is_that_of_the_tables)
{
    static const struct {
        size_t count;
        double confidence;
        double low, high, covers; /* of the values 1, 2 ... n; low 0: there is none */
    } table[] = {
        {5, 0.95, 0, 0, 0},          {6, 0.95, 1, 6, 0.96875},    {8, 0.95, 1, 8, 0.9921875},
        {9, 0.95, 2, 8, 0.9609375},  {10, 0.95, 2, 9, 0.978516},  {15, 0.95, 4, 12, 0.964844},
        {20, 0.95, 6, 15, 0.958611}, {7, 0.99, 0, 0, 0},          {8, 0.99, 1, 8, 0.9921875},
        {20, 0.99, 4, 17, 0.997423}, {5, 0.9, 1, 5, 0.9375},      {1, 0.5, 0, 0, 0},
        {2, 0.5, 1, 2, 0.5},         {25, 0.95, 8, 18, 0.956715},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double value[32];
        struct versus_median median;
        size_t n = table[i].count;
        for (size_t k = 0; k < n; k++) {
            value[k] = (double)((k * 7 + 3) % n + 1); /* shuffled, except for multiples of 7 */
            value[k] = n % 7 == 0 ? (double)(n - k) : value[k];
        }
        versus_median(value, n, table[i].confidence, &median);
        cr_expect_float_eq(median.value, ((double)n + 1) / 2, 1e-12, "%zu runs", n);
        cr_expect_float_eq(median.covers, table[i].covers, 1e-6, "%zu runs: %g", n, median.covers);
        if (table[i].low > 0) {
            cr_expect(median.low == table[i].low && median.high == table[i].high,
                      "%zu runs: %g to %g", n, median.low, median.high);
        } else {
            cr_expect(isnan(median.low) && isnan(median.high), "%zu runs", n);
        }
    }
    cr_expect_eq(versus_median_runs(0.95), 6);
    cr_expect_eq(versus_median_runs(0.99), 8);
    cr_expect_eq(versus_median_runs(0.9), 5);
}

Test(versus, the_medians_interval_covers_as_often_as_it_says)
{
    struct rng rng = rng_stream(5, 0, 1);
    size_t covered = 0;
    double covers = 0;
    for (int i = 0; i < 2000; i++) {
        double value[9];
        struct versus_median median;
        for (size_t k = 0; k < 9; k++) {
            value[k] = 3 + rng_exponential(&rng);
        }
        versus_median(value, 9, 0.95, &median);
        covers = median.covers;
        covered += median.low <= 3 + log(2) && median.high >= 3 + log(2);
    }
    /* Four standard errors of the share. */
    cr_expect_float_eq((double)covered / 2000, covers, 4 * sqrt(0.04 * 0.96 / 2000), "%zu",
                       covered);
}

/* ---- ranks ---- */

/* U by counting pairs, p by trying every choice of A's runs. */
static double pairs(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double u = 0;
    for (size_t i = 0; i < a_count; i++) {
        for (size_t k = 0; k < b_count; k++) {
            u += b[k] > a[i] ? 1 : b[k] == a[i] ? 0.5 : 0;
        }
    }
    return u;
}

static double enumerate(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double all[16], half = (double)(a_count * b_count) / 2;
    double distance = fabs(pairs(a, a_count, b, b_count) - half);
    size_t count = a_count + b_count, choices = 0, as_far = 0;
    for (size_t i = 0; i < count; i++) {
        all[i] = i < a_count ? a[i] : b[i - a_count];
    }
    for (unsigned choice = 0; choice < 1u << count; choice++) {
        double side[2][16];
        size_t used[2] = {0, 0};
        if ((size_t)__builtin_popcount(choice) != a_count) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            size_t s = (choice >> i & 1) == 0;
            side[s][used[s]++] = all[i];
        }
        choices++;
        as_far += fabs(pairs(side[0], used[0], side[1], used[1]) - half) >= distance;
    }
    return (double)as_far / (double)choices;
}

Test(versus, ranks_agree_with_every_choice_tried)
{
    struct rng rng = rng_stream(11, 0, 2);
    for (int i = 0; i < 300; i++) {
        double a[6], b[6];
        size_t a_count = 1 + rng_below(&rng, 6), b_count = 1 + rng_below(&rng, 6);
        uint32_t values = i % 2 == 0 ? 5 : 1000000; /* many ties, or hardly any */
        struct versus_ranks ranks;
        for (size_t k = 0; k < 6; k++) {
            a[k] = 1 + rng_below(&rng, values);
            b[k] = 1 + rng_below(&rng, values) + (i % 3 == 0 ? values / 2 : 0);
        }
        versus_ranks(a, a_count, b, b_count, &ranks);
        cr_expect(ranks.exact);
        cr_expect_float_eq(ranks.u, pairs(a, a_count, b, b_count), 1e-12, "%d", i);
        cr_expect_float_eq(ranks.p, enumerate(a, a_count, b, b_count), 1e-12, "%d", i);
    }
}

/* Distinct values with a given U: B lies above A in so many pairs. */
static void with_u(size_t count, size_t u, double *a, double *b)
{
    for (size_t k = 0; k < count; k++) {
        a[k] = (double)(k + 1);
        size_t below = u / count + (k < u % count ? 1 : 0); /* runs of A below this one of B */
        b[k] = (double)below + 0.5 + (double)k / 1000;
    }
}

Test(versus, ranks_have_the_critical_values_of_the_tables)
{
    /* The largest U with a two-sided p of at most .05, as printed in any table of the test. */
    static const struct {
        size_t count, critical;
    } table[] = {{4, 0}, {5, 2}, {6, 5}, {7, 8}, {8, 13}, {9, 17}, {10, 23}, {15, 64}, {20, 127}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double a[20], b[20];
        struct versus_ranks ranks;
        for (size_t beyond = 0; beyond < 2; beyond++) {
            with_u(table[i].count, table[i].critical + beyond, a, b);
            versus_ranks(a, table[i].count, b, table[i].count, &ranks);
            cr_assert_float_eq(ranks.u, (double)(table[i].critical + beyond), 1e-12);
            cr_expect_eq(ranks.p <= 0.05, beyond == 0, "%zu runs, U = %g: p = %g", table[i].count,
                         ranks.u, ranks.p);
        }
    }
    double a[] = {1, 2, 3, 4, 5}, b[] = {0.1, 0.2, 0.3, 1.5, 1.6};
    struct versus_ranks ranks;
    versus_ranks(a, 5, b, 5, &ranks);
    cr_expect_float_eq(ranks.u, 2, 1e-12);
    cr_expect_float_eq(ranks.p, 8.0 / 252, 1e-12);
}

Test(versus, no_p_is_below_that_of_sides_apart)
{
    double a[50], b[50];
    struct versus_ranks ranks;
    for (size_t k = 0; k < 50; k++) {
        a[k] = 1 + (double)k / 100;
        b[k] = 2 + (double)k / 100;
    }
    for (size_t n = 1; n <= 50; n += 7) {
        versus_ranks(a, 50, b, n, &ranks);
        double least = versus_least_p(50, n);
        cr_expect_float_eq(ranks.p / least, 1, 1e-9, "%zu: %g, least %g", n, ranks.p, least);
    }
    cr_expect_float_eq(versus_least_p(3, 3), 0.1, 1e-12);
    cr_expect_float_eq(versus_least_p(4, 4), 2.0 / 70, 1e-12);
    cr_expect_float_eq(versus_least_p(1, 1), 1, 0);
}

Test(versus, many_runs_have_the_p_of_shuffled_ones)
{
    struct rng rng = rng_stream(3, 0, 4);
    for (int tied = 0; tied < 2; tied++) {
        double all[2 * SIDE_MAX], half = SIDE_MAX * SIDE_MAX / 2.0;
        struct versus_ranks ranks;
        int as_far = 0, shuffles = 4000;
        for (size_t i = 0; i < 2 * SIDE_MAX; i++) {
            double value = 10 + rng_normal(&rng) + (i < SIDE_MAX ? 0 : 0.25);
            all[i] = tied ? round(value) : value;
        }
        versus_ranks(all, SIDE_MAX, all + SIDE_MAX, SIDE_MAX, &ranks);
        cr_expect(!ranks.exact && ranks.ties == (tied == 1));
        for (int s = 0; s < shuffles; s++) {
            for (uint32_t i = 2 * SIDE_MAX - 1; i > 0; i--) {
                uint32_t other = rng_below(&rng, i + 1);
                double kept = all[i];
                all[i] = all[other];
                all[other] = kept;
            }
            double u = pairs(all, SIDE_MAX, all + SIDE_MAX, SIDE_MAX);
            as_far += fabs(u - half) >= fabs(ranks.u - half);
        }
        double p = (double)as_far / shuffles;
        cr_expect(ranks.p > 0.001 && ranks.p < 0.9, "%g tells something", ranks.p);
        cr_expect_float_eq(ranks.p, p, 4 * sqrt(p * (1 - p) / shuffles) + 0.002, "%g, shuffled %g",
                           ranks.p, p);
    }
}

Test(versus, equal_runs_tell_nothing)
{
    double same[60];
    struct versus_result result;
    for (size_t i = 0; i < 60; i++) {
        same[i] = 7;
    }
    for (size_t n = 6; n <= 60; n += 54) {
        versus_sides(same, n, same, n, 0.95, 1, &result);
        cr_expect_float_eq(result.ranks.p, 1, 0, "%zu runs", n);
        cr_expect(result.ratio.low == 1 && result.ratio.high == 1);
        cr_expect_eq(result.outcome, VERSUS_NOT_SHOWN);
    }
}

/* ---- the ratio ---- */

struct tally {
    int covered, shown, shown_wrongly;
};

static struct tally repeat(size_t count, double truth, uint64_t seed)
{
    struct rng rng = rng_stream(seed, 0, 6);
    struct tally tally = {0};
    for (int i = 0; i < EXPERIMENTS; i++) {
        double a[SIDE_MAX], b[SIDE_MAX];
        struct versus_result result;
        play(&rng, 0.01, a, count);
        play(&rng, 0.01 * truth, b, count);
        versus_sides(a, count, b, count, 0.95, (uint64_t)i, &result);
        bool shown = result.outcome == VERSUS_SHOWN;
        tally.covered += result.ratio.low <= truth && result.ratio.high >= truth;
        tally.shown += shown;
        tally.shown_wrongly += shown && (result.ratio.value > 1) != (truth > 1);
    }
    return tally;
}

Test(versus, the_bootstraps_interval_covers_the_ratio)
{
    static const size_t counts[] = {5, 8, 15};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct tally tally = repeat(counts[i], 1.3, counts[i]);
        double share = (double)tally.covered / EXPERIMENTS;
        /* The percentile interval of a median errs by a few per cent; four standard errors more. */
        cr_expect(share > 0.93 - 0.045 && share < 1, "%zu runs: %g", counts[i], share);
    }
}

/* Share of all count^count ways of drawing from `value` (rising) whose median is below `bound`, or
 * at it as well. */
static double drawn_below(const double *value, size_t count, double bound, bool or_at)
{
    size_t ways = 1, below = 0;
    for (size_t i = 0; i < count; i++) {
        ways *= count;
    }
    for (size_t way = 0; way < ways; way++) {
        size_t times[5] = {0};
        double drawn[5];
        size_t used = 0;
        for (size_t i = 0, rest = way; i < count; i++, rest /= count) {
            times[rest % count]++;
        }
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < times[i]; k++) {
                drawn[used++] = value[i];
            }
        }
        double median = (drawn[(count - 1) / 2] + drawn[count / 2]) / 2;
        below += median < bound || (or_at && median == bound);
    }
    return (double)below / (double)ways;
}

Test(versus, the_bootstrap_draws_as_all_ways_of_drawing_do)
{
    static const double one[5] = {1, 1, 1, 1, 1}, value[5] = {1, 2, 4, 8, 16};
    static const double confidences[] = {0.5, 0.6, 0.7, 0.8, 0.9, 0.97};
    for (size_t count = 4; count <= 5; count++) {
        for (size_t i = 0; i < sizeof confidences / sizeof confidences[0]; i++) {
            double tail = (1 - confidences[i]) / 2;
            struct versus_ratio ratio;
            versus_ratio(one, count, value, count, confidences[i], 3, &ratio);
            cr_expect(drawn_below(value, count, ratio.low, false) < tail + 0.02 &&
                          drawn_below(value, count, ratio.low, true) > tail - 0.02,
                      "%zu runs, %g: low %g", count, confidences[i], ratio.low);
            cr_expect(drawn_below(value, count, ratio.high, false) < 1 - tail + 0.02 &&
                          drawn_below(value, count, ratio.high, true) > 1 - tail - 0.02,
                      "%zu runs, %g: high %g", count, confidences[i], ratio.high);
        }
    }
}

Test(versus, a_difference_is_shown_and_none_is_shown_falsely)
{
    struct tally null = repeat(6, 1, 77), large = repeat(6, 1.5, 78);
    double allowed = 0.05 + 4 * sqrt(0.05 * 0.95 / EXPERIMENTS);
    cr_expect((double)null.shown / EXPERIMENTS < allowed, "%d shown of none", null.shown);
    cr_expect(null.shown > 0, "a test that never errs asks for too much");
    cr_expect(large.shown > EXPERIMENTS * 8 / 10, "%d", large.shown);
    cr_expect_eq(large.shown_wrongly, 0);
}

Test(versus, one_spoilt_run_changes_little)
{
    double a[] = {10, 10.2, 9.9, 10.1, 9.8, 10.05, 9.95}, b[7];
    struct versus_result result;
    for (size_t i = 0; i < 7; i++) {
        b[i] = a[i] * 1.2;
    }
    b[3] = 900;
    versus_sides(a, 7, b, 7, 0.95, 9, &result);
    cr_expect_float_eq(result.ratio.value, 1.2, 0.02);
    cr_expect(result.ratio.high < 1.3, "%g", result.ratio.high);
    cr_expect_eq(result.outcome, VERSUS_SHOWN);
}

Test(versus, few_runs_have_no_interval)
{
    double a[] = {1, 1.1, 1.2, 1.3}, b[] = {9, 9.1, 9.2, 9.3};
    struct versus_result result;
    versus_sides(a, 3, b, 3, 0.95, 1, &result);
    cr_expect_eq(result.outcome, VERSUS_TOO_FEW);
    cr_expect(isnan(result.ratio.low) && isnan(result.ratio.high));
    cr_expect_float_eq(result.ratio.value, 9.1 / 1.1, 1e-12);
    versus_sides(a, 4, b, 4, 0.95, 1, &result);
    cr_expect_eq(result.outcome, VERSUS_SHOWN);
    versus_sides(a, 4, b, 4, 0.99, 1, &result);
    cr_expect_eq(result.outcome, VERSUS_TOO_FEW);
}

Test(versus, the_same_seed_gives_the_same_interval)
{
    struct rng rng = rng_stream(21, 0, 8);
    double a[9], b[9];
    struct versus_ratio one, two, other;
    play(&rng, 1, a, 9);
    play(&rng, 1.1, b, 9);
    versus_ratio(a, 9, b, 9, 0.9, 4, &one);
    versus_ratio(a, 9, b, 9, 0.9, 4, &two);
    cr_expect(one.low == two.low && one.high == two.high);
    versus_ratio(b, 9, a, 9, 0.9, 4, &other);
    cr_expect_float_eq(other.value, 1 / one.value, 1e-12);
    cr_expect_float_eq(log(other.high), -log(one.low), 0.05);
}

Test(versus, noise_is_measured_both_ways)
{
    cr_expect(versus_beyond(1.2, 1.1) && versus_beyond(0.8, 1.1) && versus_beyond(1.2, 0.9));
    cr_expect_not(versus_beyond(1.05, 0.9));
    cr_expect_not(versus_beyond(0.95, 1.1));
    cr_expect_not(versus_beyond(2, 0.5), "as far, the other way");
}

/* ---- the order ---- */

Test(versus, taking_turns_is_seen)
{
    static const struct {
        const char *turns; /* '-': a run of A without a time */
        enum versus_order order;
    } table[] = {
        {"ABABAB", VERSUS_INTERLEAVED},    {"BABABA", VERSUS_INTERLEAVED},
        {"ABBAABBA", VERSUS_INTERLEAVED},  {"AAABBB", VERSUS_IN_BLOCKS},
        {"AABBAABB", VERSUS_IN_BLOCKS},    {"ABABAABB", VERSUS_IN_BLOCKS},
        {"AABAABAAB", VERSUS_INTERLEAVED}, {"AAAAAABBB", VERSUS_IN_BLOCKS},
        {"AB", VERSUS_INTERLEAVED},        {"ABAB-B", VERSUS_ORDER_UNKNOWN},
        {"ABABA", VERSUS_INTERLEAVED},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double a[10], b[10];
        size_t a_count = 0, b_count = 0;
        for (size_t k = 0; table[i].turns[k] != '\0'; k++) {
            double *side = table[i].turns[k] == 'B' ? b : a;
            size_t *used = table[i].turns[k] == 'B' ? &b_count : &a_count;
            side[(*used)++] = table[i].turns[k] == '-' ? NAN : 100.0 + (double)k;
        }
        double kept = a[0]; /* files come in any order */
        a[0] = a[a_count - 1];
        a[a_count - 1] = kept;
        cr_expect_eq(versus_order(a, a_count, b, b_count), table[i].order, "%s", table[i].turns);
    }
}
