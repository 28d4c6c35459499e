/*
 * Tastes as vectors of TASTE_DIMS floats. Single vectors lie together (a person, a film); the
 * films of a whole catalogue are also kept by dimension, so that one person can be scored against
 * all of them at the speed of memory. Pure; any thread.
 */
#ifndef POPULATION_TASTE_H
#define POPULATION_TASTE_H

#include <stdint.h>

#define TASTE_DIMS 16

/* For loops over all films: compiled twice, for any x86-64 and with AVX2, the fitting one taken
 * when the program starts. Both do the same operations in the same order (no fused multiply-add),
 * hence the same bits. Not with the sanitizers, whose run-time is not up when versions are
 * resolved. */
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) &&                 \
    !defined(__SANITIZE_THREAD__)
#define TASTE_VECTOR_VERSIONS __attribute__((target_clones("avx2", "default")))
#else
#define TASTE_VECTOR_VERSIONS
#endif

float taste_dot(const float *a, const float *b);
/* Scales to unit length and returns the former length; a zero vector stays and returns 0. */
float taste_normalise(float *taste);
/* Angle between two vectors, 0 to 180 degrees. */
double taste_angle(const float *a, const float *b);
/* Turns the unit vector `taste` by `degrees` towards the unit vector `goal`, in the plane of both,
 * at most until it reaches the goal (slerp by a given angle). Length stays 1. If the goal is
 * exactly opposite any plane will do; one is chosen by a fixed rule. degrees <= 0 changes nothing.
 */
void taste_turn(float *taste, const float *goal, double degrees);

/* by_dim [TASTE_DIMS x films] from by_film [films x TASTE_DIMS]. */
void taste_by_dim(const float *by_film, int32_t films, float *by_dim);
/* out[i] = offset[i] + sharpness * taste . film_i for all films. */
void taste_scores(const float *taste, float sharpness, const float *by_dim, const float *offset,
                  int32_t films, float *out);

#endif
