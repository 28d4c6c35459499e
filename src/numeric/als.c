/*
 * The problem: 20,000 people x 10,000 films with some millions of observations must be factorised
 * in seconds on two cores, with the same bits whatever the number of threads.
 *
 * What is minimised. An observed pair of weight w adds alpha w to the confidence and
 * (1 + alpha) w to the right-hand side, so a user's row solves
 *     (Y'Y + regularisation I + sum alpha w_i y_i y_i') x = sum (1 + alpha) w_i y_i,
 * the minimiser of sum C (P - x.y)^2 + regularisation |x|^2 with C = 1 + alpha w and
 * P = (1 + alpha) w / (1 + alpha w). Weight 1 is the case of Hu, Koren and Volinsky (P = 1), and
 * weight 0 is exactly "never observed" (C = 1, P = 0), with a smooth way in between.
 *
 * How. The k x k matrix of a row is never formed. A few conjugate gradient steps start from the
 * row's former solution; each needs one pass over the row's observations (a dot product and a
 * scaled addition of k floats) and one product with the Gram matrix Y'Y + regularisation I, which
 * all rows share. Three steps a half sweep lose nothing against exact solves after a few sweeps,
 * at 2 k (steps + 1) multiplications an observation instead of k^2 / 2 and a Cholesky a row.
 *
 * Speed. Without -ffast-math the compiler may not reorder a sum of floats, so a plain dot product
 * runs one addition at a time. Here the order is part of the program: eight partial sums, joined in
 * a fixed tree, spelt with the compilers' vector type because gcc 12 turns the same loops over
 * float[8] into scalar code once they are unrolled. The type is lowered to whatever the machine
 * has, with the same bits everywhere (see numeric/versions.h). The number of factors is a constant
 * for the usual sizes, which keeps a row's vectors in registers over all its observations.
 *
 * Threads. A row depends only on the other side's factors, so rows are dealt to any thread. The
 * Gram matrix is summed over blocks of fixed size, and the blocks are added in order.
 *
 * Rejected: BLAS calls (a row's vectors are too short for the call overhead, and results would
 * depend on the library installed) and -ffast-math (results would depend on the compiler's mood).
 */
#include "numeric/als.h"

#include "base/mem.h"
#include "base/rng.h"
#include "numeric/versions.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    LANES = 8,
    GRAM_BLOCK_ROWS = 512,
    SOLVE_CHUNK_ROWS = 16, /* small, for rows differ a thousandfold in length */
    FETCH_AHEAD = 8,       /* observations; 4 to 24 measured alike */
    CACHE_LINE_FLOATS = 16,
};

/* Standard deviation of a starting item factor, times sqrt(factors). The optimum spreads the length
 * evenly over both sides, and a start far from that costs sweeps: on ml-latest-small (32 factors,
 * alpha 1) the objective after 12 sweeps is lowest and flat between .03 and .1; with .001 or 1 it
 * is still 1 to 2 % higher. */
#define START_DEVIATION 0.05

/* A squared residual below this is noise of float arithmetic; dividing by it could only hurt. */
#define RESIDUAL_FLOOR 1e-20f

enum { PURPOSE_START = 0x414c5301 }; /* random stream of the starting item factors */

/* Eight floats, loaded from and stored to plain float arrays. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef float half_lanes __attribute__((vector_size(LANES / 2 * sizeof(float))));

INLINED const lanes *lanes_of(const float *a)
{
    return (const lanes *)a;
}

INLINED float dot(const float *a, const float *b, int k)
{
    lanes sum = lanes_of(a)[0] * lanes_of(b)[0];
    for (int j = 1; j < k / LANES; j++)
        sum += lanes_of(a)[j] * lanes_of(b)[j];
    half_lanes low = __builtin_shufflevector(sum, sum, 0, 1, 2, 3);
    low += __builtin_shufflevector(sum, sum, 4, 5, 6, 7);
    low += __builtin_shufflevector(low, low, 2, 3, 2, 3);
    return low[0] + low[1];
}

/* out += scale * a */
INLINED void add_scaled(float *out, float scale, const float *a, int k)
{
    for (int j = 0; j < k / LANES; j++)
        ((lanes *)out)[j] += scale * lanes_of(a)[j];
}

/* One row's observations and the factors they point at. */
struct observations {
    const float *factors;
    const int32_t *col;
    const float *weight;
    int64_t count;
};

