/*
 * Three small matrix products a slice (scores, gradient of rows, gradient of negatives) with the
 * exponentials between them. Each is a loop of scaled additions of neighbouring floats whose sums
 * stay in registers, so that the compiler vectorises it and the order of every sum is fixed.
 * Rejected: BLAS, see numeric/als.c.
 */
#include "numeric/softmax.h"

#include "numeric/versions.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum { LANES = 8, BLOCK_LANES = SOFTMAX_NEGATIVES / LANES };

/* Eight numbers, loaded from and stored to plain arrays; see numeric/als.c. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t whole_lanes
    __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4), may_alias));

INLINED const lanes *lanes_of(const float *a)
{
    return (const lanes *)a;
}

/* Vectors go by address: by value they would change the calling convention with the machine. */
INLINED float sum_of(const lanes *a)
{
    float total = 0;
    for (int lane = 0; lane < LANES; lane++) {
        total += (*a)[lane];
    }
    return total;
}

/* x = above ? x : other, lane by lane; C has no choice between vectors, so bits are chosen. */
INLINED void keep_where(lanes *x, const whole_lanes *above, const lanes *other)
{
    *x = (lanes)((*above & (whole_lanes)*x) | (~*above & (whole_lanes)*other));
}

/* Cephes' expf of x <= 88: 2^n times a polynomial on [-log(2)/2, log(2)/2]. */
INLINED void exponential(lanes *x)
{
    const lanes low = (lanes){0} - 87.0f;
    const whole_lanes above = *x > low;
    keep_where(x, &above, &low);
    /* Adding and taking away 1.5 * 2^23 rounds to the nearest integer. */
    lanes n = *x * 1.44269504f + 12582912.0f;
    n -= 12582912.0f;
    lanes r = *x - n * 0.693359375f;
    r += n * 2.12194440e-4f;
    lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const whole_lanes power = (__builtin_convertvector(n, whole_lanes) + 127) << 23;
    *x = p * (lanes)power;
}

INLINED float exponential_of(float x)
{
    lanes value = {x < 88 ? x : 88};
    exponential(&value);
    return value[0];
}

float softmax_exp(float x)
{
    return exponential_of(x);
}

/* out[n] = offset[n] + sum of row[j] * by_factor[j][n], BLOCK negatives at a time. */
INLINED void score_row(const struct softmax_negatives *negatives, const float *row, float *out,
                       int k)
{
    for (int first = 0; first < negatives->count; first += SOFTMAX_NEGATIVES) {
        lanes sum[BLOCK_LANES];
        const float *value = negatives->by_factor + first;
        for (int b = 0; b < BLOCK_LANES; b++) {
            sum[b] = lanes_of(negatives->offset + first)[b];
        }
        for (int j = 0; j < k; j++, value += negatives->count) {
            for (int b = 0; b < BLOCK_LANES; b++) {
                sum[b] += row[j] * lanes_of(value)[b];
            }
        }
        for (int b = 0; b < BLOCK_LANES; b++) {
            ((lanes *)(out + first))[b] = sum[b];
        }
    }
}

INLINED void put_out(float *power, int count, const uint64_t *mask)
{
    for (int word = 0; word < count / 64; word++) {
        for (uint64_t left = mask[word]; left != 0; left &= left - 1) {
            power[word * 64 + __builtin_ctzll(left)] = 0;
        }
    }
}

/* Replaces scores by exp(score - top), 0 where masked; returns their sum. */
INLINED float exponentials(float *score, int count, const uint64_t *mask, float top)
{
    lanes *values = (lanes *)score, sum = {0};
    for (int n = 0; n < count / LANES; n++) {
        values[n] -= top;
        exponential(&values[n]);
    }
    put_out(score, count, mask);
    for (int n = 0; n < count / LANES; n++) {
        sum += values[n];
    }
    return sum_of(&sum);
}

INLINED float highest(const float *score, int count, float top)
{
    lanes most = (lanes){0} + top;
    for (int n = 0; n < count / LANES; n++) {
        const lanes *value = lanes_of(score) + n;
        const whole_lanes above = most > *value;
        keep_where(&most, &above, value);
    }
    for (int lane = 0; lane < LANES; lane++) {
        top = most[lane] > top ? most[lane] : top;
    }
    return top;
}

