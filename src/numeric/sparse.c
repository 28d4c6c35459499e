#include "numeric/sparse.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

void sparse_init(struct sparse *matrix, int32_t rows, int32_t cols, int64_t count)
{
    assert(rows >= 0 && cols >= 0 && count >= 0);
    matrix->rows = rows;
    matrix->cols = cols;
    matrix->count = count;
    matrix->start = mem_zalloc((size_t)rows + 1, sizeof *matrix->start);
    matrix->col = mem_array((size_t)count, sizeof *matrix->col);
    matrix->value = mem_array((size_t)count, sizeof *matrix->value);
}

void sparse_deinit(struct sparse *matrix)
{
    mem_free(matrix->start);
    mem_free(matrix->col);
    mem_free(matrix->value);
    memset(matrix, 0, sizeof *matrix);
}

/* A counting sort by column. It is stable, so the columns of the result (the rows walked here in
 * rising order) rise inside each of its rows, whatever the order inside the rows of `matrix`. */
void sparse_transpose(const struct sparse *matrix, struct sparse *out)
{
    sparse_init(out, matrix->cols, matrix->rows, matrix->count);
    for (int64_t k = 0; k < matrix->count; k++) {
        assert(matrix->col[k] >= 0 && matrix->col[k] < matrix->cols);
        out->start[matrix->col[k] + 1]++;
    }
    for (int32_t row = 0; row < out->rows; row++)
        out->start[row + 1] += out->start[row];

    int64_t *next = mem_array((size_t)out->rows, sizeof *next);
    for (int32_t row = 0; row < out->rows; row++)
        next[row] = out->start[row];
    for (int32_t row = 0; row < matrix->rows; row++) {
        for (int64_t k = matrix->start[row]; k < matrix->start[row + 1]; k++) {
            int64_t place = next[matrix->col[k]]++;
            out->col[place] = row;
            out->value[place] = matrix->value[k];
        }
    }
    mem_free(next);
}
