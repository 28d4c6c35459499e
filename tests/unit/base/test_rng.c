/*
 * Statistical tests with fixed seeds, so they give the same result each time; the bounds are five
 * or more standard deviations, far from what a sound generator shows, near to what a broken one
 * does.
 */
#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>

#define BINS 256
#define DRAWS (1 << 20)

/* Distance of a chi-square statistic from its mean in standard deviations. */
static double chi_square_sigmas(const uint32_t *counts, int bins, double draws)
{
    double expected = draws / bins;
    double chi_square = 0.0;
    for (int i = 0; i < bins; i++) {
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    return (chi_square - (bins - 1)) / sqrt(2.0 * (bins - 1));
}

Test(rng, same_seed_gives_same_draws)
{
    struct rng a = rng_stream(1, 2, 3);
    struct rng b = rng_stream(1, 2, 3);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(rng_u64(&a), rng_u64(&b));
    }
}

/* Results of past drills are reproduced only as long as these stay. */
Test(rng, draws_are_those_of_every_release)
{
    struct rng rng = rng_stream(42, 7, 1);
    cr_expect_eq(rng_mix(0, 0), UINT64_C(0xE7299DCD09E414D0));
    cr_expect_eq(rng_u64(&rng), UINT64_C(0x46B2A6041A234C84));
    cr_expect_eq(rng_u64(&rng), UINT64_C(0x2482266A1EB0AEBF));
}

Test(rng, a_stream_can_be_positioned)
{
    struct rng walked = rng_stream(9, 8, 7);
    for (int i = 0; i < 123; i++) {
        rng_u64(&walked);
    }
    struct rng placed = rng_stream_at(9, 8, 7, 123);
    cr_assert_eq(rng_u64(&walked), rng_u64(&placed));
}

Test(rng, seed_owner_and_purpose_are_not_interchangeable)
{
    uint64_t first[6];
    static const uint32_t order[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                         {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    for (int i = 0; i < 6; i++) {
        struct rng rng = rng_stream(order[i][0], order[i][1], order[i][2]);
        first[i] = rng_u64(&rng);
        for (int j = 0; j < i; j++) {
            cr_assert_neq(first[i], first[j]);
        }
    }
}

/* Flips every bit of key and counter and counts which output bits follow. `spread` says whether
 * the inputs are themselves random or small consecutive numbers, as ids and seeds are. */
static double worst_avalanche(bool spread)
{
    enum { SAMPLES = 4096 };
    static uint32_t flips[128][64];
    for (int bit = 0; bit < 128; bit++) {
        for (int i = 0; i < 64; i++) {
            flips[bit][i] = 0;
        }
        for (uint64_t n = 0; n < SAMPLES; n++) {
            uint64_t key = spread ? rng_mix(11, n) : n % 64;
            uint64_t counter = spread ? rng_mix(22, n) : n / 64;
            uint64_t key_bit = bit < 64 ? UINT64_C(1) << bit : 0;
            uint64_t counter_bit = bit < 64 ? 0 : UINT64_C(1) << (bit - 64);
            uint64_t changed =
                rng_mix(key, counter) ^ rng_mix(key ^ key_bit, counter ^ counter_bit);
            for (int i = 0; i < 64; i++) {
                flips[bit][i] += (uint32_t)(changed >> i & 1);
            }
        }
    }
    double worst = 0.0;
    for (int bit = 0; bit < 128; bit++) {
        for (int i = 0; i < 64; i++) {
            worst = fmax(worst, fabs(flips[bit][i] / (double)SAMPLES - 0.5));
        }
    }
    return worst;
}

Test(rng, every_input_bit_flips_every_output_bit_half_of_the_time)
{
    /* Standard deviation .0078; the largest of 8192 sound ones lies near .031. */
    cr_expect_lt(worst_avalanche(true), 0.045);
    cr_expect_lt(worst_avalanche(false), 0.045);
}

/* Where the sequence under test comes from: along one stream, or the first draw of many. */
static uint64_t draw_of(int source, uint64_t n)
{
    struct rng rng = {0};
    switch (source) {
    case 0:
        rng = rng_stream_at(1, 1, 1, n);
        break;
    case 1:
        rng = rng_stream(n, 1, 1);
        break;
    case 2:
        rng = rng_stream(1, n, 1);
        break;
    case 3:
        rng = rng_stream(1, 1, (uint32_t)n);
        break;
    case 4:
        return rng_mix(5, n);
    default:
        return rng_mix(n, 5);
    }
    return rng_u64(&rng);
}

Test(rng, low_middle_and_high_bits_are_uniform_along_every_direction)
{
    for (int source = 0; source < 6; source++) {
        static uint32_t counts[3][BINS];
        for (int i = 0; i < BINS; i++) {
            counts[0][i] = counts[1][i] = counts[2][i] = 0;
        }
        for (uint64_t n = 0; n < DRAWS; n++) {
            uint64_t draw = draw_of(source, n);
            counts[0][draw & 255]++;
            counts[1][draw >> 28 & 255]++;
            counts[2][draw >> 56]++;
        }
        for (int part = 0; part < 3; part++) {
            cr_expect_lt(fabs(chi_square_sigmas(counts[part], BINS, DRAWS)), 5.0,
                         "source %d part %d", source, part);
        }
    }
}

/* Joint distribution of 4 bits from each of two streams that differ in one small number. */
static double joint_sigmas(struct rng a, struct rng b, int lag)
{
    uint32_t counts[256] = {0};
    for (int i = 0; i < lag; i++) {
        rng_u64(&b);
    }
    for (int i = 0; i < DRAWS; i++) {
        counts[(rng_u64(&a) >> 60) << 4 | rng_u64(&b) >> 60]++;
    }
    return fabs(chi_square_sigmas(counts, 256, DRAWS));
}

Test(rng, neighbouring_streams_are_independent)
{
    for (int lag = 0; lag < 3; lag++) {
        struct rng base = rng_stream(7, 100, 1);
        cr_expect_lt(joint_sigmas(base, rng_stream(7, 100, 2), lag), 5.0, "purpose, lag %d", lag);
        cr_expect_lt(joint_sigmas(base, rng_stream(7, 101, 1), lag), 5.0, "owner, lag %d", lag);
        cr_expect_lt(joint_sigmas(base, rng_stream(8, 100, 1), lag), 5.0, "seed, lag %d", lag);
    }
    cr_expect_lt(joint_sigmas(rng_stream(7, 100, 1), rng_stream(7, 100, 1), 1), 5.0,
                 "itself, lag 1");
}

Test(rng, uniform_stays_inside_the_open_interval)
{
    struct rng rng = rng_stream(3, 3, 3);
    double sum = 0.0;
    double squares = 0.0;
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&rng);
        cr_assert(u > 0.0 && u < 1.0);
        sum += u;
        squares += u * u;
    }
    double mean = sum / DRAWS;
    cr_expect_float_eq(mean, 0.5, 5 * 0.2887 / 1024);
    cr_expect_float_eq(squares / DRAWS - mean * mean, 1.0 / 12, 5e-4);
}

