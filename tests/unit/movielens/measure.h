/*
 * What the checklist of a MovieLens-shaped data set asks for, measured with the methods by which
 * the published figures were computed. For the tests of the look-alike; each function stands alone.
 */
#ifndef TESTS_MEASURE_H
#define TESTS_MEASURE_H

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "movielens/dataset.h"
#include "numeric/als.h"
#include "numeric/biasmf.h"
#include "numeric/sparse.h"
#include "numeric/svd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline int measure_compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/* Sorts in place; linear between order statistics. */
static inline double measure_quantile(double *values, int64_t count, double q)
{
    qsort(values, (size_t)count, sizeof *values, measure_compare);
    double at = q * (double)(count - 1);
    int64_t low = (int64_t)at;
    double next = low + 1 < count ? values[low + 1] : values[low];
    return values[low] + (at - (double)low) * (next - values[low]);
}

static inline double measure_correlation(const double *x, const double *y, int64_t count)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < count; i++) {
        mx += x[i] / (double)count;
        my += y[i] / (double)count;
    }
    for (int64_t i = 0; i < count; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return xy / sqrt(xx * yy);
}

static inline double measure_sd(const double *x, int64_t count)
{
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < count; i++) {
        mean += x[i] / (double)count;
    }
    for (int64_t i = 0; i < count; i++) {
        sum += (x[i] - mean) * (x[i] - mean);
    }
    return sqrt(sum / (double)count);
}

struct measure_items {
    int32_t *count;
    double *sum;
};

static inline struct measure_items measure_items(const struct ratings *r)
{
    struct measure_items items = {mem_zalloc((size_t)r->items, sizeof *items.count),
                                  mem_zalloc((size_t)r->items, sizeof *items.sum)};
    for (int64_t i = 0; i < r->count; i++) {
        items.count[r->item[i]]++;
        items.sum[r->item[i]] += 0.5 * r->half_stars[i];
    }
    return items;
}

static inline void measure_items_deinit(struct measure_items *items)
{
    mem_free(items->count);
    mem_free(items->sum);
}

/* Correlation over films with at least `least` ratings of log count and mean; *sd of the means. */
static inline double measure_popularity_quality(const struct ratings *r, int32_t least, double *sd)
{
    struct measure_items items = measure_items(r);
    double *x = mem_array((size_t)r->items, sizeof *x), *y = mem_array((size_t)r->items, sizeof *y);
    int64_t n = 0;
    for (int32_t i = 0; i < r->items; i++) {
        if (items.count[i] >= least) {
            x[n] = log(items.count[i]);
            y[n++] = items.sum[i] / items.count[i];
        }
    }
    double result = measure_correlation(x, y, n);
    *sd = measure_sd(y, n);
    mem_free(x);
    mem_free(y);
    measure_items_deinit(&items);
    return result;
}

/* Correlation of log count and mean over people; *sd of the means. */
static inline double measure_activity_mean(const struct ratings *r, double *sd)
{
    double *x = mem_array((size_t)r->users, sizeof *x), *y = mem_array((size_t)r->users, sizeof *y);
    for (int32_t u = 0; u < r->users; u++) {
        double sum = 0, n = (double)(r->start[u + 1] - r->start[u]);
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            sum += 0.5 * r->half_stars[i];
        }
        x[u] = log(n);
        y[u] = sum / n;
    }
    double result = measure_correlation(x, y, r->users);
    *sd = measure_sd(y, r->users);
    mem_free(x);
    mem_free(y);
    return result;
}

/* Users x films with the given value function; rows kept when keep(place in the row) is true. */
static inline void measure_matrix(const struct ratings *r, const uint8_t *dropped, bool stars,
                                  struct sparse *out)
{
    int64_t count = 0;
    sparse_init(out, r->users, r->items, r->count);
    for (int32_t u = 0; u < r->users; u++) {
        out->start[u] = count;
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            if (dropped == NULL || !dropped[i]) {
                out->col[count] = r->item[i];
                out->value[count++] = stars ? 0.5F * (float)r->half_stars[i] : 1.0F;
            }
        }
    }
    out->start[r->users] = count;
    out->count = count;
}

/* Share of Frobenius energy in the first `rank` singular values of the binary matrix divided by
 * the roots of its degrees. shuffled: the films are dealt anew over all ratings first. */
