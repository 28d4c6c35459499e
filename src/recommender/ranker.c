/*
 * Newton's method with step halving: thirty-odd unknowns make a system that is solved in no time,
 * and under ten steps reach the optimum where a quasi-Newton method needs a hundred passes. A pass
 * over the choices is split into chunks of fixed size, and the chunks' sums are added in order, so
 * that the result has the same bits for any number of threads.
 *
 * The unknowns are the weights of standardised features, so that the ridge means the same for each
 * of them. Nothing is subtracted: what all candidates of a list share does not change the
 * probabilities.
 */
#include "recommender/ranker.h"

#include "base/mem.h"

#include <assert.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define CHUNK_CHOICES 64
#define STEPS_MAX 25
#define HALVINGS_MAX 20
#define DECREMENT_ENOUGH 1e-7  /* of the mean loss */
#define PROBABILITY_LEAST 1e-5 /* a candidate below it is left out of the Hessian */

enum { MOST = RANKER_FEATURES_MAX };

struct sums {
    double loss;
    double gradient[MOST];
    double hessian[MOST * MOST]; /* lower triangle */
};

struct pass {
    const struct ranker_choices *choices;
    double weight[MOST]; /* of the features as they come */
    bool curvature;      /* the gradient and the Hessian, too */
    struct sums *chunks;
    double **probability; /* [lane], room for the longest list */
};

/* Fills probability [rows] and returns -log P of the first row. */
static double probabilities(const float *feature, int features, const double *weight, int64_t rows,
                            double *probability)
{
    double most = -INFINITY, sum = 0;
    for (int64_t r = 0; r < rows; r++) {
        double score = 0;
        for (int f = 0; f < features; f++) {
            score += weight[f] * (double)feature[r * features + f];
        }
        probability[r] = score;
        most = score > most ? score : most;
    }
    double chosen = probability[0];
    for (int64_t r = 0; r < rows; r++) {
        probability[r] = exp(probability[r] - most);
        sum += probability[r];
    }
    for (int64_t r = 0; r < rows; r++) {
        probability[r] /= sum;
    }
    return log(sum) + most - chosen;
}

/* Adds the gradient and the Hessian of one list's loss. */
static void add_curvature(const float *feature, int features, const double *probability,
                          int64_t rows, struct sums *sums)
{
    double mean[MOST] = {0}, row[MOST];
    for (int64_t r = 0; r < rows; r++) {
        if (probability[r] < PROBABILITY_LEAST) {
            continue;
        }
        for (int f = 0; f < features; f++) {
            row[f] = (double)feature[r * features + f];
            mean[f] += probability[r] * row[f];
        }
        for (int f = 0; f < features; f++) {
            double scaled = probability[r] * row[f];
            for (int g = 0; g <= f; g++) {
                sums->hessian[f * MOST + g] += scaled * row[g];
            }
        }
    }
    for (int f = 0; f < features; f++) {
        sums->gradient[f] += mean[f] - (double)feature[f];
        for (int g = 0; g <= f; g++) {
            sums->hessian[f * MOST + g] -= mean[f] * mean[g];
        }
    }
}

static void run_chunks(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct pass *pass = context;
    const struct ranker_choices *choices = pass->choices;
    for (int64_t chunk = first; chunk < end; chunk++) {
        struct sums *sums = &pass->chunks[chunk];
        memset(sums, 0, sizeof *sums);
        int64_t to = (chunk + 1) * CHUNK_CHOICES;
        to = to < choices->count ? to : choices->count;
        for (int64_t c = chunk * CHUNK_CHOICES; c < to; c++) {
            const float *feature = choices->feature + choices->start[c] * choices->features;
            int64_t rows = choices->start[c + 1] - choices->start[c];
            sums->loss += probabilities(feature, choices->features, pass->weight, rows,
                                        pass->probability[lane]);
            if (pass->curvature) {
                add_curvature(feature, choices->features, pass->probability[lane], rows, sums);
            }
        }
    }
}

/* Means over all choices into *out. */
static void run_pass(struct pass *pass, const struct parallel *parallel, struct sums *out)
{
    const struct ranker_choices *choices = pass->choices;
    int64_t chunks = (choices->count + CHUNK_CHOICES - 1) / CHUNK_CHOICES;
    parallel_for(parallel, chunks, 1, run_chunks, pass);
    memset(out, 0, sizeof *out);
    double share = 1 / (double)choices->count;
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        const struct sums *sums = &pass->chunks[chunk];
        out->loss += share * sums->loss;
        for (int f = 0; f < choices->features && pass->curvature; f++) {
            out->gradient[f] += share * sums->gradient[f];
            for (int g = 0; g <= f; g++) {
                out->hessian[f * MOST + g] += share * sums->hessian[f * MOST + g];
            }
        }
    }
}

/* scale[f] = standard deviation of feature f over all rows; 0 if it is constant. */
static void deviations(const struct ranker_choices *choices, double scale[MOST])
{
    double mean[MOST] = {0}, square[MOST] = {0};
    int64_t rows = choices->start[choices->count];
    for (int64_t r = 0; r < rows; r++) {
        for (int f = 0; f < choices->features; f++) {
            double value = (double)choices->feature[r * choices->features + f];
            mean[f] += value;
            square[f] += value * value;
        }
    }
    for (int f = 0; f < choices->features; f++) {
        mean[f] /= (double)rows;
        double variance = square[f] / (double)rows - mean[f] * mean[f];
        scale[f] = variance > 1e-9 * (1 + mean[f] * mean[f]) ? sqrt(variance) : 0;
    }
}

