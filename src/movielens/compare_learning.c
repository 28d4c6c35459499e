/*
 * How well models learn the data, in the order in which they beat each other. Factors that win by a
 * tenth tell of people made too clean; factors that win nothing, of people without taste.
 *
 * Ratings: each tenth row in order of (person, film) is test (for ml-latest-small the rows i of the
 * file with i mod 10 = 9); predictions are clipped to the scale. Biases are the ridge biases of
 * numeric/biasmf. Factors are biased stochastic gradient descent and not biasmf, because the
 * published figures are: rank 20, 46 epochs, learning rate .02 falling by 2 % an epoch, penalty .10
 * on factors and .05 on biases, rows shuffled each epoch. "A quarter" trains on each fourth of the
 * training rows.
 *
 * Ranking: the last three films of each person are held out and ranked among all the person has not
 * rated, by implicit ALS, by popularity and by predicted rating; ties count half. Three, because
 * one film of each of 610 people makes a ratio of hit rates with an error of 20 %.
 */
#include "movielens/compare_int.h"

#include "base/mem.h"
#include "base/rng.h"
#include "numeric/als.h"
#include "numeric/biasmf.h"

#include <math.h>
#include <string.h>

#define TEST_EVERY 10
#define EPOCHS 46
#define RATE 0.02
#define RATE_KEEP 0.98
#define FACTOR_PENALTY 0.10
#define BIAS_PENALTY 0.05
#define START_SD 0.1

#define HELD 3
#define LIST 10
#define ALS_FACTORS 24
#define ALS_SWEEPS 10
#define RANKED_PEOPLE_MAX 2000 /* of more, every k-th */
#define RANKED_RATINGS_MIN 10

enum { SGD_START = 0x434d5011, SGD_ORDER };

/* ---- stochastic gradient descent ---- */

static void start_factors(double *factor, int32_t rows, uint64_t seed, uint64_t side)
{
    struct rng rng = rng_stream(seed, side, SGD_START);
    for (int64_t k = 0; k < (int64_t)rows * COMPARE_RANK; k++) {
        factor[k] = START_SD * rng_normal(&rng);
    }
}

static void learn(struct compare_sgd *model, int32_t user, int32_t item, double stars, double rate)
{
    double *p = model->user_factor + (int64_t)user * COMPARE_RANK;
    double *q = model->item_factor + (int64_t)item * COMPARE_RANK;
    double miss = stars - compare_sgd_predict(model, user, item);
    model->user_bias[user] += rate * (miss - BIAS_PENALTY * model->user_bias[user]);
    model->item_bias[item] += rate * (miss - BIAS_PENALTY * model->item_bias[item]);
    for (int d = 0; d < COMPARE_RANK; d++) {
        double before = p[d];
        p[d] += rate * (miss * q[d] - FACTOR_PENALTY * p[d]);
        q[d] += rate * (miss * before - FACTOR_PENALTY * q[d]);
    }
}

void compare_sgd_fit(const struct sparse *stars, uint64_t seed, struct compare_sgd *out)
{
    size_t users = (size_t)stars->rows, items = (size_t)stars->cols, rows = (size_t)stars->count;
    *out = (struct compare_sgd){
        .users = stars->rows,
        .items = stars->cols,
        .user_bias = mem_zalloc(users, sizeof(double)),
        .item_bias = mem_zalloc(items, sizeof(double)),
        .user_factor = mem_array(users * COMPARE_RANK, sizeof(double)),
        .item_factor = mem_array(items * COMPARE_RANK, sizeof(double)),
    };
    start_factors(out->user_factor, out->users, seed, 0);
    start_factors(out->item_factor, out->items, seed, 1);
    int32_t *user = mem_array(rows + 1, sizeof *user);
    int64_t *order = mem_array(rows + 1, sizeof *order);
    for (int32_t u = 0; u < stars->rows; u++) {
        for (int64_t i = stars->start[u]; i < stars->start[u + 1]; i++) {
            user[i] = u;
            order[i] = i;
            out->mean += (double)stars->value[i] / (double)rows;
        }
    }
    struct rng rng = rng_stream(seed, 0, SGD_ORDER);
    double rate = RATE;
    for (int epoch = 0; epoch < EPOCHS; epoch++, rate *= RATE_KEEP) {
        for (int64_t k = (int64_t)rows - 1; k > 0; k--) {
            int64_t other = (int64_t)(rng_uniform(&rng) * (double)(k + 1)), swap = order[k];
            order[k] = order[other];
            order[other] = swap;
        }
        for (size_t k = 0; k < rows; k++) {
            int64_t i = order[k];
            learn(out, user[i], stars->col[i], (double)stars->value[i], rate);
        }
    }
    mem_free(user);
    mem_free(order);
}

