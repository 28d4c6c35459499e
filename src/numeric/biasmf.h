/*
 * Rating model r_ui = mu + b_u + b_i + p_u.q_i: ridge biases, then alternating least squares on the
 * residual with regularisation proportional to the number of ratings (ALS-WR, Zhou et al. 2008).
 */
#ifndef NUMERIC_BIASMF_H
#define NUMERIC_BIASMF_H

#include "base/parallel.h"
#include "numeric/sparse.h"

#include <stdint.h>

struct biasmf_config {
    int factors;
    int bias_sweeps;
    double user_ridge, item_ridge; /* lambda_u, lambda_i of the biases */
    double factor_ridge;           /* times the row's number of ratings */
    int factor_sweeps;
    uint64_t seed;
};

struct biasmf {
    int32_t users, items;
    int factors;
    double mean;
    float *user_bias, *item_bias; /* [users], [items] */
    float *user_factor;           /* [users x factors] */
    float *item_factor;           /* [items x factors] */
};

struct biasmf_config biasmf_defaults(void);
/* stars: users x items, values 0.5 to 5.0. The result is the caller's (biasmf_deinit). */
void biasmf_fit(const struct biasmf_config *config, const struct sparse *stars,
                const struct parallel *parallel, struct biasmf *out);
/* Unclipped prediction. */
double biasmf_predict(const struct biasmf *model, int32_t user, int32_t item);
void biasmf_deinit(struct biasmf *model);

#endif