/* The factors of the next observations are on their way while these are used: without
 * it a third of the time goes into waiting for the second- and third-level caches. */
INLINED void fetch_ahead(const struct observations *seen, int64_t n, int k)
{
    if (n + FETCH_AHEAD >= seen->count)
        return;
    const float *y = seen->factors + (size_t)seen->col[n + FETCH_AHEAD] * (size_t)k;
    for (int j = 0; j < k; j += CACHE_LINE_FLOATS)
        __builtin_prefetch(y + j);
}

/* out += sum of w (base + slope y.x) y over the observations: with (1 + alpha, -alpha) the
 * right-hand side less the observed part of the matrix times x, with (0, alpha) that part. */
INLINED void add_observed(const struct observations *seen, float base, float slope, const float *x,
                          float *out, int k)
{
    for (int64_t n = 0; n < seen->count; n++) {
        const float *y = seen->factors + (size_t)seen->col[n] * (size_t)k;
        fetch_ahead(seen, n, k);
        add_scaled(out, seen->weight[n] * (base + slope * dot(y, x, k)), y, k);
    }
}

/* Copies that the compiler sees nobody else write to, so that they live in registers. */
#define OBSERVED_CASE(k)                                                                           \
    case k: {                                                                                      \
        float point[k], sum[k];                                                                    \
        memcpy(point, x, sizeof point);                                                            \
        memcpy(sum, out, sizeof sum);                                                              \
        add_observed(seen, base, slope, point, sum, k);                                            \
        memcpy(out, sum, sizeof sum);                                                              \
        break;                                                                                     \
    }

VECTOR_VERSIONS
static void observed(const struct observations *seen, float base, float slope, const float *x,
                     float *out, int k)
{
    switch (k) {
        OBSERVED_CASE(8)
        OBSERVED_CASE(16)
        OBSERVED_CASE(32)
        OBSERVED_CASE(64)
    default:
        add_observed(seen, base, slope, x, out, k);
    }
}

/* out += sign * gram x; gram is symmetric, so its rows serve as columns. */
VECTOR_VERSIONS
static void add_gram_product(const float *gram, float sign, const float *x, float *out, int k)
{
    for (int j = 0; j < k; j++)
        add_scaled(out, sign * x[j], gram + (size_t)j * (size_t)k, k);
}

VECTOR_VERSIONS
static void add_outer_products(const float *factors, int64_t rows, int k, float *gram)
{
    for (int64_t row = 0; row < rows; row++) {
        const float *y = factors + row * k;
        for (int j = 0; j < k; j++)
            add_scaled(gram + (size_t)j * (size_t)k, y[j], y, k);
    }
}

/* Plain code outside the multiversioned functions: a few additions of k floats a step. */
static float dot_plain(const float *a, const float *b, int k)
{
    return dot(a, b, k);
}

static int any_weight(const float *weight, int64_t count)
{
    for (int64_t n = 0; n < count; n++)
        if (weight[n] != 0)
            return 1;
    return 0;
}

void als_solve_row(const struct als_config *config, const float *gram, const float *other_factors,
                   const int32_t *col, const float *weight, int64_t count, float *out)
{
    int k = config->factors;
    float residual[ALS_FACTORS_MAX], direction[ALS_FACTORS_MAX], product[ALS_FACTORS_MAX];
    struct observations seen = {other_factors, col, weight, count};
    size_t bytes = (size_t)k * sizeof(float);

    assert(k > 0 && k % LANES == 0 && k <= ALS_FACTORS_MAX);
    if (!any_weight(weight, count)) {
        memset(out, 0, bytes);
        return;
    }
    memset(residual, 0, bytes);
    add_gram_product(gram, -1, out, residual, k);
    observed(&seen, 1 + config->alpha, -config->alpha, out, residual, k);
    memcpy(direction, residual, bytes);
    float size = dot_plain(residual, residual, k);

    for (int step = 0; step < config->cg_steps && size > RESIDUAL_FLOOR; step++) {
        memset(product, 0, bytes);
        add_gram_product(gram, 1, direction, product, k);
        observed(&seen, 0, config->alpha, direction, product, k);
        float length = size / dot_plain(direction, product, k);
        add_scaled(out, length, direction, k);
        add_scaled(residual, -length, product, k);
        float next = dot_plain(residual, residual, k);
        float keep = next / size;
        for (int j = 0; j < k; j++)
            direction[j] = residual[j] + keep * direction[j];
        size = next;
    }
}

