/*
 * Two stages, each a sequence of small least-squares problems.
 *
 * Biases: b_u and b_i in turn, each a ridge mean of what the other leaves,
 *     b_i = sum (r - mu - b_u) / (lambda_i + n_i),   b_u = sum (r - mu - b_i) / (lambda_u + n_u).
 * Factors: on the residual e = r - mu - b_u - b_i,
 *     (sum q_i q_i' + factor_ridge n_u I) p_u = sum e q_i,   then the same for q_i.
 * A penalty in proportion to the row's ratings (ALS-WR) needs no tuning by activity: the factors of
 * a person with 20 ratings and of one with 2,000 shrink alike.
 *
 * The row matrices are summed and solved in double by a plain Cholesky: k is 16 or so, where the
 * call into a library costs as much as the work, and factor_ridge n keeps them well away from
 * singular. The biases stay as they are while the factors are fitted: a joint fit gains nothing
 * measurable on MovieLens and would mix popularity of opinion into the taste.
 *
 * Rows of one side depend only on the other side, so they are dealt to any thread and the result
 * does not depend on how many there are. Each lane has its own scratch.
 *
 * Rejected: stochastic gradient descent (reference RMSE .845 against .841 here on ml-latest-small,
 * but its result depends on the order of the rows and it does not split over threads).
 */
#include "numeric/biasmf.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PURPOSE_START = 0x424d4601 }; /* random stream of the starting item factors */

#define START_DEVIATION 0.1 /* of a starting item factor, in the root of stars */

/* Ridges of the biases: tuned on an inner split of ml-latest-small (reference: bias RMSE .858).
 * Factor ridge and sweeps: see tests/unit/movielens/test_learnability.c, RMSE by setting. */
struct biasmf_config biasmf_defaults(void)
{
    return (struct biasmf_config){
        .factors = 16,
        .bias_sweeps = 12,
        .user_ridge = 5,
        .item_ridge = 3,
        .factor_ridge = 0.15,
        .factor_sweeps = 12,
        .seed = 1,
    };
}

/* ---- biases ---- */

struct bias_job {
    const struct sparse *stars;
    double mean, ridge;
    const float *other;
    float *own;
};

static void bias_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct bias_job *job = context;
    const struct sparse *stars = job->stars;
    (void)lane;
    for (int64_t row = first; row < end; row++) {
        int64_t begin = stars->start[row], stop = stars->start[row + 1];
        double sum = 0;
        for (int64_t n = begin; n < stop; n++)
            sum += stars->value[n] - job->mean - job->other[stars->col[n]];
        job->own[row] = begin < stop ? (float)(sum / (job->ridge + (double)(stop - begin))) : 0;
    }
}

static double mean_value(const struct sparse *stars)
{
    double sum = 0;
    for (int64_t n = 0; n < stars->count; n++)
        sum += stars->value[n];
    return stars->count > 0 ? sum / (double)stars->count : 0;
}

static void fit_biases(const struct biasmf_config *config, const struct sparse *by_user,
                       const struct sparse *by_item, const struct parallel *parallel,
                       struct biasmf *model)
{
    struct bias_job items = {by_item, model->mean, config->item_ridge, model->user_bias,
                             model->item_bias};
    struct bias_job users = {by_user, model->mean, config->user_ridge, model->item_bias,
                             model->user_bias};
    for (int sweep = 0; sweep < config->bias_sweeps; sweep++) {
        parallel_for(parallel, items.stars->rows, 0, bias_rows, &items);
        parallel_for(parallel, users.stars->rows, 0, bias_rows, &users);
    }
}

/* ---- factors ---- */

struct factor_job {
    const struct sparse *stars;
    double mean, ridge;
    int k;
    const float *own_bias, *other_bias, *other;
    float *own;
    double *scratch; /* a lane: matrix [k x k], then right-hand side [k] */
};

static size_t scratch_cells(int k)
{
    return (size_t)k * (size_t)k + (size_t)k;
}

/* Solves A x = b in place (b becomes x) by Cholesky; only the lower triangle of A is read. A is
 * positive definite because the ridge is. */
static void solve_symmetric(double *a, double *b, int k)
{
    for (int i = 0; i < k; i++) {
        double *row = a + (size_t)i * (size_t)k;
        for (int j = 0; j <= i; j++) {
            const double *upper = a + (size_t)j * (size_t)k;
            double sum = row[j];
            for (int l = 0; l < j; l++)
                sum -= row[l] * upper[l];
            row[j] = i == j ? sqrt(sum) : sum / upper[j];
        }
        double sum = b[i];
        for (int l = 0; l < i; l++)
            sum -= row[l] * b[l];
        b[i] = sum / row[i];
    }
    for (int i = k - 1; i >= 0; i--) {
        b[i] /= a[(size_t)i * (size_t)k + (size_t)i];
        for (int l = 0; l < i; l++)
            b[l] -= a[(size_t)i * (size_t)k + (size_t)l] * b[i];
    }
}

