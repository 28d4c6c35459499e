/* Random sparse matrices for the numeric tests. */
#ifndef TEST_RANDOM_SPARSE_H
#define TEST_RANDOM_SPARSE_H

#include "base/rng.h"
#include "numeric/sparse.h"

/* Each cell is present with probability `density`; values are uniform in (low, high). */
static inline struct sparse random_sparse(int32_t rows, int32_t cols, double density, double low,
                                          double high, uint64_t seed)
{
    struct sparse matrix;
    struct rng rng = rng_stream(seed, 0, 1);
    sparse_init(&matrix, rows, cols, (int64_t)rows * cols);
    int64_t count = 0;
    for (int32_t row = 0; row < rows; row++) {
        for (int32_t col = 0; col < cols; col++) {
            if (rng_uniform(&rng) >= density)
                continue;
            matrix.col[count] = col;
            matrix.value[count++] = (float)(low + (high - low) * rng_uniform(&rng));
        }
        matrix.start[row + 1] = count;
    }
    matrix.count = count;
    return matrix;
}

#endif