static inline double measure_exposure_energy(const struct ratings *r, int rank, bool shuffled,
                                             const struct parallel *parallel)
{
    struct sparse matrix, transposed;
    measure_matrix(r, NULL, false, &matrix);
    if (shuffled) {
        struct rng rng = rng_stream(99, 0, 0);
        for (int64_t i = matrix.count - 1; i > 0; i--) {
            int64_t j = (int64_t)rng_below(&rng, (uint32_t)i + 1);
            int32_t swap = matrix.col[i];
            matrix.col[i] = matrix.col[j];
            matrix.col[j] = swap;
        }
    }
    double *degree = mem_zalloc((size_t)r->items, sizeof *degree);
    for (int64_t i = 0; i < matrix.count; i++) {
        degree[matrix.col[i]] += 1.0;
    }
    double energy = 0, held = 0;
    for (int32_t u = 0; u < r->users; u++) {
        double mine = (double)(matrix.start[u + 1] - matrix.start[u]);
        for (int64_t i = matrix.start[u]; i < matrix.start[u + 1]; i++) {
            matrix.value[i] = (float)(1.0 / sqrt(mine * degree[matrix.col[i]]));
            energy += (double)matrix.value[i] * (double)matrix.value[i];
        }
    }
    sparse_transpose(&matrix, &transposed);
    double *left = mem_array((size_t)(r->users * rank), sizeof *left);
    double *right = mem_array((size_t)(r->items * rank), sizeof *right);
    double *singular = mem_array((size_t)rank, sizeof *singular);
    svd_truncated(&matrix, &transposed, rank, 6, 5, parallel, left, singular, right);
    for (int k = 0; k < rank; k++) {
        held += singular[k] * singular[k];
    }
    mem_free(left);
    mem_free(right);
    mem_free(singular);
    mem_free(degree);
    sparse_deinit(&matrix);
    sparse_deinit(&transposed);
    return held / energy;
}

struct measure_ranking {
    double als, popularity; /* share of people whose held-out film is among the first ten */
};

/* 1 if fewer than ten unseen films score above the held-out one, ties counting half. */
static inline double measure_hit(const double *score, const uint8_t *seen, int32_t items,
                                 int32_t held)
{
    double above = 0;
    for (int32_t i = 0; i < items; i++) {
        if (!seen[i] && i != held) {
            above += score[i] > score[held] ? 1.0 : score[i] == score[held] ? 0.5 : 0.0;
        }
    }
    return above < 10.0 ? 1.0 : 0.0;
}

/* Leave the last rating of each person out; rank all unseen films. */
static inline struct measure_ranking measure_leave_last_out(const struct ratings *r,
                                                            const struct parallel *parallel)
{
    struct als_config config = {.factors = 24,
                                .sweeps = 8,
                                .cg_steps = 3,
                                .regularisation = 1.0F,
                                .alpha = 1.0F,
                                .seed = 3};
    size_t k = (size_t)config.factors, items = (size_t)r->items, users = (size_t)r->users;
    uint8_t *dropped = mem_zalloc((size_t)r->count, 1), *seen = mem_array(items, 1);
    double *count = mem_zalloc(items, sizeof *count), *score = mem_array(items, sizeof *score);
    float *x = mem_array(users * k, sizeof *x), *y = mem_array(items * k, sizeof *y);
    struct sparse matrix, transposed;
    struct measure_ranking hits = {0};
    for (int32_t u = 0; u < r->users; u++) {
        dropped[r->start[u + 1] - 1] = 1;
    }
    measure_matrix(r, dropped, false, &matrix);
    sparse_transpose(&matrix, &transposed);
    als_train(&config, &matrix, &transposed, parallel, 0, x, y, NULL, NULL);
    for (int64_t i = 0; i < matrix.count; i++) {
        count[matrix.col[i]] += 1.0;
    }
    for (int32_t u = 0; u < r->users; u++) {
        int32_t held = r->item[r->start[u + 1] - 1];
        memset(seen, 0, items);
        for (int64_t i = matrix.start[u]; i < matrix.start[u + 1]; i++) {
            seen[matrix.col[i]] = 1;
        }
        for (size_t i = 0; i < items; i++) {
            score[i] = 0;
            for (size_t d = 0; d < k; d++) {
                score[i] += (double)(x[(size_t)u * k + d] * y[i * k + d]);
            }
        }
        hits.als += measure_hit(score, seen, r->items, held) / r->users;
        hits.popularity += measure_hit(count, seen, r->items, held) / r->users;
    }
    mem_free(dropped);
    mem_free(seen);
    mem_free(count);
    mem_free(score);
    mem_free(x);
    mem_free(y);
    sparse_deinit(&matrix);
    sparse_deinit(&transposed);
    return hits;
}

