/* Factorisations on four threads; a race is for the thread sanitizer to find, and the exit status
 * tells whether four threads gave other bits than one. */
#include "base/mem.h"
#include "base/rng.h"
#include "numeric/als.h"
#include "numeric/biasmf.h"
#include "numeric/svd.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 900, COLS = 400, FACTORS = 8 };

static struct sparse make_matrix(void)
{
    struct sparse matrix;
    struct rng rng = rng_stream(1, 0, 0);
    sparse_init(&matrix, ROWS, COLS, (int64_t)ROWS * COLS);
    matrix.count = 0;
    for (int32_t row = 0; row < ROWS; row++) {
        for (int32_t col = 0; col < COLS; col++) {
            if (rng_uniform(&rng) > .05)
                continue;
            matrix.col[matrix.count] = col;
            matrix.value[matrix.count++] = (float)rng_uniform(&rng);
        }
        matrix.start[row + 1] = matrix.count;
    }
    return matrix;
}

/* One number per method, the same for the same bits. */
struct outcome {
    uint64_t als, biasmf, svd;
};

static uint64_t digest(const void *bytes, size_t words)
{
    const char *at = bytes;
    uint64_t hash = 0;
    for (size_t n = 0; n < words; n++) {
        uint32_t word;
        memcpy(&word, at + n * sizeof word, sizeof word);
        hash = rng_mix(hash, word);
    }
    return hash;
}

static struct outcome run(const struct sparse *matrix, const struct sparse *transposed,
                          unsigned threads)
{
    struct parallel parallel = {threads};
    struct als_config als = {FACTORS, 2, 3, 1, 2, 5};
    struct biasmf_config rating = biasmf_defaults();
    struct biasmf model;
    struct outcome out;
    float *users = mem_array((size_t)ROWS * FACTORS, sizeof *users);
    float *items = mem_array((size_t)COLS * FACTORS, sizeof *items);
    double *left = mem_array((size_t)ROWS * 4, sizeof *left), singular[4];
    double *right = mem_array((size_t)COLS * 4, sizeof *right);

    als_train(&als, matrix, transposed, &parallel, 0, users, items, NULL, NULL);
    out.als = digest(users, (size_t)ROWS * FACTORS);
    rating.factor_sweeps = 2;
    biasmf_fit(&rating, matrix, &parallel, &model);
    out.biasmf = digest(model.user_factor, (size_t)ROWS * (size_t)model.factors);
    svd_truncated(matrix, transposed, 4, 2, 3, &parallel, left, singular, right);
    out.svd = digest(left, (size_t)ROWS * 4 * 2);

    biasmf_deinit(&model);
    mem_free(right);
    mem_free(left);
    mem_free(items);
    mem_free(users);
    return out;
}

int main(void)
{
    struct sparse matrix = make_matrix(), transposed;
    sparse_transpose(&matrix, &transposed);
    struct outcome one = run(&matrix, &transposed, 1), four = run(&matrix, &transposed, 4);
    int same = one.als == four.als && one.biasmf == four.biasmf && one.svd == four.svd;
    if (!same)
        fprintf(stderr, "race_numeric: four threads gave other bits than one\n");
    sparse_deinit(&transposed);
    sparse_deinit(&matrix);
    return same ? 0 : 1;
}
