/* The measures behind compare.h, one by one, for compare*.c and their tests. */
#ifndef MOVIELENS_COMPARE_INT_H
#define MOVIELENS_COMPARE_INT_H

#include "base/parallel.h"
#include "movielens/compare.h"
#include "movielens/ratings.h"
#include "numeric/sparse.h"

#include <stdint.h>

#define COMPARE_SESSION_BREAK_S 1800 /* a longer gap starts a new session */
#define COMPARE_RANK 20              /* singular values and factors looked at */

/* ---- small statistics (compare.c) ---- */

double compare_mean(const double *x, int64_t count);
double compare_sd(const double *x, int64_t count); /* of the population */
double compare_correlation(const double *x, const double *y, int64_t count);
/* Sorts in place; linear between order statistics. NAN of nothing. */
double compare_quantile(double *x, int64_t count, double q);

/* ---- what several measures share ---- */

struct compare_data {
    const struct dataset *dataset;
    const struct ratings *ratings;
    const struct parallel *parallel;
    int32_t *film_count; /* [items] ratings of each film */
    double *film_mean;   /* [items] stars, 0 without ratings */
    /* Ratings as a matrix whose rows are people and columns films, rising: so sorted, rows of
     * ml-latest-small stand as in its file. */
    struct sparse stars;
    double *residual; /* [count] rating minus ridge biases, in the order of `ratings` */
};
void compare_data_init(struct compare_data *data, const struct dataset *dataset,
                       const struct parallel *parallel);
void compare_data_deinit(struct compare_data *data);

/* ---- the measures: each fills its own places of value ---- */

void compare_histogram(const struct compare_data *data, double *value);
void compare_activity(const struct compare_data *data, double *value);
void compare_popularity(const struct compare_data *data, double *value);
void compare_genres(const struct compare_data *data, double *value);
void compare_effects(const struct compare_data *data, double *value);
void compare_exposure(const struct compare_data *data, double *value);
void compare_values(const struct compare_data *data, double *value);
void compare_sessions(const struct compare_data *data, double *value);
void compare_hours(const struct compare_data *data, double *value);
void compare_order(const struct compare_data *data, double *value);
void compare_stream(const struct compare_data *data, double *value);
void compare_learning(const struct compare_data *data, double *value);
void compare_ranking(const struct compare_data *data, double *value);

/* Normal distribution left-truncated at `cut`, by maximum likelihood from the mean and the variance
 * of a sample: *mu and *sigma of the untruncated one. */
void compare_truncated_normal(double mean, double variance, double cut, double *mu, double *sigma);

struct compare_effects { /* r = mu + b_u + b_i + e, crossed random effects */
    double mu, user_sd, item_sd, residual_sd;
};
struct compare_effects compare_effects_fit(const struct ratings *ratings);

/* Biased matrix factorisation by stochastic gradient descent on the rows kept; see the .c file. */
struct compare_sgd {
    int32_t users, items;
    double mean;
    double *user_bias, *item_bias, *user_factor, *item_factor; /* factors [n x COMPARE_RANK] */
};
void compare_sgd_fit(const struct sparse *stars, uint64_t seed, struct compare_sgd *out);
double compare_sgd_predict(const struct compare_sgd *model, int32_t user, int32_t item);
void compare_sgd_deinit(struct compare_sgd *model);

#endif
