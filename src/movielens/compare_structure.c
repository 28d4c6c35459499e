/*
 * Taste: whether who rates what, and how high beyond the biases, has structure that chance has not.
 * Both are measured against a null of the same size, because most of the variance that twenty
 * singular vectors explain is noise they were fitted to.
 *
 * Exposure: the binary matrix divided by the roots of its degrees; the null deals the films anew
 * over all ratings. Values: the matrix of bias residuals; the null flips signs at random. Pairs of
 * films: the correlation of residuals over people who rated both; the null shuffles each film's
 * residuals among its raters, and what its spread lacks of the real one is true correlation.
 */
#include "movielens/compare_int.h"

#include "base/mem.h"
#include "base/rng.h"
#include "numeric/svd.h"

#include <math.h>
#include <string.h>

#define ITERATIONS 6
#define CO_RATERS_MIN 20
#define PAIR_WORK_MAX 4e8 /* looked-up ratings; of more, every k-th film takes part */

enum { NULL_DEAL = 0x434d5001, NULL_SIGN, NULL_SHUFFLE }; /* random streams */

/* Share of Frobenius energy in the first singular values. */
static double energy(const struct sparse *matrix, const struct parallel *parallel)
{
    struct sparse transposed;
    int rank = COMPARE_RANK;
    double all = 0, held = 0;
    rank = rank < matrix->rows ? rank : matrix->rows;
    sparse_transpose(matrix, &transposed);
    double *left = mem_array((size_t)matrix->rows * (size_t)rank, sizeof *left);
    double *right = mem_array((size_t)matrix->cols * (size_t)rank, sizeof *right);
    double singular[COMPARE_RANK];
    svd_truncated(matrix, &transposed, rank, ITERATIONS, 5, parallel, left, singular, right);
    for (int64_t i = 0; i < matrix->count; i++) {
        all += (double)matrix->value[i] * (double)matrix->value[i];
    }
    for (int k = 0; k < rank; k++) {
        held += singular[k] * singular[k];
    }
    mem_free(left);
    mem_free(right);
    sparse_deinit(&transposed);
    return held / all;
}

static void copy_places(const struct compare_data *data, struct sparse *out)
{
    const struct ratings *r = data->ratings;
    sparse_init(out, r->users, r->items, r->count);
    memcpy(out->start, r->start, ((size_t)r->users + 1) * sizeof *out->start);
    memcpy(out->col, r->item, (size_t)r->count * sizeof *out->col);
}

static void normalise(struct sparse *matrix, const int32_t *film_count)
{
    for (int32_t u = 0; u < matrix->rows; u++) {
        double degree = (double)(matrix->start[u + 1] - matrix->start[u]);
        for (int64_t i = matrix->start[u]; i < matrix->start[u + 1]; i++) {
            matrix->value[i] = (float)(1 / sqrt(degree * film_count[matrix->col[i]]));
        }
    }
}

void compare_exposure(const struct compare_data *data, double *value)
{
    struct sparse matrix;
    struct rng rng = rng_stream(1, 0, NULL_DEAL);
    copy_places(data, &matrix);
    normalise(&matrix, data->film_count);
    double real = energy(&matrix, data->parallel);
    for (int64_t i = matrix.count - 1; i > 0; i--) {
        int64_t j = (int64_t)(rng_uniform(&rng) * (double)(i + 1));
        int32_t swap = matrix.col[i];
        matrix.col[i] = matrix.col[j];
        matrix.col[j] = swap;
    }
    normalise(&matrix, data->film_count);
    value[COMPARE_EXPOSURE] = real / energy(&matrix, data->parallel);
    sparse_deinit(&matrix);
}

static double excess_energy(const struct compare_data *data)
{
    struct sparse matrix;
    struct rng rng = rng_stream(1, 0, NULL_SIGN);
    copy_places(data, &matrix);
    for (int64_t i = 0; i < matrix.count; i++) {
        matrix.value[i] = (float)data->residual[i];
    }
    double real = energy(&matrix, data->parallel);
    for (int64_t i = 0; i < matrix.count; i++) {
        matrix.value[i] = (rng_u64(&rng) & 1) != 0 ? -matrix.value[i] : matrix.value[i];
    }
    double null = energy(&matrix, data->parallel);
    sparse_deinit(&matrix);
    return real - null;
}

/* ---- pairs of films ---- */

struct pairs {
    const struct compare_data *data;
    struct sparse by_film; /* residuals: rows films, columns people */
    float *shuffled;       /* [count] the same with each film's values shuffled */
    int32_t *film;         /* [films] those with raters enough */
    int32_t films;
    struct pair_sums *sums; /* [films] of the pairs of film k with later ones */
};

struct pair_sums {
    double pairs, sum, square, null_sum, null_square;
    double genre_pairs[4], genre_sum[4]; /* by shared genres, 3 = three and more */
};

/* Pearson correlation over the people who rated both; `mine` holds the first film's residual by
 * person where `rated` says so. */
static int32_t correlate(const struct sparse *by_film, int32_t film, const float *value,
                         const float *mine, const bool *rated, double *out)
{
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    int32_t n = 0;
    for (int64_t i = by_film->start[film]; i < by_film->start[film + 1]; i++) {
        int32_t u = by_film->col[i];
        if (rated[u]) {
            double a = (double)mine[u], b = (double)value[i];
            x += a;
            y += b;
            xx += a * a;
            yy += b * b;
            xy += a * b;
            n++;
        }
    }
    double sxx = xx - x * x / n, syy = yy - y * y / n;
    *out = n > 1 && sxx > 1e-9 && syy > 1e-9 ? (xy - x * y / n) / sqrt(sxx * syy) : 0;
    return n;
}