/* ---- Gram matrix ---- */

struct gram_job {
    const float *factors;
    int32_t rows;
    int k;
    float *partial; /* [blocks x k x k] */
};

static void gram_blocks(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct gram_job *job = context;
    (void)lane;
    for (int64_t block = first; block < end; block++) {
        int64_t row = block * GRAM_BLOCK_ROWS;
        int64_t rows = job->rows - row < GRAM_BLOCK_ROWS ? job->rows - row : GRAM_BLOCK_ROWS;
        add_outer_products(job->factors + row * job->k, rows, job->k,
                           job->partial + block * job->k * job->k);
    }
}

static void gram_matrix(const float *factors, int32_t rows, int k, float regularisation,
                        const struct parallel *parallel, float *gram)
{
    int64_t blocks = (rows + GRAM_BLOCK_ROWS - 1) / GRAM_BLOCK_ROWS;
    size_t cells = (size_t)k * (size_t)k;
    struct gram_job job = {factors, rows, k, mem_zalloc((size_t)blocks * cells, sizeof(float))};

    parallel_for(parallel, blocks, 1, gram_blocks, &job);
    memset(gram, 0, cells * sizeof(float));
    for (int64_t block = 0; block < blocks; block++)
        for (size_t cell = 0; cell < cells; cell++)
            gram[cell] += job.partial[(size_t)block * cells + cell];
    for (int j = 0; j < k; j++)
        gram[(size_t)j * (size_t)k + (size_t)j] += regularisation;
    mem_free(job.partial);
}

void als_gram(const float *factors, int32_t rows, int k, float regularisation, float *gram)
{
    struct parallel inline_only = {1};
    gram_matrix(factors, rows, k, regularisation, &inline_only, gram);
}

/* ---- training ---- */

struct half_sweep {
    const struct als_config *config;
    const struct sparse *weights; /* the rows being solved */
    const float *gram, *other;
    float *own;
};

static void solve_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct half_sweep *half = context;
    const struct sparse *weights = half->weights;
    (void)lane;
    for (int64_t row = first; row < end; row++) {
        int64_t begin = weights->start[row];
        als_solve_row(half->config, half->gram, half->other, weights->col + begin,
                      weights->value + begin, weights->start[row + 1] - begin,
                      half->own + row * half->config->factors);
    }
}

static void solve_side(const struct als_config *config, const struct sparse *weights,
                       const struct parallel *parallel, const float *other, float *own, float *gram)
{
    struct half_sweep half = {config, weights, gram, other, own};
    gram_matrix(other, weights->cols, config->factors, config->regularisation, parallel, gram);
    parallel_for(parallel, weights->rows, SOLVE_CHUNK_ROWS, solve_rows, &half);
}

static void start_factors(float *factors, int32_t rows, int k, uint64_t seed)
{
    double deviation = START_DEVIATION / sqrt(k);
    for (int32_t row = 0; row < rows; row++) {
        struct rng rng = rng_stream(seed, (uint64_t)row, PURPOSE_START);
        for (int j = 0; j < k; j++)
            factors[(size_t)row * (size_t)k + (size_t)j] = (float)(deviation * rng_normal(&rng));
    }
}

void als_train(const struct als_config *config, const struct sparse *weights,
               const struct sparse *weights_transposed, const struct parallel *parallel, int warm,
               float *user_factors, float *item_factors, als_progress *progress, void *context)
{
    int k = config->factors;
    assert(k > 0 && k % LANES == 0 && k <= ALS_FACTORS_MAX);
    assert(config->regularisation > 0 && config->alpha >= 0 && config->cg_steps > 0);
    assert(weights->rows == weights_transposed->cols && weights->cols == weights_transposed->rows);

    if (!warm) {
        memset(user_factors, 0, (size_t)weights->rows * (size_t)k * sizeof *user_factors);
        start_factors(item_factors, weights->cols, k, config->seed);
    }
    float *gram = mem_array((size_t)k * (size_t)k, sizeof *gram);
    for (int sweep = 0; sweep < config->sweeps; sweep++) {
        solve_side(config, weights, parallel, item_factors, user_factors, gram);
        solve_side(config, weights_transposed, parallel, user_factors, item_factors, gram);
        if (progress && !progress(context, sweep + 1, config->sweeps))
            break;
    }
    mem_free(gram);
}