Test(rng, normal_fits_its_distribution_in_equal_shares)
{
    struct rng rng = rng_stream(4, 4, 4);
    uint32_t counts[64] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double share = 0.5 * erfc(-rng_normal(&rng) / sqrt(2.0));
        counts[(int)fmin(share * 64, 63)]++;
    }
    cr_expect_lt(fabs(chi_square_sigmas(counts, 64, DRAWS)), 5.0);
    cr_expect_eq(rng.counter, 2 * (uint64_t)DRAWS);
}

Test(rng, gumbel_and_exponential_fit_theirs)
{
    struct rng rng = rng_stream(5, 5, 5);
    uint32_t gumbel[64] = {0};
    uint32_t exponential[64] = {0};
    for (int i = 0; i < DRAWS; i++) {
        gumbel[(int)fmin(exp(-exp(-rng_gumbel(&rng))) * 64, 63)]++;
        exponential[(int)fmin(-expm1(-rng_exponential(&rng)) * 64, 63)]++;
    }
    cr_expect_lt(fabs(chi_square_sigmas(gumbel, 64, DRAWS)), 5.0);
    cr_expect_lt(fabs(chi_square_sigmas(exponential, 64, DRAWS)), 5.0);
}

Test(rng, largest_of_gumbels_is_a_softmax_choice)
{
    static const double utility[3] = {0.0, 1.0, -0.5};
    struct rng rng = rng_stream(6, 6, 6);
    double total = 0.0;
    int chosen[3] = {0};
    for (int i = 0; i < 3; i++) {
        total += exp(utility[i]);
    }
    for (int n = 0; n < 200000; n++) {
        double best = -INFINITY;
        int winner = 0;
        for (int i = 0; i < 3; i++) {
            double value = utility[i] + rng_gumbel(&rng);
            winner = value > best ? i : winner;
            best = fmax(best, value);
        }
        chosen[winner]++;
    }
    for (int i = 0; i < 3; i++) {
        cr_expect_float_eq(chosen[i] / 200000.0, exp(utility[i]) / total, 0.006, "option %d", i);
    }
}

Test(rng, below_is_uniform_and_one_draw)
{
    static const uint32_t bounds[] = {1, 2, 7, 255};
    for (int b = 0; b < 4; b++) {
        struct rng rng = rng_stream(8, 8, bounds[b]);
        uint32_t counts[255] = {0};
        for (int i = 0; i < DRAWS; i++) {
            uint32_t value = rng_below(&rng, bounds[b]);
            cr_assert_lt(value, bounds[b]);
            counts[value]++;
        }
        cr_expect_eq(rng.counter, (uint64_t)DRAWS);
        if (bounds[b] > 1) {
            double sigmas = chi_square_sigmas(counts, (int)bounds[b], DRAWS);
            cr_expect_lt(fabs(sigmas), 5.0, "bound %u", bounds[b]);
        }
    }
}

Test(rng, below_reaches_both_ends_of_the_widest_bound)
{
    struct rng rng = rng_stream(9, 9, 9);
    uint32_t smallest = UINT32_MAX;
    uint32_t largest = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint32_t value = rng_below(&rng, UINT32_MAX);
        smallest = value < smallest ? value : smallest;
        largest = value > largest ? value : largest;
    }
    cr_expect_lt(smallest, UINT32_MAX / 50000);
    cr_expect_gt(largest, UINT32_MAX - UINT32_MAX / 50000);
}