struct measure_rating_model {
    double mean_rmse, bias_rmse, factor_rmse;       /* on every tenth rating */
    double bias_user_sd, bias_item_sd, residual_sd; /* of the biases fitted on all ratings */
    double lag_one; /* autocorrelation of their residual along a person's history, in a session */
};

static inline double measure_rmse(const struct ratings *r, const uint8_t *dropped,
                                  const struct biasmf *model, bool biases, bool factors)
{
    double sum = 0;
    int64_t n = 0;
    for (int32_t u = 0; u < r->users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            if (!dropped[i]) {
                continue;
            }
            double guess = model->mean;
            if (factors) {
                guess = biasmf_predict(model, u, r->item[i]);
            } else if (biases) {
                guess += (double)model->user_bias[u] + (double)model->item_bias[r->item[i]];
            }
            guess = fmin(5.0, fmax(0.5, guess));
            double miss = 0.5 * r->half_stars[i] - guess;
            sum += miss * miss;
            n++;
        }
    }
    return sqrt(sum / (double)n);
}

static inline struct measure_rating_model measure_rating_model(const struct ratings *r,
                                                               const struct parallel *parallel)
{
    struct measure_rating_model out = {0};
    struct biasmf_config config = biasmf_defaults();
    struct biasmf model;
    struct sparse stars;
    uint8_t *dropped = mem_zalloc((size_t)r->count, 1);
    for (int64_t i = 9; i < r->count; i += 10) {
        dropped[i] = 1;
    }
    measure_matrix(r, dropped, true, &stars);
    biasmf_fit(&config, &stars, parallel, &model);
    out.mean_rmse = measure_rmse(r, dropped, &model, false, false);
    out.bias_rmse = measure_rmse(r, dropped, &model, true, false);
    out.factor_rmse = measure_rmse(r, dropped, &model, true, true);
    biasmf_deinit(&model);
    sparse_deinit(&stars);
    mem_free(dropped);

    measure_matrix(r, NULL, true, &stars);
    biasmf_fit(&config, &stars, parallel, &model);
    double *residual = mem_array((size_t)r->count, sizeof *residual);
    double uu = 0, ii = 0, rated = 0, product = 0, square = 0;
    struct measure_items items = measure_items(r);
    for (int32_t u = 0; u < r->users; u++) {
        uu += (double)model.user_bias[u] * (double)model.user_bias[u] / r->users;
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            residual[i] = 0.5 * r->half_stars[i] - model.mean - (double)model.user_bias[u] -
                          (double)model.item_bias[r->item[i]];
            if (i > r->start[u] && r->time_s[i] - r->time_s[i - 1] <= 1800) {
                product += residual[i] * residual[i - 1];
                square += residual[i] * residual[i];
            }
        }
    }
    double mean = 0;
    for (int32_t i = 0; i < r->items; i++) {
        if (items.count[i] >= 20) {
            ii += (double)model.item_bias[i] * (double)model.item_bias[i];
            mean += (double)model.item_bias[i];
            rated += 1;
        }
    }
    out.bias_user_sd = sqrt(uu);
    out.bias_item_sd = sqrt(ii / rated - mean / rated * (mean / rated));
    out.residual_sd = measure_sd(residual, r->count);
    out.lag_one = product / square;
    measure_items_deinit(&items);
    biasmf_deinit(&model);
    sparse_deinit(&stars);
    mem_free(residual);
    return out;
}

struct measure_sessions {
    double single_share;       /* of people: one session only */
    double first_median;       /* ratings in the first session */
    double first_rating_share; /* of all ratings */
    double later_median;
    double zero_gap_share;
};

