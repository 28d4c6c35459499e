/* Content hash of a data set: equal for equal films (id, genre names) and ratings in any order. */
#ifndef MOVIELENS_FINGERPRINT_H
#define MOVIELENS_FINGERPRINT_H

#include "movielens/catalogue.h"
#include "movielens/ratings.h"

#include <stdint.h>

uint64_t fingerprint_of(const struct catalogue *catalogue, const struct ratings *ratings);

#endif
