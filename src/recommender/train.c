/*
 * The base factors come from implicit-feedback ALS on who rated what; the stars are not used,
 * because which unseen film a person will pick is hardly told by how they rate. A rating weighs by
 * its age (age.h). Retraining starts from the former factors: tastes have moved, not begun anew,
 * so half the sweeps do.
 *
 * Rejected: a factorisation of the stars as base source (it ranks unseen films hardly better than
 * chance), and weighting a rating by its stars (no better on MovieLens).
 */
#include "recommender/train.h"

#include "base/mem.h"
#include "numeric/als.h"
#include "numeric/sparse.h"
#include "recommender/age.h"
#include "recommender/recommend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CG_STEPS 3
#define BIAS_RIDGE 5.0    /* ratings of average opinion every person and film is given */
#define PRIOR_RIDGE 10.0  /* the same for the prior of a film */
#define SAMPLE_PEOPLE 512 /* on which the shares of the sources are solved and measured */
#define SAMPLE_RATINGS 5  /* fewer ratings than this and a person is not in the sample */
#define SAMPLE_LENGTH 10  /* films a list */

/* Share of the work done when the factorisation ends; the rest is statistics and the ranker. */
#define PROGRESS_FACTORS 0.9

struct train_config train_defaults(void)
{
    return (struct train_config){.factors = 32,
                                 .half_life_s = 30 * 86400.0,
                                 .sweeps_cold = 6,
                                 .sweeps_warm = 3,
                                 .regularisation = 1,
                                 .alpha = 1,
                                 .seed = 1,
                                 .parallel = {1}};
}

/* ---- base ---- */

static void weights_of(const struct corpus *corpus, double half_life_s, struct sparse *weights,
                       float *popularity)
{
    const struct ratings *ratings = &corpus->ratings;
    sparse_init(weights, ratings->users, ratings->items, ratings->count);
    memcpy(weights->start, ratings->start, ((size_t)ratings->users + 1) * sizeof *weights->start);
    memcpy(weights->col, ratings->item, (size_t)ratings->count * sizeof *weights->col);
    for (int64_t i = 0; i < ratings->count; i++) {
        float weight = (float)age_weight(corpus->newest_s - ratings->time_s[i], half_life_s);
        weights->value[i] = weight;
        popularity[ratings->item[i]] += weight;
    }
}

static void lend_factors(struct model *model, const struct model *former)
{
    size_t row = (size_t)model->factors * sizeof(float);
    for (int32_t u = 0; u < model->corpus.ratings.users; u++) {
        int32_t old = ratings_user(&former->corpus.ratings, model->corpus.ratings.user_id[u]);
        if (old >= 0) {
            memcpy(model->user_factor + (size_t)u * (size_t)model->factors,
                   former->user_factor + (size_t)old * (size_t)model->factors, row);
        }
    }
    for (int32_t i = 0; i < model->corpus.catalogue.count; i++) {
        int32_t old = catalogue_index(&former->corpus.catalogue, model->corpus.catalogue.id[i]);
        if (old >= 0) {
            memcpy(model->item_factor + (size_t)i * (size_t)model->factors,
                   former->item_factor + (size_t)old * (size_t)model->factors, row);
        }
    }
}

struct report {
    train_progress *progress;
    void *context;
    bool stopped;
};

static bool report_share(struct report *report, double share)
{
    if (report->progress != NULL && !report->progress(report->context, share)) {
        report->stopped = true;
    }
    return !report->stopped;
}

static int after_sweep(void *context, int sweep, int sweeps)
{
    return report_share(context, PROGRESS_FACTORS * sweep / sweeps);
}

