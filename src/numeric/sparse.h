/* Compressed sparse rows of float values. Pure; constant after building. */
#ifndef NUMERIC_SPARSE_H
#define NUMERIC_SPARSE_H

#include <stdint.h>

struct sparse {
    int32_t rows, cols;
    int64_t count;
    int64_t *start; /* [rows + 1] */
    int32_t *col;   /* [count] */
    float *value;   /* [count] */
};

/* Allocates for the given sizes; start/col/value are the caller's to fill. */
void sparse_init(struct sparse *matrix, int32_t rows, int32_t cols, int64_t count);
void sparse_deinit(struct sparse *matrix);
/* *out is initialised here; columns inside a row come out rising. */
void sparse_transpose(const struct sparse *matrix, struct sparse *out);

#endif
