#include "numeric/sparse.h"
#include "random_sparse.h"

#include <criterion/criterion.h>

static float cell(const struct sparse *matrix, int32_t row, int32_t col)
{
    for (int64_t k = matrix->start[row]; k < matrix->start[row + 1]; k++)
        if (matrix->col[k] == col)
            return matrix->value[k];
    return 0;
}

Test(sparse, transpose_swaps_every_cell)
{
    struct sparse matrix = random_sparse(23, 17, 0.3, 1, 2, 5), transposed;
    sparse_transpose(&matrix, &transposed);
    cr_assert_eq(transposed.rows, 17);
    cr_assert_eq(transposed.cols, 23);
    cr_assert_eq(transposed.count, matrix.count);
    cr_assert_eq(transposed.start[17], matrix.count);
    for (int32_t row = 0; row < 23; row++)
        for (int32_t col = 0; col < 17; col++)
            cr_expect_eq(cell(&matrix, row, col), cell(&transposed, col, row), "%d %d", row, col);
    sparse_deinit(&transposed);
    sparse_deinit(&matrix);
}

Test(sparse, transpose_sorts_columns_and_keeps_unsorted_input_whole)
{
    struct sparse matrix, transposed, back;
    sparse_init(&matrix, 2, 4, 5);
    const int32_t col[] = {3, 0, 2, 3, 1};
    for (int k = 0; k < 5; k++) {
        matrix.col[k] = col[k];
        matrix.value[k] = (float)(k + 1);
    }
    matrix.start[1] = 3;
    matrix.start[2] = 5;
    sparse_transpose(&matrix, &transposed);
    sparse_transpose(&transposed, &back);
    const int32_t sorted_col[] = {0, 2, 3, 1, 3};
    const float sorted_value[] = {2, 3, 1, 5, 4};
    for (int k = 0; k < 5; k++) {
        cr_expect_eq(back.col[k], sorted_col[k], "column %d", k);
        cr_expect_eq(back.value[k], sorted_value[k], "value %d", k);
    }
    sparse_deinit(&back);
    sparse_deinit(&transposed);
    sparse_deinit(&matrix);
}

Test(sparse, empty_matrices_transpose)
{
    struct sparse matrix, transposed;
    sparse_init(&matrix, 3, 0, 0);
    sparse_transpose(&matrix, &transposed);
    cr_expect_eq(transposed.rows, 0);
    cr_expect_eq(transposed.cols, 3);
    cr_expect_eq(transposed.start[0], 0);
    sparse_deinit(&transposed);
    sparse_deinit(&matrix);
}
