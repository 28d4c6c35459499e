#include "numeric/sampling.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(sampling, log_keeps_its_error_bound)
{
    double worst = 0;
    for (float x = 1e-37f; x < 1e38f; x *= 1.0003f) {
        double exact = log((double)x);
        worst = fmax(worst, fabs((double)sampling_log(x) - exact) / fmax(1, fabs(exact)));
    }
    cr_expect_lt(worst, SAMPLING_LOG_ERROR, "absolute or relative %g", worst);

    worst = 0;
    for (float x = 0.5f; x < 2; x += 3e-6f) {
        double exact = log((double)x);
        if (exact != 0)
            worst = fmax(worst, fabs(((double)sampling_log(x) - exact) / exact));
    }
    cr_expect_lt(worst, SAMPLING_LOG_ERROR, "relative near 1 %g", worst);
    cr_expect_eq(sampling_log(1), 0);
}

/* The same cell of (0, 1) in double. */
static double exact_gumbel(const struct rng *stream, int32_t i)
{
    uint64_t word = rng_mix(stream->key, stream->counter + (uint64_t)(i / 2));
    uint32_t half = (uint32_t)(i % 2 ? word >> 32 : word) >> 1;
    return -log(-log1p(-((double)half + .5) * 0x1p-31));
}

Test(sampling, gumbel_draws_are_within_two_millionths)
{
    struct rng stream = rng_stream(3, 4, 5);
    double worst = 0;
    for (int32_t i = 0; i < 300000; i++)
        worst = fmax(worst, fabs((double)sampling_gumbel(&stream, i) - exact_gumbel(&stream, i)));
    cr_expect_lt(worst, 2e-6, "%g", worst);
}

/* 1,001 and 255 .. 257 are odd and lie around the inner block size. */
Test(sampling, bulk_keys_are_utility_plus_the_single_draws)
{
    const int32_t counts[] = {0, 1, 2, 255, 256, 257, 1001};
    struct rng stream = rng_stream_at(3, 9, 5, 77);
    float utility[1001], keys[1001];
    for (int32_t i = 0; i < 1001; i++)
        utility[i] = i % 50 == 7 ? -INFINITY : (float)(i % 13) * 0.25f;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        sampling_gumbel_keys(&stream, utility, counts[c], keys);
        for (int32_t i = 0; i < counts[c]; i++)
            cr_expect_eq(keys[i], utility[i] + sampling_gumbel(&stream, i), "%d of %d", i,
                         counts[c]);
    }
    memcpy(keys, utility, sizeof keys);
    sampling_gumbel_keys(&stream, keys, 1001, keys);
    cr_expect_eq(keys[1000], utility[1000] + sampling_gumbel(&stream, 1000), "in place");
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov; 1.95 / sqrt(n) is passed by a true sample with probability .999. Mean
 * and variance are Euler's constant and pi^2 / 6. */
Test(sampling, draws_follow_the_gumbel_law)
{
    enum { COUNT = 200000 };
    struct rng stream = rng_stream(12, 0, 0);
    float *draw = mem_array(COUNT, sizeof *draw);
    double sum = 0, squares = 0, distance = 0;
    for (int32_t i = 0; i < COUNT; i++) {
        draw[i] = sampling_gumbel(&stream, i);
        sum += (double)draw[i];
        squares += (double)draw[i] * (double)draw[i];
    }
    double mean = sum / COUNT, variance = squares / COUNT - mean * mean;
    cr_expect(fabs(mean - 0.5772157) < .012, "mean %f", mean);
    cr_expect(fabs(variance - 1.6449341) < .035, "variance %f", variance);
    qsort(draw, COUNT, sizeof *draw, compare_floats);
    for (int32_t i = 0; i < COUNT; i++) {
        double share = exp(-exp(-(double)draw[i]));
        distance = fmax(distance, fmax(share - i / (double)COUNT, (i + 1) / (double)COUNT - share));
    }
    cr_expect_lt(distance, 1.95 / sqrt(COUNT), "%g", distance);
    mem_free(draw);
}

/* The item with the largest key is drawn with probability exp(u_i) / sum exp(u). */
Test(sampling, best_key_is_a_draw_by_exp_utility)
{
    const float utility[] = {0, 1, -1, 2, 0.5f};
    const int trials = 40000;
    int wins[5] = {0};
    double total = 0, chi_square = 0;
    for (int t = 0; t < trials; t++) {
        struct rng stream = rng_stream(2, (uint64_t)t, 8);
        float keys[5];
        int32_t best;
        sampling_gumbel_keys(&stream, utility, 5, keys);
        cr_assert_eq(sampling_top_n(keys, 5, 1, &best), 1);
        wins[best]++;
    }
    for (int i = 0; i < 5; i++)
        total += exp((double)utility[i]);
    for (int i = 0; i < 5; i++) {
        double expected = trials * exp((double)utility[i]) / total;
        chi_square += (wins[i] - expected) * (wins[i] - expected) / expected;
    }
    cr_expect_lt(chi_square, 18.5, "%f; 4 degrees of freedom, .999 point", chi_square);
}

struct ranked {
    float key;
    int32_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

static int compare_indexes(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* By sorting everything. */
static int32_t slow_top_n(const float *keys, int32_t count, int32_t n, int32_t *chosen)
{
    struct ranked *ranked = mem_array((size_t)count, sizeof *ranked);
    int32_t usable = 0;
    for (int32_t i = 0; i < count; i++)
        if (keys[i] > -INFINITY)
            ranked[usable++] = (struct ranked){keys[i], i};
    qsort(ranked, (size_t)usable, sizeof *ranked, compare_ranked);
    n = n < usable ? n : usable;
    for (int32_t i = 0; i < n; i++)
        chosen[i] = ranked[i].index;
    qsort(chosen, (size_t)n, sizeof *chosen, compare_indexes);
    mem_free(ranked);
    return n;
}

enum shape { RANDOM, RISING, FALLING, EQUAL, FEW_VALUES, ZEROS, HOLES, SHAPES };

static void fill(enum shape shape, float *keys, int32_t count)
{
    struct rng rng = rng_stream(1, shape, 0);
    for (int32_t i = 0; i < count; i++) {
        const float value[SHAPES] = {
            [RANDOM] = (float)rng_gumbel(&rng),
            [RISING] = (float)i - 40,
            [FALLING] = (float)-i,
            [EQUAL] = 1.5f,
            [FEW_VALUES] = (float)rng_below(&rng, 3) - 1,
            [ZEROS] = rng_below(&rng, 2) ? 0.0f : -0.0f,
            [HOLES] = i % 3 == 0 ? -INFINITY : (i % 3 == 1 ? NAN : (float)rng_normal(&rng)),
        };
        keys[i] = value[shape];
    }
}

Test(sampling, top_n_agrees_with_sorting)
{
    const int32_t wanted[] = {0, 1, 2, 7, 63, 64, 170, 999, 1000, 2000};
    float keys[1000];
    int32_t got[2000], want[2000];
    for (int shape = 0; shape < SHAPES; shape++) {
        fill((enum shape)shape, keys, 1000);
        for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) {
            int32_t n = sampling_top_n(keys, 1000, wanted[w], got);
            int32_t expected = slow_top_n(keys, 1000, wanted[w], want);
            cr_expect_eq(n, expected, "shape %d, %d wanted", shape, wanted[w]);
            cr_expect_arr_eq(got, want, (size_t)expected * sizeof *got, "shape %d, %d wanted",
                             shape, wanted[w]);
        }
    }
    cr_expect_eq(sampling_top_n(keys, 0, 5, got), 0, "no keys at all");
}
