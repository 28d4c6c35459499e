#include "numeric/svd.h"

#include "base/mem.h"
#include "random_sparse.h"

#include <criterion/criterion.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

struct result {
    int32_t rows, cols;
    int rank;
    double *left, *singular, *right;
};

static struct result decompose(const struct sparse *matrix, int rank, int iterations,
                               unsigned threads)
{
    struct parallel parallel = {threads};
    struct sparse transposed;
    struct result out = {
        .rows = matrix->rows,
        .cols = matrix->cols,
        .rank = rank,
        .left = mem_array((size_t)matrix->rows * (size_t)rank, sizeof(double)),
        .singular = mem_array((size_t)rank, sizeof(double)),
        .right = mem_array((size_t)matrix->cols * (size_t)rank, sizeof(double)),
    };
    sparse_transpose(matrix, &transposed);
    svd_truncated(matrix, &transposed, rank, iterations, 7, &parallel, out.left, out.singular,
                  out.right);
    sparse_deinit(&transposed);
    return out;
}

static void result_deinit(struct result *result)
{
    mem_free(result->left);
    mem_free(result->singular);
    mem_free(result->right);
}

/* The longer side first, as gsl_linalg_SV_decomp wants it. */
static gsl_vector *dense_singular(const struct sparse *matrix)
{
    int tall = matrix->rows >= matrix->cols;
    size_t longer = (size_t)(tall ? matrix->rows : matrix->cols);
    size_t shorter = (size_t)(tall ? matrix->cols : matrix->rows);
    gsl_matrix *a = gsl_matrix_calloc(longer, shorter), *v = gsl_matrix_alloc(shorter, shorter);
    gsl_vector *s = gsl_vector_alloc(shorter), *work = gsl_vector_alloc(shorter);
    for (int32_t row = 0; row < matrix->rows; row++) {
        for (int64_t k = matrix->start[row]; k < matrix->start[row + 1]; k++) {
            size_t i = (size_t)row, j = (size_t)matrix->col[k];
            gsl_matrix_set(a, tall ? i : j, tall ? j : i, (double)matrix->value[k]);
        }
    }
    gsl_linalg_SV_decomp(a, v, s, work);
    gsl_vector_free(work);
    gsl_matrix_free(v);
    gsl_matrix_free(a);
    return s;
}

/* Largest entry of |A v_c - s_c u_c| over all c. */
static double triplet_error(const struct sparse *matrix, const struct result *r)
{
    double worst = 0;
    for (int c = 0; c < r->rank; c++) {
        for (int32_t row = 0; row < r->rows; row++) {
            double sum = -r->singular[c] * r->left[row * r->rank + c];
            for (int64_t k = matrix->start[row]; k < matrix->start[row + 1]; k++)
                sum += (double)matrix->value[k] * r->right[matrix->col[k] * r->rank + c];
            worst = fmax(worst, fabs(sum));
        }
    }
    return worst;
}

static double orthonormality_error(const double *block, int32_t rows, int rank)
{
    double worst = 0;
    for (int a = 0; a < rank; a++) {
        for (int b = 0; b <= a; b++) {
            double sum = a == b ? -1 : 0;
            for (int32_t row = 0; row < rows; row++)
                sum += block[row * rank + a] * block[row * rank + b];
            worst = fmax(worst, fabs(sum));
        }
    }
    return worst;
}

Test(svd, agrees_with_a_dense_decomposition)
{
    const struct {
        const char *name;
        int32_t rows, cols;
        double density;
        int rank, iterations;
    } row[] = {
        {"tall", 60, 25, .3, 6, 40},
        {"wide", 25, 60, .3, 6, 40},
        {"full rank asked", 20, 12, .6, 12, 4},
        {"one row", 1, 9, 1, 1, 2},
        {"dense square", 30, 30, 1, 5, 40},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct sparse matrix =
            random_sparse(row[i].rows, row[i].cols, row[i].density, -1, 2, 11 + i);
        struct result got = decompose(&matrix, row[i].rank, row[i].iterations, 1);
        gsl_vector *want = dense_singular(&matrix);
        for (int c = 0; c < got.rank; c++) {
            double reference = gsl_vector_get(want, (size_t)c);
            cr_expect(fabs(got.singular[c] - reference) < 1e-6 * gsl_vector_get(want, 0),
                      "%s: %d: %.9f, dense %.9f", row[i].name, c, got.singular[c], reference);
        }
        cr_expect_lt(triplet_error(&matrix, &got), 1e-4, "%s: %g", row[i].name,
                     triplet_error(&matrix, &got));
        cr_expect_lt(orthonormality_error(got.left, got.rows, got.rank), 1e-10, "%s", row[i].name);
        cr_expect_lt(orthonormality_error(got.right, got.cols, got.rank), 1e-10, "%s", row[i].name);
        gsl_vector_free(want);
        result_deinit(&got);
        sparse_deinit(&matrix);
    }
}

