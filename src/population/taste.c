#include "population/taste.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define BLOCK_FILMS 1024 /* 16 rows of 4 kB: a block stays in the first-level caches */

float taste_dot(const float *a, const float *b)
{
    /* Four sums, because one would make each addition wait for the last. */
    float sum[4] = {0};
    for (int d = 0; d < TASTE_DIMS; d += 4) {
        for (int k = 0; k < 4; k++) {
            sum[k] += a[d + k] * b[d + k];
        }
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

float taste_normalise(float *taste)
{
    float length = sqrtf(taste_dot(taste, taste));
    if (length > 0) {
        for (int d = 0; d < TASTE_DIMS; d++) {
            taste[d] /= length;
        }
    }
    return length;
}

/* out = the part of `goal` at right angles to the unit vector `taste`; returns its length. */
static double right_angle_part(const float *taste, const float *goal, double *out)
{
    double along = 0, square = 0;
    for (int d = 0; d < TASTE_DIMS; d++) {
        along += (double)taste[d] * (double)goal[d];
    }
    for (int d = 0; d < TASTE_DIMS; d++) {
        out[d] = (double)goal[d] - along * (double)taste[d];
        square += out[d] * out[d];
    }
    return sqrt(square);
}

double taste_angle(const float *a, const float *b)
{
    float unit[TASTE_DIMS];
    double across[TASTE_DIMS];
    memcpy(unit, a, sizeof unit);
    taste_normalise(unit);
    double length = right_angle_part(unit, b, across);
    return atan2(length, (double)taste_dot(unit, b)) * 180 / PI;
}

/* The axis on which `taste` is smallest: never parallel to it. */
static void weakest_axis(const float *taste, float *axis)
{
    int weakest = 0;
    for (int d = 1; d < TASTE_DIMS; d++) {
        if (fabsf(taste[d]) < fabsf(taste[weakest])) {
            weakest = d;
        }
    }
    memset(axis, 0, TASTE_DIMS * sizeof *axis);
    axis[weakest] = 1;
}

void taste_turn(float *taste, const float *goal, double degrees)
{
    if (degrees <= 0) {
        return;
    }
    double across[TASTE_DIMS];
    double length = right_angle_part(taste, goal, across);
    double angle = atan2(length, (double)taste_dot(taste, goal));
    if (length < 1e-6) {
        if (angle < 1) {
            return; /* already there */
        }
        float axis[TASTE_DIMS];
        weakest_axis(taste, axis);
        length = right_angle_part(taste, axis, across);
    }
    double turn = fmin(degrees * PI / 180, angle);
    double keep = cos(turn), gain = sin(turn) / length;
    for (int d = 0; d < TASTE_DIMS; d++) {
        taste[d] = (float)(keep * (double)taste[d] + gain * across[d]);
    }
    taste_normalise(taste);
}

void taste_by_dim(const float *by_film, int32_t films, float *by_dim)
{
    for (int32_t i = 0; i < films; i++) {
        for (int d = 0; d < TASTE_DIMS; d++) {
            by_dim[(int64_t)d * films + i] = by_film[(int64_t)i * TASTE_DIMS + d];
        }
    }
}

/* Four dimensions a pass, so that `out` is loaded and stored four times and not sixteen. */
TASTE_VECTOR_VERSIONS
static void add_four(const float *weight, const float *restrict y, int32_t stride, int32_t count,
                     float *restrict out)
{
    const float *restrict y0 = y;
    const float *restrict y1 = y + (int64_t)stride;
    const float *restrict y2 = y + 2 * (int64_t)stride;
    const float *restrict y3 = y + 3 * (int64_t)stride;
    float w0 = weight[0], w1 = weight[1], w2 = weight[2], w3 = weight[3];
    for (int32_t i = 0; i < count; i++) {
        out[i] += (w0 * y0[i] + w1 * y1[i]) + (w2 * y2[i] + w3 * y3[i]);
    }
}

void taste_scores(const float *taste, float sharpness, const float *by_dim, const float *offset,
                  int32_t films, float *out)
{
    float weight[TASTE_DIMS];
    for (int d = 0; d < TASTE_DIMS; d++) {
        weight[d] = sharpness * taste[d];
    }
    for (int32_t first = 0; first < films; first += BLOCK_FILMS) {
        int32_t count = films - first < BLOCK_FILMS ? films - first : BLOCK_FILMS;
        memcpy(out + first, offset + first, (size_t)count * sizeof *out);
        for (int d = 0; d < TASTE_DIMS; d += 4) {
            add_four(weight + d, by_dim + (int64_t)d * films + first, films, count, out + first);
        }
    }
}