double compare_sgd_predict(const struct compare_sgd *model, int32_t user, int32_t item)
{
    const double *p = model->user_factor + (int64_t)user * COMPARE_RANK;
    const double *q = model->item_factor + (int64_t)item * COMPARE_RANK;
    double sum = model->mean + model->user_bias[user] + model->item_bias[item];
    for (int d = 0; d < COMPARE_RANK; d++) {
        sum += p[d] * q[d];
    }
    return sum;
}

void compare_sgd_deinit(struct compare_sgd *model)
{
    mem_free(model->user_bias);
    mem_free(model->item_bias);
    mem_free(model->user_factor);
    mem_free(model->item_factor);
    memset(model, 0, sizeof *model);
}

/* ---- prediction of ratings ---- */

static bool is_test(int64_t row)
{
    return row % TEST_EVERY == TEST_EVERY - 1;
}

/* Every `step`-th of the training rows. */
static void training_rows(const struct sparse *all, int step, struct sparse *out)
{
    int64_t count = 0, training = 0;
    sparse_init(out, all->rows, all->cols, all->count);
    for (int32_t u = 0; u < all->rows; u++) {
        out->start[u] = count;
        for (int64_t i = all->start[u]; i < all->start[u + 1]; i++) {
            if (!is_test(i) && training++ % step == 0) {
                out->col[count] = all->col[i];
                out->value[count++] = all->value[i];
            }
        }
    }
    out->start[all->rows] = count;
    out->count = count;
}

struct errors {
    double mean, bias, factors; /* RMSE */
};

static double missed(double guess, double stars)
{
    double miss = stars - fmin(5.0, fmax(0.5, guess));
    return miss * miss;
}

static struct errors errors_of(const struct compare_data *data, int step)
{
    const struct sparse *all = &data->stars;
    struct sparse train;
    struct biasmf bias;
    struct compare_sgd sgd;
    struct biasmf_config config = biasmf_defaults();
    struct errors sum = {0};
    double tests = 0;
    config.factors = 0;
    training_rows(all, step, &train);
    biasmf_fit(&config, &train, data->parallel, &bias);
    compare_sgd_fit(&train, 1, &sgd);
    for (int32_t u = 0; u < all->rows; u++) {
        for (int64_t i = all->start[u]; i < all->start[u + 1]; i++) {
            if (is_test(i)) {
                double stars = (double)all->value[i];
                sum.mean += missed(bias.mean, stars);
                sum.bias += missed(biasmf_predict(&bias, u, all->col[i]), stars);
                sum.factors += missed(compare_sgd_predict(&sgd, u, all->col[i]), stars);
                tests += 1;
            }
        }
    }
    compare_sgd_deinit(&sgd);
    biasmf_deinit(&bias);
    sparse_deinit(&train);
    return (struct errors){sqrt(sum.mean / tests), sqrt(sum.bias / tests),
                           sqrt(sum.factors / tests)};
}

static double unseen_share(const struct sparse *all)
{
    bool *seen = mem_zalloc((size_t)all->cols, sizeof *seen);
    double unseen = 0, tests = 0;
    for (int64_t i = 0; i < all->count; i++) {
        seen[all->col[i]] = seen[all->col[i]] || !is_test(i);
    }
    for (int64_t i = TEST_EVERY - 1; i < all->count; i += TEST_EVERY) {
        unseen += !seen[all->col[i]];
        tests += 1;
    }
    mem_free(seen);
    return unseen / tests;
}

void compare_learning(const struct compare_data *data, double *value)
{
    struct errors whole = errors_of(data, 1), quarter = errors_of(data, 4);
    value[COMPARE_BIAS_GAIN] = 1 - whole.bias / whole.mean;
    value[COMPARE_FACTOR_GAIN] = 1 - whole.factors / whole.bias;
    value[COMPARE_FACTOR_QUARTER] = 1 - quarter.factors / quarter.bias;
    value[COMPARE_UNSEEN_FILMS] = unseen_share(&data->stars);
}

/* ---- ranking ---- */

struct trial {
    const struct ratings *ratings;
    struct sparse seen, stars; /* without the held-out films; 1 and stars */
    float *x, *y;              /* ALS */
    double *count;             /* ratings of each film that are left */
    struct compare_sgd sgd;
    int32_t step;      /* every step-th person is looked at */
    double (*hits)[3]; /* [people] of ALS, popularity, predicted rating */
};

