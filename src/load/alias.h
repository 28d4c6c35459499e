/*
 * Drawing one of n things with given weights in constant time: Walker's alias method with Vose's
 * construction. Constant after building; any thread may draw. Pure.
 */
#ifndef LOAD_ALIAS_H
#define LOAD_ALIAS_H

#include "base/rng.h"

#include <stdint.h>

struct alias {
    int32_t count;
    double *share;  /* [count] of each thing; sum 1 */
    double *keep;   /* [count] probability that column i gives i itself */
    int32_t *other; /* [count] what it gives else */
};

/* Weights are finite and not negative, and their sum is positive. Dies when memory is exhausted. */
void alias_init(struct alias *alias, const double *weight, int32_t count);
void alias_deinit(struct alias *alias);                         /* a zeroed one may be given */
int32_t alias_draw(const struct alias *alias, struct rng *rng); /* two draws of the stream */

#endif
