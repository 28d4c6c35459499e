/*
 * The problem: the leading singular triplets of a matrix of some 10,000 rows and columns with 1 %
 * of its cells filled, for which a dense decomposition needs gigabytes and far too long.
 *
 * The method (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1): a random block of
 * rank + OVERSAMPLING columns is multiplied by A and A' in turn and made orthonormal each time, so
 * that it turns towards the leading subspace by (sigma_l / sigma_rank)^2 an iteration. With Q
 * spanning the left one, Z = A'Q is decomposed instead of Q'A: Z = P R with P orthonormal and R
 * small and square, R = U S V' by GSL, hence A ~ Q Z' = (Q V) S (P U)'. Working on R instead of
 * Z'Z keeps small singular values, whose squares would drown in rounding.
 *
 * Blocks are row-major for the sparse products (one row of the block is a handful of cache lines)
 * and turned to column-major for Gram-Schmidt. Intermediate bases need only be well conditioned, so
 * they get one pass of modified Gram-Schmidt; the two that enter the result get two ("twice is
 * enough"). A column that vanishes against its own length (the matrix has a lower rank) becomes
 * zero and yields a zero singular value with zero vectors.
 *
 * The products split over rows, each row written by one thread in a fixed order, so the result does
 * not depend on the number of threads.
 *
 * Rejected: Lanczos bidiagonalisation (faster for one vector, but needs reorthogonalisation and
 * restarts to be trusted), Cholesky QR (breaks down on matrices of lower rank).
 */
#include "numeric/svd.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

enum {
    OVERSAMPLING = 16, /* further columns; 5 to 10 do for fast decay, tastes decay slowly */
    PURPOSE_START = 0x53564401, /* random stream of the starting block */
};

/* A column shorter than this share of its former length is rounding noise. */
#define VANISHED 1e-12

/* ---- sparse times block ---- */

struct product_job {
    const struct sparse *matrix;
    const double *in; /* [cols x width] */
    double *out;      /* [rows x width] */
    int width;
};

static void product_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct product_job *job = context;
    const struct sparse *matrix = job->matrix;
    int width = job->width;
    (void)lane;
    for (int64_t row = first; row < end; row++) {
        double *restrict out = job->out + row * width;
        memset(out, 0, (size_t)width * sizeof *out);
        for (int64_t n = matrix->start[row]; n < matrix->start[row + 1]; n++) {
            const double *in = job->in + (int64_t)matrix->col[n] * width;
            double value = matrix->value[n];
            for (int c = 0; c < width; c++)
                out[c] += value * in[c];
        }
    }
}

static void multiply(const struct sparse *matrix, const double *in, int width,
                     const struct parallel *parallel, double *out)
{
    struct product_job job = {matrix, in, out, width};
    parallel_for(parallel, matrix->rows, 0, product_rows, &job);
}

/* ---- orthonormal bases ---- */

/* Four partial sums in a fixed order, so that the compiler may use vectors. */
static double dot(const double *a, const double *b, int32_t count)
{
    double sum[4] = {0}, rest = 0;
    int32_t whole = count - count % 4;
    for (int32_t n = 0; n < whole; n += 4)
        for (int l = 0; l < 4; l++)
            sum[l] += a[n + l] * b[n + l];
    for (int32_t n = whole; n < count; n++)
        rest += a[n] * b[n];
    return ((sum[0] + sum[2]) + (sum[1] + sum[3])) + rest;
}

static void subtract_scaled(double *restrict out, double scale, const double *restrict a,
                            int32_t count)
{
    for (int32_t n = 0; n < count; n++)
        out[n] -= scale * a[n];
}

/* Gram-Schmidt on the columns; columns[c] starts at c * rows. With r (may be NULL, [width x width],
 * zeroed) the old columns are the new ones times r. */
static void orthonormalise(double *columns, int32_t rows, int width, int passes, double *r)
{
    for (int c = 0; c < width; c++) {
        double *own = columns + (int64_t)c * rows;
        double before = sqrt(dot(own, own, rows));
        for (int pass = 0; pass < passes; pass++) {
            for (int e = 0; e < c; e++) {
                const double *earlier = columns + (int64_t)e * rows;
                double share = dot(earlier, own, rows);
                subtract_scaled(own, share, earlier, rows);
                if (r)
                    r[e * width + c] += share;
            }
        }
        double length = sqrt(dot(own, own, rows));
        int vanished = length <= VANISHED * before;
        for (int32_t n = 0; n < rows; n++)
            own[n] = vanished ? 0 : own[n] / length;
        if (r)
            r[c * width + c] = vanished ? 0 : length;
    }
}

static void turn(const double *in, int32_t rows, int width, double *columns)
{
    for (int32_t row = 0; row < rows; row++)
        for (int c = 0; c < width; c++)
            columns[(int64_t)c * rows + row] = in[(int64_t)row * width + c];
}