static void hold_out(struct trial *trial)
{
    const struct ratings *r = trial->ratings;
    int64_t kept = 0;
    sparse_init(&trial->seen, r->users, r->items, r->count);
    sparse_init(&trial->stars, r->users, r->items, r->count);
    trial->count = mem_zalloc((size_t)r->items, sizeof *trial->count);
    for (int32_t u = 0; u < r->users; u++) {
        int64_t end = r->start[u + 1];
        end -= end - r->start[u] >= RANKED_RATINGS_MIN ? HELD : 0;
        trial->seen.start[u] = trial->stars.start[u] = kept;
        for (int64_t i = r->start[u]; i < end; i++, kept++) {
            trial->seen.col[kept] = trial->stars.col[kept] = r->item[i];
            trial->seen.value[kept] = 1;
            trial->stars.value[kept] = 0.5F * (float)r->half_stars[i];
            trial->count[r->item[i]] += 1;
        }
    }
    trial->seen.start[r->users] = trial->stars.start[r->users] = kept;
    trial->seen.count = trial->stars.count = kept;
}

static void score_films(const struct trial *trial, int32_t user, int model, double *score)
{
    const float *x = trial->x + (int64_t)user * ALS_FACTORS;
    for (int32_t i = 0; i < trial->ratings->items; i++) {
        const float *y = trial->y + (int64_t)i * ALS_FACTORS;
        double sum = 0;
        for (int d = 0; model == 0 && d < ALS_FACTORS; d++) {
            sum += (double)(x[d] * y[d]);
        }
        score[i] = model == 0   ? sum
                   : model == 1 ? trial->count[i]
                                : compare_sgd_predict(&trial->sgd, user, i);
    }
}

static double hit(const double *score, const bool *seen, int32_t films, int32_t held)
{
    double above = 0;
    for (int32_t i = 0; i < films; i++) {
        if (!seen[i] && i != held) {
            above += score[i] > score[held] ? 1.0 : score[i] < score[held] ? 0.0 : 0.5;
        }
    }
    return above < LIST ? 1.0 : 0.0;
}

static void try_people(void *context, int64_t first, int64_t end, unsigned lane)
{
    struct trial *trial = context;
    const struct ratings *r = trial->ratings;
    double *score = mem_array((size_t)r->items, sizeof *score);
    bool *seen = mem_array((size_t)r->items, sizeof *seen);
    (void)lane;
    for (int64_t k = first; k < end; k++) {
        int32_t u = (int32_t)k * trial->step;
        memset(seen, 0, (size_t)r->items * sizeof *seen);
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            seen[r->item[i]] = true;
        }
        int64_t kept = trial->seen.start[u + 1] - trial->seen.start[u];
        for (int model = 0; model < 3; model++) {
            score_films(trial, u, model, score);
            for (int64_t i = r->start[u] + kept; i < r->start[u + 1]; i++) {
                trial->hits[k][model] += hit(score, seen, r->items, r->item[i]);
            }
        }
    }
    mem_free(score);
    mem_free(seen);
}

static void train_als(struct trial *trial, const struct parallel *parallel)
{
    const struct als_config config = {.factors = ALS_FACTORS,
                                      .sweeps = ALS_SWEEPS,
                                      .cg_steps = 3,
                                      .regularisation = 1.0F,
                                      .alpha = 1.0F,
                                      .seed = 3};
    struct sparse transposed;
    trial->x = mem_array((size_t)trial->seen.rows * ALS_FACTORS, sizeof *trial->x);
    trial->y = mem_array((size_t)trial->seen.cols * ALS_FACTORS, sizeof *trial->y);
    sparse_transpose(&trial->seen, &transposed);
    als_train(&config, &trial->seen, &transposed, parallel, 0, trial->x, trial->y, NULL, NULL);
    sparse_deinit(&transposed);
}

void compare_ranking(const struct compare_data *data, double *value)
{
    const struct ratings *r = data->ratings;
    struct trial trial = {.ratings = r, .step = (r->users - 1) / RANKED_PEOPLE_MAX + 1};
    int32_t people = (r->users - 1) / trial.step + 1;
    double hits[3] = {0}, trials = 0;
    hold_out(&trial);
    train_als(&trial, data->parallel);
    compare_sgd_fit(&trial.stars, 1, &trial.sgd);
    trial.hits = mem_zalloc((size_t)people, sizeof *trial.hits);
    parallel_for(data->parallel, people, 0, try_people, &trial);
    for (int32_t k = 0; k < people; k++) {
        int32_t u = k * trial.step;
        trials +=
            (double)(r->start[u + 1] - r->start[u] - trial.seen.start[u + 1] + trial.seen.start[u]);
        for (int model = 0; model < 3; model++) {
            hits[model] += trial.hits[k][model];
        }
    }
    value[COMPARE_RANKING] = hits[1] > 0 ? hits[0] / hits[1] : NAN;
    value[COMPARE_RATING_RANKING] = trials > 0 ? hits[2] / trials : NAN;
    mem_free(trial.hits);
    mem_free(trial.count);
    mem_free(trial.x);
    mem_free(trial.y);
    compare_sgd_deinit(&trial.sgd);
    sparse_deinit(&trial.seen);
    sparse_deinit(&trial.stars);
}
