/*
 * Crossed random effects r = mu + b_u + b_i + e with b_u ~ N(0, s_u^2), b_i ~ N(0, s_i^2),
 * e ~ N(0, s^2), by variational Bayes: the posterior is taken as a product of normal distributions
 * of the single effects, which are solved in turn (mean: a ridge mean with the ridge s^2 / s_u^2;
 * variance: 1 / (n_u / s^2 + 1 / s_u^2)), and the three variances are the expectations of the
 * squares under it. Unlike the standard deviation of fitted biases, which the ridge shrinks, the
 * answer does not depend on how many ratings each person or film has.
 */
#include "movielens/compare_int.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

#define SWEEPS 60

struct side {
    int32_t count;
    double *sum, *mean, *variance, *ratings;
    double prior; /* variance of the effects */
};

static void side_init(struct side *side, int32_t count)
{
    size_t n = (size_t)count;
    *side = (struct side){.count = count,
                          .sum = mem_zalloc(n, sizeof(double)),
                          .mean = mem_zalloc(n, sizeof(double)),
                          .variance = mem_zalloc(n, sizeof(double)),
                          .ratings = mem_zalloc(n, sizeof(double)),
                          .prior = 0.2};
}

static void side_deinit(struct side *side)
{
    mem_free(side->sum);
    mem_free(side->mean);
    mem_free(side->variance);
    mem_free(side->ratings);
}

/* From the sums of what the rest of the model leaves. */
static void side_update(struct side *side, double noise)
{
    double square = 0, rated = 0;
    for (int32_t k = 0; k < side->count; k++) {
        if (side->ratings[k] > 0) {
            side->variance[k] = 1 / (side->ratings[k] / noise + 1 / side->prior);
            side->mean[k] = side->variance[k] * side->sum[k] / noise;
            square += side->mean[k] * side->mean[k] + side->variance[k];
            rated += 1;
        }
    }
    side->prior = square / rated;
    memset(side->sum, 0, (size_t)side->count * sizeof *side->sum);
}

struct compare_effects compare_effects_fit(const struct ratings *r)
{
    struct side users, items;
    double mu = 0, noise = 1;
    side_init(&users, r->users);
    side_init(&items, r->items);
    for (int64_t i = 0; i < r->count; i++) {
        mu += 0.5 * r->half_stars[i] / (double)r->count;
        items.ratings[r->item[i]] += 1;
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double left = 0, square = 0;
        for (int32_t u = 0; u < r->users; u++) {
            users.ratings[u] = (double)(r->start[u + 1] - r->start[u]);
            for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
                users.sum[u] += 0.5 * r->half_stars[i] - mu - items.mean[r->item[i]];
            }
        }
        side_update(&users, noise);
        for (int32_t u = 0; u < r->users; u++) {
            for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
                items.sum[r->item[i]] += 0.5 * r->half_stars[i] - mu - users.mean[u];
            }
        }
        side_update(&items, noise);
        for (int32_t u = 0; u < r->users; u++) {
            for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
                double rest = 0.5 * r->half_stars[i] - mu - users.mean[u] - items.mean[r->item[i]];
                left += rest;
                square += rest * rest + users.variance[u] + items.variance[r->item[i]];
            }
        }
        noise = square / (double)r->count;
        mu += left / (double)r->count;
    }
    struct compare_effects out = {mu, sqrt(users.prior), sqrt(items.prior), sqrt(noise)};
    side_deinit(&users);
    side_deinit(&items);
    return out;
}

void compare_effects(const struct compare_data *data, double *value)
{
    struct compare_effects fit = compare_effects_fit(data->ratings);
    value[COMPARE_USER_SD] = fit.user_sd;
    value[COMPARE_ITEM_SD] = fit.item_sd;
    value[COMPARE_RESIDUAL_SD] = fit.residual_sd;
}
