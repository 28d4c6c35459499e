/*
 * Choice taste, learned from who rated what; how high they rated is not looked at. The recipe:
 * truncated SVD of the degree-normalised binary matrix B_ui / sqrt(d_u d_i), first component
 * dropped because it is popularity (left in, everybody shares it, and people would hardly differ).
 * Films rated less than five times are shrunk, and the popularity-weighted mean is taken out, so
 * affinity says what somebody prefers *beyond* what everybody watches. Pure.
 */
#ifndef POPULATION_CHOICE_H
#define POPULATION_CHOICE_H

#include "base/parallel.h"
#include "movielens/ratings.h"

#include <stdint.h>

/* user_taste [users x TASTE_DIMS] gets unit vectors; film_taste [films x TASTE_DIMS] is scaled so
 * that user . film has standard deviation 1 over all users and, by popularity, over films.
 * film_count [films] holds the number of ratings of each film. */
void choice_fit(const struct ratings *ratings, const int32_t *film_count, uint64_t seed,
                const struct parallel *parallel, float *user_taste, float *film_taste);

#endif
