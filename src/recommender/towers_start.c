/*
 * Where the descent starts. Implicit ALS (numeric/als.h) gives item vectors y. With A = Y'Y +
 * regularisation I, the sum of A^-1 y over a history is, up to scale, the person's ALS vector as
 * long as the history is short against A; so slow embeddings start as A^-1 y and fast ones as a
 * share of that. Biases start as the logarithm of popularity.
 */
#include "base/mem.h"
#include "numeric/als.h"
#include "numeric/sparse.h"
#include "recommender/towers_train_int.h"

#include <assert.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

/* Negatives are drawn by (ratings + 1)^this, between uniform (0) and popularity (1). */
#define DRAW_POWER 0.75
#define START_CG_STEPS 3
#define START_REGULARISATION 1.0f
#define BIAS_RIDGE 0.5 /* ratings that every film is given */

static void weights_of(const struct towers_training *training, struct sparse *out)
{
    const struct ratings *ratings = training->ratings;
    sparse_init(out, ratings->users, ratings->items, ratings->count);
    memcpy(out->start, ratings->start, ((size_t)ratings->users + 1) * sizeof *out->start);
    memcpy(out->col, ratings->item, (size_t)ratings->count * sizeof *out->col);
    for (int64_t i = 0; i < ratings->count; i++) {
        out->value[i] = towers_weight(training, ratings->time_s[i], 1);
    }
}

/* inverse = (Y'Y + regularisation I)^-1, [k x k] */
static void invert_gram(const float *item, int32_t films, int k, float regularisation,
                        double *inverse)
{
    size_t cells = (size_t)k * (size_t)k;
    float *gram = mem_array(cells, sizeof *gram);
    als_gram(item, films, k, regularisation, gram);
    for (size_t c = 0; c < cells; c++) {
        inverse[c] = (double)gram[c];
    }
    mem_free(gram);
    gsl_matrix_view matrix = gsl_matrix_view_array(inverse, (size_t)k, (size_t)k);
    int status = gsl_linalg_cholesky_decomp1(&matrix.matrix);
    status |= gsl_linalg_cholesky_invert(&matrix.matrix);
    assert(status == 0); /* regularisation > 0 makes it positive definite */
    (void)status;
}

/* Mean square of an embedding's number over the ratings, so that rare films hardly count. */
static double mean_square(const struct towers_training *training, const float *rows)
{
    double sum = 0;
    size_t k = (size_t)training->k;
    for (int64_t i = 0; i < training->ratings->count; i += 7) {
        const float *row = rows + (size_t)training->ratings->item[i] * k;
        for (size_t j = 0; j < k; j++) {
            sum += (double)(row[j] * row[j]);
        }
    }
    return sum;
}

static void scale_rows(float *rows, size_t cells, double by)
{
    for (size_t c = 0; c < cells; c++) {
        rows[c] = (float)(by * (double)rows[c]);
    }
}

/* Embeddings whose pooled sum is about the person's ALS vector; see the top of this file. */
static void start_embeddings(struct towers_training *training)
{
    const struct towers_config *config = training->config;
    struct towers *towers = training->towers;
    size_t k = (size_t)training->k, films = (size_t)towers->films, cells = films * k;
    double *inverse = mem_array(k * k, sizeof *inverse);
    float *item = training->item.value;
    invert_gram(item, towers->films, (int)k, START_REGULARISATION, inverse);
    for (size_t f = 0; f < films; f++) {
        for (size_t j = 0; j < k; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++) {
                sum += inverse[j * k + l] * (double)item[f * k + l];
            }
            towers->slow[f * k + j] = (float)sum;
        }
    }
    mem_free(inverse);
    /* Equal lengths on both sides suit a common learning rate best. */
    double of_item = mean_square(training, item), of_slow = mean_square(training, towers->slow);
    double strength = (double)config->start_strength;
    double balance = of_item > 0 && of_slow > 0 ? sqrt(strength * sqrt(of_slow / of_item)) : 1;
    scale_rows(item, cells, balance);
    scale_rows(towers->slow, cells, strength / balance);
    memcpy(towers->fast, towers->slow, cells * sizeof(float));
    scale_rows(towers->fast, cells, (double)config->start_fast);
    double length = training->ratings->users > 0
                        ? (double)training->ratings->count / training->ratings->users / 2
                        : 0;
    scale_rows(towers->slow, cells, pow(config->slow_offset + length, config->slow_power));
}

static void start_biases(struct towers_training *training)
{
    const struct ratings *ratings = training->ratings;
    double *count = mem_zalloc((size_t)ratings->items + 1, sizeof *count), total = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        count[ratings->item[i]] += (double)towers_weight(training, ratings->time_s[i], 1);
    }
    for (int32_t f = 0; f < ratings->items; f++) {
        total += count[f] + BIAS_RIDGE;
    }
    for (int32_t f = 0; f < ratings->items; f++) {
        training->bias.value[f] = (float)log((count[f] + BIAS_RIDGE) / total);
    }
    mem_free(count);
}

static int after_sweep(void *context, int sweep, int sweeps)
{
    return towers_report(context, TOWERS_START_SHARE * sweep / sweeps);
}

bool towers_start_cold(struct towers_training *training)
{
    const struct towers_config *config = training->config;
    const struct als_config als = {.factors = config->factors,
                                   .sweeps = config->start_sweeps,
                                   .cg_steps = START_CG_STEPS,
                                   .regularisation = START_REGULARISATION,
                                   .alpha = 1,
                                   .seed = config->seed};
    struct sparse weights, transposed;
    float *user =
        mem_zalloc((size_t)training->ratings->users * (size_t)training->k + 1, sizeof *user);
    weights_of(training, &weights);
    sparse_transpose(&weights, &transposed);
    als_train(&als, &weights, &transposed, training->parallel, 0, user, training->item.value,
              after_sweep, training);
    sparse_deinit(&weights);
    sparse_deinit(&transposed);
    mem_free(user);
    start_embeddings(training);
    start_biases(training);
    return towers_report(training, TOWERS_START_SHARE);
}

void towers_start_warm(struct towers_training *training, const struct towers *former,
                       const int32_t *former_item)
{
    size_t k = (size_t)training->k;
    start_biases(training);
    for (size_t f = 0; f < (size_t)training->towers->films; f++) {
        if (former_item[f] >= 0) {
            size_t old = (size_t)former_item[f];
            const float *item = former->item + old * (k + 1);
            memcpy(training->item.value + f * k, item, k * sizeof *item);
            training->bias.value[f] = item[k];
            memcpy(training->towers->slow + f * k, former->slow + old * k, k * sizeof *item);
            memcpy(training->towers->fast + f * k, former->fast + old * k, k * sizeof *item);
        }
    }
}

void towers_start_draws(struct towers_training *training)
{
    const struct ratings *ratings = training->ratings;
    int32_t films = ratings->items;
    double *share = training->draw_up_to, total = 0;
    for (int32_t f = 0; f < films; f++) {
        share[f] = 1;
    }
    for (int64_t i = 0; i < ratings->count; i++) {
        share[ratings->item[i]] += 1;
    }
    for (int32_t f = 0; f < films; f++) {
        share[f] = pow(share[f], DRAW_POWER);
        total += share[f];
    }
    double up_to = 0;
    for (int32_t f = 0; f < films; f++) {
        training->draw_log[f] = (float)log(share[f] / total);
        up_to += share[f] / total;
        share[f] = up_to;
    }
}
