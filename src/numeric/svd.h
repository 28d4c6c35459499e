/* Truncated singular value decomposition of a sparse matrix by randomised subspace iteration
 * (Halko, Martinsson, Tropp 2011). */
#ifndef NUMERIC_SVD_H
#define NUMERIC_SVD_H

#include "base/parallel.h"
#include "numeric/sparse.h"

#include <stdint.h>

/* left [rows x rank], singular [rank] falling, right [cols x rank], row-major doubles, the
 * caller's memory. iterations 4 to 8 are plenty. Signs: the largest entry of each right vector is
 * positive, so the result is reproducible. */
void svd_truncated(const struct sparse *matrix, const struct sparse *transposed, int rank,
                   int iterations, uint64_t seed, const struct parallel *parallel, double *left,
                   double *singular, double *right);

#endif