/* Constant blocks on disjoint rows (25 each) and columns (15 each), the c-th with the singular
 * value 10 ratio^c. */
static struct sparse planted(int blocks, double ratio)
{
    struct sparse matrix;
    sparse_init(&matrix, blocks * 25, blocks * 15, (int64_t)blocks * 25 * 15);
    int64_t count = 0;
    for (int32_t row = 0; row < matrix.rows; row++) {
        int block = row / 25;
        for (int c = 0; c < 15; c++) {
            matrix.col[count] = block * 15 + c;
            matrix.value[count++] = (float)(10 * pow(ratio, block) / sqrt(25 * 15));
        }
        matrix.start[row + 1] = count;
    }
    return matrix;
}

Test(svd, finds_planted_values_in_a_few_iterations)
{
    struct sparse matrix = planted(8, .5);
    struct result got = decompose(&matrix, 4, 4, 1);
    for (int c = 0; c < 4; c++) {
        cr_expect(fabs(got.singular[c] - 10 * pow(.5, c)) < 1e-5, "%d: %.9f", c, got.singular[c]);
        cr_expect(fabs(got.right[c * 15 * 4 + c] - 1 / sqrt(15)) < 1e-5, "%d", c);
    }
    result_deinit(&got);
    sparse_deinit(&matrix);
}

/* The columns of a random block times a matrix of fast decay nearly agree, so that one pass of
 * Gram-Schmidt would not do. */
Test(svd, vectors_are_orthonormal_whatever_the_decay)
{
    for (int iterations = 0; iterations <= 2; iterations++) {
        struct sparse matrix = planted(12, .1);
        struct result got = decompose(&matrix, 10, iterations, 1);
        double left = orthonormality_error(got.left, got.rows, got.rank);
        double right = orthonormality_error(got.right, got.cols, got.rank);
        cr_expect_lt(left, 1e-10, "%d iterations: %g", iterations, left);
        cr_expect_lt(right, 1e-10, "%d iterations: %g", iterations, right);
        result_deinit(&got);
        sparse_deinit(&matrix);
    }
}

Test(svd, lower_rank_than_asked_gives_zero_values)
{
    struct sparse matrix;
    sparse_init(&matrix, 40, 30, 40 * 30);
    for (int32_t row = 0; row < 40; row++) {
        for (int32_t col = 0; col < 30; col++) {
            int64_t k = row * 30 + col;
            matrix.col[k] = col;
            matrix.value[k] = (float)((row % 5) * (col % 3) + (row % 2));
        }
        matrix.start[row + 1] = (row + 1) * 30;
    }
    struct result got = decompose(&matrix, 5, 6, 1);
    cr_expect_gt(got.singular[1], 1);
    for (int c = 2; c < 5; c++)
        cr_expect_lt(got.singular[c], 1e-9, "%d: %g", c, got.singular[c]);
    for (int64_t k = 0; k < 40 * 5; k++)
        cr_assert(isfinite(got.left[k]));
    cr_expect_lt(triplet_error(&matrix, &got), 1e-9);
    result_deinit(&got);
    sparse_deinit(&matrix);
}

Test(svd, an_empty_matrix_gives_zeros)
{
    struct sparse matrix = random_sparse(10, 8, 0, 0, 1, 1);
    struct result got = decompose(&matrix, 3, 2, 1);
    for (int c = 0; c < 3; c++)
        cr_expect_eq(got.singular[c], 0, "%g", got.singular[c]);
    result_deinit(&got);
    sparse_deinit(&matrix);
}

Test(svd, largest_entry_of_a_right_vector_is_positive)
{
    struct sparse matrix = random_sparse(50, 40, .4, -1, 1, 3);
    struct result got = decompose(&matrix, 5, 6, 1);
    for (int c = 0; c < 5; c++) {
        double largest = 0;
        for (int32_t col = 0; col < 40; col++)
            if (fabs(got.right[col * 5 + c]) > fabs(largest))
                largest = got.right[col * 5 + c];
        cr_expect_gt(largest, 0, "vector %d", c);
    }
    result_deinit(&got);
    sparse_deinit(&matrix);
}

Test(svd, threads_do_not_change_a_bit)
{
    struct sparse matrix = random_sparse(700, 300, .05, -1, 1, 9);
    struct result one = decompose(&matrix, 6, 4, 1);
    for (unsigned threads = 2; threads <= 4; threads += 2) {
        struct result many = decompose(&matrix, 6, 4, threads);
        cr_expect_arr_eq(one.left, many.left, 700 * 6 * sizeof(double), "%u", threads);
        cr_expect_arr_eq(one.right, many.right, 300 * 6 * sizeof(double), "%u", threads);
        cr_expect_arr_eq(one.singular, many.singular, 6 * sizeof(double), "%u", threads);
        result_deinit(&many);
    }
    result_deinit(&one);
    sparse_deinit(&matrix);
}
