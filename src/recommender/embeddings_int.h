/* Parts of reading embeddings, for embeddings*.c alone. */
#ifndef RECOMMENDER_EMBEDDINGS_INT_H
#define RECOMMENDER_EMBEDDINGS_INT_H

#include "recommender/embeddings.h"

#include <stdbool.h>
#include <stddef.h>

/* The rows of a file as they are read. */
struct embedding_rows {
    const char *path;
    struct faults *faults; /* of the file; the caller's */
    int64_t faults_left;
    size_t count, capacity;
    int dims;      /* 0 = not known yet */
    int32_t *id;   /* [count] */
    bool binary;   /* .npy */
    int64_t *line; /* [count], of the file, for messages; of a binary file the number of the row */
    float *number; /* [count x dims] */
};

/* Room for one more row of rows->dims numbers at the end; NULL when memory is exhausted. The row
 * counts once embedding_rows_keep is called. */
float *embedding_rows_next(struct embedding_rows *rows);
void embedding_rows_keep(struct embedding_rows *rows, int32_t id, int64_t line);
/* False when enough has been described and reading may stop. `line` 0 = none. */
bool embedding_rows_fault(struct embedding_rows *rows, int64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ERR_OK also when rows had faults; other codes are of the file as a whole. */
enum err embeddings_read_csv(struct embedding_rows *rows, struct error *error);
enum err embeddings_read_npy(struct embedding_rows *rows, struct error *error);

#define EMBEDDINGS_NPY_MAGIC "\x93NUMPY"
/* Larger numbers are no embedding, and their squares would overflow. */
#define EMBEDDINGS_NUMBER_MAX 1e15
#define EMBEDDINGS_NUMBER_RANGE "-1e15 to 1e15"

#endif
