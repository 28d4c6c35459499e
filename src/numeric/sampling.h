/*
 * Drawing n things without replacement with probabilities proportional to exp(utility): the n
 * largest of utility + standard Gumbel noise (the same law as an exponential race with rates
 * exp(utility)). Pure; the noise of item i is a pure function of the stream and i, so the same
 * person makes the same draws whatever the utilities, the order or the thread.
 */
#ifndef NUMERIC_SAMPLING_H
#define NUMERIC_SAMPLING_H

#include "base/rng.h"

#include <stdint.h>

/* Natural logarithm in float of a positive, normal, finite x; off by at most
 * SAMPLING_LOG_ERROR * max(1, |log x|), and relatively by SAMPLING_LOG_ERROR also near x = 1. */
#define SAMPLING_LOG_ERROR 4e-7
float sampling_log(float x);

/* The i-th standard Gumbel draw of the stream (i >= 0), off by at most 2e-6 from the exact value
 * of its 31 random bits. Draws 2 j and 2 j + 1 come from word counter + j; let nothing else use
 * the stream. Range -3.1 to 22.2, the ends being the middles of cells of probability 2^-31. */
float sampling_gumbel(const struct rng *stream, int32_t i);

/* keys[i] = utility[i] + sampling_gumbel(stream, i), for all at once and many times faster.
 * A utility of -INFINITY (never choose) stays. keys may be utility itself. */
void sampling_gumbel_keys(const struct rng *stream, const float *utility, int32_t count,
                          float *keys);

/* Indexes of the n largest keys into chosen [n], rising; equal keys: the lower index first.
 * Keys of -INFINITY and NaN are never chosen. Returns how many were, which is below n only if the
 * keys run out. O(count) expected. */
int32_t sampling_top_n(const float *keys, int32_t count, int32_t n, int32_t *chosen);

#endif