static void add_pair(struct pair_sums *sums, double real, double null, int shared)
{
    sums->pairs += 1;
    sums->sum += real;
    sums->square += real * real;
    sums->null_sum += null;
    sums->null_square += null * null;
    sums->genre_pairs[shared < 3 ? shared : 3] += 1;
    sums->genre_sum[shared < 3 ? shared : 3] += real;
}

static void correlate_films(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct pairs *pairs = context;
    const struct sparse *by_film = &pairs->by_film;
    const uint32_t *genres = pairs->data->dataset->catalogue.genres;
    size_t people = (size_t)by_film->cols;
    float *mine = mem_array(people, sizeof *mine), *null = mem_array(people, sizeof *null);
    bool *rated = mem_array(people, sizeof *rated);
    (void)lane;
    for (int64_t k = first; k < end; k++) {
        int32_t film = pairs->film[k];
        memset(rated, 0, people * sizeof *rated);
        for (int64_t i = by_film->start[film]; i < by_film->start[film + 1]; i++) {
            rated[by_film->col[i]] = true;
            mine[by_film->col[i]] = by_film->value[i];
            null[by_film->col[i]] = pairs->shuffled[i];
        }
        for (int32_t other = (int32_t)k + 1; other < pairs->films; other++) {
            double real = 0, chance = 0;
            int32_t j = pairs->film[other];
            if (correlate(by_film, j, by_film->value, mine, rated, &real) >= CO_RATERS_MIN) {
                correlate(by_film, j, pairs->shuffled, null, rated, &chance);
                add_pair(&pairs->sums[k], real, chance,
                         __builtin_popcount(genres[film] & genres[j]));
            }
        }
    }
    mem_free(mine);
    mem_free(null);
    mem_free(rated);
}

static void shuffle_values(struct pairs *pairs)
{
    struct rng rng = rng_stream(1, 0, NULL_SHUFFLE);
    const struct sparse *by_film = &pairs->by_film;
    pairs->shuffled = mem_array((size_t)by_film->count, sizeof *pairs->shuffled);
    memcpy(pairs->shuffled, by_film->value, (size_t)by_film->count * sizeof *pairs->shuffled);
    for (int32_t film = 0; film < by_film->rows; film++) {
        float *own = pairs->shuffled + by_film->start[film];
        int64_t count = by_film->start[film + 1] - by_film->start[film];
        for (int64_t i = count - 1; i > 0; i--) {
            int64_t j = (int64_t)rng_below(&rng, (uint32_t)i + 1);
            float swap = own[i];
            own[i] = own[j];
            own[j] = swap;
        }
    }
}

static void choose_films(struct pairs *pairs)
{
    const struct compare_data *data = pairs->data;
    double ratings = 0;
    int32_t rated = 0, step = 1, next = 0;
    for (int32_t i = 0; i < data->ratings->items; i++) {
        rated += data->film_count[i] >= CO_RATERS_MIN;
        ratings += data->film_count[i] >= CO_RATERS_MIN ? data->film_count[i] : 0;
    }
    while (0.5 * rated * ratings / (step * step) > PAIR_WORK_MAX) {
        step++;
    }
    pairs->film = mem_array((size_t)rated + 1, sizeof *pairs->film);
    for (int32_t i = 0; i < data->ratings->items; i++) {
        if (data->film_count[i] >= CO_RATERS_MIN && next++ % step == 0) {
            pairs->film[pairs->films++] = i;
        }
    }
}

static struct pair_sums correlate_pairs(const struct compare_data *data)
{
    struct pairs pairs = {.data = data};
    struct pair_sums total = {0};
    struct sparse by_user;
    copy_places(data, &by_user);
    for (int64_t i = 0; i < by_user.count; i++) {
        by_user.value[i] = (float)data->residual[i];
    }
    sparse_transpose(&by_user, &pairs.by_film);
    shuffle_values(&pairs);
    choose_films(&pairs);
    pairs.sums = mem_zalloc((size_t)pairs.films + 1, sizeof *pairs.sums);
    parallel_for(data->parallel, pairs.films, 8, correlate_films, &pairs);
    for (int32_t k = 0; k < pairs.films; k++) {
        total.pairs += pairs.sums[k].pairs;
        total.sum += pairs.sums[k].sum;
        total.square += pairs.sums[k].square;
        total.null_sum += pairs.sums[k].null_sum;
        total.null_square += pairs.sums[k].null_square;
        for (int g = 0; g < 4; g++) {
            total.genre_pairs[g] += pairs.sums[k].genre_pairs[g];
            total.genre_sum[g] += pairs.sums[k].genre_sum[g];
        }
    }
    mem_free(pairs.sums);
    mem_free(pairs.film);
    mem_free(pairs.shuffled);
    sparse_deinit(&pairs.by_film);
    sparse_deinit(&by_user);
    return total;
}

void compare_values(const struct compare_data *data, double *value)
{
    struct pair_sums p = correlate_pairs(data);
    value[COMPARE_VALUE_ENERGY] = excess_energy(data);
    if (p.pairs > 0) {
        double mean = p.sum / p.pairs, null_mean = p.null_sum / p.pairs;
        double variance = p.square / p.pairs - mean * mean;
        double noise = p.null_square / p.pairs - null_mean * null_mean;
        value[COMPARE_ITEM_CORRELATION] = sqrt(fmax(0, variance - noise));
    }
    if (p.genre_pairs[0] > 0 && p.genre_pairs[3] > 0) {
        value[COMPARE_GENRE_RISE] =
            (p.genre_sum[3] / p.genre_pairs[3] - p.genre_sum[0] / p.genre_pairs[0]) / 3;
    }
}