static void add_rating(const float *y, double residual, int k, double *matrix, double *right)
{
    for (int i = 0; i < k; i++) {
        double *row = matrix + (size_t)i * (size_t)k;
        for (int j = 0; j <= i; j++)
            row[j] += (double)y[i] * (double)y[j];
        right[i] += residual * (double)y[i];
    }
}

static void solve_factor_row(const struct factor_job *job, int64_t row, double *matrix,
                             double *right)
{
    const struct sparse *stars = job->stars;
    int k = job->k;
    int64_t begin = stars->start[row], end = stars->start[row + 1];

    memset(matrix, 0, scratch_cells(k) * sizeof(double));
    for (int64_t n = begin; n < end; n++) {
        int32_t other = stars->col[n];
        double residual = stars->value[n] - job->mean - job->own_bias[row] - job->other_bias[other];
        add_rating(job->other + (size_t)other * (size_t)k, residual, k, matrix, right);
    }
    for (int i = 0; i < k; i++)
        matrix[(size_t)i * (size_t)k + (size_t)i] += job->ridge * (double)(end - begin);
    if (begin < end)
        solve_symmetric(matrix, right, k);
    for (int i = 0; i < k; i++)
        job->own[row * k + i] = (float)right[i];
}

static void factor_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct factor_job *job = context;
    double *matrix = job->scratch + lane * scratch_cells(job->k);
    double *right = matrix + (size_t)job->k * (size_t)job->k;
    for (int64_t row = first; row < end; row++)
        solve_factor_row(job, row, matrix, right);
}

static void start_factors(struct biasmf *model, uint64_t seed)
{
    for (int32_t item = 0; item < model->items; item++) {
        struct rng rng = rng_stream(seed, (uint64_t)item, PURPOSE_START);
        float *factor = model->item_factor + (size_t)item * (size_t)model->factors;
        for (int j = 0; j < model->factors; j++)
            factor[j] = (float)(START_DEVIATION * rng_normal(&rng));
    }
}

static void fit_factors(const struct biasmf_config *config, const struct sparse *by_user,
                        const struct sparse *by_item, const struct parallel *parallel,
                        struct biasmf *model)
{
    int k = config->factors;
    double *scratch = mem_array(parallel->threads * scratch_cells(k), sizeof *scratch);
    struct factor_job users = {
        by_user,          model->mean,        config->factor_ridge, k,      model->user_bias,
        model->item_bias, model->item_factor, model->user_factor,   scratch};
    struct factor_job items = {
        by_item,          model->mean,        config->factor_ridge, k,      model->item_bias,
        model->user_bias, model->user_factor, model->item_factor,   scratch};

    start_factors(model, config->seed);
    for (int sweep = 0; sweep < config->factor_sweeps; sweep++) {
        parallel_for(parallel, users.stars->rows, 0, factor_rows, &users);
        parallel_for(parallel, items.stars->rows, 0, factor_rows, &items);
    }
    mem_free(scratch);
}

/* ---- the whole ---- */

void biasmf_fit(const struct biasmf_config *config, const struct sparse *stars,
                const struct parallel *parallel, struct biasmf *out)
{
    size_t users = (size_t)stars->rows, items = (size_t)stars->cols, k = (size_t)config->factors;
    struct sparse by_item;

    assert(config->factors >= 0 && config->user_ridge > 0 && config->item_ridge > 0);
    assert(config->factors == 0 || config->factor_ridge > 0);
    *out = (struct biasmf){
        .users = stars->rows,
        .items = stars->cols,
        .factors = config->factors,
        .mean = mean_value(stars),
        .user_bias = mem_zalloc(users, sizeof(float)),
        .item_bias = mem_zalloc(items, sizeof(float)),
        .user_factor = mem_zalloc(users * k, sizeof(float)),
        .item_factor = mem_zalloc(items * k, sizeof(float)),
    };
    sparse_transpose(stars, &by_item);
    fit_biases(config, stars, &by_item, parallel, out);
    if (config->factors > 0)
        fit_factors(config, stars, &by_item, parallel, out);
    sparse_deinit(&by_item);
}

double biasmf_predict(const struct biasmf *model, int32_t user, int32_t item)
{
    const float *p = model->user_factor + (size_t)user * (size_t)model->factors;
    const float *q = model->item_factor + (size_t)item * (size_t)model->factors;
    double sum = model->mean + model->user_bias[user] + model->item_bias[item];
    for (int j = 0; j < model->factors; j++)
        sum += (double)p[j] * (double)q[j];
    return sum;
}

void biasmf_deinit(struct biasmf *model)
{
    mem_free(model->user_bias);
    mem_free(model->item_bias);
    mem_free(model->user_factor);
    mem_free(model->item_factor);
    memset(model, 0, sizeof *model);
}
