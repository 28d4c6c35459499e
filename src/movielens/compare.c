#include "movielens/compare.h"

#include "base/mem.h"
#include "movielens/compare_int.h"
#include "numeric/biasmf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PEOPLE_MIN 20
#define FILMS_MIN 50
#define RATINGS_MIN 1000

double compare_mean(const double *x, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += x[i];
    }
    return count > 0 ? sum / (double)count : NAN;
}

double compare_sd(const double *x, int64_t count)
{
    double mean = compare_mean(x, count), sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += (x[i] - mean) * (x[i] - mean);
    }
    return count > 0 ? sqrt(sum / (double)count) : NAN;
}

double compare_correlation(const double *x, const double *y, int64_t count)
{
    double mx = compare_mean(x, count), my = compare_mean(y, count), xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < count; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

static int rising(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

double compare_quantile(double *x, int64_t count, double q)
{
    if (count == 0) {
        return NAN;
    }
    qsort(x, (size_t)count, sizeof *x, rising);
    double at = q * (double)(count - 1);
    int64_t low = (int64_t)at;
    double next = low + 1 < count ? x[low + 1] : x[low];
    return x[low] + (at - (double)low) * (next - x[low]);
}

/* Transposing twice sorts the films of each person. */
static void fill_stars(struct compare_data *data)
{
    const struct ratings *ratings = data->ratings;
    struct sparse by_time, by_film;
    sparse_init(&by_time, ratings->users, ratings->items, ratings->count);
    memcpy(by_time.start, ratings->start, ((size_t)ratings->users + 1) * sizeof *by_time.start);
    memcpy(by_time.col, ratings->item, (size_t)ratings->count * sizeof *by_time.col);
    for (int64_t i = 0; i < ratings->count; i++) {
        by_time.value[i] = 0.5F * (float)ratings->half_stars[i];
    }
    sparse_transpose(&by_time, &by_film);
    sparse_transpose(&by_film, &data->stars);
    sparse_deinit(&by_time);
    sparse_deinit(&by_film);
}

static void fill_residuals(struct compare_data *data)
{
    const struct ratings *ratings = data->ratings;
    struct biasmf_config config = biasmf_defaults();
    struct biasmf model;
    config.factors = 0;
    biasmf_fit(&config, &data->stars, data->parallel, &model);
    data->residual = mem_array((size_t)ratings->count, sizeof *data->residual);
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            data->residual[i] = 0.5 * ratings->half_stars[i] - model.mean -
                                (double)model.user_bias[u] -
                                (double)model.item_bias[ratings->item[i]];
        }
    }
    biasmf_deinit(&model);
}

void compare_data_init(struct compare_data *data, const struct dataset *dataset,
                       const struct parallel *parallel)
{
    const struct ratings *ratings = &dataset->ratings;
    size_t items = (size_t)ratings->items;
    *data = (struct compare_data){.dataset = dataset,
                                  .ratings = ratings,
                                  .parallel = parallel,
                                  .film_count = mem_zalloc(items, sizeof *data->film_count),
                                  .film_mean = mem_zalloc(items, sizeof *data->film_mean)};
    for (int64_t i = 0; i < ratings->count; i++) {
        data->film_count[ratings->item[i]]++;
        data->film_mean[ratings->item[i]] += 0.5 * ratings->half_stars[i];
    }
    for (size_t film = 0; film < items; film++) {
        data->film_mean[film] /= data->film_count[film] > 0 ? data->film_count[film] : 1;
    }
    fill_stars(data);
    fill_residuals(data);
}

void compare_data_deinit(struct compare_data *data)
{
    mem_free(data->film_count);
    mem_free(data->film_mean);
    mem_free(data->residual);
    sparse_deinit(&data->stars);
    memset(data, 0, sizeof *data);
}

static bool enough(const struct dataset *data)
{
    int32_t rated = 0;
    bool *seen = mem_zalloc((size_t)data->ratings.items + 1, sizeof *seen);
    for (int64_t i = 0; i < data->ratings.count; i++) {
        rated += !seen[data->ratings.item[i]];
        seen[data->ratings.item[i]] = true;
    }
    mem_free(seen);
    return data->ratings.users >= PEOPLE_MIN && rated >= FILMS_MIN &&
           data->ratings.count >= RATINGS_MIN;
}

void compare_measure(const struct dataset *dataset, const struct parallel *parallel, double *value)
{
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        value[p] = NAN;
    }
    if (!enough(dataset)) {
        return;
    }
    struct compare_data data;
    compare_data_init(&data, dataset, parallel);
    compare_histogram(&data, value);
    compare_activity(&data, value);
    compare_popularity(&data, value);
    compare_genres(&data, value);
    compare_effects(&data, value);
    compare_exposure(&data, value);
    compare_values(&data, value);
    compare_sessions(&data, value);
    compare_hours(&data, value);
    compare_order(&data, value);
    compare_stream(&data, value);
    compare_learning(&data, value);
    compare_ranking(&data, value);
    compare_data_deinit(&data);
}

enum compare_verdict compare_judge(enum compare_property_id property, double value)
{
    const struct compare_property *row = &compare_properties[property];
    if (isnan(value)) {
        return COMPARE_UNKNOWN;
    }
    /* In whole units of the last digit, so that .60 is not left of .6 by a rounding error. */
    double unit = pow(10.0, row->digits), rounded = round(value * unit);
    bool within = rounded >= round(row->low * unit) && rounded <= round(row->high * unit);
    return within ? COMPARE_WITHIN : COMPARE_OUTSIDE;
}
