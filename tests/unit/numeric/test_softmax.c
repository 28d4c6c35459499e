#include "numeric/softmax.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { K = 8, N = 64, ROWS = 5, CLASSES = 32 };

/* A slice of random numbers, with memory for its gradients. */
struct slice {
    float by_class[N * K], by_factor[K * N], offset[N];
    float row[ROWS * K], chosen[ROWS * K], chosen_bias[ROWS], weight[ROWS];
    const float *chosen_at[ROWS];
    uint64_t mask[ROWS];
    const uint64_t *mask_at[ROWS];
    float by_row[ROWS * K], by_chosen[ROWS * K], by_bias[ROWS], by_negative[N * K], by_offset[N];
    float scratch[SOFTMAX_SLICE * N];
};

static void fill(struct slice *slice)
{
    struct rng rng = rng_stream(1, 2, 3);
    for (int c = 0; c < N * K; c++) {
        slice->by_class[c] = (float)rng_normal(&rng);
    }
    for (int n = 0; n < N; n++) {
        slice->offset[n] = (float)rng_normal(&rng);
    }
    for (int c = 0; c < ROWS * K; c++) {
        slice->row[c] = (float)rng_normal(&rng);
        slice->chosen[c] = (float)rng_normal(&rng);
    }
    for (int r = 0; r < ROWS; r++) {
        slice->chosen_bias[r] = (float)rng_normal(&rng);
        slice->weight[r] = (float)rng_uniform(&rng);
        slice->chosen_at[r] = slice->chosen + r * K;
        slice->mask[r] = rng_u64(&rng) & rng_u64(&rng);
        slice->mask_at[r] = &slice->mask[r];
    }
}

static double learn(struct slice *slice)
{
    for (int n = 0; n < N; n++) {
        for (int j = 0; j < K; j++) {
            slice->by_factor[j * N + n] = slice->by_class[n * K + j];
        }
    }
    const struct softmax_negatives negatives = {N, K, slice->by_class, slice->by_factor,
                                                slice->offset};
    const struct softmax_rows rows = {
        ROWS, slice->row, slice->chosen_at, slice->chosen_bias, slice->weight, slice->mask_at};
    const struct softmax_gradient out = {slice->by_row, slice->by_chosen, slice->by_bias,
                                         slice->by_negative, slice->by_offset};
    return softmax_slice(&negatives, &rows, &out, slice->scratch);
}

/* The loss by its definition, in double. */
static double plain_loss(const struct slice *slice)
{
    double loss = 0;
    for (int r = 0; r < ROWS; r++) {
        double own = (double)slice->chosen_bias[r], total = 0;
        for (int j = 0; j < K; j++) {
            own += (double)slice->row[r * K + j] * (double)slice->chosen[r * K + j];
        }
        for (int n = 0; n < N; n++) {
            double score = (double)slice->offset[n];
            for (int j = 0; j < K; j++) {
                score += (double)slice->row[r * K + j] * (double)slice->by_class[n * K + j];
            }
            total += (slice->mask[r] >> n & 1) != 0 ? 0 : exp(score);
        }
        loss += (double)slice->weight[r] * (log(exp(own) + total) - own);
    }
    return loss;
}

Test(softmax, the_exponential_is_exact_to_float)
{
    for (double x = -87; x < 88; x += 0.0137) {
        double got = (double)softmax_exp((float)x), wanted = exp((double)(float)x);
        cr_expect(fabs(got / wanted - 1) < 3e-7, "exp(%g) = %g", x, got);
    }
    cr_expect_eq(softmax_exp(-1000), softmax_exp(-87));
    cr_expect_eq(softmax_exp(1000), softmax_exp(88));
}

