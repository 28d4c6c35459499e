/*
 * Implicit-feedback matrix factorisation by alternating least squares with conjugate gradient
 * (Hu, Koren, Volinsky 2008; Takacs, Pilaszy, Tikk 2011). Minimises, with C_ui = 1 + alpha w_ui
 * for an observed pair of weight w and 1 otherwise,
 *     sum_ui C_ui (P_ui - x_u.y_i)^2 + regularisation (|X|^2 + |Y|^2),
 * where P_ui = (1 + alpha) w / (1 + alpha w) for an observed pair and 0 otherwise: 1 at weight 1.
 * A weight of 0 means "as if never observed", so old events can fade out. Weights lie in [0, 1]
 * as a rule; larger ones are allowed. Pure; results do not depend on the number of threads.
 */
#ifndef NUMERIC_ALS_H
#define NUMERIC_ALS_H

#include "base/parallel.h"
#include "numeric/sparse.h"

#include <stdint.h>

#define ALS_FACTORS_MAX 256

struct als_config {
    int factors;  /* multiple of 8, at most ALS_FACTORS_MAX; 8, 16, 32, 64 are fastest */
    int sweeps;   /* a sweep solves users, then items */
    int cg_steps; /* per row and half sweep; 3 is usual */
    float regularisation;
    float alpha;
    uint64_t seed;
};

/* user_factors [rows x factors] and item_factors [cols x factors], row-major, are the caller's.
 * warm != 0: they hold a former solution and are improved; else they are initialised from seed.
 * progress (may be NULL) is called after each sweep on the calling thread; returning 0 stops. */
typedef int als_progress(void *context, int sweep, int sweeps);
void als_train(const struct als_config *config, const struct sparse *weights,
               const struct sparse *weights_transposed, const struct parallel *parallel, int warm,
               float *user_factors, float *item_factors, als_progress *progress, void *context);

/* Solves one row against fixed factors (fold-in of one user). gram = Y'Y + regularisation I,
 * [factors x factors]; out [factors] holds the starting point and the answer. */
void als_gram(const float *factors, int32_t rows, int k, float regularisation, float *gram);
void als_solve_row(const struct als_config *config, const float *gram, const float *other_factors,
                   const int32_t *col, const float *weight, int64_t count, float *out);

#endif