static void turn_back(const double *columns, int32_t rows, int width, double *out)
{
    for (int32_t row = 0; row < rows; row++)
        for (int c = 0; c < width; c++)
            out[(int64_t)row * width + c] = columns[(int64_t)c * rows + row];
}

/* block [rows x width] becomes orthonormal; columns is scratch of the same size. */
static void orthonormalise_block(double *block, int32_t rows, int width, int passes, double *r,
                                 double *columns)
{
    turn(block, rows, width, columns);
    orthonormalise(columns, rows, width, passes, r);
    turn_back(columns, rows, width, block);
}

/* ---- the small decomposition and the result ---- */

/* basis [rows x width] times the leading `rank` columns of small. */
static void combine(const double *basis, int32_t rows, int width, const gsl_matrix *small, int rank,
                    double *out)
{
    for (int32_t row = 0; row < rows; row++) {
        double *restrict sum = out + (int64_t)row * rank;
        memset(sum, 0, (size_t)rank * sizeof *sum);
        for (int e = 0; e < width; e++) {
            const double *from = gsl_matrix_const_ptr(small, (size_t)e, 0);
            double scale = basis[(int64_t)row * width + e];
            for (int c = 0; c < rank; c++)
                sum[c] += scale * from[c];
        }
    }
}

/* Makes the largest entry of each right vector positive (the first one of equals). */
static void fix_signs(double *left, int32_t rows, double *right, int32_t cols, int rank)
{
    for (int c = 0; c < rank; c++) {
        double largest = 0;
        for (int32_t col = 0; col < cols; col++) {
            double entry = right[(int64_t)col * rank + c];
            if (fabs(entry) > fabs(largest))
                largest = entry;
        }
        if (largest >= 0)
            continue;
        for (int32_t row = 0; row < rows; row++)
            left[(int64_t)row * rank + c] *= -1;
        for (int32_t col = 0; col < cols; col++)
            right[(int64_t)col * rank + c] *= -1;
    }
}

static void start_block(double *block, int32_t rows, int width, uint64_t seed)
{
    for (int32_t row = 0; row < rows; row++) {
        struct rng rng = rng_stream(seed, (uint64_t)row, PURPOSE_START);
        for (int c = 0; c < width; c++)
            block[(int64_t)row * width + c] = rng_normal(&rng);
    }
}

struct bases {
    int width;
    double *left, *right; /* [rows x width], [cols x width] */
    double *columns;      /* scratch for the longer of both */
    double *r;            /* [width x width], of A'Q = P R */
};

static void find_bases(const struct sparse *matrix, const struct sparse *transposed, int iterations,
                       uint64_t seed, const struct parallel *parallel, struct bases *bases)
{
    int width = bases->width;
    start_block(bases->right, matrix->cols, width, seed);
    for (int n = 0; n <= iterations; n++) {
        int last = n == iterations;
        multiply(matrix, bases->right, width, parallel, bases->left);
        orthonormalise_block(bases->left, matrix->rows, width, last ? 2 : 1, NULL, bases->columns);
        multiply(transposed, bases->left, width, parallel, bases->right);
        orthonormalise_block(bases->right, matrix->cols, width, last ? 2 : 1,
                             last ? bases->r : NULL, bases->columns);
    }
}

void svd_truncated(const struct sparse *matrix, const struct sparse *transposed, int rank,
                   int iterations, uint64_t seed, const struct parallel *parallel, double *left,
                   double *singular, double *right)
{
    int32_t rows = matrix->rows, cols = matrix->cols;
    int32_t shorter = rows < cols ? rows : cols, longer = rows < cols ? cols : rows;
    assert(rank > 0 && rank <= shorter && iterations >= 0);
    assert(transposed->rows == cols && transposed->cols == rows);

    struct bases bases = {.width = rank + OVERSAMPLING < shorter ? rank + OVERSAMPLING : shorter};
    size_t width = (size_t)bases.width;
    bases.left = mem_array((size_t)rows * width, sizeof(double));
    bases.right = mem_array((size_t)cols * width, sizeof(double));
    bases.columns = mem_array((size_t)longer * width, sizeof(double));
    bases.r = mem_zalloc(width * width, sizeof(double));
    find_bases(matrix, transposed, iterations, seed, parallel, &bases);

    gsl_matrix_view u = gsl_matrix_view_array(bases.r, width, width);
    gsl_matrix *v = gsl_matrix_alloc(width, width);
    gsl_vector *s = gsl_vector_alloc(width);
    gsl_linalg_SV_decomp_jacobi(&u.matrix, v, s);
    for (int c = 0; c < rank; c++)
        singular[c] = gsl_vector_get(s, (size_t)c);
    combine(bases.left, rows, bases.width, v, rank, left);
    combine(bases.right, cols, bases.width, &u.matrix, rank, right);
    fix_signs(left, rows, right, cols, rank);

    gsl_vector_free(s);
    gsl_matrix_free(v);
    mem_free(bases.r);
    mem_free(bases.columns);
    mem_free(bases.right);
    mem_free(bases.left);
}