Test(softmax, gradients_agree_with_finite_differences)
{
    static struct slice slice, moved;
    fill(&slice);
    double loss = learn(&slice);
    cr_expect_float_eq(loss, plain_loss(&slice), 1e-4);
    const struct {
        const char *name;
        float *value;
        const float *gradient;
        int count;
    } parts[] = {{"rows", moved.row, slice.by_row, ROWS * K},
                 {"choices", moved.chosen, slice.by_chosen, ROWS * K},
                 {"choices' biases", moved.chosen_bias, slice.by_bias, ROWS},
                 {"negatives", moved.by_class, slice.by_negative, N * K},
                 {"negatives' offsets", moved.offset, slice.by_offset, N}};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        for (int c = 0; c < parts[p].count; c++) {
            memcpy(&moved, &slice, sizeof moved);
            float at = parts[p].value[c];
            volatile float above = at + 0.01f, below = at - 0.01f;
            parts[p].value[c] = above;
            double up = plain_loss(&moved);
            parts[p].value[c] = below;
            double slope = (up - plain_loss(&moved)) / ((double)above - (double)below);
            cr_expect(fabs((double)parts[p].gradient[c] - slope) < 1e-3,
                      "%s, number %d: %g, not %g", parts[p].name, c, (double)parts[p].gradient[c],
                      slope);
        }
    }
}

Test(softmax, a_masked_negative_learns_nothing)
{
    static struct slice slice;
    fill(&slice);
    for (int r = 0; r < ROWS; r++) {
        slice.mask[r] |= 1U << 7;
    }
    learn(&slice);
    for (int j = 0; j < K; j++) {
        cr_expect_eq(slice.by_negative[7 * K + j], 0);
    }
    cr_expect_eq(slice.by_offset[7], 0);
    cr_expect_neq(slice.by_offset[8], 0);
}

/* Learns biases of classes of known frequency, negatives being drawn very unevenly; returns the
 * largest error of a class's log-probability. */
static double learn_frequencies(bool corrected)
{
    static struct slice slice;
    double frequency[CLASSES], drawn[CLASSES], bias[CLASSES] = {0}, total = 0, draws = 0;
    memset(&slice, 0, sizeof slice);
    for (int c = 0; c < CLASSES; c++) {
        total += frequency[c] = 1.0 / (c + 3);
        draws += drawn[c] = c % 2 == 0 ? 4 : 1;
    }
    struct rng rng = rng_stream(5, 0, 0);
    for (int step = 0; step < 20000; step++) {
        int chosen[ROWS], negative[N];
        for (int n = 0; n < N; n++) {
            negative[n] = 0;
            for (double left = rng_uniform(&rng) * draws; (left -= drawn[negative[n]]) > 0;) {
                negative[n]++;
            }
            slice.offset[n] =
                (float)(bias[negative[n]] - (corrected ? log(N * drawn[negative[n]] / draws) : 0));
        }
        for (int r = 0; r < ROWS; r++) {
            chosen[r] = 0;
            for (double left = rng_uniform(&rng) * total; (left -= frequency[chosen[r]]) > 0;) {
                chosen[r]++;
            }
            slice.chosen_at[r] = slice.chosen + r * K;
            slice.chosen_bias[r] = (float)bias[chosen[r]];
            slice.weight[r] = 1;
            slice.mask[r] = 0;
            slice.mask_at[r] = &slice.mask[r];
            for (int n = 0; n < N; n++) {
                slice.mask[r] |= (uint64_t)(negative[n] == chosen[r]) << n;
            }
        }
        learn(&slice);
        double rate = 0.5 / (1 + step * 0.02);
        for (int r = 0; r < ROWS; r++) {
            bias[chosen[r]] -= rate * (double)slice.by_bias[r];
        }
        for (int n = 0; n < N; n++) {
            bias[negative[n]] -= rate * (double)slice.by_offset[n];
        }
    }
    double powers = 0, worst = 0;
    for (int c = 0; c < CLASSES; c++) {
        powers += exp(bias[c]);
    }
    for (int c = 0; c < CLASSES; c++) {
        worst = fmax(worst, fabs(bias[c] - log(powers) - log(frequency[c] / total)));
    }
    return worst;
}

Test(softmax, the_correction_makes_sampled_scores_those_of_the_full_softmax)
{
    double corrected = learn_frequencies(true), plain = learn_frequencies(false);
    cr_expect_lt(corrected, 0.2, "worst error of a log-probability %g", corrected);
    cr_expect_gt(plain, 0.5, "without correction %g", plain);
}