/* The penalty of the weights; a constant feature has none and keeps weight 0. */
static double penalty(const struct pass *pass, const double scale[MOST], double ridge)
{
    double sum = 0;
    for (int f = 0; f < pass->choices->features; f++) {
        sum += pass->weight[f] * scale[f] * pass->weight[f] * scale[f];
    }
    return ridge / 2 * sum;
}

/* step = H^-1 g in units of the raw weights; returns g . step. */
static double newton_step(const struct pass *pass, const struct sums *sums,
                          const double scale[MOST], double ridge, double step[MOST])
{
    int n = pass->choices->features;
    double matrix[MOST * MOST], right[MOST];
    for (int f = 0; f < n; f++) {
        double raw = scale[f] > 0 ? 1 / scale[f] : 0;
        right[f] = sums->gradient[f] * raw + ridge * pass->weight[f] * scale[f];
        for (int g = 0; g <= f; g++) {
            double other = scale[g] > 0 ? 1 / scale[g] : 0;
            matrix[f * n + g] = matrix[g * n + f] = sums->hessian[f * MOST + g] * raw * other;
        }
        matrix[f * n + f] += ridge;
    }
    gsl_matrix_view view = gsl_matrix_view_array(matrix, (size_t)n, (size_t)n);
    gsl_vector_view b = gsl_vector_view_array(right, (size_t)n);
    gsl_vector_view x = gsl_vector_view_array(step, (size_t)n);
    if (gsl_linalg_cholesky_decomp1(&view.matrix) != 0 ||
        gsl_linalg_cholesky_solve(&view.matrix, &b.vector, &x.vector) != 0) {
        return 0; /* rounding made it singular: what has been reached must do */
    }
    double decrement = 0;
    for (int f = 0; f < n; f++) {
        decrement += right[f] * step[f];
        step[f] = scale[f] > 0 ? step[f] / scale[f] : 0;
    }
    return decrement;
}

static struct ranker_fit minimise(struct pass *pass, const double scale[MOST], double ridge,
                                  const struct parallel *parallel)
{
    struct ranker_fit fit = {0};
    struct sums *sums = mem_alloc(sizeof *sums);
    double step[MOST], former[MOST];
    int n = pass->choices->features;
    for (; fit.steps < STEPS_MAX; fit.steps++) {
        pass->curvature = true;
        run_pass(pass, parallel, sums);
        fit.loss = sums->loss;
        fit.loss_before = fit.steps == 0 ? sums->loss : fit.loss_before;
        double objective = sums->loss + penalty(pass, scale, ridge);
        double decrement = newton_step(pass, sums, scale, ridge, step);
        if (decrement < DECREMENT_ENOUGH) {
            break;
        }
        memcpy(former, pass->weight, sizeof former);
        pass->curvature = false;
        double length = 1;
        for (int halving = 0; halving < HALVINGS_MAX; halving++, length /= 2) {
            for (int f = 0; f < n; f++) {
                pass->weight[f] = former[f] - length * step[f];
            }
            run_pass(pass, parallel, sums);
            if (sums->loss + penalty(pass, scale, ridge) <= objective - 0.1 * length * decrement) {
                break;
            }
        }
    }
    mem_free(sums);
    return fit;
}

struct ranker_fit ranker_train(struct ranker *out, const struct ranker_choices *choices,
                               double ridge, const struct parallel *parallel)
{
    assert(choices->features >= 1 && choices->features <= MOST && ridge > 0);
    *out = (struct ranker){.features = choices->features};
    if (choices->count == 0) {
        return (struct ranker_fit){0};
    }
    int64_t longest = 0;
    for (int64_t c = 0; c < choices->count; c++) {
        int64_t rows = choices->start[c + 1] - choices->start[c];
        longest = rows > longest ? rows : longest;
    }
    struct pass pass = {.choices = choices};
    double scale[MOST] = {0};
    int64_t chunks = (choices->count + CHUNK_CHOICES - 1) / CHUNK_CHOICES;
    pass.chunks = mem_array((size_t)chunks, sizeof *pass.chunks);
    pass.probability = mem_array(parallel->threads, sizeof *pass.probability);
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        pass.probability[lane] = mem_array((size_t)longest, sizeof **pass.probability);
    }
    deviations(choices, scale);
    struct ranker_fit fit = minimise(&pass, scale, ridge, parallel);
    for (int f = 0; f < choices->features; f++) {
        out->weight[f] = (float)pass.weight[f];
    }
    for (unsigned lane = 0; lane < parallel->threads; lane++) {
        mem_free(pass.probability[lane]);
    }
    mem_free(pass.probability);
    mem_free(pass.chunks);
    return fit;
}

void ranker_score(const struct ranker *ranker, const float *feature, int count, float *scores)
{
    for (int i = 0; i < count; i++, feature += ranker->features) {
        float score = 0;
        for (int f = 0; f < ranker->features; f++) {
            score += ranker->weight[f] * feature[f];
        }
        scores[i] = score;
    }
}