static void train_base(struct model *model, const struct train_config *config,
                       const struct model *former, struct report *report)
{
    size_t users = (size_t)model->corpus.ratings.users, k = (size_t)config->factors;
    size_t items = (size_t)model->corpus.catalogue.count;
    bool warm = former != NULL && former->factors == config->factors;
    const struct als_config als = {.factors = config->factors,
                                   .sweeps = warm ? config->sweeps_warm : config->sweeps_cold,
                                   .cg_steps = CG_STEPS,
                                   .regularisation = config->regularisation,
                                   .alpha = config->alpha,
                                   .seed = config->seed};
    struct sparse weights, transposed;
    model->factors = config->factors;
    model->user_factor = mem_zalloc(users * k + 1, sizeof *model->user_factor);
    model->item_factor = mem_zalloc(items * k + 1, sizeof *model->item_factor);
    model->popularity = mem_zalloc(items + 1, sizeof *model->popularity);
    weights_of(&model->corpus, config->half_life_s, &weights, model->popularity);
    sparse_transpose(&weights, &transposed);
    if (warm) {
        lend_factors(model, former);
    }
    als_train(&als, &weights, &transposed, &config->parallel, warm, model->user_factor,
              model->item_factor, after_sweep, report);
    sparse_deinit(&weights);
    sparse_deinit(&transposed);

    tiles_init(&model->item_tiles, model->item_factor, NULL, (int32_t)items, config->factors);
}

/* ---- opinions: mean and biases ---- */

static void fit_biases(struct model *model)
{
    const struct ratings *ratings = &model->corpus.ratings;
    double sum = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        sum += 0.5 * ratings->half_stars[i];
    }
    model->mean_stars = ratings->count > 0 ? sum / (double)ratings->count : 3.5;
    double *above = mem_zalloc((size_t)ratings->items + 1, sizeof *above);
    double *count = mem_zalloc((size_t)ratings->items + 1, sizeof *count);
    for (int64_t i = 0; i < ratings->count; i++) {
        above[ratings->item[i]] += 0.5 * ratings->half_stars[i] - model->mean_stars;
        count[ratings->item[i]] += 1;
    }
    model->item_bias = mem_zalloc((size_t)ratings->items + 1, sizeof *model->item_bias);
    for (int32_t i = 0; i < ratings->items; i++) {
        model->item_bias[i] = (float)(above[i] / (count[i] + BIAS_RIDGE));
    }
    mem_free(above);
    mem_free(count);
    model->user_bias = mem_zalloc((size_t)ratings->users + 1, sizeof *model->user_bias);
    for (int32_t u = 0; u < ratings->users; u++) {
        double rest = 0;
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            rest += 0.5 * ratings->half_stars[i] - model->mean_stars -
                    (double)model->item_bias[ratings->item[i]];
        }
        model->user_bias[u] =
            (float)(rest / ((double)(ratings->start[u + 1] - ratings->start[u]) + BIAS_RIDGE));
    }
}

/* ---- similar and popular ---- */

struct ranked {
    float key;
    int32_t item;
};

static int by_falling_key(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->key != right->key) {
        return left->key > right->key ? -1 : 1;
    }
    return left->item < right->item ? -1 : 1;
}

/* All films in order of falling key, ties by index. */
static int32_t *order_by(const float *key, int32_t items)
{
    struct ranked *ranked = mem_array((size_t)items + 1, sizeof *ranked);
    int32_t *order = mem_array((size_t)items + 1, sizeof *order);
    for (int32_t i = 0; i < items; i++) {
        ranked[i] = (struct ranked){key[i], i};
    }
    qsort(ranked, (size_t)items, sizeof *ranked, by_falling_key);
    for (int32_t i = 0; i < items; i++) {
        order[i] = ranked[i].item;
    }
    mem_free(ranked);
    return order;
}