static inline struct measure_sessions measure_sessions(const struct ratings *r)
{
    struct measure_sessions out = {0};
    double *first = mem_array((size_t)r->users, sizeof *first);
    double *later = mem_array((size_t)r->count, sizeof *later);
    int64_t later_count = 0, zero = 0;
    for (int32_t u = 0; u < r->users; u++) {
        int64_t opened = r->start[u];
        int number = 0;
        for (int64_t i = r->start[u] + 1; i <= r->start[u + 1]; i++) {
            bool end = i == r->start[u + 1];
            if (!end && r->time_s[i] == r->time_s[i - 1]) {
                zero++;
            }
            if (!end && r->time_s[i] - r->time_s[i - 1] <= 1800) {
                continue;
            }
            if (number++ == 0) {
                first[u] = (double)(i - opened);
                out.first_rating_share += first[u] / (double)r->count;
            } else {
                later[later_count++] = (double)(i - opened);
            }
            opened = i;
        }
        out.single_share += number == 1 ? 1.0 / r->users : 0.0;
    }
    out.first_median = measure_quantile(first, r->users, 0.5);
    out.later_median = measure_quantile(later, later_count, 0.5);
    out.zero_gap_share = (double)zero / (double)(r->count - r->users);
    mem_free(first);
    mem_free(later);
    return out;
}

struct measure_row {
    int64_t time_s;
    int32_t user;
    uint8_t half_stars;
};

static inline int measure_by_time(const void *a, const void *b)
{
    const struct measure_row *one = a, *other = b;
    if (one->time_s != other->time_s) {
        return one->time_s < other->time_s ? -1 : 1;
    }
    return (one->user > other->user) - (one->user < other->user);
}

struct measure_stream {
    double block_sd;     /* of the means of consecutive thousands of ratings */
    double unseen_share; /* of the last tenth: rows of people who rated nothing before it */
};

static inline struct measure_stream measure_stream(const struct ratings *r)
{
    struct measure_stream out = {0};
    struct measure_row *rows = mem_array((size_t)r->count, sizeof *rows);
    uint8_t *known = mem_zalloc((size_t)r->users, 1);
    for (int32_t u = 0; u < r->users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            rows[i] = (struct measure_row){r->time_s[i], u, r->half_stars[i]};
        }
    }
    qsort(rows, (size_t)r->count, sizeof *rows, measure_by_time);
    int64_t blocks = r->count / 1000, cut = r->count * 9 / 10, unseen = 0;
    double *mean = mem_zalloc((size_t)blocks, sizeof *mean);
    for (int64_t i = 0; i < blocks * 1000; i++) {
        mean[i / 1000] += 0.0005 * rows[i].half_stars;
    }
    for (int64_t i = 0; i < r->count; i++) {
        if (i < cut) {
            known[rows[i].user] = 1;
        } else {
            unseen += !known[rows[i].user];
        }
    }
    out.block_sd = measure_sd(mean, blocks);
    out.unseen_share = (double)unseen / (double)(r->count - cut);
    mem_free(rows);
    mem_free(known);
    mem_free(mean);
    return out;
}

/* Mean rating and mean log popularity of the first minus the last tenth of people's histories. */
static inline double measure_history_fall(const struct ratings *r, double *log_popularity)
{
    struct measure_items items = measure_items(r);
    double first = 0, last = 0, first_log = 0, last_log = 0, first_n = 0, last_n = 0;
    for (int32_t u = 0; u < r->users; u++) {
        int64_t n = r->start[u + 1] - r->start[u];
        for (int64_t p = 0; p < n; p++) {
            int64_t i = r->start[u] + p;
            double popularity = log(items.count[r->item[i]]);
            if (p * 10 < n) {
                first += 0.5 * r->half_stars[i];
                first_log += popularity;
                first_n++;
            } else if (p * 10 >= 9 * n) {
                last += 0.5 * r->half_stars[i];
                last_log += popularity;
                last_n++;
            }
        }
    }
    measure_items_deinit(&items);
    *log_popularity = first_log / first_n - last_log / last_n;
    return first / first_n - last / last_n;
}

/* Lift of two genres over the films. */
static inline double measure_lift(const struct catalogue *c, const char *one, const char *other)
{
    double a = 0, b = 0, both = 0;
    uint32_t mask_a = 0, mask_b = 0;
    for (int g = 0; g < c->genre_count; g++) {
        mask_a |= strcmp(c->genre_name[g], one) == 0 ? UINT32_C(1) << g : 0;
        mask_b |= strcmp(c->genre_name[g], other) == 0 ? UINT32_C(1) << g : 0;
    }
    for (int32_t i = 0; i < c->count; i++) {
        a += (c->genres[i] & mask_a) != 0;
        b += (c->genres[i] & mask_b) != 0;
        both += (c->genres[i] & mask_a) != 0 && (c->genres[i] & mask_b) != 0;
    }
    return both * c->count / (a * b);
}

#endif
