/*
 * Vectors of films that the user brings, for instance of a text embedding service. Two formats,
 * told apart by the content:
 *
 * CSV   movie id and numbers, comma-separated, one film a line; a first line whose first field is
 *       no number is a header.
 * .npy  versions 1 to 3, little-endian float32 or float64, C order, a matrix [films x (1 + d)] with
 *       the id in the first column. numpy writes one by
 *           numpy.save("films.npy", numpy.column_stack([ids, vectors]))
 *
 * Vectors are brought to length 1, their mean is taken away (see the .c), and those of more than
 * EMBEDDINGS_DIMS_MAX dimensions are reduced to that many by a truncated singular value
 * decomposition, which keeps their inner products as well as any linear map can. Constant once
 * read; any thread may read.
 */
#ifndef RECOMMENDER_EMBEDDINGS_H
#define RECOMMENDER_EMBEDDINGS_H

#include "base/error.h"
#include "base/parallel.h"
#include "movielens/catalogue.h"

#include <stdint.h>

#define EMBEDDINGS_DIMS_MAX 64
#define EMBEDDINGS_FILE_DIMS_MAX 4096
#define EMBEDDINGS_FAULTS_MAX 20 /* described; reading stops there */

struct embeddings {
    int32_t count;
    int dims;      /* 1 to EMBEDDINGS_DIMS_MAX */
    int file_dims; /* of the file */
    int32_t *id;   /* [count], rising */
    float *vector; /* [count x dims], of length 1; 0 if the film's numbers are all 0 */
};

/* All faults, up to EMBEDDINGS_FAULTS_MAX, go to `faults` with file and line (.npy: row and byte);
 * any makes it ERR_INPUT, and `error` names the first. The result is the same for any number of
 * threads. */
enum err embeddings_read(const char *path, const struct parallel *parallel, struct embeddings *out,
                         struct faults *faults, struct error *error);
void embeddings_deinit(struct embeddings *embeddings);

/* Films of the catalogue with a vector; ERR_INPUT with a clear text when there are none. */
enum err embeddings_match(const struct embeddings *embeddings, const char *path,
                          const struct catalogue *catalogue, int32_t *matched, struct error *error);
/* Rows [films x dims] of the catalogue's films; zeros for a film without a vector. */
void embeddings_of_films(const struct embeddings *embeddings, const struct catalogue *catalogue,
                         float *vector);

#endif