/* Unit vectors over genres, each genre counting log(films / films that have it). */
static void make_genres(struct model *model)
{
    const struct catalogue *films = &model->corpus.catalogue;
    double rarity[MODEL_GENRES] = {0};
    for (int32_t i = 0; i < films->count; i++) {
        for (int g = 0; g < films->genre_count; g++) {
            rarity[g] += films->genres[i] >> g & 1;
        }
    }
    for (int g = 0; g < films->genre_count; g++) {
        rarity[g] = log(((double)films->count + 1) / (rarity[g] + 1));
    }
    model->genre = mem_zalloc((size_t)films->count * MODEL_GENRES + 1, sizeof *model->genre);
    for (int32_t i = 0; i < films->count; i++) {
        float *row = model->genre + (size_t)i * MODEL_GENRES;
        double norm = 0;
        for (int g = 0; g < films->genre_count; g++) {
            double value = (films->genres[i] >> g & 1) != 0 ? rarity[g] : 0;
            row[g] = (float)value;
            norm += value * value;
        }
        for (int g = 0; g < films->genre_count && norm > 0; g++) {
            row[g] = (float)((double)row[g] / sqrt(norm));
        }
    }
}

/* Worth to anybody: damped mean from 2 stars (0) to 5 (1), times the logarithm of popularity
 * relative to the most popular film's. */
static void make_prior(struct model *model)
{
    const struct ratings *ratings = &model->corpus.ratings;
    int32_t items = model->corpus.catalogue.count;
    double *sum = mem_zalloc((size_t)items + 1, sizeof *sum);
    double *count = mem_zalloc((size_t)items + 1, sizeof *count);
    for (int64_t i = 0; i < ratings->count; i++) {
        sum[ratings->item[i]] += 0.5 * ratings->half_stars[i];
        count[ratings->item[i]] += 1;
    }
    double most = items > 0 ? log1p((double)model->popularity[model->by_popularity[0]]) : 0;
    model->prior = mem_zalloc((size_t)items + 1, sizeof *model->prior);
    for (int32_t i = 0; i < items; i++) {
        double mean = (sum[i] + PRIOR_RIDGE * model->mean_stars) / (count[i] + PRIOR_RIDGE);
        double quality = fmin(fmax((mean - 2) / 3, 0), 1);
        model->prior[i] =
            most > 0 ? (float)(quality * log1p((double)model->popularity[i]) / most) : 0;
    }
    mem_free(sum);
    mem_free(count);
}

static void make_pool(struct model *model)
{
    int32_t items = model->corpus.catalogue.count;
    model->pool = order_by(model->prior, items);
    model->pool_count = items < MODEL_POOL_MAX ? items : MODEL_POOL_MAX;
    tiles_init(&model->pool_genre, model->genre, model->pool, model->pool_count, MODEL_GENRES);
}

/* ---- ranker ---- */

static void calibrate_ranker(struct model *model)
{
    const struct ratings *ratings = &model->corpus.ratings;
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    struct ranker_input *inputs = mem_array(SAMPLE_PEOPLE, sizeof *inputs);
    int count = 0;
    int32_t stride = ratings->users / SAMPLE_PEOPLE + 1;
    for (int32_t u = 0; u < ratings->users && scratch != NULL && count < SAMPLE_PEOPLE;
         u += stride) {
        if (ratings->start[u + 1] - ratings->start[u] >= SAMPLE_RATINGS) {
            inputs[count++] = *recommend_candidates(model, ratings->user_id[u], NULL, 0, scratch);
        }
    }
    ranker_calibrate(inputs, count, SAMPLE_LENGTH, model->claim, model->source_share);
    mem_free(inputs);
    recommend_scratch_free(scratch);
}

struct model *train_model(const struct train_config *config, struct corpus *corpus,
                          const struct model *former, train_progress *progress, void *context)
{
    struct report report = {progress, context, false};
    struct model *model = model_new();
    model->corpus = *corpus;
    memset(corpus, 0, sizeof *corpus);
    model->version = former != NULL ? former->version + 1 : 1;
    train_base(model, config, former, &report);
    if (!report.stopped) {
        fit_biases(model);
        model->by_popularity = order_by(model->popularity, model->corpus.catalogue.count);
        make_genres(model);
        make_prior(model);
        make_pool(model);
        calibrate_ranker(model);
        report_share(&report, 1);
    }
    if (report.stopped) {
        model_free(model);
        return NULL;
    }
    return model;
}