INLINED float dot(const float *a, const float *b, int k)
{
    lanes sum = {0};
    for (int j = 0; j < k / LANES; j++) {
        sum += lanes_of(a)[j] * lanes_of(b)[j];
    }
    return sum_of(&sum);
}

/* out = sum over n of scale[n * stride] * vectors[n] */
INLINED void combine(const float *scale, size_t stride, const float *vectors, int count, int k,
                     float *out)
{
    lanes sum[SOFTMAX_FACTORS_MAX / LANES];
    for (int j = 0; j < k / LANES; j++) {
        sum[j] = (lanes){0};
    }
    for (int n = 0; n < count; n++, vectors += k) {
        float by = scale[(size_t)n * stride];
        for (int j = 0; j < k / LANES; j++) {
            sum[j] += by * lanes_of(vectors)[j];
        }
    }
    for (int j = 0; j < k / LANES; j++) {
        ((lanes *)out)[j] = sum[j];
    }
}

/* One row's loss; its scores become the gradients by the negatives' scores. */
INLINED double choose(const struct softmax_negatives *negatives, const struct softmax_rows *rows,
                      int r, float *score, float *by_chosen)
{
    int k = negatives->factors;
    float own = dot(rows->row + (size_t)r * (size_t)k, rows->chosen[r], k) + rows->chosen_bias[r];
    float top = highest(score, negatives->count, own);
    float own_power = exponential_of(own - top);
    float total = own_power + exponentials(score, negatives->count, rows->mask[r], top);
    float scale = rows->weight[r] / total;
    for (int n = 0; n < negatives->count / LANES; n++) {
        ((lanes *)score)[n] *= scale;
    }
    *by_chosen = scale * own_power - rows->weight[r];
    return (double)rows->weight[r] * (log((double)total) - (double)(own - top));
}

INLINED double slice(const struct softmax_negatives *negatives, const struct softmax_rows *rows,
                     const struct softmax_gradient *out, float *scratch, int k)
{
    size_t count = (size_t)negatives->count;
    double loss = 0;
    for (int r = 0; r < rows->count; r++) {
        const float *row = rows->row + (size_t)r * (size_t)k;
        float *score = scratch + (size_t)r * count, by_chosen;
        score_row(negatives, row, score, k);
        loss += choose(negatives, rows, r, score, &by_chosen);
        float *by_row = out->row + (size_t)r * (size_t)k;
        combine(score, 1, negatives->by_class, negatives->count, k, by_row);
        float *to_chosen = out->chosen + (size_t)r * (size_t)k;
        const float *chosen = rows->chosen[r];
        for (int j = 0; j < k; j++) {
            by_row[j] += by_chosen * chosen[j];
            to_chosen[j] = by_chosen * row[j];
        }
        out->chosen_bias[r] = by_chosen;
    }
    memset(out->negative_bias, 0, count * sizeof *out->negative_bias);
    for (int r = 0; r < rows->count; r++) {
        for (size_t n = 0; n < count / LANES; n++) {
            ((lanes *)out->negative_bias)[n] += lanes_of(scratch + (size_t)r * count)[n];
        }
    }
    for (size_t n = 0; n < count; n++) {
        combine(scratch + n, count, rows->row, rows->count, k, out->negative + n * (size_t)k);
    }
    return loss;
}

VECTOR_VERSIONS
static double slice_of(const struct softmax_negatives *negatives, const struct softmax_rows *rows,
                       const struct softmax_gradient *out, float *scratch)
{
    /* A constant number of factors keeps the sums in registers. */
    switch (negatives->factors) {
    case 16:
        return slice(negatives, rows, out, scratch, 16);
    case 32:
        return slice(negatives, rows, out, scratch, 32);
    case 64:
        return slice(negatives, rows, out, scratch, 64);
    default:
        return slice(negatives, rows, out, scratch, negatives->factors);
    }
}

double softmax_slice(const struct softmax_negatives *negatives, const struct softmax_rows *rows,
                     const struct softmax_gradient *out, float *scratch)
{
    assert(rows->count <= SOFTMAX_SLICE && negatives->count % SOFTMAX_NEGATIVES == 0);
    assert(negatives->factors % 8 == 0 && negatives->factors <= SOFTMAX_FACTORS_MAX);
    return slice_of(negatives, rows, out, scratch);
}
